//! Files of the host: directories, whole files written at once, trees removed, pieces read.
//!
//! Nothing here follows a symbolic link that a container could have made.

use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::kernel::Entry;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Open directories a removal holds at once; a container can nest deeper than any limit of descriptors.
const MAX_DEPTH: usize = 48;

/// Makes a directory with this mode, its parents with 0755. There already is no error, and then its mode is set.
pub fn make_dir(path: &str, mode: u32) -> Result<()> {
    let failed = |e| step("mkdir", path, e);
    // The common case is one missing directory: one call, and one more because mkdir(2) takes the umask off the mode.
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && Path::new(path).is_dir() => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = Path::new(path).parent() {
                DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(failed)?;
            }
            match DirBuilder::new().mode(mode).create(path) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(failed(e)),
                _ => {}
            }
        }
        Err(e) => return Err(failed(e)),
    }
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).map_err(|e| step("chmod", path, e))
}

/// Writes a whole file under another name in the same directory, then renames it, so that nobody sees half of it.
pub fn write(path: &str, mode: u32, content: &[u8]) -> Result<()> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let scratch = format!("{path}.{}-{}~", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let put = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).custom_flags(libc::O_NOFOLLOW).open(&scratch)?;
        file.write_all(content)?;
        file.set_permissions(PermissionsExt::from_mode(mode))?;
        std::fs::rename(&scratch, path)
    };
    put().map_err(|e| {
        // What is left of a failed write would stay for ever; the first error is the one that matters.
        let _ = std::fs::remove_file(&scratch);
        step("write", path, e)
    })
}

/// Writes over a file that is there, in place.
pub fn rewrite(path: &str, content: &[u8]) -> Result<()> {
    let put = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).truncate(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
        file.write_all(content)
    };
    put().map_err(|e| step("write", path, e))
}

/// A file of a control group or a process that ended after it was opened is as one that was not there (ENODEV of kernfs, ESRCH of proc).
fn unread(path: &str, error: io::Error) -> Error {
    let gone = matches!(error.raw_os_error(), Some(libc::ENODEV | libc::ESRCH));
    let error = step("read", path, error);
    if gone { error.with_kind(ErrorKind::NotFound) } else { error }
}

/// At most `limit` bytes of a file from `offset`.
///
/// Only regular files are read: a FIFO or device that a container put in a file's place would block or act. Below `guarded`
/// (the data root, where containers write) no symbolic link is followed.
pub fn read(guarded: &str, path: &str, offset: u64, limit: usize) -> Result<Vec<u8>> {
    let resolve = match path.strip_prefix(guarded) {
        Some(rest) if rest.starts_with('/') => ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
        _ => ResolveFlags::empty(),
    };
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = open_at(CWD, path, flags, Mode::empty(), resolve).map_err(|e| step("open", path, e))?;
    let file = File::from(file);
    let metadata = file.metadata().map_err(|e| step("stat", path, e))?;
    if !metadata.is_file() {
        return Err(Error::invalid(format!("{path} is not a regular file")).op("read").subject(path));
    }
    // Files of /proc and /sys say that they are empty, so the size is only a hint for the first buffer.
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(limit).clamp(512, 1 << 20).min(limit));
    let mut chunk = [0; 16 * 1024];
    while bytes.len() < limit {
        let want = chunk.len().min(limit - bytes.len());
        let at = offset.saturating_add(bytes.len() as u64);
        // One that says how long it is need not be asked whether there is more.
        if metadata.len() > 0 && at >= metadata.len() && !bytes.is_empty() {
            break;
        }
        match file.read_at(chunk.get_mut(..want).unwrap_or_default(), at) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(chunk.get(..n).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(unread(path, e)),
        }
    }
    Ok(bytes)
}

