//! Unpacking a layer: from its archive into a directory that overlayfs can use, whole and verified, or not at all.
//!
//! A layer has a directory of its own, and what its parents hold is never looked at. It is put together in a scratch directory
//! beside its place, compared with its diff id, written to the disk and then renamed.

mod apply;
mod archive;

pub(crate) use apply::{Applier, OPAQUE};
pub use archive::{Archive, Entry, Kind, Piece};

use crate::error::{kind_of, step};
use crate::pipe::{self, PIECE, Sink, Source, join, pipe};
use crate::{decompress, files};
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::id::hex;
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, RenameFlags, ResolveFlags};
use sha2::{Digest as _, Sha256};
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Unpacks `archive` (tar, as it is or in gzip or Zstandard) into the directory `into`, which is there only once all of it is. There
/// already is no error. Two that unpack the same layer at once do the work once. Where the same was unpacked ahead, it only gets its name.
pub fn unpack(archive: &str, diff_id: &str, into: &str, ahead: Option<&str>) -> Result<()> {
    let target = Path::new(into);
    let scratch = scratch_of(target).ok_or_else(|| Error::invalid(format!("{into:?} cannot hold a layer")))?;
    let Some(directory) = claim(target, &scratch)? else { return Ok(()) };
    if let Some(ahead) = ahead.map(Path::new).filter(|ahead| ahead.is_dir()) {
        // The scratch directory stays empty, and is the lock of whoever else wants this layer.
        keep(&directory, ahead, target)?;
        return std::fs::remove_dir(&scratch).map_err(|e| step("rmdir", scratch.display().to_string(), e));
    }
    let done = fill(archive, diff_id, &directory).and_then(|()| keep(&directory, &scratch, target));
    if done.is_err() {
        // The first error is the one that matters; what cannot be removed now is removed before the next attempt.
        let _ = files::remove_tree(&scratch.to_string_lossy());
    }
    done
}

/// Puts the entries of an archive that is not compressed into an empty directory: what a layer's unpacking is between its digest and
/// its place. For tests that make archives by the million.
///
/// # Errors
/// What is wrong with the archive, or what the host refused.
pub fn apply(archive: impl Read, into: OwnedFd) -> io::Result<()> {
    Applier::new(into).apply(&mut Archive::new(archive))
}

/// Where a layer is put together: hidden, and the same for all who try, so that a dead one's is found.
pub(crate) fn scratch_of(target: &Path) -> Option<PathBuf> {
    let name = target.file_name()?.to_str()?;
    Some(target.with_file_name(format!(".unpack-{name}")))
}

/// Makes the scratch directory and locks it; `None` if the layer is there after all. Waits for another who is at it.
fn claim(target: &Path, scratch: &Path) -> Result<Option<OwnedFd>> {
    let shown = scratch.display().to_string();
    let failed = |call: &'static str, e: io::Error| step(call, shown.clone(), e);
    loop {
        if target.is_dir() {
            return Ok(None);
        }
        files::make_dir(&shown, 0o755)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = match files::open_at(CWD, scratch, flags, Mode::empty(), ResolveFlags::empty()) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(|e| failed("open", e))?,
        };
        match rustix::fs::flock(&directory, FlockOperation::LockExclusive) {
            Err(rustix::io::Errno::INTR) => continue,
            other => other.map_err(|e| failed("flock", e.into()))?,
        }
        // While this waited, the other may have finished, or died and left something in it.
        if target.is_dir() || !is_at(&directory, scratch) {
            continue;
        }
        let empty = std::fs::read_dir(scratch).map_err(|e| failed("read", e))?.next().is_none();
        if empty {
            return Ok(Some(directory));
        }
        files::remove_tree(&shown)?;
    }
}

fn is_at(directory: &OwnedFd, path: &Path) -> bool {
    let (Ok(ours), Ok(named)) = (rustix::fs::fstat(directory), rustix::fs::lstat(path)) else { return false };
    (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino)
}

/// Counts what it reads.
struct Counting<'a, R> {
    reader: R,
    count: &'a Cell<u64>,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.count.set(self.count.get() + n as u64);
        Ok(n)
    }
}

