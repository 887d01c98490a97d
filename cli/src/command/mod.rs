//! The commands: one table, one file a command.

mod attach;
mod build;
mod commit;
#[cfg(feature = "terminal")]
mod complete;
mod container_options;
mod cp;
mod create;
mod df;
mod diff;
mod doctor;
mod events;
mod exec;
mod explain;
mod export;
mod history;
mod image;
mod image_prune;
mod import;
mod info;
mod inspect;
mod kill;
mod load;
mod login;
mod logs;
mod manifest;
mod meant;
mod names;
mod network;
mod networking;
mod pause;
mod port;
mod progress;
mod prune;
mod ps;
mod pull;
mod rename;
mod rm;
mod root;
mod run;
mod save;
mod search;
mod start;
mod stats;
mod stop;
mod supervision_options;
mod surroundings;
mod tag;
mod top;
mod transfer;
mod update;
mod version;
mod volume;
mod wait;

use crate::environment::{Environment, HostOptions};
use crate::failure::{Failure, MISUSED, NO_READER, Outcome, Report, from_engine};
use crate::flags::{self, Canonical};
use crate::session::Session;
use clap::{ArgMatches, Command};
pub use root::tree;

/// Everything there is to know about a command but its code.
pub struct Definition {
    /// Its name; empty if it only exists in its group.
    pub name: &'static str,
    /// `container`, `image`, `system`; empty for none.
    pub group: &'static str,
    /// Its names in the group, the usual one first.
    pub in_group: &'static [&'static str],
    /// One sentence.
    pub about: &'static str,
    /// What follows the name: `[OPTIONS] IMAGE [COMMAND] [ARG...]`.
    pub usage: &'static str,
    /// How many arguments, at least and at most.
    pub arity: (usize, Option<usize>),
    /// Options end at the first argument.
    pub stops: bool,
    /// Shown first in the help.
    pub common: bool,
    /// Not shown in the help.
    pub hidden: bool,
    /// Errors are those of a container that should have been made: exit codes 125 to 127, and where to read on.
    pub makes: bool,
    /// Adds its flags to a clap command.
    pub flags: fn(Command) -> Command,
    /// Runs it.
    pub run: fn(&ArgMatches, &[String], &mut Session<'_>) -> Outcome,
}

impl Definition {
    /// What most commands have.
    pub const PLAIN: Definition = Definition {
        name: "",
        group: "",
        in_group: &[],
        about: "",
        usage: "",
        arity: (0, Some(0)),
        stops: false,
        common: false,
        hidden: false,
        makes: false,
        flags: |command| command,
        run: |_, _, _| Ok(0),
    };

    /// Every way to call it, as help lists them.
    pub fn aliases(&self) -> Vec<String> {
        let mut all: Vec<String> = self.in_group.iter().map(|n| format!("drydock {} {n}", self.group)).collect();
        if !self.name.is_empty() {
            all.push(format!("drydock {}", self.name));
        }
        all
    }

    /// Its flags as a clap command.
    pub fn clap(&self) -> Command {
        let name = if self.name.is_empty() { self.in_group.first().copied().unwrap_or_default() } else { self.name };
        (self.flags)(Command::new(name)).about(self.about).disable_help_flag(true).args_override_self(true)
    }
}

/// The groups, and what each is for.
pub const GROUPS: [(&str, &str); 7] = [
    ("builder", "Manage builds"),
    ("container", "Manage containers"),
    ("image", "Manage images"),
    ("manifest", "Manage manifests and manifest lists in registries"),
    ("network", "Manage networks"),
    ("system", "Manage Drydock"),
    ("volume", "Manage volumes"),
];

/// Every command.
pub static COMMANDS: &[Definition] = &[
    run::DEFINITION,
    exec::DEFINITION,
    ps::DEFINITION,
    pull::PULL,
    pull::PUSH,
    image::LIST,
    login::LOGIN,
    login::LOGOUT,
    search::DEFINITION,
    version::DEFINITION,
    info::DEFINITION,
    attach::DEFINITION,
    build::DEFINITION,
    build::BUILDER,
    build::DISK_USE,
    build::PRUNE,
    commit::DEFINITION,
    cp::DEFINITION,
    #[cfg(feature = "terminal")]
    complete::COMPLETION,
    #[cfg(feature = "terminal")]
    complete::MAN,
    names::DEFINITION,
    create::DEFINITION,
    df::DEFINITION,
    events::DEFINITION,
    diff::DEFINITION,
    doctor::DEFINITION,
    explain::DEFINITION,
    export::DEFINITION,
    history::DEFINITION,
    import::DEFINITION,
    image_prune::DEFINITION,
    inspect::DEFINITION,
    inspect::CONTAINER,
    inspect::IMAGE,
    kill::DEFINITION,
    load::DEFINITION,
    logs::DEFINITION,
    manifest::INSPECT,
    network::CONNECT,
    network::CREATE,
    network::DISCONNECT,
    network::INSPECT,
    network::LIST,
    network::PRUNE,
    network::REMOVE,
    pause::PAUSE,
    pause::UNPAUSE,
    port::DEFINITION,
    prune::CONTAINER,
    prune::SYSTEM,
    rename::DEFINITION,
    stop::RESTART,
    rm::DEFINITION,
    image::REMOVE,
    save::DEFINITION,
    start::DEFINITION,
    stats::DEFINITION,
    stop::STOP,
    tag::DEFINITION,
    top::DEFINITION,
    update::DEFINITION,
    volume::CREATE,
    volume::INSPECT,
    volume::LIST,
    volume::PRUNE,
    volume::REMOVE,
    wait::DEFINITION,
];

