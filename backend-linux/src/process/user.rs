//! User namespaces: one made of nothing but its ids, and the process that goes into it.
//!
//! The namespace is there before the container's first process, since the mounts whose ids are mapped by it have to be. Nothing of
//! the host's file system is given other owners: layers, writable layer and volumes keep theirs, and are mounted with others
//! (mount_setattr(2), MOUNT_ATTR_IDMAP).

use super::clone::{Side, clone3};
use crate::error::step;
use drydock_core::container::UserRange;
use drydock_core::error::Result;
use rustix::fs::{Gid, Mode, OFlags, Uid};
use rustix::process::{WaitId, WaitIdOptions, waitid};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Makes a user namespace in which 0 is the range's first id.
///
/// A process holds it until its ids are written and it is open; then the descriptor does.
pub fn make(range: UserRange) -> Result<OwnedFd> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(|e| step("pipe2", "", e))?;
    // SAFETY: the child only waits for the end of a pipe and ends, whatever locks other threads of this process held.
    let (pid, pidfd) = match unsafe { clone3(libc::CLONE_NEWUSER as u64, false, None) } {
        Ok(Side::Child) => {
            drop(writer);
            let _ = rustix::io::read(&reader, &mut [0u8; 1][..]);
            super::child::exit(0)
        }
        Ok(Side::Parent(pid, pidfd)) => (pid, pidfd),
        Err(e) => return Err(step("clone3(CLONE_NEWUSER)", "", e)),
    };
    let opened = map(pid, range);
    drop(writer);
    let _ = rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED));
    opened
}

fn map(pid: i32, range: UserRange) -> Result<OwnedFd> {
    // One line: where it begins inside, where on the host, how many (user_namespaces(7)).
    let line = format!("0 {} {}", range.start, range.size);
    for file in ["gid_map", "uid_map"] {
        let path = format!("/proc/{pid}/{file}");
        std::fs::write(&path, &line).map_err(|e| step("write", path, e))?;
    }
    let path = format!("/proc/{pid}/ns/user");
    rustix::fs::open(path.as_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map_err(|e| step("open", path, e))
}

/// Enters a namespace, as whoever is 0 there.
pub fn enter(namespace: &OwnedFd) -> Result<()> {
    // SAFETY: this process is fresh from fork(3) and has one thread; only its credentials change.
    if unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWUSER) } != 0 {
        return Err(step("setns", "user", std::io::Error::last_os_error()));
    }
    become_root()
}

/// Becomes 0 of the namespace that was just entered: the ids from outside are nobody's in it.
pub fn become_root() -> Result<()> {
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
    let (group, user) = (Gid::ROOT, Uid::ROOT);
    set_thread_groups(&[]).map_err(|e| step("setgroups", "", e))?;
    set_thread_res_gid(group, group, group).map_err(|e| step("setresgid", "0", e))?;
    set_thread_res_uid(user, user, user).map_err(|e| step("setresuid", "0", e))
}
