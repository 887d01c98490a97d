//! A further program in the container as its supervisor sees it: a child whose exit it awaits, and whose streams belong to the
//! client that asked for it. Once that client has gone, what the program writes is read and dropped, so that it can go on.

use super::container::{Streams, reap};
use super::guest::Guest;
use super::wire::{Frame, Sent};
use crate::error::step;
use crate::kernel::LinuxKernel;
use crate::process::{self, Child};
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::io::Size;
use drydock_core::kernel::Process;
use rustix::event::{PollFd, PollFlags};
use std::os::fd::{AsFd, OwnedFd};

/// A program that runs.
#[derive(Debug)]
pub struct Inner {
    /// Its id in the records.
    pub exec: String,
    child: Child,
    /// What is read when nobody else does, and the terminal.
    streams: Streams,
    /// Whoever asked for it and is still there.
    guest: Option<Guest>,
}

impl Inner {
    /// Takes over a program that was launched by this process.
    pub fn of(kernel: &LinuxKernel, exec: String, process: &Process) -> Result<Self> {
        let mut child = kernel.take(process)?;
        let streams = Streams::new(std::mem::take(&mut child.ends))?;
        Ok(Self { exec, child, streams, guest: None })
    }

    /// Gives the streams to whoever asked for it. Input is theirs alone: it ends when they go.
    pub fn give(&mut self, mut guest: Guest) {
        let ends = &self.streams.ends;
        let all: [&Option<OwnedFd>; 4] = [&ends.stdin, &ends.stdout, &ends.stderr, &ends.terminal];
        let [stdin, stdout, stderr, terminal] = all.map(Option::is_some);
        let descriptors: Vec<_> = all.into_iter().flatten().map(AsFd::as_fd).collect();
        let handed = guest.hand(&Frame::Streams(Sent { stdin, stdout, stderr, terminal }), &descriptors);
        self.streams.ends.stdin = None;
        self.guest = handed.is_ok().then_some(guest);
    }

    /// What poll(2) has to watch: its exit first, then its client, or what it writes if it has none.
    pub fn watched(&self) -> impl Iterator<Item = PollFd<'_>> {
        let ends = &self.streams.ends;
        let alone = self.guest.is_none();
        let outputs = [&ends.terminal, &ends.stdout, &ends.stderr].into_iter().flatten().filter(move |_| alone);
        std::iter::once(PollFd::new(&self.child.pidfd, PollFlags::IN))
            .chain(self.guest.iter().map(|guest| PollFd::new(guest, PollFlags::IN)))
            .chain(outputs.map(|fd| PollFd::new(fd, PollFlags::IN)))
    }

    /// Hears its client, or drops what it wrote.
    pub fn attend(&mut self) {
        if let Some(guest) = &mut self.guest {
            while let Some(frame) = guest.next() {
                if let Frame::Signal(signal) = frame {
                    // One that has ended meanwhile needs none.
                    let _ = process::signal(&self.child.process, signal);
                }
            }
            if guest.gone {
                self.guest = None;
            }
        } else {
            self.streams.read(&mut |_, _| {});
        }
    }

    /// Gives its terminal a size.
    pub fn resize(&self, size: Size) -> Result<()> {
        if self.streams.ends.terminal.is_none() {
            return Err(Error::new(ErrorKind::NotRunning, format!("exec {} has no terminal", self.exec)));
        }
        self.streams.resize(size)
    }

    /// Waits for it, once it has ended. Answers its id, its code, and who is to be told after it is recorded.
    pub fn end(self) -> Result<(String, i32, Option<Guest>)> {
        reap(&self.child).map(|code| (self.exec, code, self.guest))
    }

    /// Ends it with its container.
    pub fn abandon(self) -> Result<(String, i32, Option<Guest>)> {
        match rustix::process::pidfd_send_signal(&self.child.pidfd, rustix::process::Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => self.end(),
            Err(e) => Err(step("pidfd_send_signal", self.exec, e)),
        }
    }
}
