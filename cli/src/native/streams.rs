//! The person's side of a container's streams.

use super::signals::{Arrived, Signals};
use super::terminal::{self, Raw};
use crate::environment::{OUTPUT, StreamOptions};
use drydock_core::io::{Input, Io, Stream};
use drydock_core::kernel::Signal;
use drydock_core::{Error, ErrorKind, Result};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::Write as _;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};

/// So many interrupts or terminations in a row mean that the person wants to leave, whatever the container does with them.
const IMPATIENT: u32 = 3;

/// The most that one read takes.
const CHUNK: usize = 32 << 10;

/// Standard streams, signals and the terminal's size, as one [`Io`].
pub(crate) struct Streams {
    stdin: Option<std::io::Stdin>,
    signals: Option<Signals>,
    terminal: bool,
    /// Signals are for the container; otherwise they end this process, once the terminal is as it was.
    pass_on: bool,
    sized: bool,
    closed_told: bool,
    interrupts: u32,
    // Last, so that the terminal is given back after all else.
    _raw: Option<Raw>,
}

impl Streams {
    /// Connects what `options` ask for.
    pub(crate) fn new(options: StreamOptions) -> Result<Self> {
        // Before the terminal changes, so that no signal can end the process while it is raw.
        let signals = Signals::catch(options.signals || options.terminal, options.terminal)?;
        let raw = if options.terminal && options.stdin { Raw::enter()? } else { None };
        Ok(Self {
            stdin: options.stdin.then(std::io::stdin),
            signals,
            terminal: options.terminal,
            pass_on: options.signals,
            sized: false,
            closed_told: false,
            interrupts: 0,
            _raw: raw,
        })
    }

    fn resized(&self) -> Option<Input> {
        terminal::size().filter(|_| self.terminal).map(Input::Resize)
    }

    fn signal(&mut self) -> Result<Option<Input>> {
        loop {
            match self.signals.as_mut().and_then(Signals::next) {
                None => return Ok(None),
                Some(Arrived::Resized) => {
                    if let Some(input) = self.resized() {
                        return Ok(Some(input));
                    }
                }
                Some(Arrived::Other(signal)) if !self.pass_on => {
                    if signal != Signal::CONT {
                        return Err(Error::new(ErrorKind::Interrupted, format!("ended by {signal}; the container goes on")));
                    }
                }
                Some(Arrived::Other(signal)) => {
                    self.interrupts += u32::from(signal == Signal::INT || signal == Signal::TERM);
                    if self.interrupts >= IMPATIENT {
                        return Err(Error::new(ErrorKind::Interrupted, "got 3 SIGTERM/SIGINTs, forcefully exiting"));
                    }
                    return Ok(Some(Input::Signal(signal)));
                }
            }
        }
    }

    /// Reads what is there. Not through std's buffer, which would hide bytes from poll(2).
    fn read(&mut self) -> Result<Option<Input>> {
        let Some(stdin) = &self.stdin else { return Ok(None) };
        let mut buffer = vec![0; CHUNK];
        match nix::unistd::read(stdin.as_fd(), &mut buffer) {
            Ok(0) | Err(Errno::EIO) => {
                self.stdin = None;
                self.closed_told = true;
                Ok(Some(Input::Closed))
            }
            Ok(count) => {
                buffer.truncate(count);
                Ok(Some(Input::Bytes(buffer)))
            }
            Err(Errno::EINTR | Errno::EAGAIN) => Ok(None),
            Err(e) => Err(Error::new(ErrorKind::System, "standard input cannot be read").op("read").source(e)),
        }
    }

    /// Waits for standard input or a signal. Answers whether standard input has something.
    fn wait(&self, block: bool) -> Result<bool> {
        let mut watched: Vec<PollFd<'_>> = Vec::with_capacity(2);
        if let Some(stdin) = &self.stdin {
            watched.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
        }
        if let Some(signals) = &self.signals {
            watched.push(PollFd::new(signals.as_fd(), PollFlags::POLLIN));
        }
        if watched.is_empty() {
            return Ok(false);
        }
        let timeout = if block { PollTimeout::NONE } else { PollTimeout::ZERO };
        match poll(&mut watched, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(e) => return Err(Error::new(ErrorKind::System, "standard input cannot be watched").op("poll").source(e)),
        }
        let ready = |fd: &PollFd<'_>| fd.revents().is_some_and(|r| !r.is_empty());
        Ok(self.stdin.is_some() && watched.first().is_some_and(ready))
    }
}

impl Io for Streams {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> Result<()> {
        let wrong = |e: std::io::Error| Error::new(ErrorKind::System, "standard output cannot be written").op(OUTPUT).source(e);
        let written = match stream {
            Stream::Stdout => {
                let mut out = std::io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            Stream::Stderr => std::io::stderr().lock().write_all(bytes),
        };
        written.map_err(wrong)
    }

    fn input(&mut self, block: bool) -> Result<Input> {
        if !self.sized {
            self.sized = true;
            if let Some(size) = self.resized() {
                return Ok(size);
            }
        }
        loop {
            if let Some(signal) = self.signal()? {
                return Ok(signal);
            }
            if self.wait(block && !self.signals.as_ref().is_some_and(Signals::waiting))?
                && let Some(input) = self.read()?
            {
                return Ok(input);
            }
            if let Some(signal) = self.signal()? {
                return Ok(signal);
            }
            if self.stdin.is_none() && !self.closed_told {
                self.closed_told = true;
                return Ok(Input::Closed);
            }
            if !block || (self.stdin.is_none() && self.signals.is_none()) {
                return Ok(Input::Pending);
            }
        }
    }

    fn descriptors(&self) -> Vec<i32> {
        let stdin = self.stdin.as_ref().map(std::io::Stdin::as_raw_fd);
        stdin.into_iter().chain(self.signals.as_ref().map(Signals::descriptor)).collect()
    }
}

impl Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket().as_fd()
    }
}
