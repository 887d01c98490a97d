//! What happened, a line each with its virtual time: the same bytes for the same seed.

use drydock_core::time::Timestamp;
use std::fmt::Write as _;

/// The trace of a world.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    on: bool,
    text: String,
}

impl Trace {
    /// A trace that is written or not.
    pub fn new(on: bool) -> Self {
        Self { on, text: String::new() }
    }

    /// Whether it is written.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Adds a line, made only if the trace is written.
    pub fn note(&mut self, now: u64, line: impl FnOnce() -> String) {
        if self.on {
            // Writing to a string cannot fail.
            let _ = writeln!(self.text, "{} {}", Timestamp(now).rfc3339(), line());
        }
    }

    /// Everything so far.
    pub fn text(&self) -> &str {
        &self.text
    }
}
