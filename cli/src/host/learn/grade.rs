//! Grades: every hand-in is done again from its first command on, and its lab asked of what comes of it. Nothing that is in a
//! hand-in but the commands is believed.

use super::state::{Where, wrong};
use super::{find, linux, rust, shell, sim, written};
use drydock::history::{self, Entry};
use drydock::world::World;
use drydock_core::{Error, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// What came of a check.
#[derive(Serialize)]
struct Mark {
    check: String,
    passed: bool,
    found: String,
}

/// What came of a hand-in.
#[derive(Serialize)]
struct Grade {
    file: String,
    student: String,
    lab: String,
    passed: usize,
    checks: usize,
    commands: usize,
    /// What a teacher should look at; a hand-in that is refused has no marks.
    remark: String,
    marks: Vec<Mark>,
}

impl Grade {
    fn mark(&mut self, check: String, passed: bool, found: String) {
        self.passed += usize::from(passed);
        self.checks += 1;
        self.marks.push(Mark { check, passed, found });
    }

    /// Points out what somebody else has handed in already.
    fn compare(&mut self, work: &str, nothing: bool, seen: &mut BTreeMap<String, String>) {
        if nothing {
            return;
        }
        let key = format!("{} {work}", self.lab);
        if let Some(other) = seen.get(&key) {
            self.remark = format!("the same commands as {other}");
        }
        seen.entry(key).or_insert_with(|| self.file.clone());
    }

    fn done(&self) -> bool {
        self.checks > 0 && self.passed == self.checks
    }
}

/// Grades a directory.
///
/// What was typed on a real machine is typed once more where it is asked for: into a simulated host, or as root into this one.
pub(super) fn run(directory: &Path, format: &str, place: Where, out: &mut dyn Write) -> Result<i32> {
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect::<std::io::Result<Vec<_>>>())
        .map_err(|e| wrong("read", directory, e))?;
    files.retain(|path| path.extension().is_some_and(|e| e == "world" || e == "rs"));
    files.sort();
    let mut grades = Vec::new();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for path in &files {
        let text = std::fs::read_to_string(path).map_err(|e| wrong("read", path, e))?;
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let mut grade = Grade {
            file: name,
            student: String::new(),
            lab: String::new(),
            passed: 0,
            checks: 0,
            commands: 0,
            remark: String::new(),
            marks: Vec::new(),
        };
        let graded = match path.extension().is_some_and(|e| e == "rs") {
            true => written_in_rust(&text, &mut grade, &mut seen),
            false => one(&text, place, &mut grade, &mut seen),
        };
        if let Err(error) = graded {
            grade.remark = format!("refused: {error}");
        }
        grades.push(grade);
    }
    let text = match format {
        "csv" => csv(&grades),
        "json" => serde_json::to_string_pretty(&grades)? + "\n",
        "junit" => junit(&grades),
        other => return Err(Error::invalid(format!("unknown format \"{}\"", other.escape_debug())).hint("there are csv, json and junit")),
    };
    out.write_all(text.as_bytes()).map_err(written)?;
    Ok(0)
}

