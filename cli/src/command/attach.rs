//! `drydock attach`, and what every command that serves a container's streams shares.

use super::Definition;
use crate::environment::{OUTPUT, Standard, StreamOptions, read_text};
use crate::failure::{Failure, NO_READER, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::Result;
use drydock_core::container::Status;
use drydock_core::io::{Attach, Ended, Io, parse_detach_keys as keys};

/// `attach`
pub const DEFINITION: Definition = Definition {
    name: "attach",
    group: "container",
    in_group: &["attach"],
    about: "Attach local standard input, output, and error streams to a running container",
    usage: "[OPTIONS] CONTAINER",
    arity: (1, Some(1)),
    flags: AttachArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct AttachArgs {
    /// Override the key sequence for detaching a container
    #[arg(long, value_name = "string")]
    detach_keys: Option<String>,
    /// Do not attach STDIN
    #[arg(long)]
    no_stdin: bool,
    /// Proxy all received signals to the process (default true)
    #[arg(long, num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set, default_value = "true", default_missing_value = "true", value_parser = crate::flags::parse_bool)]
    sig_proxy: bool,
}

/// How a person is connected to a container's streams.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connection {
    /// Pass input on.
    pub stdin: bool,
    /// Show standard output.
    pub stdout: bool,
    /// Show standard error.
    pub stderr: bool,
    /// The container has a terminal.
    pub tty: bool,
    /// First show what was logged before.
    pub logs: bool,
    /// Pass signals on.
    pub sig_proxy: bool,
    /// Keys that leave; `None` for Ctrl-P Ctrl-Q.
    pub detach_keys: Option<String>,
}

/// Refuses to give a container a terminal when the input is none.
pub(crate) fn check_terminal(session: &Session<'_>, stdin: bool, tty: bool) -> std::result::Result<(), Failure> {
    if stdin && tty && !session.environment.is_terminal(Standard::Input) {
        return Err(Failure::said("the input device is not a TTY"));
    }
    Ok(())
}

/// Connects the standard streams, lets `act` serve them, and turns how it ended into an exit code.
pub(crate) fn serve(
    session: &mut Session<'_>,
    connection: &Connection,
    act: &mut dyn FnMut(&Attach, &mut dyn Io) -> Result<Ended>,
) -> Outcome {
    check_terminal(session, connection.stdin, connection.tty)?;
    let detach_keys = keys(&key_words(session, connection.detach_keys.as_deref())?)?;
    let attach =
        Attach { stdin: connection.stdin, stdout: connection.stdout, stderr: connection.stderr, logs: connection.logs, detach_keys };
    // What was printed so far must not come after what the container prints.
    session.environment.out().flush()?;
    let environment = &session.environment;
    let terminal = connection.tty && (environment.is_terminal(Standard::Input) || environment.is_terminal(Standard::Output));
    let ended = {
        let options = StreamOptions { stdin: connection.stdin, terminal, signals: connection.sig_proxy && !connection.tty };
        let mut io = session.environment.streams(options)?;
        act(&attach, &mut *io)
    };
    let ended = ended.map_err(|e| if e.operation() == OUTPUT { Failure::Said(String::new(), NO_READER) } else { e.into() })?;
    match ended {
        Ended::Exited(code) => Ok(code),
        Ended::Lost => {
            session.complain("drydock: the container's supervisor ended unexpectedly, and the program with it");
            Ok(128 + 9)
        }
        Ended::Detached => {
            session.complain("read escape sequence");
            Ok(0)
        }
        Ended::AtRest => {
            session.complain("drydock: the simulated world is at rest, nothing more will happen without input; the container goes on");
            Ok(0)
        }
    }
}

/// What detaches unless it is said otherwise, as Docker has it.
const USUAL: &str = "ctrl-p,ctrl-q";

/// The keys that were asked for, those of the person's `config.json`, or the usual ones, in words that can be read.
pub(crate) fn key_words(session: &mut Session<'_>, text: Option<&str>) -> Result<String> {
    let own = text.map(str::to_owned).or_else(|| configured_keys(session)).unwrap_or_else(|| USUAL.to_owned());
    keys(&own).map(|_| own)
}

/// `detachKeys` of `config.json` in the directory that `--config` or `$DOCKER_CONFIG` names, or in `~/.docker`. A file that is not there
/// or says nothing of it is no mistake.
fn configured_keys(session: &mut Session<'_>) -> Option<String> {
    let environment = &mut *session.environment;
    let set = |name: &str| environment.variable(name).filter(|value| !value.is_empty());
    // Asked also where it is not needed: a history answers in order, and knows nothing of `--config`.
    let usual = set("DOCKER_CONFIG").or_else(|| set("HOME").map(|home| format!("{home}/.docker")));
    let directory = session.host.config.clone().or(usual)?;
    let path = format!("{directory}/config.json");
    if !environment.exists(&path) {
        return None;
    }
    let file: serde_json::Value = serde_json::from_str(&read_text(environment, &path).ok()?).ok()?;
    file.get("detachKeys")?.as_str().filter(|keys| !keys.is_empty()).map(str::to_owned)
}

fn run(matches: &ArgMatches, names: &[String], session: &mut Session<'_>) -> Outcome {
    let args = AttachArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let Some(name) = names.first() else { return Ok(1) };
    let engine = session.engine()?;
    let record = engine.container(name)?;
    match record.state.status {
        Status::Running => {}
        Status::Paused => return Err(Failure::said("You cannot attach to a paused container, unpause it first")),
        Status::Restarting => return Err(Failure::said("You cannot attach to a restarting container, wait until it is running")),
        _ => return Err(Failure::said("You cannot attach to a stopped container, start it first")),
    }
    let connection = Connection {
        stdin: !args.no_stdin && record.config.open_stdin,
        stdout: true,
        stderr: true,
        tty: record.config.tty,
        logs: false,
        sig_proxy: args.sig_proxy,
        detach_keys: args.detach_keys,
    };
    serve(session, &connection, &mut |attach, io| engine.attach(name, attach, io))
}
