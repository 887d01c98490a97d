//! The content of an image copied into a new volume, as the image's layers show it.

use crate::error::step;
use crate::files;
use crate::process::{layers, make_private, open_below, open_root, read_only};
use drydock_core::error::{Error, Result};
use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// Open directories at once; an image that nests deeper than paths can name is none that a program could use.
const MAX_DEPTH: u32 = 512;

/// Copies what `lower` shows at `path` into `into`, if that is empty. A copy that was cut off leaves nothing in `into`.
pub fn fill(lower: &[String], path: &str, into: &str) -> Result<()> {
    let failed = |e: io::Error| step("fill volume", into, e);
    if std::fs::read_dir(into).map_err(failed)?.next().is_some() || lower.is_empty() {
        return Ok(());
    }
    match layers(lower) {
        Ok(root) => copy(&root, path, into),
        // More layers than this kernel can be told without a page of options: mounted where nobody else sees it.
        Err(_) => apart(|| {
            let view = format!("{into}.layers-{}", std::process::id());
            files::make_dir(&view, 0o700)?;
            let copied = read_only(lower, &view).and_then(|()| copy(&open_root(&view)?, path, into));
            let _ = rustix::mount::unmount(view.as_str(), rustix::mount::UnmountFlags::DETACH);
            copied.and(files::remove_tree(&view))
        }),
    }
}

/// Runs something in a mount namespace of its own, which a thread can have (unshare(2)).
fn apart(what: impl FnOnce() -> Result<()> + Send) -> Result<()> {
    let alone = || {
        // SAFETY: the thread ends with this function; nothing else depends on its root, working directory or mounts.
        unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::FS | rustix::thread::UnshareFlags::NEWNS) }
            .map_err(|e| step("unshare(CLONE_NEWNS)", "", e))?;
        make_private()?;
        what()
    };
    std::thread::scope(|scope| scope.spawn(alone).join())
        .unwrap_or_else(|_| Err(Error::new(drydock_core::ErrorKind::System, "the copying thread panicked")))
}

/// Copies what the layers show at `path` into `into`.
fn copy(root: &OwnedFd, path: &str, into: &str) -> Result<()> {
    let failed = |e: io::Error| step("fill volume", into, e);
    let from = match open_below(root, path, OFlags::RDONLY | OFlags::DIRECTORY) {
        Ok(from) => from,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
        Err(e) => return Err(step("open", path, e)),
    };
    let scratch = format!("{into}.filling-{}", std::process::id());
    files::remove_tree(&scratch)?;
    files::make_dir(&scratch, 0o755)?;
    let copied = (|| -> io::Result<()> {
        let to = File::open(&scratch)?;
        let mut copy = Copy { linked: BTreeMap::new() };
        copy.directory(&from, to.as_fd(), 0)?;
        match std::fs::rename(&scratch, into) {
            // Another container filled it meanwhile, with its own image's content: that is what the volume holds now.
            Err(e) if e.raw_os_error() == Some(libc::ENOTEMPTY) => Ok(()),
            other => other,
        }
    })();
    let tidied = files::remove_tree(&scratch);
    copied.map_err(failed)?;
    tidied
}

struct Copy {
    /// Files with several names, by device and inode: the first name that was copied.
    linked: BTreeMap<(u64, u64), CString>,
}

