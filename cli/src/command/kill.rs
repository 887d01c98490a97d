//! `drydock kill`

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::kernel::Signal;

/// `kill`
pub const DEFINITION: Definition = Definition {
    name: "kill",
    group: "container",
    in_group: &["kill"],
    about: "Kill one or more running containers",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    arity: (1, None),
    flags: KillArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct KillArgs {
    /// Signal to send to the container
    #[arg(short, long, value_name = "string")]
    signal: Option<String>,
}

fn run(matches: &ArgMatches, names: &[String], session: &mut Session<'_>) -> Outcome {
    let args = KillArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let signal = args.signal.as_deref().map_or(Ok(Signal::KILL), Signal::parse)?;
    session.each(names, &mut |_, engine, name| {
        engine.kill(name, signal)?;
        Ok(Some(name.to_owned()))
    })
}
