//! A layer's archive as a stream of entries: POSIX ustar and pax, GNU's long names and sparse files.
//!
//! Fields are decoded by the `tar` crate; the walk from header to header is this module's, since it must bound what a header can
//! make it hold in memory, and must let pax decide sizes as every other reader does: two readers that disagree about a size see two
//! lists of files. What is ambiguous or rare enough to be an attack (unknown types, maps of sparse files that overlap) is refused.

use drydock_core::image::tar::sparse::{self, Form, Map, Next};
use std::io::{self, Read};
use tar::Header;

const BLOCK: usize = 512;

/// Longest pax header or GNU long name.
const MAX_METADATA: u64 = 1 << 20;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file; its content follows.
    File,
    /// Another name of a file that came before.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A character device.
    Character,
    /// A block device.
    Block,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
}

/// One entry, before its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path as the archive has it.
    pub path: Vec<u8>,
    /// Where a link leads.
    pub link: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Permissions with set-id and sticky bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of content; 0 for everything but files.
    pub size: u64,
    /// Seconds and nanoseconds since 1970.
    pub modified: (i64, u32),
    /// Major and minor number.
    pub device: (u32, u32),
    /// Extended attributes.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What pax and GNU headers say about the entry after them.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    /// GNU's.
    long_path: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    modified: Option<(i64, u32)>,
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    sparse: sparse::Records,
    /// There is anything but a comment.
    changes: bool,
}

/// What comes of a file's content.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes are in the buffer.
    Data(usize),
    /// So many zeros that take no room.
    Hole(u64),
    /// All has come.
    End,
}

/// A stream of entries.
pub struct Archive<R> {
    reader: R,
    /// Bytes of the current entry's data not yet read.
    data: u64,
    /// Bytes that fill its last block.
    padding: u64,
    /// Where its data goes, if it has holes.
    sparse: Option<Map>,
}

fn wrong(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}

/// Says which entry an error of the archive belongs to; one of the stream belongs to none.
fn named(name: &[u8], error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::InvalidData => wrong(format!("entry {:?}: {error}", String::from_utf8_lossy(name))),
        _ => error,
    }
}

impl<R: Read> Archive<R> {
    /// An archive from its first byte.
    pub fn new(reader: R) -> Self {
        Self { reader, data: 0, padding: 0, sparse: None }
    }

