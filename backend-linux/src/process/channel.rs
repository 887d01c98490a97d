//! The one socket between a new process and the one that launched it.
//!
//! SOCK_SEQPACKET keeps messages apart and says when the other side is gone; close-on-exec makes a successful execve(2) visible as
//! the end of the stream, without a message that could be forged or forgotten.

use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use serde::{Deserialize, Serialize};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// What the new process says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Said {
    /// The master side of the terminal is attached to this message.
    Terminal,
    /// The next thing is a system call filter whose listener will be this descriptor; the process waits for whoever takes it.
    Listening(i32),
    /// Every inside step is done; the process waits.
    Ready,
    /// A step failed, and the process is gone.
    Failed(ErrorKind, String),
}

/// The longest message; an error's text is cut to fit.
const LONGEST: usize = 16 * 1024;

/// Makes both ends.
pub fn pair() -> Result<(OwnedFd, OwnedFd)> {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).map_err(|e| step("socketpair", "", e))
}

/// Sends a message, with a descriptor if there is one.
pub fn say(to: &OwnedFd, said: &Said, fd: Option<BorrowedFd<'_>>) -> Result<()> {
    let mut bytes = serde_json::to_vec(said)?;
    if bytes.len() > LONGEST
        && let Said::Failed(kind, message) = said
    {
        bytes = serde_json::to_vec(&Said::Failed(*kind, message.chars().take(LONGEST / 8).collect()))?;
    }
    let fds: Vec<i32> = fd.iter().map(AsRawFd::as_raw_fd).collect();
    let control: &[ControlMessage<'_>] = if fds.is_empty() { &[] } else { &[ControlMessage::ScmRights(&fds)] };
    sendmsg::<()>(to.as_raw_fd(), &[IoSlice::new(&bytes)], control, MsgFlags::MSG_NOSIGNAL, None)
        .map(drop)
        .map_err(|e| step("sendmsg", "the launching process", e))
}

/// The next message, or `None` when the other side is gone or has executed its program.
pub fn hear(from: &OwnedFd) -> Result<Option<(Said, Option<OwnedFd>)>> {
    let mut bytes = vec![0; LONGEST + 1024];
    let mut space = nix::cmsg_space!([i32; 1]);
    let (count, fd) = loop {
        let mut slices = [IoSliceMut::new(&mut bytes)];
        match recvmsg::<()>(from.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC) {
            Ok(message) => {
                let mut fd = None;
                for control in message.cmsgs().map_err(|e| step("recvmsg", "a new process", e))? {
                    if let ControlMessageOwned::ScmRights(fds) = control {
                        // SAFETY: the kernel has just installed these descriptors for this process; nobody else owns them.
                        fd = fds.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).next();
                    }
                }
                break (message.bytes, fd);
            }
            Err(nix::Error::EINTR) => {}
            // A process killed with unread data resets rather than ends the connection.
            Err(nix::Error::ECONNRESET) => return Ok(None),
            Err(e) => return Err(step("recvmsg", "a new process", e)),
        }
    };
    if count == 0 {
        return Ok(None);
    }
    let said = serde_json::from_slice(bytes.get(..count).unwrap_or_default())?;
    Ok(Some((said, fd)))
}

/// Lets the waiting process go on. A process that is gone already is found out by [`hear`].
pub fn go(to: &OwnedFd) -> Result<()> {
    match rustix::net::send(to, b"go", rustix::net::SendFlags::NOSIGNAL) {
        Ok(_) | Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => Ok(()),
        Err(e) => Err(step("send", "a waiting process", e)),
    }
}

/// Waits to be let go. `false`: the launching process is gone, and nobody will.
pub fn wait_to_go(from: &OwnedFd) -> bool {
    let mut word = [0; 8];
    loop {
        match rustix::net::recv(from, &mut word, rustix::net::RecvFlags::empty()) {
            Ok((count, _)) => return count > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Whether the launching process still has its end open.
pub fn parent_is_there(channel: &OwnedFd) -> bool {
    let mut word = [0; 1];
    match rustix::net::recv(channel, &mut word, rustix::net::RecvFlags::DONTWAIT | rustix::net::RecvFlags::PEEK) {
        Ok((count, _)) => count > 0,
        Err(e) => e == rustix::io::Errno::AGAIN,
    }
}

/// The error that a process which vanished without a word leaves.
pub fn vanished(name: &str) -> Error {
    Error::new(ErrorKind::System, format!("{name}: the new process died before its program ran")).op("launch").subject(name)
}
