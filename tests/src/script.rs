//! A person at a container's streams, played from a script.

use drydock_core::Result;
use drydock_core::io::{Input, Io, Size, Stream};
use drydock_core::kernel::Signal;
use std::collections::VecDeque;

/// One thing the person does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Types this.
    Send(Vec<u8>),
    /// Does nothing until this has been seen on standard output.
    Expect(Vec<u8>),
    /// Changes the size of the terminal.
    Resize(Size),
    /// Sends a signal.
    Signal(Signal),
}

/// Plays a script and keeps what was seen.
#[derive(Debug, Default)]
pub struct Script {
    acts: VecDeque<Act>,
    closed: bool,
    /// Standard output, or what the terminal showed.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Script {
    /// Nobody: standard input is at its end from the start.
    pub fn silent() -> Self {
        Self::default()
    }

    /// Does these things, then closes standard input.
    pub fn of(acts: impl IntoIterator<Item = Act>) -> Self {
        Self { acts: acts.into_iter().collect(), ..Self::default() }
    }

    /// Types this, then closes standard input.
    pub fn typing(bytes: &[u8]) -> Self {
        Self::of([Act::Send(bytes.to_vec())])
    }

    fn seen(&self, part: &[u8]) -> bool {
        part.is_empty() || self.stdout.windows(part.len()).any(|w| w == part)
    }
}

impl Io for Script {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> Result<()> {
        match stream {
            Stream::Stdout => self.stdout.extend_from_slice(bytes),
            Stream::Stderr => self.stderr.extend_from_slice(bytes),
        }
        Ok(())
    }

    fn input(&mut self, _block: bool) -> Result<Input> {
        while let Some(Act::Expect(part)) = self.acts.front() {
            if !self.seen(part) {
                return Ok(Input::Pending);
            }
            self.acts.pop_front();
        }
        Ok(match self.acts.pop_front() {
            Some(Act::Send(bytes)) => Input::Bytes(bytes),
            Some(Act::Resize(size)) => Input::Resize(size),
            Some(Act::Signal(signal)) => Input::Signal(signal),
            Some(Act::Expect(_)) => Input::Pending,
            None if self.closed => Input::Pending,
            None => {
                self.closed = true;
                Input::Closed
            }
        })
    }

    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}
