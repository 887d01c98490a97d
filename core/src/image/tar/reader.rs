//! Reading: one entry after the other, its content as a stream.

use super::sparse::{self, Form, Map, Next};
use super::{BLOCK, Entry, Kind};
use crate::error::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::io::Read;

/// The most that PAX records or a long name of one entry may take.
const LARGEST_HEADER: u64 = 1 << 20;
/// The longest path (PATH_MAX of Linux).
const LONGEST_PATH: usize = 4096;

/// Reads an archive from a stream.
pub struct Reader<R> {
    stream: R,
    /// Bytes of the current entry's content that were not read.
    left: u64,
    /// Zeros after them up to the block's end.
    padding: u64,
    /// Where that content goes, in a file with holes; and how much of a hole is still to be read as zeros.
    sparse: Option<Map>,
    hole: u64,
    done: bool,
}

fn corrupt(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("invalid tar archive: {what}"))
}

/// Records of the entries before a file that change it.
#[derive(Default)]
struct Extra {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: Option<Pax>,
}

/// PAX records. Those of a sparse file may come again and again.
#[derive(Default)]
struct Pax {
    records: BTreeMap<String, Vec<u8>>,
    sparse: sparse::Records,
}

impl<R: Read> Reader<R> {
    /// A reader from the archive's first byte.
    pub fn new(stream: R) -> Self {
        Self { stream, left: 0, padding: 0, sparse: None, hole: 0, done: false }
    }

    /// The next entry; `None` after the last. What was not read of the one before is skipped.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidInput`] where the archive is malformed or cut off; the stream's own errors.
    pub fn next_entry(&mut self) -> Result<Option<Entry>> {
        let mut extra = Extra::default();
        loop {
            self.skip()?;
            let Some(header) = self.header()? else {
                if extra.path.is_some() || extra.link.is_some() || extra.pax.is_some() {
                    return Err(corrupt("it ends after an extended header"));
                }
                return Ok(None);
            };
            let kind = header[156];
            let size = number(&header[124..136], "size")?;
            match kind {
                b'L' if extra.path.is_none() => extra.path = Some(self.long_name(size)?),
                b'K' if extra.link.is_none() => extra.link = Some(self.long_name(size)?),
                b'x' if extra.pax.is_none() => extra.pax = Some(self.records(size)?),
                b'L' | b'K' | b'x' => return Err(corrupt("two extended headers of one kind for one entry")),
                // Global records change every later entry; no image builder writes any that matter, and readers differ on them.
                b'g' => {
                    let global = self.records(size)?;
                    if let Some(key) = global.records.keys().find(|k| *k != "comment") {
                        return Err(corrupt(format!("a global record {}", key.escape_debug())));
                    }
                }
                _ => return self.entry(&header, kind, size, extra).map(Some),
            }
        }
    }

    fn entry(&mut self, header: &[u8; BLOCK], kind: u8, size: u64, extra: Extra) -> Result<Entry> {
        let Pax { records: mut pax, sparse: mut holes } = extra.pax.unwrap_or_default();
        let ustar = &header[257..263] == b"ustar\0";
        let gnu = &header[257..265] == b"ustar  \0";
        let mut path = text(&header[0..100]);
        let prefix = if ustar { text(&header[345..500]) } else { Vec::new() };
        if !prefix.is_empty() {
            path = [prefix, path].join(&b'/');
        }
        // Of GNU's long name and PAX's, GNU tar believes the one, bsdtar and Python the other.
        for (key, long) in [("path", &extra.path), ("linkpath", &extra.link)] {
            if pax.get(key).zip(long.as_ref()).is_some_and(|(pax, gnu)| pax != gnu) {
                return Err(corrupt(format!("two names of one entry: {}", String::from_utf8_lossy(&path).escape_debug())));
            }
        }
        let path = holes.name().or(pax.remove("path")).or(extra.path).unwrap_or(path);
        let link = pax.remove("linkpath").or(extra.link).unwrap_or_else(|| text(&header[157..257]));
        if path.is_empty() || path.len() > LONGEST_PATH || link.len() > LONGEST_PATH || path.contains(&0) || link.contains(&0) {
            return Err(corrupt(format!("the name of an entry: {}", String::from_utf8_lossy(&path).escape_debug())));
        }
        let decimal = |pax: &mut BTreeMap<String, Vec<u8>>, key: &str| -> Result<Option<u64>> {
            pax.remove(key).map(|v| parse(&v).ok_or_else(|| corrupt(format!("the PAX record {key}")))).transpose()
        };
        let size = decimal(&mut pax, "size")?.unwrap_or(size);
        let id = |value: u64, what: &str| u32::try_from(value).map_err(|_| corrupt(format!("the {what} {value}")));
        let uid = decimal(&mut pax, "uid")?.map_or_else(|| number(&header[108..116], "uid"), Ok)?;
        let gid = decimal(&mut pax, "gid")?.map_or_else(|| number(&header[116..124], "gid"), Ok)?;
        let mtime = match pax.remove("mtime") {
            Some(value) => seconds(&value).ok_or_else(|| corrupt("the PAX record mtime"))?,
            None => (i64::try_from(number(&header[136..148], "time")?).map_err(|_| corrupt("a time"))?, 0),
        };
        let device = |from: usize, what| if ustar || gnu { number(&header[from..from + 8], what).and_then(|n| id(n, what)) } else { Ok(0) };
        let xattrs = pax.into_iter().filter_map(|(k, v)| k.strip_prefix("SCHILY.xattr.").map(|n| (n.to_owned(), v))).collect();
        let flag = kind;
        let kind = match kind {
            0 if path.ends_with(b"/") => Kind::Directory,
            // A directory to GNU tar and bsdtar, a file to Go and Python.
            b'0' | b'7' | b'S' if path.ends_with(b"/") => {
                return Err(corrupt(format!("a file with a directory's name: {}", String::from_utf8_lossy(&path).escape_debug())));
            }
            b'0' | 0 | b'7' | b'S' => Kind::File,
            b'1' => Kind::HardLink(link),
            b'2' => Kind::Symlink(link),
            b'3' => Kind::CharDevice(device(329, "device")?, device(337, "device")?),
            b'4' => Kind::BlockDevice(device(329, "device")?, device(337, "device")?),
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            other => return Err(corrupt(format!("an entry of type '{}'", char::from(other).escape_debug()))),
        };
        // Only files have content. A size on anything else is content to one reader and entries to the next.
        let size = match kind {
            Kind::File => size,
            Kind::HardLink(_) | Kind::Directory | Kind::Symlink(_) if size == 0 => 0,
            _ if size == 0 => 0,
            _ => return Err(corrupt(format!("content of something that is no file: {}", String::from_utf8_lossy(&path).escape_debug()))),
        };
        let size = if kind == Kind::File { self.begin_file(header, flag, size, &holes)? } else { size };
        let mode = u32::try_from(number(&header[100..108], "mode")? & 0o7777).unwrap_or(0);
        Ok(Entry { path, kind, size, mode, uid: id(uid, "uid")?, gid: id(gid, "gid")?, mtime, xattrs })
    }

