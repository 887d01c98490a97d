//! The command line of Drydock, as a library that needs only an [`Environment`]: an engine to open and a terminal to talk to.
//!
//! - [`run`] reads a command line, runs it and answers the exit code.
//! - [`command`] has one file a command; [`flags`] reads flags as Docker's users write them.
//! - [`format`], [`template`] and [`inspect`] say what Docker's users and their scripts expect to read.
//! - [`native`] is the environment of a real process; all else builds without an operating system.

#![forbid(unsafe_code)]

pub mod command;
pub mod environment;
mod failure;
pub mod filter;
pub mod flags;
pub mod format;
pub mod inspect;
#[cfg(unix)]
pub mod native;
mod session;
pub mod template;

pub use environment::{Environment, HostOptions, Source, Standard, StreamOptions};
pub use failure::{Failure, Outcome};
pub use session::Session;

/// Runs one command line, without the program's own name, and answers its exit code.
pub fn run(args: &[String], environment: &mut dyn Environment) -> i32 {
    command::dispatch(args, environment)
}
