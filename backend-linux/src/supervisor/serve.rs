//! An exec in the foreground: the launching process itself carries bytes between the person and the program.

use super::client::borrow;
use super::container::{Streams, reap};
use crate::error::step;
use crate::process::{self, Child};
use drydock_core::error::{ErrorKind, Result};
use drydock_core::io::{Attach, DetachKeys, Ended, Input, Io, Stream};
use rustix::event::{PollFd, PollFlags, poll};
use std::os::fd::OwnedFd;

/// Serves a child until it ends or the person leaves.
///
/// When the process has ended, what its streams still hold is passed on, but nobody waits for a background process of the
/// program that keeps them open.
pub fn serve(mut child: Child, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
    let mut streams = Streams::new(std::mem::take(&mut child.ends))?;
    let mut keys = DetachKeys::new(&attach.detach_keys);
    if !attach.stdin {
        streams.end_input();
    }
    loop {
        if !streams.input_is_full() && take_input(&child, &mut streams, attach, &mut keys, io)? {
            return Ok(Ended::Detached);
        }
        let ended = wait_for(&child, &streams, io)?;
        streams.flush();
        pass_on(&mut streams, attach, io)?;
        if ended {
            while pass_on(&mut streams, attach, io)? {}
            return reap(&child).map(Ended::Exited);
        }
    }
}

fn pass_on(streams: &mut Streams, attach: &Attach, io: &mut dyn Io) -> Result<bool> {
    let mut outcome = Ok(());
    let some = streams.read(&mut |stream, bytes| {
        let wanted = if stream == Stream::Stdout { attach.stdout } else { attach.stderr };
        if wanted && outcome.is_ok() {
            outcome = io.output(stream, bytes);
        }
    });
    outcome.map(|()| some)
}

/// Passes on what the person did; `true` if it was to leave.
fn take_input(child: &Child, streams: &mut Streams, attach: &Attach, keys: &mut DetachKeys, io: &mut dyn Io) -> Result<bool> {
    loop {
        match io.input(false)? {
            Input::Pending => return Ok(false),
            Input::Bytes(bytes) => {
                let (pass, left) = keys.filter(&bytes);
                if attach.stdin {
                    streams.write(&pass);
                }
                if left {
                    return Ok(true);
                }
                if streams.input_is_full() {
                    return Ok(false);
                }
            }
            Input::Closed => {
                if attach.stdin {
                    streams.write(&keys.rest());
                    streams.end_input();
                }
                return Ok(false);
            }
            Input::Resize(size) => streams.resize(size)?,
            Input::Signal(signal) => match process::signal(&child.process, signal) {
                Err(e) if e.kind() != ErrorKind::NotRunning => return Err(e),
                _ => {}
            },
        }
    }
}

/// Waits for either side; `true` if the process has ended.
fn wait_for(child: &Child, streams: &Streams, io: &mut dyn Io) -> Result<bool> {
    let theirs = if streams.input_is_full() { Vec::new() } else { io.descriptors() };
    let ends = &streams.ends;
    let outputs: [&Option<OwnedFd>; 3] = [&ends.terminal, &ends.stdout, &ends.stderr];
    let mut fds = vec![PollFd::new(&child.pidfd, PollFlags::IN)];
    fds.extend(outputs.into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::IN)));
    fds.extend(theirs.iter().map(|fd| PollFd::from_borrowed_fd(borrow(*fd), PollFlags::IN)));
    fds.extend(streams.input_end().filter(|_| streams.has_input()).map(|fd| PollFd::new(fd, PollFlags::OUT)));
    match poll(&mut fds, None) {
        Ok(_) => Ok(fds.first().is_some_and(|f| !f.revents().is_empty())),
        // A signal may have become input.
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(e) => Err(step("poll", "an exec's streams", e)),
    }
}
