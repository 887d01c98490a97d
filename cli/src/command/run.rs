//! `drydock run`

use super::Definition;
use super::attach::{self, Connection};
use super::container_options::{self, ContainerArgs};
use super::pull::{self, How};
use crate::environment::{CLIENT, Standard};
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use drydock_core::container::{ContainerConfig, RestartPolicy};
use drydock_core::engine::RemoveOptions;
use drydock_core::id::ContainerId;
use drydock_core::image::reference::Reference;
use drydock_core::registry::platform::Platform;
use drydock_core::time::Timestamp;
use drydock_core::{Error, ErrorKind};

/// `run`
pub const DEFINITION: Definition = Definition {
    name: "run",
    group: "container",
    in_group: &["run"],
    about: "Create and run a new container from an image",
    usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    arity: (1, None),
    stops: true,
    common: true,
    makes: true,
    flags,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct RunArgs {
    /// Run container in background and print container ID
    #[arg(short, long)]
    detach: bool,
    /// Override the key sequence for detaching a container
    #[arg(long, value_name = "string")]
    detach_keys: Option<String>,
    /// Proxy received signals to the process (default true)
    #[arg(long, num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set, default_value = "true", default_missing_value = "true", value_parser = crate::flags::parse_bool)]
    sig_proxy: bool,
}

fn flags(command: Command) -> Command {
    RunArgs::augment_args(ContainerArgs::augment_args(command))
}

/// Makes a container, and pulls its image first if it has to: `--pull`. What the pull says goes to standard error.
pub(crate) fn create(session: &mut Session<'_>, args: &ContainerArgs, config: &ContainerConfig) -> Result<ContainerId, Failure> {
    let engine = session.engine()?;
    if args.surroundings.kernel_memory.is_some() {
        session.complain("WARNING: Specifying a kernel memory limit is deprecated and will be removed in a future release.");
    }
    let policy = args.pull.as_deref().unwrap_or_default();
    let fetch = |session: &mut Session<'_>| {
        let how = How { all_tags: false, platform: args.platform.as_deref(), insecure: &[], quiet: args.quiet, stream: Standard::Error };
        // An id is no name: nothing of that kind can be pulled.
        let reference = Reference::parse(&config.image)?;
        pull::fetch(session, &reference.familiar(), &how).map(drop)
    };
    let missing = |session: &mut Session<'_>, image: &str| {
        if !args.quiet {
            session.complain(&format!("Unable to find image '{image}' locally"));
        }
    };
    if policy == "always" {
        fetch(session)?;
        return Ok(engine.create(config)?);
    }
    if let Some(asked) = args.platform.as_deref().filter(|p| !p.is_empty()) {
        // An image that is here for another machine is not the one that is meant.
        let own = engine.facts().architecture;
        let wanted = Platform::parse(asked, &own)?;
        let here = engine.image(&config.image).ok();
        if here.is_some_and(|image| (image.os, image.architecture) != (wanted.os, wanted.architecture)) && policy != "never" {
            missing(session, &Reference::parse(&config.image)?.familiar());
            fetch(session)?;
        }
    }
    let error = match engine.create(config) {
        Err(error) if error.kind() == ErrorKind::NotFound && error.message().starts_with("No such image") => error,
        made => return Ok(made?),
    };
    if policy == "never" {
        return Err(error.into());
    }
    let Ok(reference) = Reference::parse(&config.image) else { return Err(error.into()) };
    missing(session, &reference.familiar());
    fetch(session)?;
    Ok(engine.create(config)?)
}

/// Writes `--cidfile`.
pub(crate) fn write_id(session: &mut Session<'_>, path: Option<&str>, id: &str) -> Result<(), Failure> {
    path.map_or(Ok(()), |path| Ok(session.environment.create_file(path, id.as_bytes())?))
}

fn run(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = ContainerArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let own = RunArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    if own.detach && !args.attach.is_empty() {
        return Err(Failure::said("conflicting options: cannot specify both --attach and --detach"));
    }
    if !own.detach {
        attach::check_terminal(session, args.interactive, args.tty)?;
    }
    // Nothing is made for a command line that cannot be served.
    let detach_keys = attach::key_words(session, own.detach_keys.as_deref()).map_err(Failure::Client)?;
    container_options::check_id_file(session.environment, args.cidfile.as_deref()).map_err(Failure::Client)?;
    let mut config = container_options::config(session.environment, &args, words).map_err(Failure::at_client)?;
    config.user_range = session.host.user_range;
    config.auto_remove = args.rm;
    if config.auto_remove && config.restart != RestartPolicy::No {
        return Err(Error::invalid("conflicting options: cannot specify both --restart and --rm").op(CLIENT).into());
    }
    let streams = container_options::streams(&args).map_err(Failure::Client)?;
    config.stdin_once = config.open_stdin && !own.detach;
    let engine = session.engine()?;
    let id = create(session, &args, &config)?;
    let outcome = write_id(session, args.cidfile.as_deref(), id.as_str()).and_then(|()| {
        if own.detach {
            engine.start(id.as_str())?;
            session.say(id.as_str())?;
            return Ok(0);
        }
        let connection = Connection {
            stdin: streams.stdin,
            stdout: streams.stdout,
            stderr: streams.stderr,
            tty: config.tty,
            // It is new: where somebody else starts it first, what was written since is in its log.
            logs: true,
            sig_proxy: own.sig_proxy,
            detach_keys: Some(detach_keys),
        };
        attach::serve(session, &connection, &mut |attach, io| engine.start_attached(id.as_str(), attach, io))
    });
    let never_ran = || engine.container(id.as_str()).is_ok_and(|c| c.state.started == Timestamp::NEVER);
    if config.auto_remove && matches!(outcome, Err(Failure::Engine(_))) && never_ran() {
        // A container that never ran has no supervisor that would remove it. What matters to the person is the first error.
        let _ = engine.remove(id.as_str(), RemoveOptions { force: true, volumes: true });
    }
    outcome
}
