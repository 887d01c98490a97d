//! Taking content in: a stream becomes a blob of the OCI image layout under the data root, whole or not at all.
//!
//! The bytes go to a scratch file while both digests are computed, so nothing is read twice. The blob is on the disk, and so is its
//! name, before this returns.

use crate::error::step;
use crate::layer::Ahead;
use crate::pipe::{self, PIECE, Sink, Source, join, pipe};
use crate::{decompress, files};
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::id::{Digest, hex};
use drydock_core::image::tar::{self, Measure};
use drydock_core::kernel::{Compression, Ingested};
use sha2::{Digest as _, Sha256};
use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read, Write};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Reads a stream of at most `limit` bytes to its end and keeps it as `DATA_ROOT/blobs/sha256/HEX`.
pub fn ingest(
    data_root: &str,
    reader: &mut dyn Read,
    limit: u64,
    ahead: &mut dyn FnMut() -> Result<Option<String>>,
    accept: &mut dyn FnMut(&Ingested) -> Result<()>,
) -> Result<Ingested> {
    let directory = Path::new(data_root).join("blobs/sha256");
    if !directory.is_dir() {
        files::make_dir(&directory.to_string_lossy(), 0o755)?;
    }
    let scratch = Scratch::new(&directory)?;
    let (mut ingested, ahead) = copy(reader, limit, ahead, &scratch)?;
    let kept = keep(&ingested, &scratch, &directory, accept);
    match (kept, ahead) {
        (Ok(()), Some(layer)) => ingested.ahead = Some(layer.path().to_owned()),
        (Err(error), layer) => {
            Ahead::discard(layer);
            return Err(error);
        }
        (Ok(()), None) => {}
    }
    Ok(ingested)
}

fn keep(ingested: &Ingested, scratch: &Scratch, directory: &Path, accept: &mut dyn FnMut(&Ingested) -> Result<()>) -> Result<()> {
    scratch.file.sync_data().map_err(|e| step("fsync", scratch.name(), e))?;
    accept(ingested)?;
    let target = directory.join(ingested.digest.hex());
    if !target.is_file() {
        std::fs::rename(&scratch.path, &target).map_err(|e| step("rename", scratch.name(), e))?;
        files::sync_dir(directory).map_err(|e| step("fsync", directory.display().to_string(), e))?;
    }
    Ok(())
}

/// A file that is gone when this is dropped, unless it was renamed before.
struct Scratch {
    path: PathBuf,
    file: File,
}

