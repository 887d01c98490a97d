//! `drydock stop` and `drydock restart`

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::kernel::Signal;

/// `stop`
pub const STOP: Definition = Definition {
    name: "stop",
    group: "container",
    in_group: &["stop"],
    about: "Stop one or more running containers",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    arity: (1, None),
    flags: StopArgs::augment_args,
    run: |matches, names, session| act(matches, names, session, false),
    ..Definition::PLAIN
};

/// `restart`
pub const RESTART: Definition = Definition {
    name: "restart",
    in_group: &["restart"],
    about: "Restart one or more containers",
    run: |matches, names, session| act(matches, names, session, true),
    ..STOP
};

#[derive(Args)]
struct StopArgs {
    /// Signal to send to the container
    #[arg(short, long, value_name = "string")]
    signal: Option<String>,
    /// Seconds to wait before killing the container
    #[arg(short, long, alias = "time", value_name = "int", value_parser = crate::flags::integer)]
    timeout: Option<i64>,
}

fn act(matches: &ArgMatches, names: &[String], session: &mut Session<'_>, again: bool) -> Outcome {
    let args = StopArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let signal = args.signal.as_deref().map(Signal::parse).transpose()?;
    session.each(names, &mut |_, engine, name| {
        if again {
            engine.restart(name, signal, args.timeout)?;
        } else {
            engine.stop(name, signal, args.timeout)?;
        }
        Ok(Some(name.to_owned()))
    })
}
