//! How a command fails: what is printed, and the exit code.

use drydock_core::Error;

/// The exit code when whoever read the output is gone: what a shell shows for SIGPIPE, which would have ended another program.
pub(crate) const NO_READER: i32 = 128 + 13;

/// What a command answers: its exit code, or how it failed.
pub type Outcome = Result<i32, Failure>;

/// Why a command ended early.
#[derive(Debug)]
pub enum Failure {
    /// The engine said no. Printed with the prefix of the command, exit code by the error's kind.
    Engine(Error),
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
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}
