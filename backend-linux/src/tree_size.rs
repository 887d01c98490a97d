//! How much a tree of files takes: what `ps -s` shows, and what a removal gives back.
//!
//! Containers write in the tree while it is walked, so no symbolic link is followed, and what vanishes meanwhile counts for nothing.

use crate::error::step;
use crate::files::open_at;
use drydock_core::error::Result;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The lengths of everything below `path` that is no directory; a file with several names counts once.
///
/// Directories are opened from the top by their path, one at a time, so that no nesting exhausts descriptors. One whose path is longer
/// than the kernel takes (4096 bytes) is left out.
pub fn of(path: &str) -> Result<u64> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let top = match rustix::fs::open(path, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(0),
        other => other.map_err(|e| step("open", path, e))?,
    };
    let (mut total, mut seen) = (0u64, BTreeSet::new());
    let mut waiting: Vec<PathBuf> = vec![PathBuf::from(".")];
    while let Some(relative) = waiting.pop() {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        let dir = match open_at(&top, &relative, flags, Mode::empty(), resolve) {
            Ok(dir) => dir,
            Err(e) if gone(&e) => continue,
            Err(e) => return Err(step("open", format!("{path}/{}", relative.display()), e)),
        };
        total += count(&dir, &relative, &mut waiting, &mut seen).map_err(|e| step("read", format!("{path}/{}", relative.display()), e))?;
    }
    Ok(total)
}

/// Whether somebody removed it, or put something else in its place, while the tree was walked.
fn gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP | libc::ENAMETOOLONG | libc::EXDEV))
}

/// Adds one directory's files up, and the directories in it to those that wait.
fn count(dir: &OwnedFd, relative: &Path, waiting: &mut Vec<PathBuf>, seen: &mut BTreeSet<(u64, u64)>) -> io::Result<u64> {
    let mut total = 0u64;
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let stat = match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => continue,
            other => other?,
        };
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            waiting.push(relative.join(std::ffi::OsStr::from_bytes(name.to_bytes())));
        } else if stat.st_nlink == 1 || seen.insert((stat.st_dev, stat.st_ino)) {
            total = total.saturating_add(u64::try_from(stat.st_size).unwrap_or(0));
        }
    }
    Ok(total)
}
