//! One run of one command: its environment, and the engine once it is needed.

use crate::environment::{Environment, HostOptions, Standard};
use crate::failure::{Failure, Outcome, Report, from_engine};
use crate::format::escape;
use drydock_core::engine::Engine;
use drydock_core::{Error, Result};
use std::sync::Arc;

/// Columns where there is no terminal to ask.
const COLUMNS: usize = 80;

/// What a command does for one name: answers the line to print, if any.
pub type Act<'f, 'a> = dyn FnMut(&mut Session<'a>, &dyn Engine, &str) -> Result<Option<String>, Failure> + 'f;

/// What a command works with.
pub struct Session<'a> {
    /// Streams, files, variables.
    pub environment: &'a mut dyn Environment,
    /// Which host.
    pub host: HostOptions,
    /// How the command was called: `run`, `container run`.
    pub called: String,
    engine: Option<Arc<dyn Engine>>,
}

impl<'a> Session<'a> {
    /// A session that has not opened its engine.
    pub fn new(environment: &'a mut dyn Environment, host: HostOptions, called: String) -> Self {
        Self { environment, host, called, engine: None }
    }

    /// The engine, opened when it is first asked for.
    pub fn engine(&mut self) -> Result<Arc<dyn Engine>> {
        if let Some(engine) = &self.engine {
            return Ok(Arc::clone(engine));
        }
        let engine = self.environment.open(&self.host)?;
        self.engine = Some(Arc::clone(&engine));
        Ok(engine)
    }

    /// Prints a line on standard output. On a terminal, what could move its cursor is escaped.
    pub fn say(&mut self, line: &str) -> std::io::Result<()> {
        let terminal = self.environment.is_terminal(Standard::Output);
        let text = if terminal { escape::printable(line) } else { line.into() };
        writeln!(self.environment.out(), "{text}")
    }

    /// Prints a line on standard error.
    pub fn complain(&mut self, line: &str) {
        let terminal = self.environment.is_terminal(Standard::Error);
        let text = if terminal { escape::printable(line) } else { line.into() };
        // Whoever closed standard error does not want to know.
        let _ = writeln!(self.environment.err(), "{text}");
    }

    /// Prints what the engine refused, and goes on: the words of Docker's client, or a line of JSON.
    pub fn refused(&mut self, error: &Error) {
        let json = self.host.json_errors;
        let line = if json { Report::of(error, error.exit_code()).line() } else { from_engine(error) };
        self.complain(&line);
    }

    /// Columns of the terminal, 80 without one.
    pub fn width(&self) -> usize {
        self.environment.size().map_or(COLUMNS, |s| usize::from(s.cols).max(COLUMNS / 2))
    }

    /// Does something for each name, and goes on after an error: each is printed, and the exit code is 1 if there was one.
    pub fn each(&mut self, names: &[String], act: &mut Act<'_, 'a>) -> Outcome {
        let engine = self.engine()?;
        let mut code = 0;
        for name in names {
            match act(self, &*engine, name) {
                Ok(Some(line)) => self.say(&line)?,
                Ok(None) => {}
                Err(Failure::Engine(error)) => {
                    self.refused(&error);
                    code = error.exit_code();
                }
                Err(other) => return Err(other),
            }
        }
        Ok(code)
    }
}
