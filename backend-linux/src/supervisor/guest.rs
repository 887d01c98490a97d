//! One client, as the supervisor sees it.
//!
//! What a client has not read yet waits in a bounded queue. When it is full the container's streams are not read, so that the
//! container waits as it would before a full pipe. A client that then takes nothing for [`PATIENCE`] is sent away, so that one
//! that is stuck cannot hold a container for ever; the log has everything.

use super::wire::{self, Frame, Hello, Received};
use drydock_core::error::Result;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// How many bytes may wait for a client before the container has to.
const FULL: usize = 256 * 1024;
/// How long a client may take nothing while the container waits for it.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// A connected client.
#[derive(Debug)]
pub struct Guest {
    socket: OwnedFd,
    /// What it attached to, if it did.
    pub hello: Option<Hello>,
    queue: VecDeque<Vec<u8>>,
    queued: usize,
    full_since: Option<Instant>,
    /// It has gone or is to be sent away.
    pub gone: bool,
}

impl Guest {
    /// Takes in a client.
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket, hello: None, queue: VecDeque::new(), queued: 0, full_since: None, gone: false }
    }

    /// The next message that is there; `None` if there is none. A client that speaks nonsense is sent away.
    pub fn next(&mut self) -> Option<Frame> {
        if self.gone {
            return None;
        }
        match wire::receive(&self.socket) {
            Ok(Received::Frame(frame)) => Some(frame),
            Ok(Received::Nothing) => None,
            Ok(Received::End) | Err(_) => {
                self.gone = true;
                None
            }
        }
    }

    /// Sends a message as soon as the client takes it.
    pub fn say(&mut self, frame: &Frame) {
        let Ok(message) = frame.encode() else { return };
        self.queued += message.len();
        self.queue.push_back(message);
        self.flush();
    }

    /// Sends a message with descriptors, before any other.
    pub fn hand(&mut self, frame: &Frame, descriptors: &[BorrowedFd<'_>]) -> Result<()> {
        wire::transmit_with(&self.socket, &frame.encode()?, descriptors)
    }

    /// Sends what the client takes now.
    pub fn flush(&mut self) {
        while let Some(message) = self.queue.front() {
            match wire::transmit(&self.socket, message, false) {
                Ok(true) => {
                    self.queued -= message.len();
                    self.queue.pop_front();
                    self.full_since = None;
                }
                Ok(false) => break,
                Err(_) => {
                    self.gone = true;
                    break;
                }
            }
        }
        if self.is_full() && self.full_since.is_none() {
            self.full_since = Some(Instant::now());
        }
        if self.full_since.is_some_and(|since| since.elapsed() >= PATIENCE) {
            self.gone = true;
        }
    }

    /// Lets the kernel keep whatever still waits: the socket outlives its closing until all is read (unix(7)).
    pub fn hand_over(&mut self) {
        // Without CAP_NET_ADMIN the buffer stays as it is, and what does not fit is lost.
        let _ = nix::sys::socket::setsockopt(&self.socket, nix::sys::socket::sockopt::SndBufForce, &(8 * FULL));
        self.flush();
    }

    /// Whether it attached to standard input.
    pub fn sends_input(&self) -> bool {
        self.hello.is_some_and(|hello| hello.stdin)
    }

    /// Whether the container has to wait for this client.
    pub fn is_full(&self) -> bool {
        self.queued >= FULL
    }

    /// Whether something waits to be sent.
    pub fn has_waiting(&self) -> bool {
        !self.queue.is_empty()
    }
}

impl AsFd for Guest {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Takes in every client that waits at the door, in the order in which they came.
pub fn welcome(listener: &OwnedFd, guests: &mut Vec<Guest>) -> Result<()> {
    loop {
        let flags = rustix::net::SocketFlags::CLOEXEC | rustix::net::SocketFlags::NONBLOCK;
        match rustix::net::accept_with(listener, flags) {
            Ok(socket) => guests.push(Guest::new(socket)),
            Err(Errno::AGAIN) => return Ok(()),
            Err(Errno::INTR | Errno::CONNABORTED) => {}
            // They wait at the door until there is room: the container must not end for want of a descriptor.
            Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                std::thread::sleep(Duration::from_millis(20));
                return Ok(());
            }
            Err(e) => return Err(crate::error::step("accept", "supervisor socket", e)),
        }
    }
}

/// Makes reads and writes of a descriptor answer at once.
pub fn never_block(fd: impl AsFd) -> Result<()> {
    let flags = rustix::fs::fcntl_getfl(&fd).map_err(|e| crate::error::step("fcntl", "", e))?;
    rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK).map_err(|e| crate::error::step("fcntl", "", e))
}
