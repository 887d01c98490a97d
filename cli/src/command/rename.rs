//! `drydock rename`

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::ArgMatches;

/// `rename`
pub const DEFINITION: Definition = Definition {
    name: "rename",
    group: "container",
    in_group: &["rename"],
    about: "Rename a container",
    usage: "CONTAINER NEW_NAME",
    arity: (2, Some(2)),
    run,
    ..Definition::PLAIN
};

fn run(_: &ArgMatches, names: &[String], session: &mut Session<'_>) -> Outcome {
    let [old, new] = names else { return Ok(1) };
    if old.trim().is_empty() || new.trim().is_empty() {
        return Err(Failure::said("Error: Neither old nor new names may be empty"));
    }
    let engine = session.engine()?;
    match engine.rename(old, new) {
        Ok(()) => Ok(0),
        Err(error) => {
            session.refused(&error);
            Err(Failure::Said(format!("Error: failed to rename container named {old}"), error.exit_code()))
        }
    }
}
