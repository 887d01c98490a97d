//! `drydock start`

use super::Definition;
use super::attach::{self, Connection};
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::ErrorKind;
use drydock_core::container::restore;
use drydock_core::id::ContainerId;

/// `start`
pub const DEFINITION: Definition = Definition {
    name: "start",
    group: "container",
    in_group: &["start"],
    about: "Start one or more stopped containers",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    // With --restore none are named; otherwise at least one is, see `run`.
    arity: (0, None),
    flags: StartArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct StartArgs {
    /// Attach STDOUT/STDERR and forward signals
    #[arg(short, long)]
    attach: bool,
    /// Attach container's STDIN
    #[arg(short, long)]
    interactive: bool,
    /// Override the key sequence for detaching a container
    #[arg(long, value_name = "string")]
    detach_keys: Option<String>,
    /// Start every container that its restart policy starts after the machine was restarted, in order
    #[arg(long)]
    restore: bool,
}

/// Starts what is to run again after a reboot, and says what was started.
fn restore(session: &mut Session<'_>) -> Outcome {
    let engine = session.engine()?;
    let mut records = Vec::new();
    for summary in engine.containers(true)? {
        match engine.container(summary.id.as_str()) {
            Ok(record) => records.push(record),
            // Removed meanwhile.
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(e.into()),
        }
    }
    let name = |id: &ContainerId| records.iter().find(|r| r.id == *id).map_or_else(|| id.to_string(), |r| r.name.clone());
    let names: Vec<String> = restore::order(&records).iter().map(name).collect();
    // One that cannot be started keeps no other from it.
    session.each(&names, &mut |_, engine, name| {
        engine.start(name)?;
        Ok(Some(name.to_owned()))
    })
}

fn run(matches: &ArgMatches, names: &[String], session: &mut Session<'_>) -> Outcome {
    let args = StartArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    if args.restore {
        if !names.is_empty() || args.attach || args.interactive {
            return Err(Failure::said("conflicting options: --restore starts what policies say, and attaches to nothing"));
        }
        return restore(session);
    }
    super::arity(&Definition { arity: (1, None), ..DEFINITION }, &session.called, names)?;
    if !args.attach && !args.interactive {
        let mut failed = Vec::new();
        let code = session.each(names, &mut |_, engine, name| {
            engine.start(name).inspect_err(|_| failed.push(name.to_owned()))?;
            Ok(Some(name.to_owned()))
        })?;
        if failed.is_empty() {
            return Ok(code);
        }
        return Err(Failure::Said(format!("Error: failed to start containers: {}", failed.join(", ")), code));
    }
    let [name] = names else {
        return Err(Failure::said("you cannot start and attach multiple containers at once"));
    };
    let engine = session.engine()?;
    let config = engine.container(name)?.config;
    let connection = Connection {
        stdin: args.interactive && config.open_stdin,
        stdout: true,
        stderr: true,
        tty: config.tty,
        logs: false,
        sig_proxy: true,
        detach_keys: args.detach_keys,
    };
    attach::serve(session, &connection, &mut |attach, io| engine.start_attached(name, attach, io))
}
