//! `drydock exec`

use super::Definition;
use super::attach::{self, Connection};
use super::container_options::environment;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::ErrorKind;
use drydock_core::container::ExecConfig;
use drydock_core::io::{Attach, Input, Io, Stream};

/// `exec`
pub const DEFINITION: Definition = Definition {
    name: "exec",
    group: "container",
    in_group: &["exec"],
    about: "Execute a command in a running container",
    usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
    arity: (2, None),
    stops: true,
    common: true,
    flags: ExecArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct ExecArgs {
    /// Detached mode: run command in the background
    #[arg(short, long)]
    detach: bool,
    /// Override the key sequence for detaching a container
    #[arg(long, value_name = "string")]
    detach_keys: Option<String>,
    /// Set environment variables
    #[arg(short, long, value_name = "list")]
    env: Vec<String>,
    /// Read in a file of environment variables
    #[arg(long, value_name = "list")]
    env_file: Vec<String>,
    /// Keep STDIN open even if not attached
    #[arg(short, long)]
    interactive: bool,
    /// Give extended privileges to the command
    #[arg(long)]
    privileged: bool,
    /// Allocate a pseudo-TTY
    #[arg(short, long)]
    tty: bool,
    /// Username or UID (format: "<name|uid>[:<group|gid>]")
    #[arg(short, long, value_name = "string")]
    user: Option<String>,
    /// Working directory inside the container
    #[arg(short, long, value_name = "string")]
    workdir: Option<String>,
}

/// The streams of a program that runs in the background: there are none.
struct Nobody;

impl Io for Nobody {
    fn output(&mut self, _: Stream, _: &[u8]) -> drydock_core::Result<()> {
        Ok(())
    }
    fn input(&mut self, _: bool) -> drydock_core::Result<Input> {
        Ok(Input::Closed)
    }
    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}

fn run(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = ExecArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let Some((name, command)) = words.split_first() else { return Ok(1) };
    if !args.detach {
        attach::check_terminal(session, args.interactive, args.tty)?;
    }
    let exec = ExecConfig {
        command: command.to_vec(),
        env: environment(session.environment, &args.env, &args.env_file).map_err(Failure::Client)?,
        user: args.user.unwrap_or_default(),
        workdir: args.workdir.unwrap_or_default(),
        tty: args.tty,
        stdin: args.interactive && !args.detach,
        detach: args.detach,
        privileged: args.privileged,
        console_size: if args.tty { session.environment.size() } else { None },
        attach_stdout: !args.detach,
        attach_stderr: !args.detach,
        detach_keys: args.detach_keys.clone().unwrap_or_default(),
    };
    let engine = session.engine()?;
    let outcome = if args.detach {
        let attach = Attach { stdin: false, stdout: false, stderr: false, ..Attach::default() };
        engine.exec(name, &exec, &attach, &mut Nobody).map(|_| 0).map_err(Failure::from)
    } else {
        let connection = Connection {
            stdin: exec.stdin,
            stdout: true,
            stderr: true,
            tty: exec.tty,
            logs: false,
            sig_proxy: false,
            detach_keys: args.detach_keys,
        };
        attach::serve(session, &connection, &mut |attach, io| engine.exec(name, &exec, attach, io))
    };
    match outcome {
        Err(Failure::Engine(e)) if matches!(e.kind(), ErrorKind::CommandNotFound | ErrorKind::CommandNotExecutable) => {
            Err(Failure::Said(e.to_string(), e.exit_code_of_run()))
        }
        other => other,
    }
}