impl Scratch {
    fn new(directory: &Path) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        remove_abandoned(directory);
        // Beside the blobs, for rename(2) to work; the dot and the process keep it from being taken for one.
        let path = directory.join(format!(".ingest-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        // A file of this name was left by a process that died before this one got its id.
        let _ = std::fs::remove_file(&path);
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(&path);
        let file = opened.map_err(|e| step("open", path.display().to_string(), e))?;
        Ok(Self { path, file })
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// Removes what processes left here that were killed while they took something in.
fn remove_abandoned(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|n| n.strip_prefix(".ingest-")).and_then(|n| n.split('-').next());
        if process.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn copy(
    reader: &mut dyn Read,
    limit: u64,
    ahead: &mut dyn FnMut() -> Result<Option<String>>,
    scratch: &Scratch,
) -> Result<(Ingested, Option<Ahead>)> {
    let mut first = vec![0; PIECE];
    let filled = pipe::fill(reader, &mut first).map_err(refused)?;
    let whole = filled < first.len();
    first.truncate(filled);
    let could_be_layer = !whole && (Compression::detect(&first) != Compression::None || tar::begins(&first));
    let ahead = if could_be_layer { ahead()?.map(Ahead::begin).transpose()? } else { None };
    let taken = if whole { at_once(&first, limit, scratch) } else { side_by_side(first, reader, limit, scratch, ahead.as_ref()) };
    let described = taken.map_err(refused).and_then(|(outer, count, inner)| Ok((describe(outer, count, &inner)?, inner.placed)));
    match described {
        Ok((ingested, true)) => Ok((ingested, ahead)),
        // It was no archive, or what is wrong with it will be said by who wants it as a layer.
        Ok((ingested, false)) => {
            Ahead::discard(ahead);
            Ok((ingested, None))
        }
        Err(error) => {
            Ahead::discard(ahead);
            Err(error)
        }
    }
}

fn describe(outer: Sha256, size: u64, inner: &Unpacked) -> Result<Ingested> {
    let digest = digest_of(outer)?;
    let diff_id = inner.hash.clone().map_or_else(|| Ok(digest.clone()), digest_of)?;
    Ok(Ingested { digest, size, diff_id, unpacked: inner.total, content: inner.content, compression: inner.compression, ahead: None })
}

fn check(count: u64, limit: u64) -> io::Result<()> {
    if count > limit { Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {limit} bytes"))) } else { Ok(()) }
}

/// One piece is not worth a thread.
fn at_once(bytes: &[u8], limit: u64, scratch: &Scratch) -> io::Result<(Sha256, u64, Unpacked)> {
    let count = bytes.len() as u64;
    check(count, limit)?;
    (&scratch.file).write_all(bytes)?;
    Ok((Sha256::new_with_prefix(bytes), count, digest(bytes, &Cell::new(count), None)?))
}

/// This thread reads and writes, one digests what comes, one what is in it, and one makes the files that are in it.
fn side_by_side(
    first: Vec<u8>,
    reader: &mut dyn Read,
    limit: u64,
    scratch: &Scratch,
    ahead: Option<&Ahead>,
) -> io::Result<(Sha256, u64, Unpacked)> {
    let (sink, [mut outer, inner]) = pipe();
    std::thread::scope(|scope| {
        let hash = scope.spawn(move || -> io::Result<Sha256> {
            let mut hash = Sha256::new();
            loop {
                let piece = outer.fill_buf()?;
                if piece.is_empty() {
                    return Ok(hash);
                }
                hash.update(piece);
                let length = piece.len();
                outer.consume(length);
            }
        });
        let (entries, [files]) = pipe();
        let placed = ahead.map(|layer| scope.spawn(move || layer.fill(files)));
        let entries = ahead.map(|_| entries);
        let unpacked = scope.spawn(move || {
            let count = Cell::new(0);
            digest(Counting { source: inner, count: &count }, &count, entries)
        });
        let passed = pass_on(first, reader, limit, scratch, &sink);
        drop(sink);
        let (hash, unpacked) = (join(hash), join(unpacked));
        let placed = placed.is_some_and(|thread| join(thread).is_ok());
        // Where passing on failed, the others saw an early end; where it was stopped, one of them knows why.
        let count = passed?;
        Ok((hash?, count, Unpacked { placed, ..unpacked? }))
    })
}

/// Writes and passes on until the end, or until somebody does not listen any more. Answers how many bytes came.
fn pass_on(first: Vec<u8>, reader: &mut dyn Read, limit: u64, scratch: &Scratch, sink: &Sink) -> io::Result<u64> {
    let (mut piece, mut count) = (first, 0);
    loop {
        let length = piece.len();
        count += length as u64;
        check(count, limit)?;
        let start = count - length as u64;
        if length == PIECE && piece.iter().all(|b| *b == 0) {
            // A hole reads as zeros, and takes no room: the archive of a file that is mostly nothing may be of any size.
            scratch.file.set_len(count)?;
        } else {
            scratch.file.write_all_at(&piece, start)?;
            files::begin_to_write(&scratch.file, start, length);
        }
        if !sink.send(piece) || length < PIECE {
            return Ok(count);
        }
        piece = sink.room();
        let filled = pipe::fill(reader, &mut piece)?;
        piece.truncate(filled);
        if filled == 0 {
            return Ok(count);
        }
    }
}

/// Counts what is consumed.
struct Counting<'a> {
    source: Source,
    count: &'a Cell<u64>,
}

impl Read for Counting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.count.set(self.count.get() + n as u64);
        Ok(n)
    }
}

impl BufRead for Counting<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.count.set(self.count.get() + amount as u64);
        self.source.consume(amount);
    }
}

/// What is known of the content once it is unpacked.
struct Unpacked {
    compression: Compression,
    /// Of the unpacked bytes, where they differ.
    hash: Option<Sha256>,
    total: u64,
    content: u64,
    /// Whether its files were made.
    placed: bool,
}

/// Reads to the end, and passes on what is unpacked as long as somebody wants it.
fn digest(mut reader: impl BufRead, count: &Cell<u64>, mut entries: Option<Sink>) -> io::Result<Unpacked> {
    let (compression, mut unpacked) = decompress::open(&mut reader, || count.get())?;
    let mut buffer = vec![0; PIECE];
    let mut inner = (compression != Compression::None).then(Sha256::new);
    let mut total = 0;
    let mut measure = Measure::default();
    loop {
        let n = pipe::fill(&mut unpacked, &mut buffer)?;
        if n == 0 {
            break;
        }
        buffer.truncate(n);
        total += n as u64;
        measure.feed(&buffer);
        if let Some(inner) = &mut inner {
            inner.update(&buffer);
        }
        buffer = match entries.take() {
            Some(sink) => {
                let room = sink.room();
                entries = Some(sink).filter(|sink| sink.send(buffer));
                room
            }
            None => buffer,
        };
        buffer.resize(PIECE, 0);
    }
    // Its end is theirs too; an error above ends it as well, and then what they made is discarded.
    drop(entries);
    drop(unpacked);
    // What follows the compressed data is part of the blob.
    io::copy(&mut reader, &mut io::sink())?;
    Ok(Unpacked { compression, hash: inner, total, content: measure.total(), placed: false })
}

