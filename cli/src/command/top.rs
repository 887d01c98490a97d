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
    usage: "CONTAINER [ps OPTIONS]",
    arity: (1, None),
    stops: true,
    run,
    ..Definition::PLAIN
};

/// Least width of a column of docker's.
const WIDTH: usize = 20;

fn run(_: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let engine = session.engine()?;
    let Some((name, options)) = words.split_first() else { return Ok(1) };
    let table = engine.process_table(name, options)?;
    // A tab in an argument is no column.
    let line = |cells: &[String]| cells.iter().map(|c| c.replace('\t', " ")).collect::<Vec<_>>().join("\t");
    let lines: Vec<String> = std::iter::once(line(&table.titles)).chain(table.processes.iter().map(|p| line(p))).collect();
    for line in table::align_at_least(&lines, WIDTH).lines() {
        session.say(line)?;
    }
    Ok(0)
}
