//! `drydock sim`: a terminal of a simulated host, in which Drydock and the host's own programs work together.
//!
//! Lines are read as the system's terminal edits them. With `--save FILE` the world is kept in the file as the history of what was typed,
//! and goes on from there the next time; where the file is a lab's, every line is followed by what it has brought about.

use super::Hosts;
use super::sim::{WorldFile, seed};
use drydock::history::Entry;
use drydock::native::Native;
use drydock::world::{Console, World};
use drydock_core::{Error, Result};
use drydock_lessons::lab::Lab;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

const USAGE: &str = "Usage:  drydock sim [--save FILE] [--seed NUMBER]\n        drydock --host sim:FILE sim [[--] PROGRAM [ARG...]]";

/// What was asked for.
struct Wanted {
    save: Option<String>,
    seed: u64,
}

/// Where what is typed goes to.
enum Place {
    File(Box<WorldFile>),
    Memory(World),
}

impl Place {
    fn world(&self) -> &World {
        match self {
            Self::File(file) => &file.world,
            Self::Memory(world) => world,
        }
    }
}

fn wanted(args: &[String]) -> Result<Option<Wanted>> {
    let mut wanted = Wanted { save: None, seed: seed()? };
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        if name == "--help" {
            return Ok(None);
        }
        let value = value.or_else(|| words.next().cloned()).ok_or_else(|| Error::invalid(format!("{name} needs a value")))?;
        match name {
            "--save" => wanted.save = Some(value),
            "--seed" => {
                wanted.seed = value.parse().map_err(|_| Error::invalid(format!("--seed is no number: {}", value.escape_debug())))?
            }
            other => return Err(Error::invalid(format!("unknown flag: {}", other.escape_debug())).hint("there are --save and --seed")),
        }
    }
    Ok(Some(wanted))
}

/// Reads lines and runs them until the end, or `exit`. Answers the exit code of the last one.
pub(super) fn run(args: &[String], file: Option<&str>) -> i32 {
    match wanted(args) {
        Ok(None) => {
            println!("{USAGE}");
            0
        }
        Ok(Some(wanted)) => serve(wanted, file).unwrap_or_else(|error| {
            eprintln!("drydock: {error}");
            error.exit_code_of_run()
        }),
        Err(error) => {
            eprintln!("drydock: {error}\n\n{USAGE}");
            125
        }
    }
}

fn serve(wanted: Wanted, file: Option<&str>) -> Result<i32> {
    let mut place = match file.or(wanted.save.as_deref()) {
        Some(path) => Place::File(Box::new(WorldFile::open_with(path, wanted.seed)?)),
        None => Place::Memory(World::new(wanted.seed)?),
    };
    let lab = lab_of(&place)?;
    let mut console = Console::default();
    let mut native = Native::new(Hosts);
    let talks = std::io::stdin().is_terminal();
    if talks {
        println!("A simulated host. Type drydock commands and those of its shell; exit leaves.");
    }
    let (mut code, mut before) = (0, 0);
    loop {
        if talks {
            print!("{} # ", console.directory());
            let _ = std::io::stdout().flush();
        }
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        if read.is_err() || line.is_empty() {
            return Ok(code);
        }
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("exit")
            && (rest.is_empty() || rest.starts_with(' '))
        {
            return Ok(rest.trim().parse().unwrap_or(code));
        }
        if line.is_empty() {
            continue;
        }
        let mut entries: Vec<Entry> = Vec::new();
        code = console.run(place.world(), line, &mut native, &mut |entry| entries.push(entry));
        if let Place::File(file) = &mut place {
            for entry in &entries {
                file.add(entry)?;
            }
        }
        if let (Some(lab), false) = (&lab, entries.is_empty()) {
            before = look(lab, place.world(), before)?;
        }
    }
}

fn lab_of(place: &Place) -> Result<Option<Lab>> {
    let Place::File(file) = place else { return Ok(None) };
    let Some(ticket) = &file.header.lab else { return Ok(None) };
    let mistake = |mistake| Error::invalid(format!("the lab {}: {mistake}", ticket.lab));
    drydock_lessons::find(&ticket.lab, &ticket.student).map_err(mistake)
}

/// Says how far a lab is, where that has changed.
fn look(lab: &Lab, world: &World, before: usize) -> Result<usize> {
    let outcomes = lab.check(&*world.engine())?;
    let done = outcomes.iter().filter(|outcome| outcome.verdict.holds).count();
    if done == before {
        return Ok(done);
    }
    match outcomes.iter().find(|outcome| !outcome.verdict.holds) {
        Some(open) => {
            let title = lab.steps.get(open.step).map(|step| step.title.as_str()).unwrap_or_default();
            println!("[lab: {done} of {}; next: {title}]", outcomes.len());
        }
        None => println!("[lab: done. {}]", lab.after.join(" ")),
    }
    Ok(done)
}
