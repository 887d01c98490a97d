//! `drydock doctor`: what should not be there, and what puts it right.

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::format::table;
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::engine::{Ailment, Checkup, Engine, Finding};
use drydock_core::{Error, ErrorKind, Result};
use serde_json::json;
use std::sync::Arc;

/// `doctor`
pub const DEFINITION: Definition = Definition {
    name: "doctor",
    group: "system",
    in_group: &["doctor"],
    about: "Find what should not be there, and put it right",
    usage: "[OPTIONS]",
    flags: Flags::augment_args,
    run,
    ..Definition::PLAIN
};

/// What it is asked for.
#[derive(Args)]
struct Flags {
    /// Put right what can be
    #[arg(long)]
    repair: bool,
    /// Do not read the content of images
    #[arg(long)]
    quick: bool,
    /// Format output: 'table' or 'json'
    #[arg(long, value_name = "string", default_value = "table", hide_default_value = true)]
    format: String,
}

/// The engine, with nothing recovered if that is what keeps it from opening.
fn engine(session: &mut Session<'_>) -> Result<(Arc<dyn Engine>, Option<Error>)> {
    match session.engine() {
        Err(e) if matches!(e.kind(), ErrorKind::Corrupt | ErrorKind::System | ErrorKind::NotFound) => {
            session.host.as_found = true;
            session.engine().map(|engine| (engine, Some(e)))
        }
        other => other.map(|engine| (engine, None)),
    }
}

/// The store itself cannot be opened: nothing else can be said.
fn of_store(error: &Error) -> Finding {
    Finding {
        ailment: Ailment::Damaged,
        thing: "store".to_owned(),
        subject: error.about().to_owned(),
        problem: format!("the records cannot be read: {error}"),
        remedy: "move the data root aside, and take the images in again".to_owned(),
        repaired: false,
    }
}

fn run(matches: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let flags = Flags::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    if !matches!(flags.format.as_str(), "table" | "json") {
        return Err(Failure::Flag(format!("invalid argument {:?} for \"--format\" flag: there are table and json", flags.format)));
    }
    let checkup = Checkup { repair: flags.repair, quick: flags.quick };
    let findings = match engine(session) {
        Ok((engine, refused)) => {
            let found = engine.doctor(checkup)?;
            match refused {
                // It did not open, and nothing was found that could be why.
                Some(error) if found.is_empty() => vec![of_store(&error)],
                _ => found,
            }
        }
        Err(error) if error.kind() == ErrorKind::Denied => return Err(error.into()),
        Err(error) => vec![of_store(&error)],
    };
    let left = findings.iter().filter(|f| !f.repaired).count();
    if flags.format == "json" {
        for finding in &findings {
            session.say(&json!(finding).to_string())?;
        }
    } else {
        table_of(&findings, flags.repair, session)?;
    }
    Ok(i32::from(left > 0))
}

fn table_of(findings: &[Finding], repair: bool, session: &mut Session<'_>) -> std::io::Result<()> {
    if findings.is_empty() {
        return session.say("nothing is wrong");
    }
    let mut lines = vec!["STATE\tTHING\tSUBJECT\tPROBLEM\tREMEDY".to_owned()];
    for f in findings {
        let state = match (f.repaired, f.ailment) {
            (true, _) => "repaired",
            (_, Ailment::Unowned) => "unowned",
            (_, Ailment::Missing) => "missing",
            (_, Ailment::Damaged) => "damaged",
            (_, Ailment::Untrue) => "untrue",
        };
        lines.push(format!("{state}\t{}\t{}\t{}\t{}", f.thing, f.subject, f.problem, f.remedy));
    }
    for line in table::align(&lines).lines() {
        session.say(line)?;
    }
    let left = findings.iter().filter(|f| !f.repaired).count();
    match (repair, left) {
        (true, 0) => session.say("all of it is repaired"),
        (true, _) => session.say(&format!("{left} left; the remedies say what to do")),
        (false, _) => session.say("drydock doctor --repair puts right what it can"),
    }
}
