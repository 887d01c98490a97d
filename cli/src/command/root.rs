//! What stands before the command: `--host`, `--data-root`, `--version`; and the whole tree of commands for help and completions.

use super::{COMMANDS, GROUPS};
use crate::environment::{Environment, HostOptions};
use crate::flags::{self, Canonical};
use crate::session::Session;
use clap::{Arg, Args, Command, FromArgMatches};
use drydock_core::container::UserRange;

/// The options of every command, written before it.
#[derive(Args, Debug, Clone)]
pub(crate) struct GlobalArgs {
    /// Host to work on: "linux", "sim", "sim:FILE" for a simulated one that is kept in FILE, or the socket of any Docker Engine as "unix:///PATH" or "tcp://HOST:PORT" (overrides DRYDOCK_HOST)
    #[arg(short = 'H', long, value_name = "string")]
    host: Option<String>,
    /// Directory of the client's own configuration (default "~/.docker", overrides DOCKER_CONFIG)
    #[arg(long, value_name = "string")]
    config: Option<String>,
    /// Directory of durable state (default "/var/lib/drydock")
    #[arg(long, value_name = "string")]
    data_root: Option<String>,
    /// Directory of the state of this boot (default "/run/drydock")
    #[arg(long, value_name = "string")]
    run_root: Option<String>,
    /// Give containers ids of their own, START and the SIZE of the range on the host (overrides DRYDOCK_USERNS_REMAP)
    #[arg(long, value_name = "START:SIZE", value_parser = user_range)]
    userns_remap: Option<UserRange>,
    /// Say what is done while it is done
    #[arg(short = 'D', long)]
    debug: bool,
    /// How much to say of what is done: "debug" is --debug, and "info", "warn", "error" and "fatal" are as usual
    #[arg(short = 'l', long, value_name = "string", value_parser = log_level)]
    log_level: Option<bool>,
    /// How to say what went wrong: "text", or "json" for one line of JSON each (overrides DRYDOCK_ERROR_FORMAT)
    #[arg(long, value_name = "string", value_parser = error_format)]
    error_format: Option<bool>,
    /// Print version information and quit
    #[arg(short = 'v', long)]
    version: bool,
}

fn user_range(text: &str) -> Result<UserRange, String> {
    UserRange::parse(text).map_err(|e| e.to_string())
}

/// Whether a level of Docker's means to say what is done.
fn log_level(text: &str) -> Result<bool, String> {
    match text {
        "debug" => Ok(true),
        "info" | "warn" | "error" | "fatal" => Ok(false),
        other => Err(format!("unable to parse logging level: {}", other.escape_debug())),
    }
}

/// Whether errors are said in JSON.
fn error_format(text: &str) -> Result<bool, String> {
    match text {
        "text" => Ok(false),
        "json" => Ok(true),
        other => Err(format!("\"{}\" is none: \"text\" and \"json\" are", other.escape_debug())),
    }
}

/// The variable that stands for `--error-format`.
const ERROR_FORMAT: &str = "DRYDOCK_ERROR_FORMAT";

/// Whether errors are wanted in JSON, of a command line that cannot be read.
pub(crate) fn wants_json(args: &[String], environment: &dyn Environment) -> bool {
    let given = args.windows(2).any(|w| w == ["--error-format", "json"]) || args.iter().any(|a| a == "--error-format=json");
    given || environment.variable(ERROR_FORMAT).is_some_and(|v| v == "json")
}

/// What the options before the command come to.
pub(crate) enum Globals {
    /// A command follows.
    Command(HostOptions, Vec<String>),
    /// All is said.
    Done(i32),
}

fn clap_globals() -> Command {
    GlobalArgs::augment_args(
        Command::new("drydock")
            .about("Containers for learning, verifying and running")
            .disable_help_flag(true)
            .disable_help_subcommand(true)
            .args_override_self(true),
    )
}

