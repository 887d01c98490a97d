//! Entries of a layer put into a directory, each by descriptors that cannot leave it.
//!
//! The directory an entry goes to is looked up with openat2(2) as if the layer were the root, so that a link in the layer leads
//! to the same place that it will lead to in a container. The entry itself is made by name in that directory, and its owner, mode
//! and times are set through its own descriptor or without following a link.

use super::archive::{Archive, Entry, Kind, Piece};
use crate::files::{open_at, remove_at};
use drydock_core::image::layer::{self as name, Name};
use drydock_core::kernel::Extract;
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, StatxFlags, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags, makedev,
};
use rustix::io::Errno;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

/// Most entries of one layer.
const MAX_ENTRIES: u64 = 2_000_000;
const BUFFER: usize = 256 * 1024;
/// The shortest run of zeros that becomes a hole.
const HOLE: usize = 64 * 1024;

const IN_LAYER: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS).union(ResolveFlags::NO_XDEV);

/// In a container's root, volumes are files like any other.
const IN_ROOT: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);

/// overlayfs.rst, "whiteouts and opaque directories".
pub(crate) const OPAQUE: &str = "trusted.overlay.opaque";

/// A layer being put together.
pub struct Applier {
    root: OwnedFd,
    /// How lookups are held to the root.
    resolve: ResolveFlags,
    /// What is copied into a container and is no layer: names of whiteouts mean nothing then.
    copy: Option<Extract>,
    /// The directory of the last entry: the next one is most often in it too.
    last: Option<(Vec<u8>, Rc<OwnedFd>)>,
    /// Directories get their times at the end, since every file made in them changes these.
    times: Vec<(Vec<u8>, (i64, u32))>,
    entries: u64,
    buffer: Vec<u8>,
}

fn wrong(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}

/// Says which entry an error belongs to.
fn about(path: &[u8], error: &io::Error) -> io::Error {
    let kind = if error.raw_os_error().is_some_and(is_host) { error.kind() } else { io::ErrorKind::InvalidData };
    io::Error::new(kind, format!("entry {:?}: {error}", String::from_utf8_lossy(path)))
}

/// Errors that are the host's, not the archive's.
fn is_host(errno: i32) -> bool {
    matches!(
        errno,
        libc::ENOSPC | libc::EDQUOT | libc::EIO | libc::EROFS | libc::EPERM | libc::EACCES | libc::ENOMEM | libc::EMFILE | libc::ENFILE
    )
}

impl Applier {
    pub fn new(root: OwnedFd) -> Self {
        Self { root, resolve: IN_LAYER, copy: None, last: None, times: Vec::new(), entries: 0, buffer: vec![0; BUFFER] }
    }

    /// For an archive that is no layer but a copy of files, into a directory that others use too.
    pub fn copying(root: OwnedFd, how: &Extract) -> Self {
        Self { resolve: IN_ROOT, copy: Some(how.clone()), ..Self::new(root) }
    }