fn one(text: &str, place: Where, grade: &mut Grade, seen: &mut BTreeMap<String, String>) -> Result<()> {
    let (header, entries) = history::read(text, 0)?;
    let ticket = header.lab.ok_or_else(|| Error::invalid("it is no hand-in of a lab"))?;
    let typed = shell::is_typed(&ticket);
    (grade.student, grade.lab) = (ticket.student, ticket.lab);
    let lab = find(&grade.lab, &grade.student)?;
    if header.seed != lab.seed(&grade.student) {
        return Err(Error::invalid("its world is not this student's"));
    }
    if typed {
        let lines = shell::lines(&entries)?;
        grade.commands = lines.len();
        let verdicts = match place {
            Where::Sim => {
                let world = sim::typed(&lab, &grade.student, &lines)?;
                lab.check(&*world.engine())?.into_iter().map(|o| (o.check.predicate.to_string(), o.verdict)).collect()
            }
            Where::Linux => linux::typed(&lab, &lines)?,
        };
        for (check, verdict) in verdicts {
            grade.mark(check, verdict.holds, verdict.found);
        }
        grade.compare(&serde_json::to_string(&lines)?, lines.is_empty(), seen);
        return Ok(());
    }
    let (_, start) = sim::started(&lab, &grade.student)?;
    let Some(own) = entries.strip_prefix(start.as_slice()) else {
        return Err(Error::invalid("it does not begin as the lab does"));
    };
    grade.commands = own.len();
    let world = World::new(header.seed)?;
    for entry in &entries {
        world.replay(entry);
    }
    for outcome in lab.check(&*world.engine())? {
        grade.mark(outcome.check.predicate.to_string(), outcome.verdict.holds, outcome.verdict.found);
    }
    let commands: Vec<&Vec<String>> = own.iter().map(|entry: &Entry| &entry.args).collect();
    grade.compare(&serde_json::to_string(&commands)?, own.is_empty(), seen);
    Ok(())
}

/// A hand-in of a Rust lab, built and judged.
fn written_in_rust(text: &str, grade: &mut Grade, seen: &mut BTreeMap<String, String>) -> Result<()> {
    let graded = rust::grade(text)?;
    (grade.student, grade.lab) = (graded.student, graded.lab);
    for judged in graded.checks {
        grade.mark(judged.id.to_owned(), judged.holds, judged.reason);
    }
    // The first line has the student's name.
    let code: String = text.lines().skip(1).flat_map(str::split_whitespace).collect();
    grade.compare(&code, false, seen);
    Ok(())
}

/// A field as RFC 4180 has it. One that a spreadsheet would take for a formula is made text.
fn field(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn csv(grades: &[Grade]) -> String {
    let mut text = "student,lab,done,passed,checks,commands,file,remark\r\n".to_owned();
    for g in grades {
        let row = [
            field(&g.student),
            field(&g.lab),
            (if g.done() { "yes" } else { "no" }).to_owned(),
            g.passed.to_string(),
            g.checks.to_string(),
            g.commands.to_string(),
            field(&g.file),
            field(&g.remark),
        ];
        text.push_str(&row.join(","));
        text.push_str("\r\n");
    }
    text
}

fn escaped(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn junit(grades: &[Grade]) -> String {
    let failed = |g: &Grade| g.marks.iter().filter(|mark| !mark.passed).count();
    let refused = |g: &Grade| usize::from(g.checks == 0);
    let tests: usize = grades.iter().map(|g| g.checks + refused(g)).sum();
    let failures: usize = grades.iter().map(failed).sum();
    let errors: usize = grades.iter().map(refused).sum();
    let mut text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">\n");
    for g in grades {
        let (name, class) = (escaped(&format!("{} {}", g.lab, g.student)), escaped(&g.file));
        text.push_str(&format!(
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">\n",
            g.checks + refused(g),
            failed(g),
            refused(g)
        ));
        if g.checks == 0 {
            let remark = escaped(&g.remark);
            text.push_str(&format!("    <testcase classname=\"{class}\" name=\"hand-in\"><error message=\"{remark}\"/></testcase>\n"));
        }
        for mark in &g.marks {
            let check = escaped(&mark.check);
            text.push_str(&match mark.passed {
                true => format!("    <testcase classname=\"{class}\" name=\"{check}\"/>\n"),
                false => {
                    let found = escaped(&mark.found);
                    format!("    <testcase classname=\"{class}\" name=\"{check}\"><failure message=\"{found}\"/></testcase>\n")
                }
            });
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::{escaped, field};

    #[test]
    fn fields_and_texts_are_escaped() {
        assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(field("=1+1"), "'=1+1");
        assert_eq!(escaped("a<b & \"c\"\u{7}"), "a&lt;b &amp; &quot;c&quot;");
    }
}
