//! Taking content in: a stream becomes a blob of the OCI image layout under the data root, whole or not at all.
//!
//! The bytes go to a scratch file while both digests are computed, so nothing is read twice. The blob is on the disk, and so is its
//! name, before this returns.

use crate::error::step;
use crate::{decompress, files};
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::id::{Digest, hex};
use drydock_core::image::tar::Measure;
use drydock_core::kernel::{Compression, Ingested};
use sha2::{Digest as _, Sha256};
use std::cell::{Cell, RefCell};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const BUFFER: usize = 256 * 1024;

/// Reads a stream of at most `limit` bytes to its end and keeps it as `DATA_ROOT/blobs/sha256/HEX`.
pub fn ingest(data_root: &str, reader: &mut dyn Read, limit: u64, accept: &mut dyn FnMut(&Ingested) -> Result<()>) -> Result<Ingested> {
    let directory = Path::new(data_root).join("blobs/sha256");
    if !directory.is_dir() {
        files::make_dir(&directory.to_string_lossy(), 0o755)?;
    }
    let scratch = Scratch::new(&directory)?;
    let ingested = copy(reader, limit, &scratch)?;
    scratch.file.sync_data().map_err(|e| step("fsync", scratch.name(), e))?;
    accept(&ingested)?;
    let target = directory.join(ingested.digest.hex());
    if !target.is_file() {
        std::fs::rename(&scratch.path, &target).map_err(|e| step("rename", scratch.name(), e))?;
        files::sync_dir(&directory).map_err(|e| step("fsync", directory.display().to_string(), e))?;
    }
    Ok(ingested)
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

/// Reads, keeps, counts and digests.
struct Tee<'a> {
    reader: &'a mut dyn Read,
    file: &'a File,
    limit: u64,
    count: &'a Cell<u64>,
    hash: &'a RefCell<Sha256>,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        let bytes = buffer.get(..n).unwrap_or_default();
        self.count.set(self.count.get() + n as u64);
        if self.count.get() > self.limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {} bytes", self.limit)));
        }
        self.file.write_all(bytes)?;
        self.hash.borrow_mut().update(bytes);
        Ok(n)
    }
}

fn copy(reader: &mut dyn Read, limit: u64, scratch: &Scratch) -> Result<Ingested> {
    let (count, hash) = (Cell::new(0), RefCell::new(Sha256::new()));
    let tee = Tee { reader, file: &scratch.file, limit, count: &count, hash: &hash };
    let Unpacked { compression, hash: inner, total: unpacked, content } =
        digest(BufReader::with_capacity(BUFFER, tee), &count).map_err(refused)?;
    let outer = digest_of(hash.into_inner())?;
    let diff_id = inner.map_or_else(|| Ok(outer.clone()), digest_of)?;
    Ok(Ingested { digest: outer, size: count.get(), diff_id, unpacked, content, compression })
}

/// What is known of the content once it is unpacked.
struct Unpacked {
    compression: Compression,
    /// Of the unpacked bytes, where they differ.
    hash: Option<Sha256>,
    total: u64,
    content: u64,
}

/// Reads to the end.
fn digest(mut reader: BufReader<Tee<'_>>, count: &Cell<u64>) -> io::Result<Unpacked> {
    let (compression, mut unpacked) = decompress::open(&mut reader, || count.get())?;
    let mut buffer = vec![0; BUFFER];
    let mut inner = (compression != Compression::None).then(Sha256::new);
    let mut total = 0;
    let mut measure = Measure::default();
    loop {
        let n = match unpacked.read(&mut buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if n == 0 {
            break;
        }
        total += n as u64;
        measure.feed(buffer.get(..n).unwrap_or_default());
        if let Some(inner) = &mut inner {
            inner.update(buffer.get(..n).unwrap_or_default());
        }
    }
    drop(unpacked);
    // What follows the compressed data is part of the blob.
    io::copy(&mut reader, &mut io::sink())?;
    Ok(Unpacked { compression, hash: inner, total, content: measure.total() })
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
        let taken = ingest(text, &mut &packed[..], 1 << 20, &mut |_| {
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
        ingest(text, &mut &packed[..], 1 << 20, &mut |_| Ok(())).expect("again");
        assert_eq!(listing(&root).len(), 1);
        std::fs::remove_dir_all(root).expect("removes");
    }

    #[test]
    fn what_is_refused_leaves_nothing() {
        let root = root("refused");
        let text = root.to_str().expect("utf-8");
        let too_long = ingest(text, &mut &[0u8; 100][..], 99, &mut |_| Ok(())).expect_err("too long");
        assert!(too_long.message().contains("more than 99 bytes"), "{too_long}");
        let broken = ingest(text, &mut &b"\x1f\x8bnot gzip at all"[..], 99, &mut |_| Ok(())).expect_err("broken");
        assert_eq!(broken.kind(), ErrorKind::InvalidInput);
        let unwanted = ingest(text, &mut &b"x"[..], 99, &mut |_| Err(Error::invalid("no"))).expect_err("unwanted");
        assert_eq!(unwanted.message(), "no");
        assert!(listing(&root).is_empty());
        std::fs::remove_dir_all(root).expect("removes");
    }
}
