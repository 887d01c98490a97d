//! Where a reader is in a log, whatever becomes of the files meanwhile.

use super::files::{Files, Found, Head, PART};
use crate::error::Result;
use std::io::{Cursor, Read};

/// The text of a compressed file, as far as it has been read.
type Unpacked = flate2::read::MultiGzDecoder<Cursor<Vec<u8>>>;

/// A place in a log: a file, and how much of it has been read.
pub(super) struct Place {
    /// What the file begins with; empty before there is one.
    head: Head,
    /// How much of its text has been read.
    offset: u64,
    /// Where it was last.
    file: Option<Found>,
    unpacked: Option<Unpacked>,
    /// The file it was in is gone, and nobody was told yet.
    overtaken: bool,
}

/// What a look at a place found.
pub(super) enum Next {
    /// More text, never empty.
    Text(Vec<u8>),
    /// The file that was being read was removed to make room for others: what was not read of it, and of files between it and those that
    /// are left, is gone. Text goes on with the oldest of them.
    Overtaken,
    /// All there is for now.
    End,
}

impl Place {
    /// The beginning of everything.
    pub fn start() -> Self {
        Self { head: Head::default(), offset: 0, file: None, unpacked: None, overtaken: false }
    }

    /// A place in a file.
    pub fn at(file: Found, offset: u64) -> Self {
        Self { head: file.head.clone(), offset, file: Some(file), unpacked: None, overtaken: false }
    }

    /// Text from here on.
    pub fn read(&mut self, files: &Files<'_>) -> Result<Next> {
        loop {
            let Some(file) = self.file.clone() else {
                // Nothing was there, or what was being read is gone: on with the oldest that is there.
                let Some(oldest) = files.all()?.into_iter().next() else { return Ok(Next::End) };
                let overtaken = self.overtaken;
                *self = Self::at(oldest, 0);
                if overtaken {
                    return Ok(Next::Overtaken);
                }
                continue;
            };
            let text = if file.packed { self.unpack(files, &file)? } else { files.part(&file, self.offset)? };
            match text {
                Some(text) if !text.is_empty() => {
                    self.offset += text.len() as u64;
                    return Ok(Next::Text(text));
                }
                // At its end, which is for good unless it is the one that is being written.
                Some(_) => match files.locate(&self.head)? {
                    Some(now) if now == file && now.index == 0 => return Ok(Next::End),
                    Some(now) if now == file => match self.next(files, &file)? {
                        Some(next) => *self = Self::at(next, 0),
                        None => return Ok(Next::End),
                    },
                    now => self.moved(now),
                },
                None => {
                    let now = files.locate(&self.head)?;
                    self.moved(now);
                }
            }
        }
    }

    /// Whether this is in the file that begins like that one.
    pub fn is_in(&self, file: &Found) -> bool {
        self.head == file.head
    }

    fn moved(&mut self, to: Option<Found>) {
        self.unpacked = None;
        self.overtaken = to.is_none();
        self.file = to;
    }

    /// The file after this one; `None` where that has no whole line yet, or this one has just moved. Where a number is missing, as in
    /// the middle of a rotation, the next one is after it.
    fn next(&self, files: &Files<'_>, file: &Found) -> Result<Option<Found>> {
        for index in (0..file.index).rev() {
            if let Some(next) = files.at(index)? {
                // This one may have moved up while the next was looked for, which then is another than the one that comes next.
                let still = files.locate(&self.head)?.is_some_and(|own| own.index == file.index);
                return Ok(Some(next).filter(|_| still));
            }
        }
        Ok(None)
    }

    fn unpack(&mut self, files: &Files<'_>, file: &Found) -> Result<Option<Vec<u8>>> {
        let mut unpacked = match self.unpacked.take() {
            Some(unpacked) => unpacked,
            None => {
                let Some(bytes) = files.packed(file)? else { return Ok(None) };
                let mut fresh = Unpacked::new(Cursor::new(bytes));
                // What was read of it before it was compressed.
                let _ = std::io::copy(&mut (&mut fresh).take(self.offset), &mut std::io::sink());
                fresh
            }
        };
        let mut text = Vec::new();
        // A damaged file ends where the damage is.
        let _ = (&mut unpacked).take(PART as u64).read_to_end(&mut text);
        self.unpacked = Some(unpacked);
        Ok(Some(text))
    }
}
