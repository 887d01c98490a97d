//! `drydock learn shell`: a terminal for a lab on this machine. Every line is recorded as it was typed, before it is run: the record is what is
//! handed in, and it can be done again on any host.

use super::linux;
use super::state::{Current, Where, wrong};
use super::{find, written};
use drydock::history::{self, Entry, Header, Ticket};
use drydock_core::{Error, Result};
use drydock_lessons::lab::Lab;
use std::io::{BufRead as _, IsTerminal as _, Write};
use std::path::PathBuf;

/// What the entries of such a record begin with; the line follows.
const TYPED: [&str; 2] = ["learn", "shell"];
/// The host in the ticket of such a record.
const HOST: &str = "linux";

/// Whether a hand-in was typed on a real machine.
pub(super) fn is_typed(ticket: &Ticket) -> bool {
    ticket.host == HOST
}

/// The lines of a record.
pub(super) fn lines(entries: &[Entry]) -> Result<Vec<&str>> {
    let line = |entry: &'_ Entry| match entry.args.as_slice() {
        [first, second, _] if *first == TYPED[0] && *second == TYPED[1] => Ok(()),
        _ => Err(Error::invalid("it has a command that nobody typed on a real machine")),
    };
    entries.iter().map(|entry| line(entry).map(|()| entry.args.last().map(String::as_str).unwrap_or_default())).collect()
}

/// Where what is typed into a lab is recorded.
fn record_of(lab: &Lab) -> Result<PathBuf> {
    Ok(linux::root_of(lab)?.with_extension("linux.world"))
}

/// Begins a record anew.
pub(super) fn begin(lab: &Lab, student: &str) -> Result<PathBuf> {
    let ticket = Ticket { lab: lab.id.clone(), student: student.to_owned(), host: HOST.to_owned() };
    let header = Header { seed: lab.seed(student), lab: Some(ticket), ..Header::default() };
    let path = record_of(lab)?;
    std::fs::write(&path, history::line(&header)?).map_err(|e| wrong("write", &path, e))?;
    Ok(path)
}

/// Reads lines and runs them until the end, or `exit`. Answers the exit code of the last one.
pub(super) fn run(out: &mut dyn Write) -> Result<i32> {
    let current = Current::load()?;
    if current.place == Where::Sim {
        return Err(Error::invalid("the lab that is being done is not one on this machine")
            .hint("a simulated host's terminal: drydock sim --save FILE"));
    }
    let lab = find(&current.lab, &current.student)?;
    let (root, path) = (linux::root_of(&lab)?, record_of(&lab)?);
    let mut record = std::fs::File::options().append(true).open(&path).map_err(|e| wrong("open", &path, e))?;
    let talks = std::io::stdin().is_terminal();
    if talks {
        writeln!(out, "What you type is recorded in {}. exit leaves.", path.display()).map_err(written)?;
    }
    let (mut code, mut before) = (0, 0);
    loop {
        if talks {
            write!(out, "{} # ", lab.id).and_then(|()| out.flush()).map_err(written)?;
        }
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        let line = line.trim();
        if read.is_err() || matches!(read, Ok(0)) || line == "exit" {
            return Ok(code);
        }
        if line.is_empty() {
            continue;
        }
        let entry = Entry { args: TYPED.iter().map(|word| (*word).to_owned()).chain([line.to_owned()]).collect(), answers: Vec::new() };
        record.write_all(history::line(&entry)?.as_bytes()).map_err(|e| wrong("write", &path, e))?;
        out.flush().map_err(written)?;
        code = linux::show(&root, line)?;
        before = look(&lab, before, out)?;
    }
}

/// Says how far a lab is, where that has changed.
fn look(lab: &Lab, before: usize, out: &mut dyn Write) -> Result<usize> {
    let outcomes = lab.check(&*linux::open(&linux::root_of(lab)?)?)?;
    let done = outcomes.iter().filter(|outcome| outcome.verdict.holds).count();
    if done != before {
        let open = outcomes.iter().find(|outcome| !outcome.verdict.holds);
        let title = open.and_then(|open| lab.steps.get(open.step)).map(|step| step.title.as_str());
        match title {
            Some(title) => writeln!(out, "[lab: {done} of {}; next: {title}]", outcomes.len()),
            None => writeln!(out, "[lab: done. drydock learn check]"),
        }
        .map_err(written)?;
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_typed_is_read() {
        let entry = |args: &[&str]| Entry { args: args.iter().map(|a| (*a).to_owned()).collect(), answers: Vec::new() };
        assert_eq!(lines(&[entry(&["learn", "shell", "drydock ps"])]).unwrap(), ["drydock ps"]);
        assert!(lines(&[entry(&["run", "-d", "busybox"])]).is_err());
        assert!(lines(&[entry(&["learn", "shell"])]).is_err());
    }
}
