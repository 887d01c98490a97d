//! The supervised container's streams.

use super::guest::never_block;
use super::wire::CHUNK;
use crate::error::step;
use crate::process::{Child, Ends};
use drydock_core::error::Result;
use drydock_core::io::{Size, Stream};
use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use rustix::termios::{Winsize, tcsetwinsize};
use std::os::fd::{AsFd, OwnedFd};

/// How many bytes of input may wait for the program.
const INPUT_FULL: usize = 64 * 1024;

/// The streams of one process, read and written without ever blocking.
#[derive(Debug)]
pub struct Streams {
    /// What the process's side is.
    pub ends: Ends,
    input: Vec<u8>,
    close_input: bool,
}

impl Streams {
    /// Takes over the ends.
    pub fn new(ends: Ends) -> Result<Self> {
        for end in [&ends.stdin, &ends.stdout, &ends.stderr, &ends.terminal].into_iter().flatten() {
            never_block(end)?;
        }
        Ok(Self { ends, input: Vec::new(), close_input: false })
    }

    /// Reads what is there, at most a chunk a stream; `false` if there was nothing.
    pub fn read(&mut self, each: &mut dyn FnMut(Stream, &[u8])) -> bool {
        let ends =
            [(&mut self.ends.terminal, Stream::Stdout), (&mut self.ends.stdout, Stream::Stdout), (&mut self.ends.stderr, Stream::Stderr)];
        let mut some = false;
        let mut bytes = [0; CHUNK];
        for (end, stream) in ends {
            let Some(fd) = end.as_ref() else { continue };
            match rustix::io::retry_on_intr(|| rustix::io::read(fd, &mut bytes[..])) {
                Err(Errno::AGAIN) => {}
                // A terminal answers EIO when its last user has closed it (pty(7)).
                Ok(0) | Err(_) => *end = None,
                Ok(count) => {
                    some = true;
                    each(stream, bytes.get(..count).unwrap_or_default());
                }
            }
        }
        some
    }

    /// Adds input for the program.
    pub fn write(&mut self, bytes: &[u8]) {
        if self.input_end().is_some() {
            self.input.extend_from_slice(bytes);
            self.flush();
        }
    }

    /// Ends the input once everything before it is written. A terminal has no such end.
    pub fn end_input(&mut self) {
        self.close_input = self.ends.terminal.is_none();
        self.flush();
    }

    /// Writes input that the program takes now.
    pub fn flush(&mut self) {
        while let Some(fd) = self.input_end() {
            if self.input.is_empty() {
                break;
            }
            match rustix::io::retry_on_intr(|| rustix::io::write(fd, &self.input)) {
                Ok(count) => drop(self.input.drain(..count)),
                Err(Errno::AGAIN) => return,
                // Nobody will read it any more.
                Err(_) => {
                    self.input.clear();
                    self.ends.stdin = None;
                    break;
                }
            }
        }
        if self.close_input && self.input.is_empty() {
            self.ends.stdin = None;
        }
    }

    /// Where input goes while it can.
    pub fn input_end(&self) -> Option<&OwnedFd> {
        self.ends.terminal.as_ref().or(self.ends.stdin.as_ref())
    }

    /// Whether input waits for the program.
    pub fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// Whether clients have to wait with more input.
    pub fn input_is_full(&self) -> bool {
        self.input.len() >= INPUT_FULL
    }

    /// Gives the terminal a size. Without one there is nothing to do.
    pub fn resize(&self, size: Size) -> Result<()> {
        let Some(master) = &self.ends.terminal else { return Ok(()) };
        let size = Winsize { ws_row: size.rows, ws_col: size.cols, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(master, size).map_err(|e| step("ioctl(TIOCSWINSZ)", "terminal", e))
    }
}

/// Reaps a child that has ended, and answers its exit code: 128 and the number for a signal.
pub fn reap(child: &Child) -> Result<i32> {
    let status = rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(child.pidfd.as_fd()), WaitIdOptions::EXITED))
        .map_err(|e| step("waitid", child.process.pid.to_string(), e))?;
    Ok(status.map_or(0, |s| s.exit_status().unwrap_or_else(|| 128 + s.terminating_signal().unwrap_or(0))))
}