    /// The next entry, after what is left of the data of the one before; `None` at the end.
    pub fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        let mut extensions = Extensions::default();
        // Of two headers of one kind for one entry, one reader takes the first and another the last.
        let mut seen: Vec<u8> = Vec::new();
        loop {
            self.skip()?;
            let Some(header) = self.header()? else {
                return if seen.is_empty() { Ok(None) } else { Err(wrong("it ends after an extended header")) };
            };
            let flag = header.as_bytes()[156];
            if matches!(flag, b'x' | b'L' | b'K') {
                if seen.contains(&flag) {
                    return Err(wrong("two extended headers of one kind for one entry"));
                }
                seen.push(flag);
            }
            let size = header.entry_size().map_err(|_| named(&header.path_bytes(), wrong("its size is not a number")))?;
            match flag {
                b'x' => pax(&self.metadata(size)?, &mut extensions).map_err(|e| named(&header.path_bytes(), e))?,
                // Defaults for all that follows. Docker ignores them and other readers do not; git writes a comment.
                b'g' => only_a_comment(&self.metadata(size)?)?,
                b'L' => extensions.long_path = Some(c_string(self.metadata(size)?)?),
                b'K' => extensions.long_link = Some(c_string(self.metadata(size)?)?),
                flag => {
                    let long = extensions.path.as_ref().or(extensions.long_path.as_ref());
                    let name = long.cloned().unwrap_or_else(|| header.path_bytes().into_owned());
                    return self.entry(&header, flag, size, extensions).map(Some).map_err(|e| named(&name, e));
                }
            }
        }
    }

    /// What comes next of the current file.
    pub fn next_piece(&mut self, buffer: &mut [u8]) -> io::Result<Piece> {
        let Some(map) = &mut self.sparse else {
            return self.read_data(buffer).map(|n| if n == 0 { Piece::End } else { Piece::Data(n) });
        };
        match map.what_next() {
            Next::End => Ok(Piece::End),
            Next::Hole(length) => Ok(Piece::Hole(length)),
            Next::Data(length) => {
                let most = usize::try_from(length).unwrap_or(usize::MAX).min(buffer.len());
                let n = self.read_data(buffer.get_mut(..most).unwrap_or_default())?;
                if let Some(map) = &mut self.sparse {
                    map.passed(n as u64);
                }
                if n == 0 { Err(wrong("it ends in the middle of a file")) } else { Ok(Piece::Data(n)) }
            }
        }
    }

    /// Reads from the data of the current entry as it is in the archive; 0 at its end.
    fn read_data(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.data).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        loop {
            match self.reader.read(buffer.get_mut(..most).unwrap_or_default()) {
                Ok(0) => return Err(wrong("it ends in the middle of a file")),
                Ok(n) => {
                    self.data -= n as u64;
                    return Ok(n);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Reads the stream to its end, beyond the archive's own.
    pub fn finish(mut self) -> io::Result<()> {
        io::copy(&mut self.reader, &mut io::sink()).map(drop)
    }

    fn skip(&mut self) -> io::Result<()> {
        let rest = self.data + self.padding;
        let skipped = io::copy(&mut (&mut self.reader).take(rest), &mut io::sink())?;
        (self.data, self.padding, self.sparse) = (0, 0, None);
        if skipped < rest { Err(wrong("it ends in the middle of a file")) } else { Ok(()) }
    }

    /// A block with a right checksum, or `None` at a block of zeros or at the end of the stream.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let mut header = Header::new_old();
        let block = header.as_mut_bytes();
        let mut filled = 0;
        while filled < BLOCK {
            match self.reader.read(block.get_mut(filled..).unwrap_or_default()) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(wrong("it ends in the middle of a header")),
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        if block.iter().all(|b| *b == 0) {
            return Ok(None);
        }
        // The sum of all bytes, those of the sum itself taken as spaces (POSIX pax, "ustar Interchange Format").
        let sum: u32 = block.iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { u32::from(*b) }).sum();
        if header.cksum().ok() != Some(sum) {
            return Err(named(&header.path_bytes(), wrong("a header's checksum is wrong")));
        }
        // What is told by its magic is ustar whatever version it says, as Go's reader and core's have it; the crate goes by both.
        let block = header.as_mut_bytes();
        if block.get(257..263) == Some(b"ustar\0")
            && let Some(version) = block.get_mut(263..265)
        {
            version.copy_from_slice(b"00");
        }
        Ok(Some(header))
    }

    fn expect_data(&mut self, size: u64) -> io::Result<()> {
        let padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        if size.checked_add(padding).is_none_or(|all| all > 1 << 50) {
            return Err(wrong(format!("an entry says that it has {size} bytes")));
        }
        (self.data, self.padding) = (size, padding);
        Ok(())
    }

    fn metadata(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > MAX_METADATA {
            return Err(wrong(format!("an extended header has {size} bytes, more than {MAX_METADATA}")));
        }
        self.expect_data(size)?;
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            filled += self.read_data(rest)?;
        }
        Ok(bytes)
    }

    /// A whole block that is no header.
    fn block(&mut self, block: &mut [u8; BLOCK]) -> io::Result<()> {
        self.reader.read_exact(block).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => wrong("it ends in the middle of a header"),
            _ => e,
        })
    }

    /// Reads where a sparse file's data goes.
    fn map(&mut self, header: &Header, flag: u8, size: u64, records: &sparse::Records) -> io::Result<Option<Map>> {
        if flag == b'S' {
            let (pieces, real) = sparse::of_headers(header.as_bytes(), &mut |block| self.block(block))?;
            self.expect_data(size)?;
            return Map::new(pieces, real, size).map(Some);
        }
        self.expect_data(size)?;
        match records.form()? {
            None => Ok(None),
            Some(Form::Here { pieces, real }) => Map::new(pieces, real, size).map(Some),
            Some(Form::InData { real }) => {
                let (pieces, took) = sparse::of_data(&mut |block| self.block(block))?;
                self.data = size.checked_sub(took).ok_or_else(|| wrong("the map of a sparse file is longer than its data"))?;
                Map::new(pieces, real, self.data).map(Some)
            }
        }
    }

    fn entry(&mut self, header: &Header, flag: u8, size: u64, mut extensions: Extensions) -> io::Result<Entry> {
        // Of GNU's long name and PAX's, GNU tar believes the one, bsdtar and Python the other.
        let differ = |pax: &Option<Vec<u8>>, gnu: &Option<Vec<u8>>| pax.as_ref().zip(gnu.as_ref()).is_some_and(|(a, b)| a != b);
        if differ(&extensions.path, &extensions.long_path) || differ(&extensions.link, &extensions.long_link) {
            return Err(wrong("an entry has two names"));
        }
        let named = extensions.sparse.name().or(extensions.path).or(extensions.long_path);
        let path = named.unwrap_or_else(|| header.path_bytes().into_owned());
        let kind = match flag {
            // Only of the oldest type is it the name that tells (POSIX pax, "typeflag"; Go's reader, which Docker uses).
            b'\0' if path.ends_with(b"/") => Kind::Directory,
            // To GNU tar and bsdtar it tells of these too, to Go and Python it does not.
            b'0' | b'7' | b'S' if path.ends_with(b"/") => return Err(wrong("a file has the name of a directory")),
            b'0' | b'\0' | b'7' => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3' => Kind::Character,
            b'4' => Kind::Block,
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            b'S' => Kind::File,
            other => return Err(wrong(format!("an entry has the unknown type {:?}", char::from(other)))),
        };
        let size = extensions.size.unwrap_or(size);
        // Only files have data. A size on anything else is data to one reader, and entries to the next.
        if kind != Kind::File && size > 0 {
            return Err(wrong("an entry has data and is no file"));
        }
        if kind == Kind::File {
            self.sparse = self.map(header, flag, size, &extensions.sparse)?;
        } else {
            self.expect_data(0)?;
        }
        let number = |value: io::Result<u64>, what: &str| value.map_err(|_| wrong(format!("its {what} is not a number")));
        let id = |pax: Option<u64>, field: io::Result<u64>, what: &str| -> io::Result<u32> {
            let value = pax.map_or_else(|| number(field, what), Ok)?;
            // The largest means "leave it as it is" to chown(2), and what is larger would wrap, perhaps to 0.
            u32::try_from(value).ok().filter(|v| *v != u32::MAX).ok_or_else(|| wrong(format!("its {what} {value} is out of range")))
        };
        let device = |value: io::Result<Option<u32>>| value.ok().flatten().unwrap_or(0);
        Ok(Entry {
            link: extensions
                .link
                .or(extensions.long_link)
                .unwrap_or_else(|| header.link_name_bytes().map(|l| l.into_owned()).unwrap_or_default()),
            mode: number(said(header, 100..108, header.mode().map(u64::from)), "mode").map(|mode| (mode & 0o7777) as u32)?,
            uid: id(extensions.uid, said(header, 108..116, header.uid()), "user")?,
            gid: id(extensions.gid, said(header, 116..124, header.gid()), "group")?,
            modified: extensions.modified.unwrap_or((i64::try_from(header.mtime().unwrap_or(0)).unwrap_or(0), 0)),
            device: (device(header.device_major()), device(header.device_minor())),
            xattrs: extensions.xattrs,
            path,
            kind,
            size,
        })
    }
}

