//! The command line of Drydock, as a library that needs only an [`Environment`]: an engine to open and a terminal to talk to.
//!
//! - [`run`] reads a command line, runs it and answers the exit code.
//! - [`command`] has one file a command; [`flags`] reads flags as Docker's users write them.
//! - [`format`], [`template`] and [`inspect`] say what Docker's users and their scripts expect to read.
//! - [`history`] and [`world`] are a simulated host, and what was done to it, to be done again.
//! - [`book`] is the book whose commands run.
//! - [`native`] is the environment of a real process; all else builds without an operating system.

#![forbid(unsafe_code)]

pub mod book;
pub mod command;
pub mod environment;
mod failure;
pub mod filter;
pub mod flags;
pub mod format;
pub mod history;
pub mod inspect;
pub mod keychain;
#[cfg(unix)]
pub mod native;
pub mod screen;
mod session;
pub mod template;
pub mod words;
pub mod world;

pub use environment::{Environment, HostOptions, Sink, Source, Standard, StreamOptions};
pub use failure::{Failure, Outcome};
pub use session::Session;

/// Runs one command line, without the program's own name, and answers its exit code.
pub fn run(args: &[String], environment: &mut dyn Environment) -> i32 {
    match split(args, environment) {
        Ok((host, command)) => run_on(&command, host, environment),
        Err(code) => code,
    }
}

/// Splits a command line into the host it is for and the command.
///
/// # Errors
/// The exit code, when all is said: `--help`, `--version`, or a mistake that has been printed.
pub fn split(args: &[String], environment: &mut dyn Environment) -> Result<(HostOptions, Vec<String>), i32> {
    command::split(args, environment)
}

/// Runs a command, without the options before it, on a host.
pub fn run_on(command: &[String], host: HostOptions, environment: &mut dyn Environment) -> i32 {
    command::dispatch(command, host, environment)
}
