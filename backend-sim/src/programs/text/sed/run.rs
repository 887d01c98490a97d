//! A sed script carried out.

use super::parse::{Address, Command, Part, What};
use crate::programs::cmd::{Cmd, Exit};
use crate::programs::text::{inputs, lines};
use crate::sys::{Errno, OpenFlags};
use regex_lite::Regex;
use std::collections::BTreeMap;

/// Runs a script over files, joined unless each is changed in place.
pub(super) async fn run(cmd: &mut Cmd, commands: &[Command], operands: &[String], quiet: bool, in_place: Option<&str>) -> Exit {
    let mut status = 0;
    let mut texts = Vec::new();
    for path in inputs(operands) {
        match super::super::text(cmd, &path).await {
            Some(text) => texts.push((path, text)),
            None => status = 1,
        }
    }
    let mut written = BTreeMap::new();
    if let Some(suffix) = in_place {
        for (path, text) in texts {
            let mut sed = Sed::new(commands, &text, quiet);
            let (out, _) = sed.all(cmd, &mut written).await;
            if !suffix.is_empty() {
                cmd.sys.rename(&path, &format!("{path}{suffix}")).ok();
            }
            if let Err(error) = cmd.sys.write_file(&path, out.as_bytes()).await {
                return Err(cmd.fail_at(&path, error).await);
            }
        }
    } else {
        let mut text = String::new();
        for (_, part) in texts {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&part);
        }
        let (out, code) = Sed::new(commands, &text, quiet).all(cmd, &mut written).await;
        cmd.print(out).await?;
        status = status.max(code);
    }
    for (path, text) in written {
        if let Err(error) = write(cmd, &path, &text).await {
            return Err(cmd.fail_at(&path, error).await);
        }
    }
    Ok(status)
}

async fn write(cmd: &Cmd, path: &str, text: &str) -> Result<(), Errno> {
    let fd = cmd.sys.open(path, OpenFlags::REPLACE, 0o666).await?;
    let done = cmd.sys.write_all(fd, text.as_bytes()).await;
    cmd.sys.close(fd).ok();
    done
}

struct Sed<'a> {
    commands: &'a [Command],
    lines: Vec<&'a str>,
    ends_with_newline: bool,
    quiet: bool,
    /// Lines taken so far: the number of the current one.
    line: usize,
    /// Of each command with two addresses: the line at which it ends, if it is on.
    ranges: Vec<Option<Range>>,
    last_regex: Option<Regex>,
    out: String,
}

#[derive(Clone, Copy)]
enum Range {
    Until(usize),
    UntilMatch,
}

enum Next {
    Cycle,
    CycleWithoutRead,
    Quit(i32),
}

impl<'a> Sed<'a> {
    fn new(commands: &'a [Command], text: &'a str, quiet: bool) -> Self {
        Self {
            commands,
            lines: lines(text),
            ends_with_newline: text.is_empty() || text.ends_with('\n'),
            quiet,
            line: 0,
            ranges: vec![None; commands.len()],
            last_regex: None,
            out: String::new(),
        }
    }

