//! Paths of the container, resolved by the kernel inside its root, whatever links an image or another container put there.

use crate::error::step;
use drydock_core::error::{Error, Result};
use rustix::fs::{FileType, Mode, OFlags, PROC_SUPER_MAGIC, ResolveFlags, fstat, fstatfs, mkdirat, openat, openat2, readlinkat};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};

/// The root itself. It is a path of the host, which the engine chose.
pub fn open_root(path: &str) -> Result<OwnedFd> {
    rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(|e| step("open", path, e))
}

/// Opens what is at a path inside a root. Links are followed, and `..` at the top stays there, as under chroot(2).
pub fn open(root: &OwnedFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    // The kernel answers EAGAIN when a rename elsewhere made it unsure whether a `..` stayed inside (openat2(2)).
    loop {
        match openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            answer => return answer,
        }
    }
}

/// The permission bits of the directory at a path inside a root, if there is one.
pub fn mode(root: &OwnedFd, path: &str) -> Result<Option<u32>> {
    match open(root, path, OFlags::PATH | OFlags::DIRECTORY) {
        Ok(fd) => rustix::fs::fstat(&fd).map(|found| Some(found.st_mode & 0o7777)).map_err(|e| step("fstat", path, e)),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(step("openat2", path, e)),
    }
}

/// Splits a path into the directory and the last name, which must be a real one.
pub fn split(path: &str) -> Result<(&str, &str)> {
    let trimmed = path.trim_end_matches('/');
    let (parent, name) = trimmed.rsplit_once('/').unwrap_or(("", trimmed));
    if name.is_empty() || name == "." || name == ".." {
        return Err(Error::invalid(format!("{path:?} does not name an entry of a directory")));
    }
    Ok((if parent.is_empty() { "/" } else { parent }, name))
}

/// How many dangling links may be followed one after the other, as many as the kernel follows (path_resolution(7)).
const MOST_LINKS: u32 = 40;

/// Opens a directory inside a root, and makes it and its parents if they are not there. Where a link leads nowhere, as /var/run does
/// in an image without /run, what it leads to is made, inside the root.
pub fn directory(root: &OwnedFd, path: &str, mode: u32) -> Result<OwnedFd> {
    make_directory(root, path, mode, MOST_LINKS)
}

fn make_directory(root: &OwnedFd, path: &str, mode: u32, links: u32) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    match open(root, path, flags) {
        Ok(fd) => return Ok(fd),
        Err(Errno::NOENT) if links > 0 => {}
        Err(e) => return Err(step("openat2", path, e)),
    }
    let (above, name) = split(path)?;
    let parent = make_directory(root, above, 0o755, links)?;
    match mkdirat(&parent, name, Mode::from_raw_mode(mode)) {
        // Not followed: if another container swapped what was just made for a link, this fails rather than go elsewhere.
        Ok(()) => openat(&parent, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()).map_err(|e| step("openat", path, e)),
        Err(Errno::EXIST) => {
            // A magic link of procfs says where it leads, but its words are not a path of this root (proc(5)).
            if fstatfs(&parent).is_ok_and(|s| s.f_type == PROC_SUPER_MAGIC) {
                return Err(step("openat2", path, Errno::LOOP));
            }
            let to = readlinkat(&parent, name, Vec::new()).map_err(|e| step("readlinkat", path, e))?;
            let to = to.to_str().map_err(|_| Error::invalid(format!("{path} is a link to what is not UTF-8")))?;
            let to = if to.starts_with('/') { to.to_owned() } else { format!("{above}/{to}") };
            make_directory(root, &to, mode, links - 1)
        }
        Err(e) => Err(step("mkdirat", path, e)),
    }
}

/// Opens a directory inside a root, made if it is not there, and refuses any link on the way.
pub fn directory_itself(root: &OwnedFd, path: &str) -> Result<OwnedFd> {
    let open = || {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
        openat2(root, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty(), resolve)
    };
    match open() {
        Err(Errno::NOENT) => directory(root, path, 0o755).and_then(|_| open().map_err(|e| step("openat2", path, e))),
        answer => answer.map_err(|e| step("openat2", path, e)),
    }
}

/// Opens a file inside a root as a place to mount on, and makes an empty one if it is not there.
pub fn file(root: &OwnedFd, path: &str, mode: u32) -> Result<OwnedFd> {
    match open(root, path, OFlags::PATH) {
        Ok(fd) => return Ok(fd),
        Err(Errno::NOENT) => {}
        Err(e) => return Err(step("openat2", path, e)),
    }
    let (parent, name) = split(path)?;
    let parent = directory(root, parent, 0o755)?;
    let flags = OFlags::CREATE | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(&parent, name, flags, Mode::from_raw_mode(mode)).map_err(|e| step("openat", path, e))
}

/// Whether a descriptor is of a directory.
pub fn is_directory(fd: impl AsFd) -> Result<bool> {
    fstat(fd).map(|s| FileType::from_raw_mode(s.st_mode) == FileType::Directory).map_err(|e| step("fstat", "", e))
}