fn digest_of(hash: Sha256) -> Result<Digest> {
    Digest::parse(&format!("sha256:{}", hex(&hash.finalize())))
}

fn refused(error: io::Error) -> Error {
    // Whoever gave the stream may have said already what is wrong with it.
    let error = match error.downcast::<Error>() {
        Ok(ours) => return ours,
        Err(error) => error,
    };
    let kind = match crate::error::kind_of(&error) {
        // No errno: the stream itself is wrong.
        ErrorKind::System if error.raw_os_error().is_none() => ErrorKind::InvalidInput,
        kind => kind,
    };
    Error::new(kind, format!("the content cannot be taken in: {error}")).op("ingest")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("drydock-ingest-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        path
    }

    fn listing(root: &Path) -> Vec<String> {
        std::fs::read_dir(root.join("blobs/sha256"))
            .map(|entries| entries.map(|e| e.expect("entry").file_name().to_string_lossy().into_owned()).collect())
            .unwrap_or_default()
    }

    #[test]
    fn a_blob_is_named_by_what_is_in_it() {
        let root = root("name");
        let text = root.to_str().expect("utf-8");
        let plain = b"layer".repeat(1000);
        let packed = zstd::encode_all(&plain[..], 1).expect("encodes");
        let mut seen = 0;
        let taken = ingest(text, &mut &packed[..], 1 << 20, &mut || Ok(None), &mut |_| {
            seen += 1;
            Ok(())
        })
        .expect("takes");
        assert_eq!(seen, 1);
        assert_eq!(taken.digest, Digest::of(&packed));
        assert_eq!(taken.diff_id, Digest::of(&plain));
        assert_eq!((taken.size, taken.unpacked, taken.compression), (packed.len() as u64, 5000, Compression::Zstd));
        assert_eq!(listing(&root), [taken.digest.hex()]);
        assert_eq!(std::fs::read(root.join("blobs/sha256").join(taken.digest.hex())).expect("reads"), packed);
        ingest(text, &mut &packed[..], 1 << 20, &mut || Ok(None), &mut |_| Ok(())).expect("again");
        assert_eq!(listing(&root).len(), 1);
        std::fs::remove_dir_all(root).expect("removes");
    }

    #[test]
    fn a_blob_of_zeros_takes_no_room() {
        use std::os::unix::fs::MetadataExt as _;
        const SIZE: u64 = 64 << 20;
        // On the disk of the target directory: a temporary one may lie on a file system that knows no holes.
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../target/tmp-zeros-{}", std::process::id()));
        let text = root.to_str().expect("utf-8").to_owned();
        let mut zeros = io::repeat(0).take(SIZE).chain(&b"the end"[..]);
        let taken = ingest(&text, &mut zeros, 1 << 30, &mut || Ok(None), &mut |_| Ok(())).expect("takes");
        assert_eq!(taken.size, SIZE + 7);
        let blob = root.join("blobs/sha256").join(taken.digest.hex());
        let metadata = std::fs::metadata(&blob).expect("is there");
        assert_eq!(metadata.len(), SIZE + 7);
        // Blocks are of 512 bytes (stat(2)); the last piece is written.
        assert!(metadata.blocks() * 512 <= 2 * PIECE as u64, "{} blocks", metadata.blocks());
        assert_eq!(Digest::of(&std::fs::read(&blob).expect("reads")), taken.digest);
        std::fs::remove_dir_all(root).expect("removes");
    }

    #[test]
    fn what_is_refused_leaves_nothing() {
        let root = root("refused");
        let text = root.to_str().expect("utf-8");
        let too_long = ingest(text, &mut &[0u8; 100][..], 99, &mut || Ok(None), &mut |_| Ok(())).expect_err("too long");
        assert!(too_long.message().contains("more than 99 bytes"), "{too_long}");
        let broken = ingest(text, &mut &b"\x1f\x8bnot gzip at all"[..], 99, &mut || Ok(None), &mut |_| Ok(())).expect_err("broken");
        assert_eq!(broken.kind(), ErrorKind::InvalidInput);
        let unwanted = ingest(text, &mut &b"x"[..], 99, &mut || Ok(None), &mut |_| Err(Error::invalid("no"))).expect_err("unwanted");
        assert_eq!(unwanted.message(), "no");
        assert!(listing(&root).is_empty());
        std::fs::remove_dir_all(root).expect("removes");
    }
}
