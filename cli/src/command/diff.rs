//! `drydock diff`

use super::Definition;
use crate::failure::Outcome;
use crate::session::Session;
use clap::ArgMatches;

/// `diff`
pub const DEFINITION: Definition = Definition {
    name: "diff",
    group: "container",
    in_group: &["diff"],
    about: "Inspect changes to files or directories on a container's filesystem",
    usage: "CONTAINER",
    arity: (1, Some(1)),
    run,
    ..Definition::PLAIN
};

fn run(_: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let Some(container) = words.first() else { return Ok(1) };
    let changes = session.engine()?.diff(container)?;
    for change in changes {
        session.say(&format!("{} {}", change.kind.letter(), change.path))?;
    }
    Ok(0)
}