/// Reads the options before the command. `Err` is an exit code: all is said.
pub(crate) fn split(args: &[String], environment: &mut dyn Environment) -> Result<(HostOptions, Vec<String>), i32> {
    match root::globals(args, environment) {
        Ok(root::Globals::Command(host, rest)) => Ok((host, rest)),
        Ok(root::Globals::Done(code)) => Err(code),
        Err(mistake) if root::wants_json(args, environment) => Err(finish(environment, &Report::said(&mistake, MISUSED).line(), MISUSED)),
        Err(mistake) => {
            let text = format!("{mistake}\n\nUsage:  drydock [OPTIONS] COMMAND [ARG...]\n\nRun 'drydock --help' for more information");
            Err(finish(environment, &text, 125))
        }
    }
}

/// Runs a command on a host, and prints how it failed if it did.
pub(crate) fn dispatch(args: &[String], host: HostOptions, environment: &mut dyn Environment) -> i32 {
    let Some((first, rest)) = args.split_first() else {
        return root::print_help(environment);
    };
    if let Some(definition) = COMMANDS.iter().find(|d| !d.name.is_empty() && d.name == first) {
        return execute(definition, first.clone(), rest, host, environment);
    }
    if let Some((group, about)) = GROUPS.iter().find(|(g, _)| g == first) {
        return in_group(group, about, rest, host, environment);
    }
    if let Some(code) = environment.own_command(first, rest, &host) {
        return code;
    }
    if first == "help" {
        return root::help_of(rest, environment);
    }
    unknown(environment, &host, &format!("drydock {first}"), "", "")
}

fn in_group(group: &str, about: &str, args: &[String], host: HostOptions, environment: &mut dyn Environment) -> i32 {
    let members: Vec<&Definition> = COMMANDS.iter().filter(|d| d.group == group).collect();
    match args.split_first() {
        Some((name, rest)) if !name.starts_with('-') => {
            let Some(definition) = members.iter().find(|d| d.in_group.contains(&name.as_str())) else {
                return unknown(
                    environment,
                    &host,
                    &format!("drydock {group} {name}"),
                    &format!("Usage:  drydock {group}\n\n"),
                    &format!(" {group}"),
                );
            };
            execute(definition, format!("{group} {name}"), rest, host, environment)
        }
        Some((flag, _)) if flag != "--help" && flag != "-h" => {
            let text = format!("unknown flag: {flag}\n\nUsage:  drydock {group}\n\nRun 'drydock {group} --help' for more information");
            let text = if host.json_errors { Report::said(&text, MISUSED).line() } else { text };
            finish(environment, &text, MISUSED)
        }
        _ => match write!(environment.out(), "{}", flags::group_help(group, about, &members)) {
            Ok(()) => 0,
            Err(_) => 1,
        },
    }
}

/// Says that there is no such command, and where to read which there are.
fn unknown(environment: &mut dyn Environment, host: &HostOptions, called: &str, usage: &str, of: &str) -> i32 {
    let said = format!("unknown command: {called}");
    let text = if host.json_errors {
        Report { code: "unknown-command".to_owned(), kind: "invalid-input".to_owned(), status: 400, ..Report::said(&said, 1) }.line()
    } else {
        format!("drydock: {said}\n\n{usage}Run 'drydock{of} --help' for more information")
    };
    finish(environment, &text, 1)
}

fn finish(environment: &mut dyn Environment, text: &str, code: i32) -> i32 {
    let mut session = Session::new(environment, HostOptions::default(), String::new());
    for line in text.split('\n') {
        session.complain(line);
    }
    code
}

/// Reads a command's flags, checks its arguments and runs it.
fn execute(definition: &Definition, called: String, args: &[String], host: HostOptions, environment: &mut dyn Environment) -> i32 {
    let mut session = Session::new(environment, host, called.clone());
    let outcome = attempt(definition, args, &mut session);
    if let (true, Err(Failure::Engine(error))) = (session.host.debug, &outcome) {
        let (op, about) = (error.operation(), error.about());
        session.complain(&format!("debug: {:?}, while doing {op:?} to {about:?}", error.kind()));
    }
    let code = match &outcome {
        Ok(code) => return if session.environment.out().flush().is_ok() { *code } else { (*code).max(1) },
        Err(Failure::Output(_)) => return NO_READER,
        Err(Failure::Said(text, code)) if text.is_empty() => return *code,
        Err(Failure::Said(_, code)) => *code,
        Err(Failure::Flag(_)) => MISUSED,
        Err(Failure::Engine(error) | Failure::Client(error)) if definition.makes => error.exit_code_of_run(),
        Err(Failure::Engine(error) | Failure::Client(error)) => error.exit_code(),
    };
    let Err(failure) = outcome else { return code };
    let _ = session.environment.out().flush();
    let text = if session.host.json_errors { report(&failure, code).line() } else { words(&failure, definition, &called) };
    finish(session.environment, &text, code)
}