    /// The next header, its checksum verified; `None` at the end of the archive: two blocks of zeros, or the stream's end at a block's.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>> {
        if self.done {
            return Ok(None);
        }
        let Some(block) = self.block()? else {
            self.done = true;
            return Ok(None);
        };
        if block.iter().all(|b| *b == 0) {
            self.done = true;
            if let Some(second) = self.block()?
                && second.iter().any(|b| *b != 0)
            {
                return Err(corrupt("an entry after the end mark"));
            }
            return Ok(None);
        }
        let said = number(&block[148..156], "checksum")?;
        let sum: u64 = block.iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { u64::from(*b) }).sum();
        if said != sum {
            return Err(corrupt("a checksum is wrong"));
        }
        Ok(Some(block))
    }

    /// One whole block; `None` if the stream is at its end.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.stream.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(corrupt("it is cut off")),
                Ok(n) => filled += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(unreadable(e)),
            }
        }
        Ok(Some(block))
    }

    fn begin(&mut self, size: u64) -> Result<()> {
        if size > i64::MAX as u64 - BLOCK as u64 {
            return Err(corrupt(format!("the size {size}")));
        }
        self.left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        Ok(())
    }

    /// Begins the content of a file. Answers how long the file is, holes and all.
    fn begin_file(&mut self, header: &[u8; BLOCK], flag: u8, size: u64, records: &sparse::Records) -> Result<u64> {
        let (pieces, real) = if flag == b'S' {
            let found = sparse::of_headers(header, &mut |block| self.next_block(block)).map_err(corrupt)?;
            self.begin(size)?;
            found
        } else {
            self.begin(size)?;
            match records.form().map_err(corrupt)? {
                None => return Ok(size),
                Some(Form::Here { pieces, real }) => (pieces, real),
                Some(Form::InData { real }) => {
                    let (pieces, took) = sparse::of_data(&mut |block| self.next_block(block)).map_err(corrupt)?;
                    self.left = size.checked_sub(took).ok_or_else(|| corrupt("the map of a sparse file is longer than its data"))?;
                    (pieces, real)
                }
            }
        };
        self.sparse = Some(Map::new(pieces, real, self.left).map_err(corrupt)?);
        Ok(real)
    }

    /// Whether the current entry has holes: its content is not in the archive as it is read.
    pub fn is_sparse(&self) -> bool {
        self.sparse.is_some()
    }

    fn next_block(&mut self, block: &mut [u8; BLOCK]) -> std::io::Result<()> {
        *block = self.block().map_err(std::io::Error::other)?.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        Ok(())
    }

    fn skip(&mut self) -> Result<()> {
        (self.sparse, self.hole) = (None, 0);
        let mut rest = self.left + self.padding;
        (self.left, self.padding) = (0, 0);
        let mut buffer = [0; 8192];
        while rest > 0 {
            let most = usize::try_from(rest).unwrap_or(usize::MAX).min(buffer.len());
            match self.stream.read(&mut buffer[..most]) {
                Ok(0) => return Err(corrupt("it is cut off")),
                Ok(n) => rest -= n as u64,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(unreadable(e)),
            }
        }
        Ok(())
    }

    fn whole(&mut self, size: u64) -> Result<Vec<u8>> {
        if size > LARGEST_HEADER {
            return Err(corrupt("an extended header is too large"));
        }
        self.begin(size)?;
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).map_err(unreadable)?;
        Ok(bytes)
    }

    fn long_name(&mut self, size: u64) -> Result<Vec<u8>> {
        let mut name = self.whole(size)?;
        if name.last() == Some(&0) {
            name.pop();
        }
        // Go takes the header's name then, and other readers none.
        if name.is_empty() { Err(corrupt("an extended header with an empty name")) } else { Ok(name) }
    }

    /// PAX records: `LENGTH KEY=VALUE\n`, the length counting itself (pax(5)).
    fn records(&mut self, size: u64) -> Result<Pax> {
        parse_records(&self.whole(size)?)
    }
}

