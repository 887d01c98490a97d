//! The client's side of a further program in a container: its supervisor starts it and sends the ends of its streams, and the bytes
//! go straight between the person and the program.

use super::client::{borrow, connect, nobody};
use super::container::Streams;
use super::wire::{self, Frame, Received};
use crate::error::step;
use crate::kernel::LinuxKernel;
use crate::process::Ends;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::id::ContainerId;
use drydock_core::io::{Attach, DetachKeys, Ended, Input, Io, Stream};
use drydock_core::kernel::{Attachment, Request};
use drydock_core::time::Timestamp;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use std::os::fd::OwnedFd;

/// The exit code of a program whose supervisor was killed: it dies with the container, by SIGKILL.
const KILLED: i32 = 137;

/// Asks the supervisor for a program, and connects to its streams.
pub fn attach_exec(kernel: &LinuxKernel, id: &ContainerId, exec: &str, attach: &Attach) -> Result<Box<dyn Attachment>> {
    let socket = connect(kernel, id)?.ok_or_else(|| nobody(id))?;
    wire::transmit(&socket, &Frame::Exec(exec.to_owned()).encode()?, true)?;
    let patience = Request::Exec { exec: exec.to_owned() }.patience();
    set_socket_timeout(&socket, Timeout::Recv, Some(patience)).map_err(|e| step("setsockopt", "SO_RCVTIMEO", e))?;
    let (received, descriptors) = wire::receive_with(&socket)?;
    let sent = match received {
        Received::Frame(Frame::Streams(sent)) => sent,
        Received::Frame(Frame::Reply(Err((kind, message)))) => return Err(Error::new(kind, message).op("exec").subject(exec)),
        Received::Nothing => return Err(drydock_core::kernel::no_answer(id)),
        _ => return Err(nobody(id)),
    };
    set_socket_timeout(&socket, Timeout::Recv, None).map_err(|e| step("setsockopt", "SO_RCVTIMEO", e))?;
    let mut descriptors = descriptors.into_iter();
    let mut next = |there: bool| there.then(|| descriptors.next()).flatten();
    let ends = Ends { stdin: next(sent.stdin), stdout: next(sent.stdout), stderr: next(sent.stderr), terminal: next(sent.terminal) };
    let streams = Streams::new(ends)?;
    Ok(Box::new(Connected { socket, streams, attach: attach.clone(), keys: DetachKeys::new(&attach.detach_keys) }))
}

/// An open connection to a program's streams.
struct Connected {
    /// Over which its end is told.
    socket: OwnedFd,
    streams: Streams,
    attach: Attach,
    keys: DetachKeys,
}

impl Attachment for Connected {
    fn since(&self) -> Option<Timestamp> {
        None
    }

    /// When the process has ended, what its streams still hold is passed on, but nobody waits for a background process of the
    /// program that keeps them open.
    fn pump(&mut self, io: &mut dyn Io) -> Result<Ended> {
        if !self.attach.stdin {
            self.streams.end_input();
        }
        loop {
            if !self.streams.input_is_full() && self.take_input(io)? {
                return Ok(Ended::Detached);
            }
            let news = self.wait_for(io)?;
            self.streams.flush();
            self.pass_on(io)?;
            if !news {
                continue;
            }
            let code = match wire::receive(&self.socket)? {
                Received::Frame(Frame::Exited(code)) => code,
                Received::End => KILLED,
                _ => continue,
            };
            while self.pass_on(io)? {}
            return Ok(Ended::Exited(code));
        }
    }
}

impl Connected {
    fn pass_on(&mut self, io: &mut dyn Io) -> Result<bool> {
        let mut outcome = Ok(());
        let attach = &self.attach;
        let some = self.streams.read(&mut |stream, bytes| {
            let wanted = if stream == Stream::Stdout { attach.stdout } else { attach.stderr };
            if wanted && outcome.is_ok() {
                outcome = io.output(stream, bytes);
            }
        });
        outcome.map(|()| some)
    }

    /// Passes on what the person did; `true` if it was to leave.
    fn take_input(&mut self, io: &mut dyn Io) -> Result<bool> {
        loop {
            match io.input(false)? {
                Input::Pending => return Ok(false),
                Input::Bytes(bytes) => {
                    let (pass, left) = self.keys.filter(&bytes);
                    if self.attach.stdin {
                        self.streams.write(&pass);
                    }
                    if left {
                        return Ok(true);
                    }
                    if self.streams.input_is_full() {
                        return Ok(false);
                    }
                }
                Input::Closed => {
                    if self.attach.stdin {
                        self.streams.write(&self.keys.rest());
                        self.streams.end_input();
                    }
                    return Ok(false);
                }
                Input::Resize(size) => self.streams.resize(size)?,
                Input::Signal(signal) => match wire::transmit(&self.socket, &Frame::Signal(signal).encode()?, true) {
                    Err(e) if e.kind() != ErrorKind::NotRunning => return Err(e),
                    _ => {}
                },
            }
        }
    }

    /// Waits for either side; `true` if the supervisor has something to say.
    fn wait_for(&self, io: &mut dyn Io) -> Result<bool> {
        let theirs = if self.streams.input_is_full() { Vec::new() } else { io.descriptors() };
        let ends = &self.streams.ends;
        let outputs: [&Option<OwnedFd>; 3] = [&ends.terminal, &ends.stdout, &ends.stderr];
        let mut fds = vec![PollFd::new(&self.socket, PollFlags::IN)];
        fds.extend(outputs.into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::IN)));
        fds.extend(theirs.iter().map(|fd| PollFd::from_borrowed_fd(borrow(*fd), PollFlags::IN)));
        fds.extend(self.streams.input_end().filter(|_| self.streams.has_input()).map(|fd| PollFd::new(fd, PollFlags::OUT)));
        match poll(&mut fds, None) {
            Ok(_) => Ok(fds.first().is_some_and(|f| !f.revents().is_empty())),
            // A signal may have become input.
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(e) => Err(step("poll", "an exec's streams", e)),
        }
    }
}
