//! [`Late`]: what happened to a container and could not be recorded, because there is no room to record it in.
//!
//! A disk that is full is waited for, since somebody will make room; meanwhile whoever asks is told, and nothing else is held up.

use super::machine::Output;
use crate::engine::Ending;
use crate::error::{Error, ErrorKind};
use crate::id::ContainerId;
use crate::time::Moment;
use std::collections::VecDeque;
use std::time::Duration;

/// The first pause before it is tried again.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest one: so long after there is room again the end is recorded at the latest.
const LONGEST: Duration = Duration::from_secs(8);

/// What is still to be recorded.
#[derive(Debug)]
pub(super) struct Late {
    /// The end of the container's program, and what is to be done after it is recorded.
    pub end: Option<(Ending, VecDeque<Output>)>,
    /// Ends of further programs: their ids and exit codes.
    pub execs: Vec<(String, i32)>,
    why: String,
    due: Moment,
    pause: Duration,
}

impl Late {
    /// Nothing yet, to be tried again in a moment.
    pub fn new(why: &Error, now: Moment) -> Self {
        Self { end: None, execs: Vec::new(), why: cause(why), due: now.after(SHORTEST), pause: SHORTEST }
    }

    /// When to try again.
    pub fn due(&self) -> Moment {
        self.due
    }

    /// It failed again.
    pub fn put_off(&mut self, why: &Error, now: Moment) {
        self.pause = (self.pause * 2).min(LONGEST);
        self.due = now.after(self.pause);
        self.why = cause(why);
    }

    /// Whether the end of the container's program is among it.
    pub fn ends(&self) -> bool {
        self.end.is_some()
    }

    /// This too is to be done once the end is recorded.
    pub fn then(&mut self, more: impl IntoIterator<Item = Output>) {
        if let Some((_, rest)) = &mut self.end {
            rest.extend(more);
        }
    }

    /// What whoever asks for something is told.
    pub fn error(&self, id: &ContainerId) -> Error {
        let code = self.end.as_ref().map_or(0, |(ending, _)| ending.exit.code);
        let message = format!("container {} has ended with code {code}, which cannot be recorded: {}", id.short(), self.why);
        Error::new(ErrorKind::Exhausted, message).subject(id.as_str()).hint("make room: it is recorded within seconds then")
    }
}

/// An error without the advice, which is that of whoever asks here.
fn cause(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{}: {source}", error.message()),
        None => error.message().to_owned(),
    }
}
