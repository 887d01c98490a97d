//! What a clause works with: what a program said and how it ended, and how a check fails.

use std::fmt::{self, Debug, Display};

/// The code of errors that say: the API through which the engine is reached has no operation for this.
const NO_OPERATION: &str = "not-in-docker-api";
/// How a failure begins that is none of the engine's.
const NOT_OBSERVABLE: &str = "not observable here: ";

/// What a check answers.
pub type Checked<T = ()> = Result<T, Failed>;

/// Why a clause does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed(pub String);

impl Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<drydock_core::Error> for Failed {
    fn from(error: drydock_core::Error) -> Self {
        if error.stable_code() == NO_OPERATION {
            return Failed::not_observable(error.message());
        }
        Failed(format!("unexpected error ({:?}): {error}", error.kind()))
    }
}

impl Failed {
    /// A failure that is none of the engine's: what the clause is about does not show here.
    pub fn not_observable(why: impl Display) -> Self {
        Self(format!("{NOT_OBSERVABLE}{why}"))
    }

    /// Why what the clause is about cannot be seen from where the suite stands, if that is all that is wrong.
    pub fn unobservable(&self) -> Option<&str> {
        self.0.strip_prefix(NOT_OBSERVABLE)
    }
}

/// A refusal as the engine's answer, unless it only says that the way there has no operation for what was asked.
pub fn refusal(error: drydock_core::Error) -> Checked<drydock_core::Error> {
    if error.stable_code() == NO_OPERATION { Err(error.into()) } else { Ok(error) }
}

/// Fails with this message.
pub fn fail<T>(message: impl Display) -> Checked<T> {
    Err(Failed(message.to_string()))
}

/// Fails unless it holds.
pub fn holds(what: impl Display, condition: bool) -> Checked {
    if condition { Ok(()) } else { fail(format_args!("does not hold: {what}")) }
}

/// Fails unless what was got is what was wanted.
pub fn equal<A: Debug + PartialEq<B>, B: Debug>(what: impl Display, got: A, wanted: B) -> Checked {
    if got == wanted { Ok(()) } else { fail(format_args!("{what}: got {got:?}, wanted {wanted:?}")) }
}

/// Fails unless the text has this part.
pub fn contains(what: impl Display, text: &str, part: &str) -> Checked {
    if text.contains(part) { Ok(()) } else { fail(format_args!("{what}: no {part:?} in {text:?}")) }
}

/// Fails if the text has this part.
pub fn lacks(what: impl Display, text: &str, part: &str) -> Checked {
    if text.contains(part) { fail(format_args!("{what}: there is {part:?} in {text:?}")) } else { Ok(()) }
}

/// What a program wrote and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Exit code.
    pub code: i32,
    /// What it wrote to standard output, or to its terminal.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Standard output as text, without the last line end.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches('\n').to_owned()
    }

    /// Standard error as text, without the last line end.
    pub fn error_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim_end_matches('\n').to_owned()
    }

    /// The lines of standard output.
    pub fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }

    /// Fails unless it ended with this code.
    pub fn exits(self, code: i32) -> Checked<Self> {
        if self.code == code {
            return Ok(self);
        }
        fail(format_args!("exit code {}, wanted {code}; stdout {:?}, stderr {:?}", self.code, self.text(), self.error_text()))
    }

    /// Fails unless it ended with 0 and wrote exactly this line or these lines.
    pub fn prints(self, text: &str) -> Checked<Self> {
        let this = self.exits(0)?;
        equal("stdout", this.text(), text)?;
        Ok(this)
    }

    /// Fails unless standard output has this part.
    pub fn says(self, part: &str) -> Checked<Self> {
        contains("stdout", &self.text(), part)?;
        Ok(self)
    }

    /// Fails unless standard error has this part.
    pub fn complains(self, part: &str) -> Checked<Self> {
        contains("stderr", &self.error_text(), part)?;
        Ok(self)
    }

    /// Ends a chain of checks.
    pub fn done(self) -> Checked {
        Ok(())
    }
}
