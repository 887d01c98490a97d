//! Trees of files that are not the host's own: layers, containers' roots. Everything in them is reached by descriptors, with
//! openat2(2) held to the tree's top, so that no link in it leads out, whoever changes it meanwhile.

mod extract;
mod stack;

use crate::error::step;
use crate::files::open_at;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::image::layer;
use drydock_core::image::tar::Kind;
use drydock_core::kernel::{Extract, Found, OpenTree, Tree};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// Links on the way lead where they lead a process with this root.
const IN_TREE: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);
/// No link is followed at all.
const PLAIN: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_SYMLINKS);

/// A tree, by a descriptor of its top.
pub struct LinuxTree {
    top: OwnedFd,
    /// The directory that was looked into last: what is asked next is most often in it too.
    last: Option<(Vec<u8>, OwnedFd)>,
    /// The namespace in which the tree was put together, as long as somebody looks at it.
    held: Option<Arc<stack::Held>>,
}

/// Opens a tree.
pub fn open(tree: &Tree) -> Result<Box<dyn OpenTree>> {
    let (top, held) = match tree {
        Tree::Directory { path } => (directory(path)?, None),
        Tree::Process { process } => (root_of(process)?, None),
        Tree::Stack { lower, upper, binds } => {
            let (top, held) = stack::open(lower, upper.as_ref(), binds)?;
            (top, held.map(Arc::new))
        }
    };
    Ok(Box::new(LinuxTree { top, last: None, held }))
}

/// A tree whose top is a path of the host, of any kind; the last link is followed or not.
pub fn open_path(path: &str, follow: bool) -> Result<Box<dyn OpenTree>> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    let top = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| missing(path, e))?;
    Ok(Box::new(LinuxTree { top, last: None, held: None }))
}

pub(crate) fn directory(path: &str) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(|e| missing(path, e))
}

/// The root of a process. Its pid may have become another's between the look at it and the opening, so it is looked at once more.
fn root_of(process: &drydock_core::kernel::Process) -> Result<OwnedFd> {
    let gone = || Error::new(ErrorKind::NotRunning, format!("process {} has ended", process.pid));
    let path = format!("/proc/{}/root", process.pid);
    let root = rustix::fs::open(path.as_str(), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    if !crate::process::alive(process)? {
        return Err(gone());
    }
    root.map_err(|e| step("open", path, e))
}

fn missing(path: &str, errno: Errno) -> Error {
    match errno {
        Errno::NOENT | Errno::NOTDIR => Error::not_found(format!("{path}: no such file or directory")),
        other => step("open", path, other),
    }
}

fn shown(path: &[u8]) -> String {
    format!("/{}", String::from_utf8_lossy(path))
}

impl LinuxTree {
    /// Something of the tree, to look at.
    fn handle(&mut self, path: &[u8]) -> std::io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if path.is_empty() {
            return self.top.try_clone();
        }
        let (above, name) = match path.iter().rposition(|b| *b == b'/') {
            Some(at) => path.split_at(at),
            None => (&[] as &[u8], path),
        };
        let name = name.strip_prefix(b"/").unwrap_or(name);
        if self.last.as_ref().is_none_or(|(last, _)| last != above) {
            let directory = if above.is_empty() {
                self.top.try_clone()?
            } else {
                open_at(&self.top, OsStr::from_bytes(above), flags | OFlags::DIRECTORY, Mode::empty(), PLAIN)?
            };
            self.last = Some((above.to_vec(), directory));
        }
        let Some((_, directory)) = &self.last else { return Err(Errno::NOENT.into()) };
        open_at(directory, OsStr::from_bytes(name), flags, Mode::empty(), PLAIN)
    }
}

