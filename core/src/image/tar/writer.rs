//! Writing: ustar headers, and PAX records where a value does not fit one.

use super::{BLOCK, Entry, Kind};
use crate::error::{Error, ErrorKind, Result};
use std::io::{Read, Write};

/// Writes an archive to a stream.
pub struct Writer<W> {
    stream: W,
}

impl<W: Write> Writer<W> {
    /// A writer of an empty archive.
    pub fn new(stream: W) -> Self {
        Self { stream }
    }

    /// Adds an entry and its content; the entry's own `size` is not looked at.
    ///
    /// # Errors
    /// The stream's own.
    pub fn append(&mut self, entry: &Entry, content: &[u8]) -> Result<()> {
        let entry = Entry { size: content.len() as u64, ..entry.clone() };
        self.write(&heads(&entry))?;
        self.write(content)?;
        self.write(&[0; BLOCK][..padding(entry.size)])
    }

    /// Ends the archive and gives the stream back.
    ///
    /// # Errors
    /// The stream's own.
    pub fn finish(mut self) -> Result<W> {
        self.write(&[0; 2 * BLOCK])?;
        Ok(self.stream)
    }

    /// Adds an entry whose content comes as a stream of exactly `entry.size` bytes.
    ///
    /// # Errors
    /// The streams' own; [`ErrorKind::System`] where the content ends early.
    pub fn stream(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<()> {
        self.write(&heads(entry))?;
        let copied = std::io::copy(&mut content.take(entry.size), &mut self.stream)
            .map_err(|e| Error::new(ErrorKind::System, "the archive cannot be written").source(e))?;
        if copied != entry.size {
            return Err(Error::new(ErrorKind::System, format!("{} ended after {copied} of {} bytes", entry.shown(), entry.size)));
        }
        self.write(&[0; BLOCK][..padding(entry.size)])
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).map_err(|e| Error::new(ErrorKind::System, "the archive cannot be written").source(e))
    }
}

/// Zeros after content of this size.
fn padding(size: u64) -> usize {
    (BLOCK - usize::try_from(size % BLOCK as u64).unwrap_or(0)) % BLOCK
}

/// What comes before an entry's content: its header, and a PAX header before that where values do not fit.
pub fn heads(entry: &Entry) -> Vec<u8> {
    let (kind, link): (u8, &[u8]) = match &entry.kind {
        Kind::File => (b'0', b""),
        Kind::HardLink(to) => (b'1', to),
        Kind::Symlink(to) => (b'2', to),
        Kind::CharDevice(..) => (b'3', b""),
        Kind::BlockDevice(..) => (b'4', b""),
        Kind::Directory => (b'5', b""),
        Kind::Fifo => (b'6', b""),
    };
    let mut records = Vec::new();
    if entry.path.len() > 100 {
        record(&mut records, "path", &entry.path);
    }
    if link.len() > 100 {
        record(&mut records, "linkpath", link);
    }
    if entry.mtime.1 > 0 || entry.mtime.0 < 0 {
        record(&mut records, "mtime", pax_time(entry.mtime).as_bytes());
    }
    for (name, value) in &entry.xattrs {
        record(&mut records, &format!("SCHILY.xattr.{name}"), value);
    }
    let mut heads = Vec::with_capacity(BLOCK);
    if !records.is_empty() {
        heads.extend(header(b"././@PaxHeader", b'x', b"", 0o644, (0, 0), records.len() as u64, 0, (0, 0)));
        heads.extend_from_slice(&records);
        heads.extend_from_slice(&[0; BLOCK][..padding(records.len() as u64)]);
    }
    let device = match entry.kind {
        Kind::CharDevice(major, minor) | Kind::BlockDevice(major, minor) => (major, minor),
        _ => (0, 0),
    };
    let time = u64::try_from(entry.mtime.0).unwrap_or(0);
    let size = if entry.kind == Kind::File { entry.size } else { 0 };
    heads.extend(header(&entry.path, kind, link, entry.mode, (entry.uid, entry.gid), size, time, device));
    heads
}

/// Seconds as PAX has them. Before 1970 the fraction counts away from zero too: half a second before is `-0.500000000`.
fn pax_time((seconds, nanoseconds): (i64, u32)) -> String {
    if seconds < 0 && nanoseconds > 0 {
        let whole = seconds.unsigned_abs() - 1;
        return format!("-{whole}.{:09}", 1_000_000_000 - nanoseconds);
    }
    if nanoseconds == 0 { format!("{seconds}") } else { format!("{seconds}.{nanoseconds:09}") }
}

/// One PAX record; its length counts its own digits.
fn record(into: &mut Vec<u8>, key: &str, value: &[u8]) {
    let bare = key.len() + value.len() + 3;
    let mut length = bare + bare.to_string().len();
    if length.to_string().len() > bare.to_string().len() {
        length += 1;
    }
    into.extend_from_slice(format!("{length} {key}=").as_bytes());
    into.extend_from_slice(value);
    into.push(b'\n');
}

#[expect(clippy::too_many_arguments, reason = "the fields of a header")]
fn header(path: &[u8], kind: u8, link: &[u8], mode: u32, owner: (u32, u32), size: u64, time: u64, device: (u32, u32)) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let text = |block: &mut [u8; BLOCK], at: usize, width: usize, value: &[u8]| {
        let most = value.len().min(width);
        block[at..at + most].copy_from_slice(&value[..most]);
    };
    let number = |block: &mut [u8; BLOCK], at: usize, width: usize, value: u64| {
        let octal = format!("{value:0w$o}\0", w = width - 1);
        if octal.len() == width {
            block[at..at + width].copy_from_slice(octal.as_bytes());
        } else {
            // Base-256: the first byte says so, the number fills as much of the rest as it needs.
            let bytes = value.to_be_bytes();
            let room = (width - 1).min(bytes.len());
            block[at + width - room..at + width].copy_from_slice(&bytes[bytes.len() - room..]);
            block[at] = 0x80;
        }
    };
    text(&mut block, 0, 100, path);
    number(&mut block, 100, 8, u64::from(mode));
    number(&mut block, 108, 8, u64::from(owner.0));
    number(&mut block, 116, 8, u64::from(owner.1));
    number(&mut block, 124, 12, size);
    number(&mut block, 136, 12, time);
    block[148..156].fill(b' ');
    block[156] = kind;
    text(&mut block, 157, 100, link);
    text(&mut block, 257, 8, b"ustar\x0000");
    number(&mut block, 329, 8, u64::from(device.0));
    number(&mut block, 337, 8, u64::from(device.1));
    let sum: u64 = block.iter().map(|b| u64::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}
