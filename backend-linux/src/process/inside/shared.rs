//! Mounts of another container: taken in its mount namespace, since a mount can be copied only by one who lives where it is.

use super::{mount, resolve};
use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use rustix::fs::{Mode, OFlags};
use std::os::fd::{AsRawFd, OwnedFd};

/// A detached copy of the mount at a path of another process (`other`, a pidfd).
///
/// This process goes there and comes back; the path is resolved within the other's root, and what is cloned must be a mount of
/// memory: a directory that the other container put in its place is not what was promised.
pub fn tree_of(other: &OwnedFd, proc: &OwnedFd, path: &str) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let home = rustix::fs::openat(proc, "self/ns/mnt", flags, Mode::empty()).map_err(|e| step("open", "/proc/self/ns/mnt", e))?;
    enter(other)?;
    let tree = resolve::open_root("/").and_then(|root| {
        let at = resolve::open(&root, path, OFlags::PATH | OFlags::DIRECTORY).map_err(|e| step("openat2", path, e))?;
        let magic = rustix::fs::fstatfs(&at).map_err(|e| step("fstatfs", path, e))?.f_type;
        if magic != TMPFS_MAGIC {
            return Err(Error::new(ErrorKind::Denied, format!("{path} of the other container is not memory")).op("bind").subject(path));
        }
        mount::clone_open(&at, false)
    });
    enter(&home)?;
    tree
}

/// `TMPFS_MAGIC` of linux/magic.h.
const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;

fn enter(namespace: &OwnedFd) -> Result<()> {
    // SAFETY: this process has one thread, and its descriptors and memory stay as they are; only root and working directory move.
    let answer = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNS) };
    if answer == 0 { Ok(()) } else { Err(step("setns", "mnt", std::io::Error::last_os_error())) }
}