/// Three threads: one reads and decompresses, one digests, this one makes the files. The slowest of them sets the pace.
fn fill(archive: &str, diff_id: &str, directory: &OwnedFd) -> Result<()> {
    let file = File::open(archive).map_err(|e| step("open", archive, e))?;
    let (sink, [mut digested, placed]) = pipe();
    let (read, found, made) = std::thread::scope(|scope| {
        let read = scope.spawn(move || pass_on(file, &sink));
        let hash = scope.spawn(move || -> io::Result<Sha256> {
            let mut hash = Sha256::new();
            loop {
                let piece = digested.fill_buf()?;
                if piece.is_empty() {
                    return Ok(hash);
                }
                hash.update(piece);
                let length = piece.len();
                digested.consume(length);
            }
        });
        let made = place(placed, directory);
        (join(read), join(hash), made)
    });
    // Where reading failed, the others saw an early end.
    read.and(made).map_err(|e| refused(diff_id, &e))?;
    let found = format!("sha256:{}", hex(&found.map_err(|e| refused(diff_id, &e))?.finalize()));
    if found != diff_id {
        let message = format!("layer {diff_id}: the archive unpacks to {found}");
        return Err(Error::new(ErrorKind::Corrupt, message).op("unpack").subject(diff_id));
    }
    Ok(())
}

/// Passes on what a blob holds, decompressed, until its end or until somebody does not listen any more.
fn pass_on(file: File, sink: &Sink) -> io::Result<()> {
    let count = Cell::new(0);
    let reader = BufReader::with_capacity(PIECE, Counting { reader: file, count: &count });
    let (_, mut unpacked) = decompress::open(reader, || count.get())?;
    loop {
        let mut room = sink.room();
        let filled = pipe::fill(&mut unpacked, &mut room)?;
        room.truncate(filled);
        if filled == 0 || !sink.send(room) {
            return Ok(());
        }
    }
}

/// A layer that is unpacked while its archive comes: nobody knows its digest before the end.
pub(crate) struct Ahead {
    path: String,
    directory: OwnedFd,
}

impl Ahead {
    /// Makes its directory, which does not exist yet.
    pub(crate) fn begin(path: String) -> Result<Self> {
        files::make_dir(&path, 0o755)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = files::open_at(CWD, Path::new(&path), flags, Mode::empty(), ResolveFlags::empty())
            .map_err(|e| step("open", path.clone(), e))?;
        Ok(Self { path, directory })
    }

    /// Makes the files of a stream that is decompressed already, until its end or the first thing that is wrong.
    pub(crate) fn fill(&self, source: Source) -> io::Result<()> {
        place(source, &self.directory)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Removes it: the archive is none, or is refused.
    pub(crate) fn discard(layer: Option<Self>) {
        if let Some(layer) = layer {
            // What cannot be removed now is removed by who wanted it.
            let _ = files::remove_tree(&layer.path);
        }
    }
}

/// Makes the files.
fn place(source: Source, directory: &OwnedFd) -> io::Result<()> {
    let mut archive = Archive::new(source);
    Applier::new(directory.try_clone()?).apply(&mut archive)?;
    archive.finish()
}

fn refused(diff_id: &str, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof | io::ErrorKind::Other => {
            ErrorKind::InvalidInput
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::OutOfMemory => ErrorKind::Exhausted,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Denied,
        _ => kind_of(error),
    };
    Error::new(kind, format!("layer {diff_id}: {error}")).op("unpack").subject(diff_id)
}

/// Writes the layer to the disk, then gives it its name: a name that survives a power cut stands for all of its content.
fn keep(directory: &OwnedFd, scratch: &Path, target: &Path) -> Result<()> {
    let shown = target.display().to_string();
    rustix::fs::syncfs(directory).map_err(|e| step("syncfs", shown.clone(), e))?;
    rustix::fs::renameat_with(CWD, scratch, CWD, target, RenameFlags::NOREPLACE).map_err(|e| step("rename", shown.clone(), e))?;
    let parent = target.parent().unwrap_or(Path::new("/"));
    files::sync_dir(parent).map_err(|e| step("fsync", parent.display().to_string(), e))
}
