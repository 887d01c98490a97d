//! How a command fails: what is printed, for people or for programs, and the exit code.

use crate::environment::CLIENT;
use drydock_core::Error;
use serde::Serialize;

/// The exit code when whoever read the output is gone: what a shell shows for SIGPIPE, which would have ended another program.
pub(crate) const NO_READER: i32 = 128 + 13;
/// The exit code of a command line that cannot be understood.
pub(crate) const MISUSED: i32 = 125;

/// What a command answers: its exit code, or how it failed.
pub type Outcome = Result<i32, Failure>;

/// Why a command ended early.
#[derive(Debug)]
pub enum Failure {
    /// The engine said no. Printed as Docker's client prints what its daemon says, exit code by the error's kind.
    Engine(Error),
    /// The client itself found something wrong before it asked the engine: printed without the words about a daemon.
    Client(Error),
    /// Something is wrong with a flag: printed with the command's usage, exit code 125.
    Flag(String),
    /// Printed as it is, with this exit code. No text is printed for an empty one.
    Said(String, i32),
    /// Standard output is gone, and so is whoever would read a message.
    Output(std::io::Error),
}

impl Failure {
    /// A sentence and exit code 1.
    pub fn said(text: impl Into<String>) -> Self {
        Self::Said(text.into(), 1)
    }

    /// The same failure, found by the client.
    #[must_use]
    pub fn at_client(self) -> Self {
        match self {
            Self::Engine(error) => Self::Client(error),
            other => other,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.operation() == CLIENT { Self::Client(error) } else { Self::Engine(error) }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

/// What an engine's error is called where Docker's client passes on what its daemon said. There is no daemon here, and scripts look for
/// these words.
pub(crate) fn from_engine(error: &Error) -> String {
    if error.operation() == CLIENT { error.to_string() } else { format!("Error response from daemon: {error}") }
}

/// One failure for programs: a line of JSON on standard error (`--error-format json`).
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Stable, and the only thing to compare with: `no-such-container`, `port-in-use`, `usage`.
    pub code: String,
    /// What went wrong, as far as a caller can act on it: `not-found`, `conflict`, `invalid-input`.
    pub kind: String,
    /// The sentence that a person would read. It may change.
    pub message: String,
    /// What it is about: a container, a path, a port; empty if nothing in particular.
    pub subject: String,
    /// What can be done about it; empty if there is nothing to say.
    pub hint: String,
    /// The status that Docker's Engine API gives for it.
    pub status: u16,
    /// The exit code of the command.
    pub exit: i32,
}

impl Report {
    /// An error of the engine's or of the client's own.
    pub fn of(error: &Error, exit: i32) -> Self {
        let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
        Self {
            code: error.stable_code().to_owned(),
            kind: error.kind().name().to_owned(),
            message: format!("{}{source}", error.message()),
            subject: error.about().to_owned(),
            hint: error.advice().unwrap_or_default().to_owned(),
            status: error.http_status(),
            exit,
        }
    }

    /// A sentence of a command's own.
    pub fn said(text: &str, exit: i32) -> Self {
        let message = text.lines().next().unwrap_or_default();
        let message = ["Error: ", "drydock: "].iter().find_map(|prefix| message.strip_prefix(prefix)).unwrap_or(message);
        let misused = exit == MISUSED || text.contains("\n\nUsage:  ");
        let (code, kind, status) = if misused { ("usage", "invalid-input", 400) } else { ("failed", "command", 500) };
        Self {
            code: code.to_owned(),
            kind: kind.to_owned(),
            message: message.to_owned(),
            subject: String::new(),
            hint: String::new(),
            status,
            exit,
        }
    }

    /// The line.
    pub fn line(&self) -> String {
        // Seven texts and numbers are always JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}
