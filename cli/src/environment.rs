//! The world around the command line: standard streams, terminal, files and variables, as one trait.
//!
//! The library half of this crate reaches nothing except through an [`Environment`], so that the same commands run in a process,
//! in a replayed history and in a browser's page.

use crate::keychain::{Forgetful, Keychain};
use drydock_core::build::ignore::Ignore;
use drydock_core::container::UserRange;
use drydock_core::engine::{Engine, PathStat};
use drydock_core::io::{Io, Size};
use drydock_core::kernel::Facts;
use drydock_core::{Error, ErrorKind, Result};
use std::io::{Read, Write};
use std::sync::Arc;

/// The operation that errors of [`Io::output`] name, so that a reader who went away is told from an engine that failed.
pub const OUTPUT: &str = "write to standard output";

/// The operation that errors of the client's own name, so that they are told from what the engine said.
pub const CLIENT: &str = "read what the client was given";

/// One of the three standard streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// Descriptor 0.
    Input,
    /// Descriptor 1.
    Output,
    /// Descriptor 2.
    Error,
}

/// How a command wants to be connected to a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamOptions {
    /// Standard input is read and passed on.
    pub stdin: bool,
    /// The terminal goes into raw mode, and changes of its size are passed on.
    pub terminal: bool,
    /// Signals that this process gets are passed on.
    pub signals: bool,
}

/// Which host to open, and where its state is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostOptions {
    /// `linux`, `sim`, `sim:FILE`; `None` for the default.
    pub host: Option<String>,
    /// Durable state; `None` for the host's default.
    pub data_root: Option<String>,
    /// State of this boot; `None` for the host's default.
    pub run_root: Option<String>,
    /// Ids that new containers get.
    pub user_range: Option<UserRange>,
    /// Say more about what happens.
    pub debug: bool,
    /// Where the client's own configuration is; `None` for what its environment says.
    pub config: Option<String>,
    /// Open it as it is, without finishing or undoing what a dead process left: for `doctor`, where that fails.
    pub as_found: bool,
    /// The command will start a container: what that needs may be begun beside what comes before.
    pub starts: bool,
    /// Say what went wrong as lines of JSON.
    pub json_errors: bool,
}

/// A file opened for reading.
pub struct Source {
    /// Its bytes.
    pub reader: Box<dyn Read>,
    /// How many there are, where that is known beforehand.
    pub size: Option<u64>,
}

/// A file being written, which is there under its name only once it is whole.
pub trait Sink: Write {
    /// Gives the file its name.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Everything outside the engine that a command may touch.
pub trait Environment {
    /// Opens the engine of a host. Called at most once a command, and only by commands that need it.
    fn open(&mut self, options: &HostOptions) -> Result<Arc<dyn Engine>>;
    /// What a host is, without opening an engine where that can be told without one.
    fn facts(&mut self, options: &HostOptions) -> Result<Facts> {
        self.open(options).map(|engine| engine.facts())
    }
    /// The commands that only this environment has, for the help: names and what they do. None, unless it says so.
    fn own_commands(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
    /// Runs a command that only this environment has (`supervise`, `conform`…). `None` if it has none of this name.
    fn own_command(&mut self, _name: &str, _args: &[String], _options: &HostOptions) -> Option<i32> {
        None
    }

    /// Standard output.
    fn out(&mut self) -> &mut dyn Write;
    /// Standard error.
    fn err(&mut self) -> &mut dyn Write;
    /// Whether a standard stream is a terminal.
    fn is_terminal(&self, stream: Standard) -> bool;
    /// The terminal's size, if there is one.
    fn size(&self) -> Option<Size>;
    /// Connects the standard streams. What was changed about the terminal is changed back when the answer is dropped.
    fn streams(&mut self, options: StreamOptions) -> Result<Box<dyn Io>>;

    /// Opens a file for reading; `-` is standard input.
    ///
    /// # Errors
    /// `open PATH: no such file or directory`, as Go's programs say it.
    fn source(&mut self, path: &str) -> Result<Source>;
    /// Makes a file that must not exist yet.
    fn create_file(&mut self, path: &str, content: &[u8]) -> Result<()>;
    /// Writes a file, replacing what was there (`man`, `--report`).
    fn write_file(&mut self, path: &str, content: &[u8]) -> Result<()>;
    /// Opens a file to write, whole or not at all. What was there is replaced.
    ///
    /// # Errors
    /// `invalid output path: …` in Docker's words.
    fn sink(&mut self, path: &str) -> Result<Box<dyn Sink>>;
    /// What is at a path here; `None` if nothing is. The last link is followed or not.
    fn look(&mut self, path: &str, follow: bool) -> Result<Option<PathStat>>;
    /// What is at a path here as a tar archive, below this name.
    fn pack(&mut self, path: &str, follow: bool, name: &str) -> Result<Source>;
    /// A directory here as a build context: a tar archive without what is left out, no link followed.
    fn context(&mut self, path: &str, ignore: &Ignore) -> Result<Source>;
    /// Makes a directory, with those above it; there already is no error.
    fn make_directory(&mut self, path: &str) -> Result<()>;
    /// Puts a tar archive into a directory here. Its files belong to whoever runs this, or with `owners` to whom the archive says.
    fn unpack(&mut self, directory: &str, archive: &mut dyn Read, owners: bool) -> Result<()>;
    /// Whether there is a file of this name.
    fn exists(&self, path: &str) -> bool;
    /// Where the client keeps who it is to registries. A host that lasts no longer than a command has one that does not either.
    fn keychain(&mut self, _options: &HostOptions) -> Result<Box<dyn Keychain>> {
        Ok(Box::new(Forgetful::default()))
    }
    /// A variable of the client's environment.
    fn variable(&self, name: &str) -> Option<String>;
    /// Waits for a moment of the person's own time, between two pictures of something that moves in simulated time.
    fn pace(&mut self, _time: std::time::Duration) {}
    /// The working directory, absolute.
    fn directory(&self) -> Result<String>;
}

/// The whole text of a file.
pub fn read_text(environment: &mut dyn Environment, path: &str) -> Result<String> {
    let mut text = Vec::new();
    let mut source = environment.source(path)?;
    source.reader.read_to_end(&mut text).map_err(|e| Error::new(ErrorKind::System, format!("read {path}")).source(e))?;
    String::from_utf8(text).map_err(|_| Error::invalid(format!("{path}: invalid UTF-8")).op(CLIENT))
}