/// What is at a path, its last part not followed; below `guarded` no part is.
pub fn entry(guarded: &str, path: &str) -> Result<Entry> {
    let resolve = match path.strip_prefix(guarded) {
        Some(rest) if rest.starts_with('/') => ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
        _ => ResolveFlags::empty(),
    };
    let failed = |e| step("stat", path, e);
    let (parent, name) = split(path)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = open_at(CWD, parent, flags, Mode::empty(), resolve).map_err(failed)?;
    let found = rustix::fs::statat(&parent, name.as_c_str(), AtFlags::SYMLINK_NOFOLLOW).map_err(|e| failed(e.into()))?;
    Ok(match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => Entry::File,
        FileType::Directory => {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let directory = rustix::fs::openat(&parent, name.as_c_str(), flags, Mode::empty()).map_err(|e| failed(e.into()))?;
            let mut value = [0; 1];
            let opaque = rustix::fs::fgetxattr(&directory, OPAQUE, &mut value).is_ok_and(|n| n == 1) && value == *b"y";
            Entry::Directory { opaque }
        }
        FileType::Symlink => {
            let to = rustix::fs::readlinkat(&parent, name.as_c_str(), Vec::new()).map_err(|e| failed(e.into()))?;
            Entry::Link(to.to_string_lossy().into_owned())
        }
        FileType::CharacterDevice if found.st_rdev == 0 => Entry::Whiteout,
        _ => Entry::Other,
    })
}

/// The attribute by which overlayfs knows a directory that hides those below it.
const OPAQUE: &str = "trusted.overlay.opaque";

/// The length of a file in bytes.
pub fn size(path: &str) -> Result<u64> {
    std::fs::symlink_metadata(path).map(|m| m.len()).map_err(|e| step("stat", path, e))
}

/// Opens by openat2(2). A rename elsewhere can make the kernel answer EAGAIN for a scoped lookup; that is tried again.
pub fn open_at(at: impl AsFd, path: impl AsRef<Path>, flags: OFlags, mode: Mode, resolve: ResolveFlags) -> io::Result<OwnedFd> {
    for _ in 0..128 {
        match rustix::fs::openat2(at.as_fd(), path.as_ref(), flags, mode, resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return other.map_err(io::Error::from),
        }
    }
    Err(Errno::AGAIN.into())
}

