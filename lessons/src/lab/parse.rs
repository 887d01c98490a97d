//! A lab's file: a head, then parts that begin with `==`, in which the first character of a line says what the line is.
//!
//! ```text
//! title   One process, two numbers
//! chapter A1
//! page    process.md
//! minutes 5
//! vary    name = web shop blog news
//!
//! == goal
//! : Make a container called {name} that keeps running.
//! == start
//! $ drydock tag busybox {name}:1
//! == step Run it
//! : It needs a program that does not end at once.
//! = container {name} is running
//! ? A container lives as long as its first process.
//! ? drydock run -d --name {name} busybox sleep 1000
//! == slip It ends at once
//! $ drydock run -d --name {name} busybox true
//! == solution
//! $ drydock run -d --name {name} busybox sleep 1000
//! == break stop: Somebody stops it
//! : …
//! $ drydock stop -t 0 {name}
//! = container {name} is exited
//! == repair stop
//! : …
//! $ drydock start {name}
//! == after
//! : …
//! ```
//!
//! `:` is a sentence, `$` a command line, `=` a predicate, `?` a hint for the predicate above it, `#` a remark of the author's. What a slip does is what
//! somebody may do who is wrong: it leaves the lab open, and shows that the hint for it is found.

use super::{Break, Check, Lab, Mistake, Slip, Step, vary};
use crate::predicate::Predicate;

/// Where the lines go.
enum Part {
    Head,
    Goal,
    Start,
    Step,
    Slip,
    Solution,
    Break,
    Repair(usize),
    After,
}

struct Reader<'a> {
    lab: Lab,
    student: &'a str,
    part: Part,
}

pub(super) fn lab(id: &str, text: &str, student: &str) -> Result<Lab, Mistake> {
    let empty = Lab {
        id: id.to_owned(),
        chapter: String::new(),
        title: String::new(),
        page: String::new(),
        minutes: 0,
        goal: Vec::new(),
        start: Vec::new(),
        steps: Vec::new(),
        slips: Vec::new(),
        solution: Vec::new(),
        breaks: Vec::new(),
        after: Vec::new(),
        chosen: Vec::new(),
    };
    let mut reader = Reader { lab: empty, student, part: Part::Head };
    let mut last = 0;
    for (number, line) in text.lines().enumerate() {
        last = number + 1;
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        reader.line(line).map_err(|what| Mistake { line: last, what })?;
    }
    reader.whole().map_err(|what| Mistake { line: last, what })?;
    Ok(reader.lab)
}