    /// Puts every entry of an archive in place.
    pub fn apply<R: Read>(mut self, archive: &mut Archive<R>) -> io::Result<()> {
        while let Some(mut entry) = archive.next_entry()? {
            if let Some((uid, gid)) = self.copy.as_ref().and_then(|copy| copy.owner) {
                (entry.uid, entry.gid) = (uid, gid);
            }
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(wrong(format!("it has more than {MAX_ENTRIES} entries")));
            }
            self.entry(&entry, archive).map_err(|e| about(&entry.path, &e))?;
        }
        self.set_times()
    }

    fn entry<R: Read>(&mut self, entry: &Entry, archive: &mut Archive<R>) -> io::Result<()> {
        let parsed = match &self.copy {
            None => name::parse(&entry.path).map_err(wrong)?,
            Some(_) => match name::parts(&entry.path).map_err(wrong)? {
                parts if parts.is_empty() => Name::Root,
                parts => Name::Path(parts),
            },
        };
        if matches!(entry.kind, Kind::Character | Kind::Block) && entry.device == (0, 0) && entry.kind == Kind::Character {
            return Err(wrong("a character device 0:0 would be taken for a whiteout"));
        }
        match parsed {
            Name::Ignored => Ok(()),
            Name::Root if entry.kind == Kind::Directory => {
                let root = open_at(&self.root, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty(), self.resolve)?;
                self.times.push((b".".to_vec(), entry.modified));
                dress(&File::from(root), entry)
            }
            Name::Root => Err(wrong("it would replace the layer's root directory")),
            Name::Opaque(parts) => {
                let directory = self.directory(&parts)?;
                let directory =
                    open_at(&directory, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty(), self.resolve)?;
                make_opaque(&directory)
            }
            Name::Whiteout(parts) => self.whiteout(&parts),
            Name::Path(parts) => self.place(&parts, entry, archive),
        }
    }

    /// Whiteouts hide what is below the layer and nothing of the layer itself, whichever comes first in the archive (image-spec
    /// layer.md): beside a directory of the same name it makes that opaque, beside anything else it adds nothing.
    fn whiteout(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        let (parent, name) = self.split(parts)?;
        match rustix::fs::mknodat(&parent, &name, FileType::CharacterDevice, Mode::empty(), 0) {
            Err(Errno::EXIST) => match open_directory(parent.as_fd(), &name) {
                Ok(directory) => make_opaque(&directory),
                Err(_) => Ok(()),
            },
            other => other.map_err(io::Error::from),
        }
    }

    fn place<R: Read>(&mut self, parts: &[&[u8]], entry: &Entry, archive: &mut Archive<R>) -> io::Result<()> {
        let (parent, name) = self.split(parts)?;
        if entry.kind == Kind::Directory {
            return self.make_directory(parts, parent.as_fd(), &name, entry);
        }
        match self.make(parent.as_fd(), &name, entry, archive) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                self.may_replace(parent.as_fd(), &name)?;
                // The later entry counts. A directory may be one that paths lead through, so what is cached is void.
                self.last = None;
                remove_at(parent.as_fd(), &name)?;
                self.make(parent.as_fd(), &name, entry, archive)
            }
            other => other,
        }
    }

    /// Docker's words where a copy would put something else in a directory's place.
    fn may_replace(&self, parent: BorrowedFd<'_>, name: &CString) -> io::Result<()> {
        if self.copy.as_ref().is_some_and(|copy| copy.keep_kinds) && open_directory(parent, name).is_ok() {
            let name = name.to_string_lossy();
            return Err(wrong(format!("cannot overwrite directory \"{name}\" with non-directory \"{name}\"")));
        }
        Ok(())
    }

    fn make<R: Read>(&mut self, parent: BorrowedFd<'_>, name: &CString, entry: &Entry, archive: &mut Archive<R>) -> io::Result<()> {
        let device = makedev(entry.device.0, entry.device.1);
        match entry.kind {
            Kind::Directory | Kind::File => return self.make_file(parent, name, entry, archive),
            Kind::HardLink => return self.make_hard_link(parent, name, &entry.link),
            Kind::Symlink => rustix::fs::symlinkat(entry.link.as_slice(), parent, name)?,
            Kind::Character => rustix::fs::mknodat(parent, name, FileType::CharacterDevice, Mode::empty(), device)?,
            Kind::Block => rustix::fs::mknodat(parent, name, FileType::BlockDevice, Mode::empty(), device)?,
            Kind::Fifo => rustix::fs::mknodat(parent, name, FileType::Fifo, Mode::empty(), 0)?,
        }
        let (uid, gid) = owner(entry);
        rustix::fs::chownat(parent, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?;
        if entry.kind != Kind::Symlink {
            crate::files::set_mode(parent, name, Mode::from_raw_mode(entry.mode))?;
        }
        rustix::fs::utimensat(parent, name, &times(entry.modified), AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(())
    }

    fn make_file<R: Read>(&mut self, parent: BorrowedFd<'_>, name: &CString, entry: &Entry, archive: &mut Archive<R>) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(parent, name, flags, Mode::RUSR | Mode::WUSR)?);
        let mut hole = false;
        loop {
            let n = match archive.next_piece(&mut self.buffer)? {
                Piece::Data(n) => n,
                Piece::Hole(length) => {
                    let past = i64::try_from(length).map_err(|_| wrong("a hole is too long"))?;
                    file.seek(SeekFrom::Current(past))?;
                    hole = true;
                    continue;
                }
                Piece::End => break,
            };
            let bytes = self.buffer.get(..n).unwrap_or_default();
            if n >= HOLE && bytes.iter().all(|b| *b == 0) {
                // A hole reads as zeros, and takes no room.
                file.seek(SeekFrom::Current(n as i64))?;
                hole = true;
            } else {
                file.write_all(bytes)?;
                hole = false;
            }
        }
        if hole {
            let length = file.stream_position()?;
            file.set_len(length)?;
        }
        dress(&file, entry)?;
        rustix::fs::futimens(&file, &times(entry.modified))?;
        Ok(())
    }

    fn make_hard_link(&mut self, parent: BorrowedFd<'_>, name: &CString, link: &[u8]) -> io::Result<()> {
        let parts = name::parts(link).map_err(|e| wrong(format!("where it links to: {e}")))?;
        let (from, old) = self.split(&parts)?;
        let target = rustix::fs::statx(&from, &old, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE)
            .map_err(|e| wrong(format!("what it links to is not in the layer: {e}")))?;
        match FileType::from_raw_mode(u32::from(target.stx_mode)) {
            FileType::Directory => return Err(wrong("it links to a directory")),
            FileType::CharacterDevice if (target.stx_rdev_major, target.stx_rdev_minor) == (0, 0) => {
                return Err(wrong("it links to a whiteout"));
            }
            _ => {}
        }
        // Without AT_SYMLINK_FOLLOW a link to a link is the same link once more.
        rustix::fs::linkat(&from, &old, parent, name, AtFlags::empty()).map_err(io::Error::from)
    }

    fn make_directory(&mut self, parts: &[&[u8]], parent: BorrowedFd<'_>, name: &CString, entry: &Entry) -> io::Result<()> {
        let mut replaced = false;
        let directory = match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
            Ok(()) => open_directory(parent, name)?,
            Err(Errno::EXIST) => match open_directory(parent, name) {
                Ok(directory) => directory,
                Err(_) if self.copy.as_ref().is_some_and(|copy| copy.keep_kinds) => {
                    let name = name.to_string_lossy();
                    return Err(wrong(format!("cannot overwrite non-directory \"{name}\" with directory \"{name}\"")));
                }
                Err(_) => {
                    self.last = None;
                    replaced = is_whiteout(parent, name);
                    remove_at(parent, name)?;
                    rustix::fs::mkdirat(parent, name, Mode::RWXU)?;
                    open_directory(parent, name)?
                }
            },
            Err(e) => return Err(e.into()),
        };
        if replaced {
            make_opaque(&directory)?;
        }
        self.times.push((parts.join(&b'/'), entry.modified));
        dress(&File::from(directory), entry)
    }

    /// The directory an entry goes to, and its name there.
    fn split(&mut self, parts: &[&[u8]]) -> io::Result<(Rc<OwnedFd>, CString)> {
        let (last, above) = parts.split_last().ok_or_else(|| wrong("it names the root directory"))?;
        let name = CString::new(*last).map_err(|_| wrong("it contains a NUL"))?;
        Ok((self.directory(above)?, name))
    }

    /// A directory of the layer; what is missing on the way is made, as an archive may leave it out.
    fn directory(&mut self, parts: &[&[u8]]) -> io::Result<Rc<OwnedFd>> {
        let path = if parts.is_empty() { b".".to_vec() } else { parts.join(&b'/') };
        if let Some((last, directory)) = &self.last
            && *last == path
        {
            return Ok(Rc::clone(directory));
        }
        let directory = Rc::new(match self.open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => self.make_above(parts)?,
            other => other?,
        });
        self.last = Some((path, Rc::clone(&directory)));
        Ok(directory)
    }

    fn open(&self, path: &[u8]) -> io::Result<OwnedFd> {
        use std::os::unix::ffi::OsStrExt;
        let path = std::ffi::OsStr::from_bytes(path);
        open_at(&self.root, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty(), self.resolve)
    }

    fn make_above(&self, parts: &[&[u8]]) -> io::Result<OwnedFd> {
        let mut directory = self.open(b".")?;
        for (at, part) in parts.iter().enumerate() {
            let path = parts.get(..=at).unwrap_or_default().join(&b'/');
            directory = match self.open(&path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    let name = CString::new(*part).map_err(|_| wrong("it contains a NUL"))?;
                    // A link that leads nowhere is in the way, and must not be written through.
                    rustix::fs::mkdirat(&directory, &name, Mode::from_raw_mode(0o755))?;
                    self.open(&path)?
                }
                other => other?,
            };
        }
        Ok(directory)
    }

    fn set_times(&self) -> io::Result<()> {
        use std::os::unix::ffi::OsStrExt;
        for (path, modified) in &self.times {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            // One that a later entry replaced is not there any more.
            if let Ok(directory) = open_at(&self.root, std::ffi::OsStr::from_bytes(path), flags, Mode::empty(), self.resolve) {
                rustix::fs::futimens(&directory, &times(*modified))?;
            }
        }
        Ok(())
    }
}

