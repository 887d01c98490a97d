//! The client's side of a supervisor's socket: ask, attach, wait.

use super::wire::{self, CHUNK, Frame, Hello, Received};
use crate::error::step;
use crate::kernel::LinuxKernel;
use drydock_core::container::layout::Layout;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::id::ContainerId;
use drydock_core::io::{Attach, DetachKeys, Ended, Input, Io};
use drydock_core::kernel::{Attachment, Kernel, Request};
use drydock_core::time::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use std::collections::VecDeque;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// The exit code of a container whose supervisor was killed: it dies with it, by SIGKILL.
const KILLED: i32 = 137;

/// How long a supervisor may take to say the first word.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to a supervisor; `None` if there is none.
pub fn connect(kernel: &LinuxKernel, id: &ContainerId) -> Result<Option<OwnedFd>> {
    wire::connect_to(&Layout::of(kernel.facts()).socket(id))
}

/// There is no supervisor, or none any more.
pub fn nobody(id: &ContainerId) -> Error {
    Error::new(ErrorKind::NotRunning, format!("container {id} has no supervisor")).subject(id.as_str())
}

/// Asks a supervisor and waits for its answer.
pub fn request(kernel: &LinuxKernel, id: &ContainerId, request: &Request) -> Result<()> {
    let socket = connect(kernel, id)?.ok_or_else(|| nobody(id))?;
    wire::transmit(&socket, &Frame::Ask(request.clone()).encode()?, true)?;
    set_socket_timeout(&socket, Timeout::Recv, Some(request.patience())).map_err(|e| step("setsockopt", "SO_RCVTIMEO", e))?;
    match wire::receive(&socket)? {
        Received::Nothing => Err(drydock_core::kernel::no_answer(id)),
        Received::Frame(Frame::Reply(Ok(()))) => Ok(()),
        Received::Frame(Frame::Reply(Err((kind, message)))) => Err(Error::new(kind, message).op("supervise").subject(id.as_str())),
        _ if *request == Request::Start => {
            Err(Error::new(ErrorKind::Interrupted, format!("the supervisor of container {id} died while it was starting")))
        }
        _ => Err(nobody(id)),
    }
}

/// Connects to the streams. What is written after this returns is not lost: a supervisor reads all that came before a request to
/// start before it acts on it.
pub fn attach(kernel: &LinuxKernel, id: &ContainerId, attach: &Attach) -> Result<Box<dyn Attachment>> {
    let socket = connect(kernel, id)?.ok_or_else(|| nobody(id))?;
    let hello = Hello { stdin: attach.stdin, stdout: attach.stdout, stderr: attach.stderr, logs: attach.logs };
    wire::transmit(&socket, &Frame::Attach(hello).encode()?, true)?;
    let since = if attach.logs { Some(first_answer(&socket, id)?) } else { None };
    Ok(Box::new(Attached { socket, since, stdin: attach.stdin, keys: DetachKeys::new(&attach.detach_keys), unsent: VecDeque::new() }))
}

/// From when on an attachment has what is written: the first that a supervisor says to one that asked.
fn first_answer(socket: &OwnedFd, id: &ContainerId) -> Result<Timestamp> {
    let within = |longest| set_socket_timeout(socket, Timeout::Recv, longest).map_err(|e| step("setsockopt", "SO_RCVTIMEO", e));
    within(Some(PATIENCE))?;
    let answer = wire::receive(socket)?;
    // What the program writes may be long in coming.
    within(None)?;
    match answer {
        Received::Frame(Frame::Since(moment)) => Ok(moment),
        Received::Nothing => Err(drydock_core::kernel::no_answer(id)),
        _ => Err(nobody(id)),
    }
}

/// Waits until the supervisor has ended: its socket is gone, and then its lock.
pub fn wait(kernel: &LinuxKernel, id: &ContainerId, timeout: Option<Duration>) -> Result<bool> {
    // A list asks this of every container. Its lock answers without waking it.
    if timeout.is_some_and(|t| t.is_zero()) && crate::lock::is_held(&kernel.facts().run_root, &super::lock_name(id)) {
        return Ok(false);
    }
    let until = timeout.and_then(|t| Instant::now().checked_add(t));
    if let Some(socket) = connect(kernel, id)?
        && !wait_for_end(&socket, until)?
    {
        return Ok(false);
    }
    let layout = Layout::of(kernel.facts());
    let (lock, socket) = (layout.lock(&super::lock_name(id)), layout.socket(id));
    let unfinished = wire::unfinished(&socket);
    let is_there = |path: &str| std::fs::symlink_metadata(path).is_ok();
    while is_there(&lock) || is_there(&socket) || is_there(&unfinished) {
        // Whoever makes a socket holds this lock meanwhile, so what is removed here cannot be another supervisor's.
        if let Some(_guard) = kernel.lock(&super::lock_name(id))? {
            if wire::connect_to(&socket)?.is_some() {
                return Ok(false);
            }
            let _ = std::fs::remove_file(&socket);
            let _ = std::fs::remove_file(&unfinished);
            return Ok(true);
        }
        if until.is_some_and(|at| Instant::now() >= at) {
            return Ok(false);
        }
        std::thread::sleep(super::GLANCE);
    }
    Ok(true)
}

