//! `drydock create`

use super::Definition;
use super::container_options::{self, ContainerArgs};
use super::run::{create, write_id};
use crate::failure::{Failure, Outcome, from_engine};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};

/// `create`
pub const DEFINITION: Definition = Definition {
    name: "create",
    group: "container",
    in_group: &["create"],
    about: "Create a new container",
    usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    arity: (1, None),
    stops: true,
    makes: true,
    flags: ContainerArgs::augment_args,
    run,
    ..Definition::PLAIN
};

fn run(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = ContainerArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    container_options::check_id_file(session.environment, args.cidfile.as_deref()).map_err(Failure::Client)?;
    let mut config = container_options::config(session.environment, &args, words).map_err(Failure::at_client)?;
    config.user_range = session.host.user_range;
    config.stdin_once = config.open_stdin;
    // What the engine refuses ends with 1 here, and with 125 for run (docker's client 28).
    let id = create(session, &args, &config).map_err(|e| match e {
        Failure::Engine(e) if !session.host.json_errors => Failure::Said(from_engine(&e), e.exit_code()),
        other => other,
    })?;
    write_id(session, args.cidfile.as_deref(), id.as_str())?;
    session.say(id.as_str())?;
    Ok(0)
}
