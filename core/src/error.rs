//! The one error type, and the one place where exit codes and HTTP statuses are derived from it.

use std::fmt;

/// What every fallible function of Drydock returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as a caller can act on it. Clauses of the suite match on this and on nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request itself is malformed: a value that does not parse, options that exclude each other.
    InvalidInput,
    /// Nothing has this name or id.
    NotFound,
    /// A short id or prefix fits more than one thing.
    Ambiguous,
    /// The name, address or port belongs to something else, or the state forbids the operation.
    Conflict,
    /// The thing is in use by another and was not removed.
    InUse,
    /// The container is not running, and the operation needs it to run.
    NotRunning,
    /// The program to execute does not exist in the container (exit code 127).
    CommandNotFound,
    /// The program to execute exists and cannot be executed (exit code 126).
    CommandNotExecutable,
    /// The host does not declare the capability that the operation needs. Nothing was changed.
    Unsupported,
    /// The simulator does not model this, and does not pretend. Nothing was changed.
    NotModelled,
    /// The kernel refused for want of a permission or capability.
    Denied,
    /// A pool is used up: addresses, ports, process ids, disk, memory.
    Exhausted,
    /// Another process changed the same record first; the caller may try again.
    Stale,
    /// The wait ended before what was waited for happened.
    TimedOut,
    /// The operation was cut off by a crash or by an injected fault.
    Interrupted,
    /// What is on disk is not what was written there.
    Corrupt,
    /// Anything else the system said.
    System,
}

impl ErrorKind {
    /// The kind as a word: `not-found`.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid-input",
            Self::NotFound => "not-found",
            Self::Ambiguous => "ambiguous",
            Self::Conflict => "conflict",
            Self::InUse => "in-use",
            Self::NotRunning => "not-running",
            Self::CommandNotFound => "command-not-found",
            Self::CommandNotExecutable => "command-not-executable",
            Self::Unsupported => "unsupported",
            Self::NotModelled => "not-modelled",
            Self::Denied => "denied",
            Self::Exhausted => "exhausted",
            Self::Stale => "stale",
            Self::TimedOut => "timed-out",
            Self::Interrupted => "interrupted",
            Self::Corrupt => "corrupt",
            Self::System => "system",
        }
    }
}

/// An error: its kind, what was being done, to what, what the system said, and what to do about it.
///
/// Displayed as one line: the message alone where it is Docker's own wording, followed by the hint if there is one.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    op: &'static str,
    code: Option<&'static str>,
    subject: String,
    message: String,
    hint: Option<Box<str>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error of this kind. `message` is the whole sentence a person reads.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, op: "", code: None, subject: String::new(), message: message.into(), hint: None, source: None }
    }

    /// Shorthand for [`ErrorKind::InvalidInput`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Shorthand for [`ErrorKind::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Shorthand for [`ErrorKind::Conflict`].
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// Shorthand for [`ErrorKind::NotModelled`].
    pub fn not_modelled(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotModelled, format!("not modelled: {what}"))
    }

    /// Shorthand for [`ErrorKind::Unsupported`].
    pub fn unsupported(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Unsupported, format!("not supported by this host: {what}"))
    }

    /// Says which operation failed: `create`, `mount`, `clone3`.
    #[must_use]
    pub fn op(mut self, op: &'static str) -> Self {
        self.op = op;
        self
    }

    /// Gives it a stable code of its own, where its kind alone does not tell a program what to do: `no-such-container`, `port-in-use`.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Says what the operation was about: a container, a path, a link.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    /// Says what the reader can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into().into_boxed_str());
        self
    }

    /// Keeps the error underneath.
    #[must_use]
    pub fn source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Changes the kind and keeps all else.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// What went wrong, as far as a caller can act on it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What a program can rely on: never a sentence, never changed once given. The kind's name where the error has no code of its own.
    pub fn stable_code(&self) -> &'static str {
        self.code.unwrap_or(self.kind.name())
    }

    /// The operation that failed, or the empty string.
    pub fn operation(&self) -> &'static str {
        self.op
    }

    /// What the operation was about, or the empty string.
    pub fn about(&self) -> &str {
        &self.subject
    }

    /// The sentence without hint or source.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the reader can do about it.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The exit code of `run`, `create`, `start` and `exec` when the engine itself fails (Docker: "Exit status" of `docker run`).
    pub fn exit_code_of_run(&self) -> i32 {
        match self.kind {
            ErrorKind::CommandNotFound => 127,
            ErrorKind::CommandNotExecutable => 126,
            ErrorKind::NotModelled => 3,
            _ => 125,
        }
    }

    /// The exit code of every other command when the engine fails.
    pub fn exit_code(&self) -> i32 {
        match self.kind {
            ErrorKind::NotModelled => 3,
            _ => 1,
        }
    }

    /// The HTTP status that Docker's Engine API gives for it.
    pub fn http_status(&self) -> u16 {
        match self.kind {
            ErrorKind::InvalidInput | ErrorKind::Ambiguous | ErrorKind::CommandNotFound | ErrorKind::CommandNotExecutable => 400,
            ErrorKind::Denied => 403,
            ErrorKind::NotFound => 404,
            ErrorKind::Conflict | ErrorKind::InUse | ErrorKind::NotRunning => 409,
            ErrorKind::Unsupported | ErrorKind::NotModelled => 501,
            ErrorKind::Exhausted | ErrorKind::Stale | ErrorKind::TimedOut | ErrorKind::Interrupted => 503,
            ErrorKind::Corrupt | ErrorKind::System => 500,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|s| s as &(dyn std::error::Error + 'static))
    }
}

impl From<serde_json::Error> for Error {
    fn from(e: serde_json::Error) -> Self {
        Error::new(ErrorKind::Corrupt, "a record cannot be read").source(e)
    }
}
