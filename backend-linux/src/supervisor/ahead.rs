//! A supervisor begun ahead of its container: the program is loaded, the host looked at and the store open while the command is
//! still making the container that it will supervise.
//!
//! Until it is told which container that is it is nobody's supervisor: it holds no lock and no path, and has made nothing. If the
//! command ends without a word, it ends too. What it is told is the container's id, and with it the socket that clients find.

use crate::error::step;
use drydock_core::error::Result;
use drydock_core::id::ContainerId;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// Stands for an id in the arguments of a process that does not know it yet, and is as long as one.
pub const UNKNOWN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A process that waits to be told.
#[derive(Debug)]
pub struct Ahead {
    process: Option<Pid>,
    channel: OwnedFd,
}

impl Ahead {
    /// A process that was started with the other end of this channel as its standard input.
    pub fn new(process: Pid, channel: OwnedFd) -> Self {
        Self { process: Some(process), channel }
    }

    /// Makes it the supervisor of a container. `None`: it is gone, and another has to be started.
    pub fn become_supervisor(mut self, id: &ContainerId, listener: &OwnedFd) -> Option<Pid> {
        let fds = [listener.as_raw_fd()];
        let message = [IoSlice::new(id.as_str().as_bytes())];
        sendmsg::<()>(self.channel.as_raw_fd(), &message, &[ControlMessage::ScmRights(&fds)], MsgFlags::MSG_NOSIGNAL, None).ok()?;
        self.process.take()
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if let Some(process) = self.process {
            // It has nothing to put right. Waited for, so that a command leaves no process behind.
            let _ = kill_process(process, Signal::KILL);
            let _ = waitpid(Some(process), WaitOptions::empty());
        }
    }
}

/// Waits on standard input to be told the container and to be given its socket; `None` if nobody will.
///
/// # Errors
/// The system's.
pub fn told() -> Result<Option<(ContainerId, OwnedFd)>> {
    let stdin = rustix::stdio::stdin();
    let mut bytes = [0; UNKNOWN.len() + 1];
    let mut space = nix::cmsg_space!([i32; 1]);
    let (count, listener) = loop {
        let mut slices = [IoSliceMut::new(&mut bytes)];
        match recvmsg::<()>(stdin.as_fd().as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC) {
            Ok(message) => {
                let mut listener = None;
                for control in message.cmsgs().map_err(|e| step("recvmsg", "the command", e))? {
                    if let ControlMessageOwned::ScmRights(fds) = control {
                        // SAFETY: the kernel has just installed these descriptors for this process; nobody else owns them.
                        listener = fds.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).next();
                    }
                }
                break (message.bytes, listener);
            }
            Err(nix::Error::EINTR) => {}
            Err(nix::Error::ECONNRESET) => return Ok(None),
            Err(e) => return Err(step("recvmsg", "the command", e)),
        }
    };
    let id = std::str::from_utf8(bytes.get(..count).unwrap_or_default()).ok().filter(|id| id.len() == UNKNOWN.len());
    let Some((id, listener)) = id.zip(listener) else { return Ok(None) };
    show(id);
    Ok(Some((ContainerId::new(id), listener)))
}

/// Puts the id into this process's arguments, where people who list processes read it (proc_pid_cmdline(5)).
fn show(id: &str) {
    let Ok(stat) = crate::small::read_text("/proc/self/stat") else { return };
    let Some((start, end)) = arguments(&stat) else { return };
    // SAFETY: the kernel says that this process's argument strings are there, in its own writable stack; Rust's runtime reads them
    // only when asked for arguments, which this process, with its one thread, does not do meanwhile.
    let words = unsafe { std::slice::from_raw_parts_mut(std::ptr::with_exposed_provenance_mut::<u8>(start), end - start) };
    if let Some((0, words)) = words.split_last_mut()
        && let Some(last) = words.last_chunk_mut::<{ UNKNOWN.len() }>()
        && last == UNKNOWN.as_bytes()
    {
        last.copy_from_slice(id.as_bytes());
    }
}

/// Where the arguments are: `arg_start` and `arg_end` of proc_pid_stat(5), fields 48 and 49.
fn arguments(stat: &str) -> Option<(usize, usize)> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(48 - 3);
    let (start, end) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    (start > 0 && start < end).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_where_the_kernel_says() {
        let stat = std::fs::read_to_string("/proc/self/stat").expect("reads");
        let (start, end) = arguments(&stat).expect("says so");
        // SAFETY: as in `show`, and only read.
        let words = unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance::<u8>(start), end - start) };
        assert_eq!(words, std::fs::read("/proc/self/cmdline").expect("reads"));
        assert_eq!(arguments("1 (a b) R 1"), None);
    }
}