fn open_directory(parent: BorrowedFd<'_>, name: &CString) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty()).map_err(io::Error::from)
}

fn is_whiteout(parent: BorrowedFd<'_>, name: &CString) -> bool {
    rustix::fs::statx(parent, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE).is_ok_and(|s| {
        FileType::from_raw_mode(u32::from(s.stx_mode)) == FileType::CharacterDevice && (s.stx_rdev_major, s.stx_rdev_minor) == (0, 0)
    })
}

fn make_opaque(directory: &OwnedFd) -> io::Result<()> {
    rustix::fs::fsetxattr(directory, OPAQUE, b"y", XattrFlags::empty()).map_err(io::Error::from)
}

/// Owner, attributes and mode of an open file or directory. The order matters: chown(2) clears set-id bits and capabilities.
fn dress(file: &File, entry: &Entry) -> io::Result<()> {
    let (uid, gid) = owner(entry);
    rustix::fs::fchown(file, uid, gid)?;
    for (name, value) in entry.xattrs.iter().filter(|(name, _)| name::keeps_xattr(name)) {
        match rustix::fs::fsetxattr(file, name.as_slice(), value, XattrFlags::empty()) {
            // The file system has no such attributes: content matters more than they do, as Docker decides too.
            Err(Errno::OPNOTSUPP) => {}
            other => other?,
        }
    }
    rustix::fs::fchmod(file, Mode::from_raw_mode(entry.mode))?;
    Ok(())
}

fn owner(entry: &Entry) -> (Option<Uid>, Option<Gid>) {
    (Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid)))
}

/// The time of change; that of access stays as it is.
fn times(modified: (i64, u32)) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: modified.0, tv_nsec: modified.1.into() },
    }
}
