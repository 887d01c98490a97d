//! `drydock top`

use super::Definition;
use crate::failure::Outcome;
use crate::format::table;
use crate::session::Session;
use clap::ArgMatches;

/// `top`
pub const DEFINITION: Definition = Definition {
    name: "top",
    group: "container",
    in_group: &["top"],
    about: "Display the running processes of a container",
    usage: "CONTAINER",
    arity: (1, Some(1)),
    run,
    ..Definition::PLAIN
};

/// Least width of a column of docker's.
const WIDTH: usize = 20;

fn run(_: &ArgMatches, names: &[String], session: &mut Session<'_>) -> Outcome {
    let engine = session.engine()?;
    let Some(name) = names.first() else { return Ok(1) };
    let mut lines = vec!["UID\tPID\tPPID\tCMD".to_owned()];
    lines.extend(
        engine.top(name)?.iter().map(|t| format!("{}\t{}\t{}\t{}", t.uid, t.pid, t.parent, t.command.join(" ").replace('\t', " "))),
    );
    for line in table::align_at_least(&lines, WIDTH).lines() {
        session.say(line)?;
    }
    Ok(0)
}