/// A failure for programs.
fn report(failure: &Failure, code: i32) -> Report {
    match failure {
        Failure::Engine(error) | Failure::Client(error) => Report::of(error, code),
        Failure::Flag(text) | Failure::Said(text, _) => Report::said(text, code),
        Failure::Output(error) => Report::said(&error.to_string(), code),
    }
}

/// A failure for people, as Docker's client words it.
fn words(failure: &Failure, definition: &Definition, called: &str) -> String {
    let more = format!("Run 'drydock {called} --help' for more information");
    match failure {
        Failure::Flag(text) => {
            format!("{text}\n\nUsage:  {}\n\n{}{more}", flags::usage(definition, called), meant::flag(definition, text))
        }
        Failure::Engine(error) if definition.makes => format!("drydock: {}\n\n{more}", from_engine(error)),
        Failure::Client(error) if definition.makes => format!("drydock: {error}\n\n{more}"),
        Failure::Engine(error) => from_engine(error),
        Failure::Client(error) => error.to_string(),
        Failure::Said(text, _) => text.clone(),
        Failure::Output(error) => error.to_string(),
    }
}

fn attempt(definition: &Definition, args: &[String], session: &mut Session<'_>) -> Outcome {
    let command = definition.clap();
    let (given, positional) = match flags::canonical(&command, args, !definition.stops) {
        Ok(Canonical::Help) => {
            let width = session.width().saturating_sub(1);
            let help = flags::command_help(definition, &session.called, &command, width);
            write!(session.environment.out(), "{help}")?;
            return Ok(0);
        }
        Ok(Canonical::Args { flags, positional }) => (flags, positional),
        Err(mistake) => {
            let refused = flags::refusal(definition.name, &mistake.0);
            return Err(refused.map_or(Failure::Flag(mistake.0), |(text, code)| Failure::Said(text, code)));
        }
    };
    let words = std::iter::once("drydock".to_owned()).chain(given);
    let matches = command.clone().try_get_matches_from(words).map_err(|e| Failure::Flag(flags::invalid_value(&command, &e)))?;
    arity(definition, &session.called, &positional)?;
    (definition.run)(&matches, &positional, session)
}

fn arity(definition: &Definition, called: &str, words: &[String]) -> Result<(), Failure> {
    let ((least, most), given) = (definition.arity, words.len());
    if given >= least && most.is_none_or(|m| given <= m) {
        return Ok(());
    }
    let plural = |n: usize| if n == 1 { "argument" } else { "arguments" };
    let (need, see) = match most {
        Some(0) => ("accepts no arguments".to_owned(), "Run"),
        Some(m) if m == least => (format!("requires {m} {}", plural(m)), "Run"),
        Some(m) if least == 0 => (format!("requires at most {m} {}", plural(m)), "Run"),
        Some(m) => (format!("requires at least {least} and at most {m} {}", plural(m)), "Run"),
        None => (format!("requires at least {least} {}", plural(least)), "See"),
    };
    let usage = flags::usage(definition, called);
    let meant = meant::words(definition, called, words);
    Err(Failure::said(format!(
        "drydock: 'drydock {called}' {need}\n\nUsage:  {usage}\n\n{meant}{see} 'drydock {called} --help' for more information"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_is_one_clap_accepts_and_every_flag_has_help() {
        for definition in COMMANDS {
            let command = definition.clap();
            command.clone().debug_assert();
            for arg in command.get_arguments() {
                assert!(arg.get_long().is_some(), "{}: {:?} has no long name", definition.name, arg.get_id());
                assert!(arg.is_hide_set() || arg.get_help().is_some(), "{}: {:?} has no help", definition.name, arg.get_id());
            }
        }
    }

    #[test]
    fn a_switch_that_is_on_unless_said_otherwise_can_be_said_otherwise() {
        let mut switches = 0;
        for definition in COMMANDS {
            let command = definition.clap();
            for arg in command.get_arguments().filter(|a| a.get_default_values() == ["true"]) {
                let name = arg.get_long().unwrap_or_default();
                let given = flags::canonical(&command, &[format!("--{name}=false")], false);
                let Ok(Canonical::Args { flags, .. }) = given else { panic!("{} --{name}: {given:?}", definition.name) };
                let words = std::iter::once("drydock".to_owned()).chain(flags);
                let matches = command.clone().try_get_matches_from(words).unwrap();
                assert_eq!(matches.get_one::<bool>(arg.get_id().as_str()), Some(&false), "{} --{name}=false", definition.name);
                switches += 1;
            }
        }
        assert!(switches >= 4, "{switches}");
    }

    #[test]
    fn no_two_commands_share_a_name() {
        let mut names: Vec<String> = COMMANDS.iter().flat_map(Definition::aliases).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