/// Waits until the other side of a connection is gone.
fn wait_for_end(socket: &OwnedFd, until: Option<Instant>) -> Result<bool> {
    match wire::transmit(socket, &Frame::Watch.encode()?, true) {
        Err(e) if e.kind() == ErrorKind::NotRunning => return Ok(true),
        other => other?,
    };
    loop {
        let left = until.map(|at| at.saturating_duration_since(Instant::now()));
        let left = left.and_then(|t| Timespec::try_from(t).ok());
        let mut fds = [PollFd::new(socket, PollFlags::IN)];
        match poll(&mut fds, left.as_ref()) {
            Ok(0) => return Ok(false),
            Ok(_) if wire::receive(socket)? == Received::End => return Ok(true),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(step("poll", "supervisor socket", e)),
        }
    }
}

/// An open connection to a container's streams.
struct Attached {
    socket: OwnedFd,
    since: Option<Timestamp>,
    /// Whether input is passed on; no longer once it has ended.
    stdin: bool,
    keys: DetachKeys,
    /// Messages the socket has not taken yet. While there are any, no more input is read.
    unsent: VecDeque<Vec<u8>>,
}

impl Attachment for Attached {
    fn since(&self) -> Option<Timestamp> {
        self.since
    }

    fn pump(&mut self, io: &mut dyn Io) -> Result<Ended> {
        loop {
            if self.unsent.is_empty() && self.take_input(io)? {
                return Ok(Ended::Detached);
            }
            self.send_waiting()?;
            let descriptors = if self.unsent.is_empty() { io.descriptors() } else { Vec::new() };
            if wait_for(&self.socket, !self.unsent.is_empty(), &descriptors)? {
                match wire::receive(&self.socket)? {
                    Received::Frame(Frame::Output(stream, bytes)) => io.output(stream, &bytes)?,
                    Received::Frame(Frame::Exited(code)) => return Ok(Ended::Exited(code)),
                    Received::End => return Ok(Ended::Exited(KILLED)),
                    _ => {}
                }
            }
        }
    }
}

impl Attached {
    /// Passes on what the person did; `true` if it was to leave.
    fn take_input(&mut self, io: &mut dyn Io) -> Result<bool> {
        loop {
            let frame = match io.input(false)? {
                Input::Pending => return Ok(false),
                Input::Bytes(bytes) => {
                    let (pass, left) = self.keys.filter(&bytes);
                    self.queue_input(&pass)?;
                    if left {
                        self.send_waiting()?;
                        return Ok(true);
                    }
                    if self.unsent.is_empty() { continue } else { return Ok(false) }
                }
                Input::Closed => {
                    let rest = self.keys.rest();
                    self.queue_input(&rest)?;
                    if std::mem::take(&mut self.stdin) {
                        self.unsent.push_back(Frame::InputEnd.encode()?);
                    }
                    return Ok(false);
                }
                Input::Resize(size) => Frame::Resize(size),
                Input::Signal(signal) => Frame::Signal(signal),
            };
            self.unsent.push_back(frame.encode()?);
        }
    }

    fn queue_input(&mut self, bytes: &[u8]) -> Result<()> {
        if self.stdin {
            for chunk in bytes.chunks(CHUNK) {
                self.unsent.push_back(Frame::Input(chunk.to_vec()).encode()?);
            }
        }
        Ok(())
    }

    fn send_waiting(&mut self) -> Result<()> {
        while let Some(message) = self.unsent.front() {
            match wire::transmit(&self.socket, message, false) {
                Ok(true) => drop(self.unsent.pop_front()),
                Ok(false) => break,
                // What it had to say before it went is still to be read.
                Err(e) if e.kind() == ErrorKind::NotRunning => self.unsent.clear(),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// Waits until the socket or one of the person's descriptors has something; `true` if it is the socket that can be read.
fn wait_for(socket: &OwnedFd, writable_too: bool, descriptors: &[i32]) -> Result<bool> {
    let flags = if writable_too { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
    let mut fds = vec![PollFd::new(socket, flags)];
    fds.extend(descriptors.iter().map(|fd| PollFd::from_borrowed_fd(borrow(*fd), PollFlags::IN)));
    match poll(&mut fds, None) {
        Ok(_) => Ok(fds.first().is_some_and(|f| f.revents().intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR))),
        // A signal may have become input.
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(e) => Err(step("poll", "supervisor socket", e)),
    }
}

/// A descriptor that an [`Io`] says is its own.
pub fn borrow<'a>(fd: i32) -> BorrowedFd<'a> {
    // SAFETY: `Io::descriptors` answers descriptors that stay open as long as the `Io`, which outlives every use here: they are
    // only polled, before the `Io` is called again. One that is not open after all makes poll(2) say so.
    unsafe { BorrowedFd::borrow_raw(fd) }
}
