//! `drydock rm`

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::ErrorKind;
use drydock_core::engine::RemoveOptions;

/// `rm`
pub const DEFINITION: Definition = Definition {
    name: "rm",
    group: "container",
    in_group: &["rm", "remove"],
    about: "Remove one or more containers",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    arity: (1, None),
    flags: RemoveArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct RemoveArgs {
    /// Force the removal of a running container (uses SIGKILL)
    #[arg(short, long)]
    force: bool,
    /// Remove anonymous volumes associated with the container
    #[arg(short, long)]
    volumes: bool,
}

fn run(matches: &ArgMatches, names: &[String], session: &mut Session<'_>) -> Outcome {
    let args = RemoveArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let options = RemoveOptions { force: args.force, volumes: args.volumes };
    session.each(names, &mut |session, engine, name| match engine.remove(name, options) {
        Ok(()) => Ok(Some(name.to_owned())),
        // With --force it is enough that the container is not there, as docker's client 28 has it.
        Err(e) if options.force && e.kind() == ErrorKind::NotFound => {
            session.refused(&e);
            Ok(None)
        }
        Err(e) => Err(e.into()),
    })
}