/// A number of a header (tar(5)); a field in which nothing is written is 0, as for Go's and GNU's readers: libraries leave owners out.
fn said(header: &tar::Header, field: std::ops::Range<usize>, value: io::Result<u64>) -> io::Result<u64> {
    let blank = header.as_bytes()[field].iter().all(|byte| matches!(byte, 0 | b' '));
    if blank { Ok(0) } else { value }
}

/// GNU's long names end with a NUL. An empty one is no name to one reader, and none that was given to the next (Go takes the header's).
fn c_string(mut bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    if bytes.is_empty() { Err(wrong("an extended header has an empty name")) } else { Ok(bytes) }
}

/// Refuses what would change every later entry.
fn only_a_comment(records: &[u8]) -> io::Result<()> {
    let mut found = Extensions::default();
    pax(records, &mut found)?;
    if found.changes { Err(wrong("a global extended header changes the entries after it")) } else { Ok(()) }
}

/// Reads pax records, `LENGTH KEY=VALUE\n`; the length counts the whole record. Values are binary.
fn pax(mut bytes: &[u8], into: &mut Extensions) -> io::Result<()> {
    let broken = || wrong("a pax header is malformed");
    while !bytes.is_empty() {
        let space = bytes.iter().position(|b| *b == b' ').ok_or_else(broken)?;
        let length: usize = decimal(bytes.get(..space).ok_or_else(broken)?).and_then(|n| usize::try_from(n).ok()).ok_or_else(broken)?;
        let record = bytes.get(space + 1..length).and_then(|r| r.strip_suffix(b"\n")).ok_or_else(broken)?;
        let equals = record.iter().position(|b| *b == b'=').ok_or_else(broken)?;
        let (key, value) = (record.get(..equals).ok_or_else(broken)?, record.get(equals + 1..).ok_or_else(broken)?);
        into.changes |= key != b"comment";
        let number = || if value.is_empty() { Ok(None) } else { decimal(value).map(Some).ok_or_else(broken) };
        match key {
            // "Nothing" is the header's own name to Go and bsdtar, and nothing to GNU tar and Python.
            b"path" | b"linkpath" if value.is_empty() => return Err(wrong("an empty name in a pax header")),
            b"path" => into.path = Some(value.to_vec()),
            b"linkpath" => into.link = Some(value.to_vec()),
            b"size" => into.size = number()?,
            b"uid" => into.uid = number()?,
            b"gid" => into.gid = number()?,
            b"mtime" => into.modified = if value.is_empty() { None } else { Some(time(value).ok_or_else(broken)?) },
            _ => {
                if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                    into.sparse.take(key, value)?;
                }
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    into.xattrs.push((name.to_vec(), value.to_vec()));
                }
            }
        }
        bytes = bytes.get(length..).ok_or_else(broken)?;
    }
    Ok(())
}