impl Reader<'_> {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(head) = line.strip_prefix("==") {
            let head = vary::fill(head.trim(), &self.lab.chosen);
            return self.begin(&head);
        }
        if matches!(self.part, Part::Head) {
            return self.head(line);
        }
        let (mark, rest) = match line.split_once(' ') {
            Some((mark, rest)) => (mark, rest.trim()),
            None => (line, ""),
        };
        if rest.is_empty() {
            return Err(format!("nothing follows '{mark}'"));
        }
        let rest = vary::fill(rest, &self.lab.chosen);
        match mark {
            ":" => self.sentence(rest),
            "$" => self.command(rest),
            "=" => self.predicate(&rest),
            "?" => self.hint(rest),
            _ => Err(format!("'{mark}' is none of the marks ':', '$', '=', '?' and '#'")),
        }
    }

    fn head(&mut self, line: &str) -> Result<(), String> {
        let (key, value) = line.split_once(' ').map(|(k, v)| (k, v.trim())).ok_or_else(|| format!("'{line}' has no value"))?;
        match key {
            "title" => self.lab.title = value.to_owned(),
            "chapter" => self.lab.chapter = value.to_owned(),
            "page" => self.lab.page = value.to_owned(),
            "minutes" => self.lab.minutes = value.parse().map_err(|_| format!("'{value}' is no number of minutes"))?,
            "vary" => {
                let (name, values) = value.split_once('=').ok_or_else(|| format!("'{value}' is not 'KEY = VALUE VALUE…'"))?;
                let (name, values) = (name.trim(), values.split_whitespace().collect::<Vec<_>>());
                if values.is_empty() || name.is_empty() || self.lab.chosen.iter().any(|(key, _)| key == name) {
                    return Err(format!("'{name}' has no values, or has them already"));
                }
                let value = vary::choose(&self.lab.id, self.student, name, &values).to_owned();
                self.lab.chosen.push((name.to_owned(), value));
            }
            _ => return Err(format!("'{key}' is none of title, chapter, page, minutes and vary")),
        }
        Ok(())
    }

    fn begin(&mut self, head: &str) -> Result<(), String> {
        let (word, rest) = head.split_once(' ').map_or((head, ""), |(w, r)| (w, r.trim()));
        let once = |there: bool| if there { Err(format!("there is a part '{word}' already")) } else { Ok(()) };
        self.part = match word {
            "goal" => once(!self.lab.goal.is_empty()).map(|()| Part::Goal)?,
            "start" => once(!self.lab.start.is_empty()).map(|()| Part::Start)?,
            "solution" => once(!self.lab.solution.is_empty()).map(|()| Part::Solution)?,
            "after" => once(!self.lab.after.is_empty()).map(|()| Part::After)?,
            "step" if !rest.is_empty() => {
                self.lab.steps.push(Step { title: rest.to_owned(), text: Vec::new(), checks: Vec::new() });
                Part::Step
            }
            "slip" if !rest.is_empty() => {
                self.lab.slips.push(Slip { title: rest.to_owned(), commands: Vec::new() });
                Part::Slip
            }
            "break" => {
                let (name, title) = rest.split_once(':').ok_or("a break is written '== break NAME: TITLE'")?;
                let name = name.trim();
                if self.lab.breaks.iter().any(|b| b.name == name) {
                    return Err(format!("there is a break '{name}' already"));
                }
                self.lab.breaks.push(Break {
                    name: name.to_owned(),
                    title: title.trim().to_owned(),
                    text: Vec::new(),
                    commands: Vec::new(),
                    shows: Vec::new(),
                    repair_text: Vec::new(),
                    repair: Vec::new(),
                });
                Part::Break
            }
            "repair" => {
                let at = self.lab.breaks.iter().position(|b| b.name == rest);
                Part::Repair(at.ok_or_else(|| format!("there is no break '{rest}' to repair"))?)
            }
            _ => {
                return Err(format!(
                    "'{head}' is none of goal, start, step TITLE, slip TITLE, solution, break NAME: TITLE, repair NAME and after"
                ));
            }
        };
        Ok(())
    }

    fn sentence(&mut self, text: String) -> Result<(), String> {
        let lab = &mut self.lab;
        let into = match &self.part {
            Part::Goal => Some(&mut lab.goal),
            Part::After => Some(&mut lab.after),
            Part::Step => lab.steps.last_mut().map(|step| &mut step.text),
            Part::Break => lab.breaks.last_mut().map(|b| &mut b.text),
            Part::Repair(at) => lab.breaks.get_mut(*at).map(|b| &mut b.repair_text),
            Part::Head | Part::Start | Part::Slip | Part::Solution => None,
        };
        into.ok_or("this part has no sentences, only command lines")?.push(text);
        Ok(())
    }

    fn command(&mut self, text: String) -> Result<(), String> {
        let lab = &mut self.lab;
        let into = match &self.part {
            Part::Start => Some(&mut lab.start),
            Part::Slip => lab.slips.last_mut().map(|slip| &mut slip.commands),
            Part::Solution => Some(&mut lab.solution),
            Part::Break => lab.breaks.last_mut().map(|b| &mut b.commands),
            Part::Repair(at) => lab.breaks.get_mut(*at).map(|b| &mut b.repair),
            Part::Head | Part::Goal | Part::Step | Part::After => None,
        };
        into.ok_or("this part has no command lines")?.push(text);
        Ok(())
    }

    fn predicate(&mut self, text: &str) -> Result<(), String> {
        let predicate = Predicate::parse(text)?;
        match (&self.part, self.lab.steps.last_mut(), self.lab.breaks.last_mut()) {
            (Part::Step, Some(step), _) => step.checks.push(Check { predicate, hints: Vec::new() }),
            (Part::Break, _, Some(broken)) => broken.shows.push(predicate),
            _ => return Err("predicates stand in steps and breaks".to_owned()),
        }
        Ok(())
    }

    fn hint(&mut self, text: String) -> Result<(), String> {
        let check = match self.part {
            Part::Step => self.lab.steps.last_mut().and_then(|step| step.checks.last_mut()),
            _ => None,
        };
        check.ok_or("a hint stands below a step's predicate")?.hints.push(text);
        Ok(())
    }

    /// What every lab must have.
    fn whole(&self) -> Result<(), String> {
        let lab = &self.lab;
        let missing = [
            ("a title", lab.title.is_empty()),
            ("a chapter", lab.chapter.is_empty()),
            ("a page", lab.page.is_empty()),
            ("minutes", lab.minutes == 0),
            ("a goal", lab.goal.is_empty()),
            ("a step", lab.steps.is_empty()),
            ("a solution", lab.solution.is_empty()),
            ("a break", lab.breaks.is_empty()),
            ("an after", lab.after.is_empty()),
        ];
        if let Some((what, _)) = missing.iter().find(|(_, missing)| *missing) {
            return Err(format!("the lab has not got {what}"));
        }
        if let Some(step) = lab.steps.iter().find(|step| step.text.is_empty() || step.checks.is_empty()) {
            return Err(format!("the step '{}' says nothing or checks nothing", step.title));
        }
        if let Some((_, check)) = lab.checks().find(|(_, check)| check.hints.is_empty()) {
            return Err(format!("'{}' has no hint", check.predicate));
        }
        let half = |b: &&Break| b.text.is_empty() || b.commands.is_empty() || b.repair.is_empty() || b.repair_text.is_empty();
        if let Some(broken) = lab.breaks.iter().find(half) {
            return Err(format!("the break '{}' has no text, command or repair", broken.name));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "\
title T
chapter A1
page p.md
minutes 5
vary name = web shop
# a remark
== goal
: Make {name}.
== start
$ true
== step One
: Do it.
= container {name} is running
? A hint about {name} and '{{.Names}}'.
== solution
$ drydock run -d --name {name} busybox sleep 9
== break stop: It stops
: Look.
$ drydock stop {name}
= not container {name} is running
== repair stop
: Start it.
$ drydock start {name}
== after
: That was it.
";

    #[test]
    fn a_whole_lab_is_read() {
        let read = lab("x", WHOLE, "").unwrap();
        assert_eq!(read.goal, ["Make web."]);
        assert_eq!(read.steps[0].checks[0].predicate.to_string(), "container web is running");
        assert_eq!(read.steps[0].checks[0].hints, ["A hint about web and '{{.Names}}'."]);
        assert_eq!(read.breaks[0].repair, ["drydock start web"]);
        assert_eq!(read.chosen, [("name".to_owned(), "web".to_owned())]);
        let other = (0..9).map(|n| lab("x", WHOLE, &format!("s{n}")).unwrap().chosen).any(|c| c[0].1 == "shop");
        assert!(other, "somebody gets the other name");
    }

    #[test]
    fn mistakes_have_their_line() {
        for (from, to, line, what) in [
            ("title T", "titel T", 1, "'titel' is none of title"),
            ("minutes 5", "minutes few", 4, "'few' is no number of minutes"),
            ("vary name = web shop", "vary name =", 5, "'name' has no values"),
            ("== goal", "== gaol", 7, "'gaol' is none of goal"),
            (": Make {name}.", ":", 8, "nothing follows ':'"),
            ("$ true", ": true", 10, "this part has no sentences"),
            (": Do it.", "$ drydock ps", 12, "this part has no command lines"),
            ("is running\n?", "is up\n?", 13, "'up' is no status"),
            ("? A hint", "! A hint", 14, "'!' is none of the marks"),
            ("? A hint about {name} and '{{.Names}}'.\n", "", 24, "'container web is running' has no hint"),
            ("== repair stop", "== repair start", 21, "there is no break 'start' to repair"),
            ("== after\n: That was it.\n", "", 23, "the lab has not got an after"),
        ] {
            assert!(WHOLE.contains(from), "{from}");
            let mistake = lab("x", &WHOLE.replacen(from, to, 1), "").expect_err(to);
            assert!(mistake.line == line && mistake.what.contains(what), "{to}: {mistake}");
        }
    }
}