impl Copy {
    /// Everything of one directory, and its own owner, mode, times and attributes.
    fn directory(&mut self, from: &OwnedFd, to: impl AsFd, depth: u32) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(Errno::NAMETOOLONG.into());
        }
        for entry in Dir::read_from(from)? {
            let entry = entry?;
            let name = entry.file_name();
            if !matches!(name.to_bytes(), b"." | b"..") {
                self.entry(from, to.as_fd(), name, depth)?;
            }
        }
        let found = rustix::fs::fstat(from)?;
        attributes(from, to.as_fd())?;
        rustix::fs::fchown(to.as_fd(), Some(Uid::from_raw(found.st_uid)), Some(Gid::from_raw(found.st_gid)))?;
        rustix::fs::fchmod(to.as_fd(), Mode::from_raw_mode(found.st_mode & 0o7777))?;
        rustix::fs::futimens(to.as_fd(), &times(&found))?;
        Ok(())
    }

    fn entry(&mut self, from: &OwnedFd, to: std::os::fd::BorrowedFd<'_>, name: &CStr, depth: u32) -> io::Result<()> {
        let found = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(found.st_mode);
        if found.st_nlink > 1 && kind != FileType::Directory {
            // Links within one directory are kept; one to elsewhere becomes a file of its own.
            let key = (found.st_dev, found.st_ino);
            match self.linked.get(&key) {
                Some(first) if rustix::fs::linkat(to, first.as_c_str(), to, name, AtFlags::empty()).is_ok() => return Ok(()),
                _ => drop(self.linked.insert(key, name.to_owned())),
            }
        }
        let follow = OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match kind {
            FileType::Directory => {
                rustix::fs::mkdirat(to, name, Mode::from_raw_mode(0o700))?;
                let inner = rustix::fs::openat(from, name, OFlags::RDONLY | OFlags::DIRECTORY | follow, Mode::empty())?;
                let copy = rustix::fs::openat(to, name, OFlags::RDONLY | OFlags::DIRECTORY | follow, Mode::empty())?;
                return self.directory(&inner, &copy, depth + 1);
            }
            FileType::RegularFile => {
                let mut source = File::from(rustix::fs::openat(from, name, OFlags::RDONLY | follow, Mode::empty())?);
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | follow;
                let mut copy = File::from(rustix::fs::openat(to, name, flags, Mode::from_raw_mode(0o600))?);
                // copy_file_range(2) under the hood: shared blocks where the file system has them.
                io::copy(&mut source, &mut copy)?;
                attributes(&source, &copy)?;
            }
            FileType::Symlink => rustix::fs::symlinkat(rustix::fs::readlinkat(from, name, Vec::new())?, to, name)?,
            // In a single layer a whiteout shows as what it is.
            FileType::CharacterDevice if found.st_rdev == 0 => return Ok(()),
            FileType::Socket => return Ok(()),
            other => rustix::fs::mknodat(to, name, other, Mode::from_raw_mode(0o600), found.st_rdev)?,
        }
        let nofollow = AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::chownat(to, name, Some(Uid::from_raw(found.st_uid)), Some(Gid::from_raw(found.st_gid)), nofollow)?;
        if kind != FileType::Symlink {
            // The owner first: chown(2) clears set-user-id bits.
            files::set_mode(to, name, Mode::from_raw_mode(found.st_mode & 0o7777))?;
        }
        rustix::fs::utimensat(to, name, &times(&found), nofollow)?;
        Ok(())
    }
}

/// Copies extended attributes, but those by which overlayfs marks what is its own.
fn attributes(from: impl AsFd, to: impl AsFd) -> io::Result<()> {
    let mut names = vec![0; 64 << 10];
    let count = match rustix::fs::flistxattr(from.as_fd(), &mut names) {
        Ok(count) => count,
        Err(Errno::NOTSUP) => return Ok(()),
        Err(e) => return Err(e.into()),
    };
    for name in names.get(..count).unwrap_or_default().split(|b| *b == 0).filter(|n| !n.is_empty()) {
        if name.starts_with(b"trusted.overlay.") {
            continue;
        }
        let mut value = vec![0; 64 << 10];
        let length = rustix::fs::fgetxattr(from.as_fd(), name, &mut value)?;
        match rustix::fs::fsetxattr(to.as_fd(), name, value.get(..length).unwrap_or_default(), XattrFlags::empty()) {
            // A file system without attributes holds the files all the same.
            Ok(()) | Err(Errno::NOTSUP) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

fn times(found: &Stat) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: found.st_atime, tv_nsec: found.st_atime_nsec as _ },
        last_modification: Timespec { tv_sec: found.st_mtime, tv_nsec: found.st_mtime_nsec as _ },
    }
}