fn decimal(text: &[u8]) -> Option<u64> {
    // `parse` takes a plus sign, which pax does not.
    text.first().filter(|b| b.is_ascii_digit())?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Seconds with a fraction, perhaps negative: `-1.5` is half a second before the last one of 1969 ends.
fn time(text: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanoseconds: u32 = digits.parse().ok()?;
    if text.starts_with('-') && nanoseconds > 0 {
        return Some((seconds.checked_sub(1)?, 1_000_000_000 - nanoseconds));
    }
    Some((seconds, nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pax_values_are_binary_and_counted() {
        let mut found = Extensions::default();
        let value = b"a\nb=c\0";
        let body = [b"SCHILY.xattr.user.x=".as_slice(), value, b"\n"].concat();
        let record = [format!("{} ", body.len() + 3).as_bytes(), &body].concat();
        pax(&[record.as_slice(), b"12 path=a/b\n"].concat(), &mut found).expect("reads");
        assert_eq!(found.xattrs, [(b"user.x".to_vec(), value.to_vec())]);
        assert_eq!(found.path.as_deref(), Some(b"a/b".as_slice()));
        for bad in [b"11 path=a/b\n".as_slice(), b"99 path=a\n", b"x", b"+9 a=b\n", b"0 \n", b"9 size=x\n"] {
            assert!(pax(bad, &mut Extensions::default()).is_err(), "{:?}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn fields_in_which_nothing_is_written_are_zero() {
        let mut header = tar::Header::new_gnu();
        header.set_path("in").expect("short");
        header.set_size(0);
        header.set_cksum();
        let archive = [header.as_bytes().as_slice(), &[0; 1024]].concat();
        let entry = Archive::new(archive.as_slice()).next_entry().expect("reads").expect("an entry");
        assert_eq!((entry.uid, entry.gid, entry.mode), (0, 0, 0));
        header.as_mut_bytes()[108] = b'x';
        header.set_cksum();
        let archive = [header.as_bytes().as_slice(), &[0; 1024]].concat();
        assert!(Archive::new(archive.as_slice()).next_entry().is_err());
    }

    #[test]
    fn times_before_1970_keep_their_fraction() {
        assert_eq!(time(b"12.5"), Some((12, 500_000_000)));
        assert_eq!(time(b"-1.5"), Some((-2, 500_000_000)));
        assert_eq!(time(b"-0.25"), Some((-1, 750_000_000)));
        assert_eq!(time(b"7"), Some((7, 0)));
        assert_eq!(time(b"1.x"), None);
        assert_eq!(time(b""), None);
    }
}