/// Reads the options before the command.
pub(crate) fn globals(args: &[String], environment: &mut dyn Environment) -> Result<Globals, String> {
    let command = clap_globals();
    let (given, rest) = match flags::canonical(&command, args, false).map_err(|m| m.0)? {
        Canonical::Help => return Ok(Globals::Done(print_help(environment))),
        Canonical::Args { flags, positional } => (flags, positional),
    };
    let words = std::iter::once("drydock".to_owned()).chain(given);
    let matches = command.clone().try_get_matches_from(words).map_err(|e| flags::invalid_value(&command, &e))?;
    let args = GlobalArgs::from_arg_matches(&matches).map_err(|e| flags::invalid_value(&command, &e))?;
    if args.version {
        let line = format!("Drydock version {}", env!("CARGO_PKG_VERSION"));
        return Ok(Globals::Done(i32::from(writeln!(environment.out(), "{line}").is_err())));
    }
    let user_range = match (args.userns_remap, environment.variable("DRYDOCK_USERNS_REMAP").filter(|v| !v.is_empty())) {
        (Some(range), _) => Some(range),
        (None, text) => text.map(|text| user_range(&text)).transpose()?,
    };
    let or_variable = |given: Option<String>, name: &str| given.or_else(|| environment.variable(name).filter(|v| !v.is_empty()));
    let host = HostOptions {
        host: or_variable(args.host, "DRYDOCK_HOST"),
        data_root: or_variable(args.data_root, "DRYDOCK_DATA_ROOT"),
        run_root: or_variable(args.run_root, "DRYDOCK_RUN_ROOT"),
        user_range,
        debug: args.debug || args.log_level.unwrap_or_default(),
        config: args.config.filter(|directory| !directory.is_empty()),
        as_found: false,
        starts: false,
        json_errors: args.error_format.unwrap_or_else(|| environment.variable(ERROR_FORMAT).is_some_and(|v| v == "json")),
    };
    Ok(Globals::Command(host, rest))
}

/// Prints the help of the whole program.
pub(crate) fn print_help(environment: &mut dyn Environment) -> i32 {
    let width = Session::new(environment, HostOptions::default(), String::new()).width().saturating_sub(1);
    let text = flags::root_help(&clap_globals(), COMMANDS, environment.own_commands(), width);
    i32::from(write!(environment.out(), "{text}").is_err())
}

/// `drydock help COMMAND`.
pub(crate) fn help_of(path: &[String], environment: &mut dyn Environment) -> i32 {
    let mut args = path.to_vec();
    args.push("--help".to_owned());
    super::dispatch(&args, HostOptions::default(), environment)
}

/// The whole program as one clap command, with the commands that only its environment has, from which completions and man pages are written.
pub fn tree(own: &[(&'static str, &'static str)]) -> Command {
    let help = || Arg::new("help").long("help").help("Print usage").action(clap::ArgAction::Help);
    let words = || Arg::new("arguments").num_args(0..).value_name("ARG").hide(true);
    let complete = |d: &super::Definition| d.clap().override_usage(format!("drydock {} {}", d.name, d.usage)).arg(help()).arg(words());
    let mut root = clap_globals().arg(help());
    for definition in COMMANDS.iter().filter(|d| !d.name.is_empty() && !d.hidden) {
        root = root.subcommand(complete(definition));
    }
    for (name, about) in own {
        root = root.subcommand(Command::new(*name).about(*about).disable_help_flag(true).arg(help()).arg(words()));
    }
    for (group, about) in GROUPS {
        let mut members = Command::new(group).about(about).arg(help()).disable_help_flag(true).disable_help_subcommand(true);
        for definition in COMMANDS.iter().filter(|d| d.group == group) {
            let Some((name, others)) = definition.in_group.split_first() else { continue };
            members = members.subcommand(complete(definition).name(*name).visible_aliases(others.to_vec()));
        }
        root = root.subcommand(members);
    }
    root
}
