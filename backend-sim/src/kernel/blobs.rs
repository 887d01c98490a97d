//! Taking content in: a stream becomes a blob.

use super::{DATA_ROOT, Named, RUN_ROOT, SimKernel};
use drydock_core::container::layout::Layout;
use drydock_core::id::Digest;
use drydock_core::image::changeset::uncarried;
use drydock_core::image::{decompress, tar::Measure};
use drydock_core::kernel::{Compression, Ingested};
use drydock_core::{Error, Result};
use std::io::Read;

/// The most that one blob may hold after decompression.
const LARGEST: u64 = 1 << 32;

/// Beyond so many bytes a stream that grows more than so many times is refused.
const RATIO_MATTERS: u64 = 256 << 20;
const MAX_RATIO: u64 = 500;

/// Bytes after decompression, refusing more than the largest.
pub(super) fn unpacked(bytes: Vec<u8>) -> Result<(Vec<u8>, Compression)> {
    let compression = Compression::detect(bytes.get(..4).unwrap_or(&bytes));
    let bad = |e: &dyn std::fmt::Display| Error::invalid(format!("the archive cannot be decompressed: {e}"));
    let mut plain = Vec::new();
    if compression == Compression::None {
        return Ok((bytes, compression));
    }
    let mut stream = bytes.as_slice();
    // As the Linux host has it: content does not shrink so much, bombs do.
    let most = LARGEST.min((bytes.len() as u64).saturating_mul(MAX_RATIO).max(RATIO_MATTERS));
    decompress(&mut stream)?.take(most + 1).read_to_end(&mut plain).map_err(|e| bad(&e))?;
    if plain.len() as u64 > most {
        return Err(Error::invalid(format!("it unpacks to more than {MAX_RATIO} times its size, or to more than {LARGEST} bytes")));
    }
    Ok((plain, compression))
}

impl SimKernel {
    pub(super) fn take_in(&self, reader: &mut dyn Read, limit: u64, accept: &mut dyn FnMut(&Ingested) -> Result<()>) -> Result<Ingested> {
        let mut bytes = Vec::new();
        reader.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| uncarried(e, "the stream cannot be read").op("ingest"))?;
        if bytes.len() as u64 > limit {
            return Err(Error::invalid(format!("more than {limit} bytes")).op("ingest"));
        }
        let digest = Digest::of(&bytes);
        let size = bytes.len() as u64;
        let (plain, compression) = unpacked(bytes.clone())?;
        let diff_id = if compression == Compression::None { digest.clone() } else { Digest::of(&plain) };
        let mut measure = Measure::default();
        measure.feed(&plain);
        let (unpacked, content) = (plain.len() as u64, measure.total());
        let ingested = Ingested { digest, size, diff_id, unpacked, content, compression, ahead: None };
        drop(plain);
        accept(&ingested)?;
        let path = Layout::new(DATA_ROOT, RUN_ROOT).blob(&ingested.digest);
        let mut world = self.machine.shared.lock();
        let ctx = world.kernel_ctx();
        let (dir, _) = path.rsplit_once('/').unwrap_or(("/", ""));
        world.make_dirs(&ctx, dir, 0o700, (0, 0)).named("mkdir", dir)?;
        if world.walk(&ctx, &path, true).is_err() {
            let at = world.put_file(&ctx, &path, 0o600, &bytes).named("write", &path)?;
            // The file before it gets its name, and then the directory.
            if let crate::vfs::Node::Plain(ino) = at.node {
                world.fs.sync(ino);
            }
        }
        Ok(ingested)
    }
}