impl OpenTree for LinuxTree {
    fn look(&mut self, path: &[u8]) -> Result<Option<Found>> {
        match self.handle(path) {
            Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP | libc::ENAMETOOLONG)) => Ok(None),
            Err(e) => Err(step("open", shown(path), e)),
            Ok(handle) => {
                let name = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
                found(name, &handle).map(Some).map_err(|e| step("stat", shown(path), e))
            }
        }
    }

    fn list(&mut self, path: &[u8]) -> Result<Vec<Found>> {
        let failed = |e: std::io::Error| step("list", shown(path), e);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = self.handle(path).map_err(failed)?;
        if is_of_the_kernel(&handle) {
            return Ok(Vec::new());
        }
        let directory = open_at(&handle, ".", flags, Mode::empty(), PLAIN).map_err(failed)?;
        let mut all = Vec::new();
        for entry in Dir::read_from(&directory).map_err(|e| failed(e.into()))? {
            let entry = entry.map_err(|e| failed(e.into()))?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let handle = match open_at(
                &directory,
                OsStr::from_bytes(name.to_bytes()),
                OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                Mode::empty(),
                PLAIN,
            ) {
                // Removed since it was listed.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                other => other.map_err(failed)?,
            };
            all.push(found(name.to_bytes(), &handle).map_err(|e| failed(e.into()))?);
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    fn read(&mut self, path: &[u8]) -> Result<Box<dyn Read>> {
        let failed = |e: std::io::Error| step("open", shown(path), e);
        let handle = self.handle(path).map_err(failed)?;
        // Opened again through what is held: whatever has the name by now, this is the file that was looked at.
        let kind = rustix::fs::fstat(&handle).map_err(|e| failed(e.into()))?.st_mode;
        if FileType::from_raw_mode(kind) != FileType::RegularFile {
            return Err(Error::invalid(format!("{} is not a regular file", shown(path))));
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let again = rustix::fs::open(format!("/proc/self/fd/{}", handle.as_raw_fd()), flags, Mode::empty());
        Ok(Box::new(File::from(again.map_err(|e| failed(e.into()))?)))
    }

    fn below(&mut self, path: &str, follow: bool) -> Result<Box<dyn OpenTree>> {
        let flags = OFlags::PATH | OFlags::CLOEXEC | if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
        let relative = path.trim_start_matches('/');
        let relative = if relative.is_empty() { "." } else { relative };
        let top = open_at(&self.top, relative, flags, Mode::empty(), IN_TREE).map_err(|e| match e.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => Error::not_found(format!("{path}: no such file or directory")),
            _ => step("open", path, e),
        })?;
        Ok(Box::new(Self { top, last: None, held: self.held.clone() }))
    }

    fn extract(&mut self, archive: &mut dyn Read, how: &Extract) -> Result<()> {
        extract::extract(&self.top, archive, how)
    }
}

/// Whether a directory shows the kernel and no files: nobody wants /proc in an archive.
fn is_of_the_kernel(handle: &OwnedFd) -> bool {
    const KERNEL: [u64; 8] = [0x9fa0, 0x6265_6572, 0x0027_e0eb, 0x6367_7270, 0x1cd1, 0x6462_6720, 0x7363_6673, 0x1980_0202];
    rustix::fs::fstatfs(handle).is_ok_and(|s| KERNEL.contains(&(s.f_type as u64 & 0xffff_ffff)))
}

/// What is behind a descriptor that was opened to look at.
fn found(name: &[u8], handle: &OwnedFd) -> Result<Found, Errno> {
    let stat = rustix::fs::statx(handle, "", AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS)?;
    let kind = kind(&stat, handle)?;
    let through = format!("/proc/self/fd/{}", handle.as_raw_fd());
    let has_attributes = matches!(kind, Some(Kind::File | Kind::Directory));
    Ok(Found {
        name: name.to_vec(),
        size: if kind == Some(Kind::File) { stat.stx_size } else { 0 },
        mode: u32::from(stat.stx_mode) & 0o7777,
        uid: stat.stx_uid,
        gid: stat.stx_gid,
        mtime: (stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
        xattrs: if has_attributes { attributes(&through)? } else { BTreeMap::new() },
        inode: (u64::from(stat.stx_dev_major) << 32 | u64::from(stat.stx_dev_minor), stat.stx_ino),
        links: u64::from(stat.stx_nlink),
        opaque: kind == Some(Kind::Directory) && value(&through, crate::layer::OPAQUE)?.is_some_and(|v| v == b"y"),
        kind,
    })
}

fn kind(stat: &Statx, handle: &OwnedFd) -> Result<Option<Kind>, Errno> {
    Ok(match FileType::from_raw_mode(u32::from(stat.stx_mode)) {
        FileType::RegularFile => Some(Kind::File),
        FileType::Directory => Some(Kind::Directory),
        FileType::Symlink => Some(Kind::Symlink(rustix::fs::readlinkat(handle.as_fd(), "", Vec::new())?.into_bytes())),
        FileType::CharacterDevice => Some(Kind::CharDevice(stat.stx_rdev_major, stat.stx_rdev_minor)),
        FileType::BlockDevice => Some(Kind::BlockDevice(stat.stx_rdev_major, stat.stx_rdev_minor)),
        FileType::Fifo => Some(Kind::Fifo),
        _ => None,
    })
}

/// The attributes that an archive keeps. File systems without any have none.
fn attributes(path: &str) -> Result<BTreeMap<String, Vec<u8>>, Errno> {
    let mut all = BTreeMap::new();
    let mut names = vec![0; 1024];
    let length = loop {
        match rustix::fs::listxattr(path, &mut names[..]) {
            Ok(length) => break length,
            Err(Errno::RANGE) if names.len() < 1 << 20 => names.resize(names.len() * 4, 0),
            Err(Errno::OPNOTSUPP) => return Ok(all),
            Err(e) => return Err(e),
        }
    };
    for name in names.get(..length).unwrap_or_default().split(|b| *b == 0).filter(|n| layer::keeps_xattr(n)) {
        let Ok(name) = std::str::from_utf8(name) else { continue };
        if let Some(value) = value(path, name)? {
            all.insert(name.to_owned(), value);
        }
    }
    Ok(all)
}

fn value(path: &str, name: &str) -> Result<Option<Vec<u8>>, Errno> {
    let mut value = vec![0; 256];
    loop {
        match rustix::fs::getxattr(path, name, &mut value[..]) {
            Ok(length) => {
                value.truncate(length);
                return Ok(Some(value));
            }
            Err(Errno::RANGE) if value.len() < 1 << 17 => value.resize(value.len() * 8, 0),
            Err(Errno::NODATA | Errno::OPNOTSUPP) => return Ok(None),
            Err(e) => return Err(e),
        }
    }
}