/// Removes a layer, and what is left of an attempt to unpack it whose process is dead.
pub fn remove_layer_or_tree(path: &str) -> Result<()> {
    if let Some(scratch) = crate::layer::scratch_of(Path::new(path)).filter(|s| s.is_dir()) {
        let abandoned =
            File::open(&scratch).is_ok_and(|f| rustix::fs::flock(f, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok());
        if abandoned {
            remove_tree(&scratch.to_string_lossy())?;
        }
    }
    remove_tree(path)
}

/// Removes a file or a tree. Not there is no error. A mount point in it is an error, and is left with all that is in it.
pub fn remove_tree(path: &str) -> Result<()> {
    let (parent, name) = split(path)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = match rustix::fs::open(parent, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
        other => other.map_err(|e| step("open", path, e))?,
    };
    remove_at(parent.as_fd(), &name).map_err(|e| {
        let busy = e.raw_os_error() == Some(libc::EXDEV) || e.raw_os_error() == Some(libc::EBUSY);
        let error = step("remove", path, e);
        if busy { error.with_kind(ErrorKind::InUse).hint("something is mounted in it") } else { error }
    })
}

/// The directory a path is in, and its name there.
fn split(path: &str) -> Result<(&str, CString)> {
    let trimmed = path.trim_end_matches('/');
    let (parent, name) = trimmed.rsplit_once('/').ok_or_else(|| Error::invalid(format!("{path:?} is not an absolute path")))?;
    if name.is_empty() || name == "." || name == ".." {
        return Err(Error::invalid(format!("{path:?} cannot be removed")));
    }
    let name = CString::new(name).map_err(|_| Error::invalid(format!("{path:?} contains a NUL")))?;
    Ok((if parent.is_empty() { "/" } else { parent }, name))
}

/// Removes a name below a directory, whatever it is. Not there is no error.
pub(crate) fn remove_at(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(e) => return Err(e.into()),
    }
    let dir = match open_child(parent, name) {
        Err(Errno::NOENT) => return Ok(()),
        other => other?,
    };
    // Deep directories are moved up to the top while it is emptied, so a pass may add names to it: go on until it is empty.
    let mut moved = 0;
    loop {
        let before = moved;
        empty(dir.as_fd(), dir.as_fd(), 0, &mut moved)?;
        if moved == before {
            break;
        }
    }
    match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

fn open_child(parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    for _ in 0..128 {
        match rustix::fs::openat2(parent, name, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

/// Empties a directory. `top` is where directories go that are nested too deep to descend into.
fn empty(top: BorrowedFd<'_>, dir: BorrowedFd<'_>, depth: usize, moved: &mut u32) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push((name.to_owned(), entry.file_type()));
        }
    }
    for (name, kind) in names {
        if kind != FileType::Directory {
            match rustix::fs::unlinkat(dir, &name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => continue,
                // The file system does not tell types in its directories.
                Err(Errno::ISDIR | Errno::PERM) if kind == FileType::Unknown => {}
                Err(e) => return Err(e.into()),
            }
        }
        if depth >= MAX_DEPTH {
            move_aside(dir, &name, top, moved)?;
            continue;
        }
        let child = match open_child(dir, &name) {
            Err(Errno::NOENT) => continue,
            other => other?,
        };
        empty(top, child.as_fd(), depth + 1, moved)?;
        match rustix::fs::unlinkat(dir, &name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// Gives a directory a name in `top` that nothing there has.
fn move_aside(dir: BorrowedFd<'_>, name: &CStr, top: BorrowedFd<'_>, moved: &mut u32) -> io::Result<()> {
    loop {
        *moved += 1;
        let aside = format!(".drydock-deep-{}-{moved}", std::process::id());
        match rustix::fs::renameat_with(dir, name, top, aside.as_str(), RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
            other => return other.map_err(io::Error::from),
        }
    }
}

/// Changes the mode of what has a name in a directory, and never of what a link leads to: between its making and this call a container
/// that can write there may have put a link in its place, to a file of the host (CVE-2018-15664).
pub(crate) fn set_mode(parent: BorrowedFd<'_>, name: &CStr, mode: Mode) -> io::Result<()> {
    let itself = rustix::fs::openat(parent, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    if FileType::from_raw_mode(rustix::fs::fstat(&itself)?.st_mode) == FileType::Symlink {
        return Err(Errno::LOOP.into());
    }
    // fchmod(2) takes no O_PATH descriptor; its name in procfs is a way to the very same file.
    rustix::fs::chmod(format!("/proc/self/fd/{}", itself.as_raw_fd()), mode)?;
    Ok(())
}

/// Tells the kernel to begin writing this part of a file to the disk, so that less is left to wait for when it must be there.
pub(crate) fn begin_to_write(file: &File, from: u64, length: usize) {
    use std::os::fd::AsRawFd as _;
    let (Ok(from), Ok(length)) = (i64::try_from(from), i64::try_from(length)) else { return };
    // SAFETY: sync_file_range(2) takes a descriptor, which `file` keeps open, and three numbers; it touches no memory of ours.
    // That it fails is no matter: the file is flushed before anybody relies on it.
    let _ = unsafe { libc::sync_file_range(file.as_raw_fd(), from, length, libc::SYNC_FILE_RANGE_WRITE) };
}

/// Makes what a directory holds durable. Not there is no error.
pub fn sync_path(path: &str) -> Result<()> {
    match sync_dir(Path::new(path)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(|e| step("fsync", path, e)),
    }
}

/// Makes what a directory holds durable: fsync(2) on the directory itself.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
