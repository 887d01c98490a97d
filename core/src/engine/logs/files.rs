//! The files of one log, found and read while a supervisor may be writing them and moving them out of its way.
//!
//! A file is told from another by its first line, which has a time in nanoseconds. Files only ever move up, so one that is found
//! under a name both before and after it was read there was the one that was read.

use crate::container::log::name;
use crate::error::{ErrorKind, Result};
use crate::kernel::Kernel;
use std::io::Read;

/// How much is read at once.
pub(super) const PART: usize = 256 << 10;
/// How much of a first line tells files apart: more than anything that comes after its time.
const HEAD: usize = 512;
/// How much compressed text is read at once to find a first line.
const PACKED_HEAD: usize = 4096;

/// The files of one log.
pub(super) struct Files<'a> {
    kernel: &'a dyn Kernel,
    path: String,
    /// No file has a higher number.
    most: u32,
}

/// What a file begins with; empty while nobody has written a whole line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head(Vec<u8>);

impl Head {
    fn of(bytes: &[u8]) -> Self {
        match bytes.iter().position(|b| *b == b'\n') {
            Some(end) => Self(bytes.get(..end).unwrap_or_default().to_vec()),
            // A first line that is longer tells as much by its beginning.
            None if bytes.len() >= HEAD => Self(bytes.to_vec()),
            None => Self::default(),
        }
    }

    /// Whether nobody has written anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A file under the name it has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// How many files ago it was being written; 0 is the one that is.
    pub index: u32,
    /// It is compressed.
    pub packed: bool,
    /// What it begins with.
    pub head: Head,
}

impl<'a> Files<'a> {
    /// The files of the log at a path, at most so many.
    pub fn of(kernel: &'a dyn Kernel, path: String, files: u32) -> Self {
        // One more: in the middle of a rotation there is.
        Self { kernel, path, most: files }
    }

    /// The file of a number. One that is not there, or has no whole line yet, is `None`.
    pub fn at(&self, index: u32) -> Result<Option<Found>> {
        if let Some(bytes) = self.plain(index, 0, HEAD)? {
            let head = Head::of(&bytes);
            return Ok(Some(Found { index, packed: false, head }).filter(|f| !f.head.is_empty()));
        }
        if index == 0 {
            return Ok(None);
        }
        let Some(bytes) = self.read(&name(&self.path, index, true), 0, PACKED_HEAD)? else { return Ok(None) };
        let mut text = Vec::new();
        // The end of what was read is not the end of the file, so an error is expected once all is decompressed.
        let _ = flate2::read::GzDecoder::new(bytes.as_slice()).take(HEAD as u64).read_to_end(&mut text);
        let head = Head::of(&text);
        Ok(Some(Found { index, packed: true, head }).filter(|f| !f.head.is_empty()))
    }

    /// Every file that is there, oldest first.
    pub fn all(&self) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for index in (0..=self.most).rev() {
            found.extend(self.at(index)?);
        }
        Ok(found)
    }

    /// Where the file that begins so is now; `None` once it has been removed.
    pub fn locate(&self, head: &Head) -> Result<Option<Found>> {
        for index in 0..=self.most {
            if let Some(found) = self.at(index)?
                && found.head == *head
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// A part of a file that is not compressed; `None` if it has moved meanwhile, empty at its end.
    pub fn part(&self, file: &Found, offset: u64) -> Result<Option<Vec<u8>>> {
        let Some(bytes) = self.plain(file.index, offset, PART)? else { return Ok(None) };
        let still = self.plain(file.index, 0, HEAD)?.is_some_and(|head| Head::of(&head) == file.head);
        Ok(still.then_some(bytes))
    }

    /// The whole of a compressed file as it is stored; `None` if it has moved meanwhile.
    pub fn packed(&self, file: &Found) -> Result<Option<Vec<u8>>> {
        let path = name(&self.path, file.index, true);
        let mut bytes = Vec::new();
        while let Some(part) = self.read(&path, bytes.len() as u64, PART)? {
            if part.is_empty() {
                return Ok(Some(bytes).filter(|_| self.at(file.index).is_ok_and(|f| f.as_ref() == Some(file))));
            }
            bytes.extend_from_slice(&part);
        }
        Ok(None)
    }

    /// The length of a file that is not compressed.
    pub fn size(&self, file: &Found) -> Result<u64> {
        match self.kernel.size(&name(&self.path, file.index, false)) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(0),
            other => other,
        }
    }

    fn plain(&self, index: u32, offset: u64, limit: usize) -> Result<Option<Vec<u8>>> {
        self.read(&name(&self.path, index, false), offset, limit)
    }

    fn read(&self, path: &str, offset: u64, limit: usize) -> Result<Option<Vec<u8>>> {
        match self.kernel.read(path, offset, limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}
