//! An archive put into a directory of a tree: what `cp` brings.

use crate::decompress;
use crate::error::kind_of;
use crate::layer::{Applier, Archive};
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::kernel::Extract;
use rustix::fs::{FileType, Mode, OFlags};
use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::os::fd::OwnedFd;

/// Puts every entry of `archive` (tar, as it is or in gzip or Zstandard) into the directory `top`.
pub fn extract(top: &OwnedFd, archive: &mut dyn Read, how: &Extract) -> Result<()> {
    let kind = rustix::fs::fstat(top).map_err(|e| crate::error::step("stat", "", e))?.st_mode;
    if FileType::from_raw_mode(kind) != FileType::Directory {
        return Err(Error::invalid("extraction point is not a directory"));
    }
    // A copy of the descriptor that may be used to look things up and is still the same directory.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(top, ".", flags, Mode::empty()).map_err(|e| crate::error::step("open", ".", e))?;
    let count = Cell::new(0);
    let counting = Counting { reader: archive, count: &count };
    let put = || -> io::Result<()> {
        let (_, plain) = decompress::open(BufReader::with_capacity(256 * 1024, counting), || count.get())?;
        let mut archive = Archive::new(plain);
        Applier::copying(root, how).apply(&mut archive)?;
        archive.finish()
    };
    put().map_err(|e| match e.downcast::<Error>() {
        Ok(ours) => ours,
        Err(e) => {
            let kind = match e.kind() {
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => ErrorKind::InvalidInput,
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::Exhausted,
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Denied,
                _ => kind_of(&e),
            };
            Error::new(kind, format!("Error processing tar file: {e}")).op("extract")
        }
    })
}

struct Counting<'a> {
    reader: &'a mut dyn Read,
    count: &'a Cell<u64>,
}

impl Read for Counting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.count.set(self.count.get() + n as u64);
        Ok(n)
    }
}