/// The content of the current entry.
impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut most = self.left;
        if let Some(map) = &mut self.sparse {
            if self.hole == 0 {
                match map.what_next() {
                    Next::End => return Ok(0),
                    Next::Hole(length) => self.hole = length,
                    Next::Data(length) => most = most.min(length),
                }
            }
            if self.hole > 0 {
                let n = usize::try_from(self.hole).unwrap_or(usize::MAX).min(buffer.len());
                buffer[..n].fill(0);
                self.hole -= n as u64;
                return Ok(n);
            }
        }
        if most == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(buffer.len());
        let n = self.stream.read(&mut buffer[..most])?;
        if n == 0 {
            return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the tar archive is cut off"));
        }
        self.left -= n as u64;
        if let Some(map) = &mut self.sparse {
            map.passed(n as u64);
        }
        Ok(n)
    }
}

/// Whether these bytes can be the first ones of an archive: a header with a right checksum, or the end mark of an empty one.
pub fn begins(start: &[u8]) -> bool {
    Reader::new(start).header().is_ok()
}

fn parse_records(mut rest: &[u8]) -> Result<Pax> {
    let mut all = Pax::default();
    let wrong = || corrupt("a PAX record");
    while !rest.is_empty() {
        let blank = rest.iter().position(|b| *b == b' ').ok_or_else(wrong)?;
        let length = parse(&rest[..blank]).and_then(|n| usize::try_from(n).ok()).ok_or_else(wrong)?;
        let record = rest.get(blank + 1..length).ok_or_else(wrong)?;
        let record = record.strip_suffix(b"\n").ok_or_else(wrong)?;
        let equals = record.iter().position(|b| *b == b'=').ok_or_else(wrong)?;
        let key = String::from_utf8(record[..equals].to_vec()).map_err(|_| wrong())?;
        let value = &record[equals + 1..];
        if let Some(key) = key.strip_prefix("GNU.sparse.") {
            all.sparse.take(key.as_bytes(), value).map_err(corrupt)?;
        } else if all.records.insert(key, value.to_vec()).is_some() {
            return Err(corrupt("a PAX record comes twice"));
        }
        rest = rest.get(length..).ok_or_else(wrong)?;
    }
    Ok(all)
}

/// The size that PAX records give the entry after them.
pub(super) fn pax_size(records: &[u8]) -> Option<u64> {
    parse(parse_records(records).ok()?.records.get("size")?)
}

fn unreadable(e: std::io::Error) -> Error {
    Error::new(ErrorKind::InvalidInput, "the archive cannot be read").source(e)
}

fn text(field: &[u8]) -> Vec<u8> {
    field.iter().copied().take_while(|b| *b != 0).collect()
}

/// A number field: octal digits between blanks and NUL, or base-256 where the first bit is set. Negative ones are refused.
pub(super) fn number(field: &[u8], what: &str) -> Result<u64> {
    let wrong = || corrupt(format!("the {what} of an entry"));
    if field[0] & 0x80 != 0 {
        if field[0] != 0x80 {
            return Err(wrong());
        }
        let (high, low) = field[1..].split_at(field.len().saturating_sub(9));
        if high.iter().any(|b| *b != 0) {
            return Err(wrong());
        }
        return Ok(low.iter().fold(0, |n, b| n << 8 | u64::from(*b)));
    }
    let digits: Vec<u8> = field.iter().copied().skip_while(|b| *b == b' ').take_while(|b| !matches!(b, b' ' | 0)).collect();
    let end = field.iter().skip_while(|b| **b == b' ').skip(digits.len());
    if !end.clone().all(|b| matches!(b, b' ' | 0)) || !digits.iter().all(|b| matches!(b, b'0'..=b'7')) {
        return Err(wrong());
    }
    Ok(digits.iter().fold(0, |n, b| n << 3 | u64::from(b - b'0')))
}

fn parse(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// PAX seconds: `1700000000.123456789`, negative allowed.
fn seconds(value: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(value).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let nanos: u32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    if text.starts_with('-') && nanos > 0 { Some((whole.checked_sub(1)?, 1_000_000_000 - nanos)) } else { Some((whole, nanos)) }
}