    fn emit(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    async fn all(&mut self, cmd: &mut Cmd, written: &mut BTreeMap<String, String>) -> (String, i32) {
        let (mut space, mut hold) = (String::new(), String::new());
        let mut read = true;
        let mut code = 0;
        loop {
            if read {
                let Some(line) = self.lines.get(self.line) else { break };
                space = (*line).to_owned();
                self.line += 1;
            }
            let mut after = Vec::new();
            match self.cycle(cmd, &mut space, &mut hold, &mut after, written).await {
                Next::Cycle => read = true,
                Next::CycleWithoutRead => read = false,
                Next::Quit(status) => {
                    code = status;
                    self.line = self.lines.len();
                    read = true;
                }
            }
            for text in after {
                self.out.push_str(&text);
            }
        }
        let mut out = std::mem::take(&mut self.out);
        // A last line without a line feed stays so.
        if !self.ends_with_newline && out.ends_with('\n') {
            out.pop();
        }
        (out, code)
    }

    async fn cycle(
        &mut self,
        cmd: &mut Cmd,
        space: &mut String,
        hold: &mut String,
        after: &mut Vec<String>,
        written: &mut BTreeMap<String, String>,
    ) -> Next {
        let commands = self.commands;
        let mut changed = false;
        let mut at = 0;
        while let Some(command) = commands.get(at) {
            at += 1;
            if self.selects(at - 1, command, space) == command.negate {
                if let What::Block(end) = command.what {
                    at = end;
                }
                continue;
            }
            match &command.what {
                What::Block(_) | What::End | What::Label => {}
                What::Substitute { regex, with, global, nth, print, write } => {
                    let Some(regex) = regex.clone().or_else(|| self.last_regex.clone()) else { continue };
                    self.last_regex = Some(regex.clone());
                    if let Some(new) = substitute(&regex, space, with, *global, *nth) {
                        *space = new;
                        changed = true;
                        if *print {
                            self.emit(space);
                        }
                        if let Some(path) = write {
                            written.entry(path.clone()).or_default().push_str(&format!("{space}\n"));
                        }
                    }
                }
                What::Translate(map) => {
                    let to = |c: char| map.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to);
                    *space = space.chars().map(to).collect();
                }
                What::Print => self.emit(space),
                What::PrintFirst => self.emit(space.split('\n').next().unwrap_or_default()),
                What::Delete => return Next::Cycle,
                What::DeleteFirst => match space.split_once('\n') {
                    Some((_, rest)) => {
                        *space = rest.to_owned();
                        return Next::CycleWithoutRead;
                    }
                    None => return Next::Cycle,
                },
                What::Next | What::NextAppend => {
                    let Some(next) = self.lines.get(self.line).copied() else {
                        // POSIX: without a next line `n` ends the script; GNU and busybox print what there is, also for `N`.
                        self.end_of_cycle(space);
                        return Next::Quit(0);
                    };
                    self.line += 1;
                    if matches!(command.what, What::Next) {
                        self.end_of_cycle(space);
                        *space = next.to_owned();
                    } else {
                        space.push('\n');
                        space.push_str(next);
                    }
                }
                What::Get => space.clone_from(hold),
                What::GetAppend => {
                    space.push('\n');
                    space.push_str(hold);
                }
                What::Hold => hold.clone_from(space),
                What::HoldAppend => {
                    hold.push('\n');
                    hold.push_str(space);
                }
                What::Exchange => std::mem::swap(space, hold),
                What::Quit(code) => {
                    self.end_of_cycle(space);
                    return Next::Quit(*code);
                }
                What::Insert(text) => self.out.push_str(text),
                What::Append(text) => after.push(text.clone()),
                What::Change(text) => {
                    // Of a range, once, at its end.
                    if command.to.is_none() || command.negate || self.ranges[at - 1].is_none() {
                        self.out.push_str(text);
                    }
                    return Next::Cycle;
                }
                What::Number => {
                    let line = self.line.to_string();
                    self.emit(&line);
                }
                What::Read(path) => {
                    if let Ok(bytes) = cmd.sys.read_file(path).await {
                        after.push(String::from_utf8_lossy(&bytes).into_owned());
                    }
                }
                What::Write(path) => written.entry(path.clone()).or_default().push_str(&format!("{space}\n")),
                What::Branch(target) => at = target.unwrap_or(commands.len()),
                What::BranchIfChanged(target) => {
                    if std::mem::take(&mut changed) {
                        at = target.unwrap_or(commands.len());
                    }
                }
            }
        }
        self.end_of_cycle(space);
        Next::Cycle
    }

    fn end_of_cycle(&mut self, space: &str) {
        if !self.quiet {
            self.emit(space);
        }
    }

    fn selects(&mut self, index: usize, command: &Command, space: &str) -> bool {
        let Some(from) = &command.from else { return true };
        let Some(to) = &command.to else { return self.matches(from, space) };
        match self.ranges[index] {
            None => {
                if !self.matches(from, space) {
                    return false;
                }
                let range = match to {
                    Address::Line(line) => Range::Until(*line),
                    Address::Plus(count) => Range::Until(self.line + count),
                    Address::Last => Range::Until(self.lines.len()),
                    Address::Step(_, step) => Range::Until(self.line.next_multiple_of((*step).max(1))),
                    Address::Match(_) => Range::UntilMatch,
                };
                self.ranges[index] = match range {
                    Range::Until(end) if end <= self.line => None,
                    range => Some(range),
                };
                true
            }
            Some(Range::Until(end)) => {
                if self.line >= end {
                    self.ranges[index] = None;
                }
                true
            }
            Some(Range::UntilMatch) => {
                if self.matches(to, space) {
                    self.ranges[index] = None;
                }
                true
            }
        }
    }

    fn matches(&mut self, address: &Address, space: &str) -> bool {
        match address {
            Address::Line(line) => self.line == *line,
            Address::Last => self.line == self.lines.len(),
            Address::Step(first, step) => self.line >= *first && (self.line - first).is_multiple_of((*step).max(1)),
            Address::Plus(_) => false,
            Address::Match(regex) => {
                if regex.is_some() {
                    self.last_regex.clone_from(regex);
                }
                self.last_regex.as_ref().is_some_and(|regex| regex.is_match(space))
            }
        }
    }
}

fn substitute(regex: &Regex, space: &str, with: &[Part], global: bool, nth: usize) -> Option<String> {
    let mut out = String::new();
    let mut end = 0;
    let mut changed = false;
    for (i, captures) in regex.captures_iter(space).enumerate() {
        if i + 1 < nth {
            continue;
        }
        let Some(whole) = captures.get(0) else { continue };
        out.push_str(&space[end..whole.start()]);
        for part in with {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(n) => out.push_str(captures.get(*n).map_or("", |m| m.as_str())),
            }
        }
        end = whole.end();
        changed = true;
        if !global {
            break;
        }
    }
    out.push_str(&space[end..]);
    changed.then_some(out)
}
