//! Decompression of a stream, told from its first bytes.

use crate::error::{Error, ErrorKind, Result};
use crate::kernel::Compression;
use std::io::{Chain, Cursor, Read};

/// A stream with its first bytes put back.
type Whole<'a> = Chain<Cursor<Vec<u8>>, &'a mut dyn Read>;

/// How a bzip2 and an xz stream begin.
pub(crate) const BZIP2: &[u8] = b"BZh";
pub(crate) const XZ: &[u8] = &[0xfd, b'7', b'z', b'X', b'Z', 0];

/// What a stream holds after decompression: gzip of one member or several, Zstandard of one frame or several, bzip2, xz, or the stream
/// itself.
///
/// # Errors
/// [`crate::ErrorKind::System`] where its first bytes cannot be read. Later errors are the reader's.
pub fn decompress<'a>(stream: &'a mut dyn Read) -> Result<Box<dyn Read + 'a>> {
    let (start, whole) = begin(stream)?;
    if start.starts_with(BZIP2) || start.starts_with(XZ) {
        return older(&start, whole);
    }
    match Compression::detect(&start) {
        Compression::None => Ok(Box::new(whole)),
        Compression::Gzip => Ok(Box::new(flate2::read::MultiGzDecoder::new(whole))),
        Compression::Zstd => from_zstd(whole),
    }
}

/// Takes off what no blob is compressed by and archives of people are, bzip2 and xz: `import` and `cp` take these as Docker does. All
/// else stays as it comes.
///
/// # Errors
/// As [`decompress`].
pub fn without_older<'a>(stream: &'a mut dyn Read) -> Result<Box<dyn Read + 'a>> {
    let (start, whole) = begin(stream)?;
    if start.starts_with(BZIP2) || start.starts_with(XZ) { older(&start, whole) } else { Ok(Box::new(whole)) }
}

fn begin<'a>(stream: &'a mut dyn Read) -> Result<(Vec<u8>, Whole<'a>)> {
    let mut start = Vec::new();
    stream.take(6).read_to_end(&mut start).map_err(|e| Error::new(ErrorKind::System, "the archive cannot be read").source(e))?;
    Ok((start.clone(), Cursor::new(start).chain(stream)))
}

#[cfg(feature = "archives")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it is an error")]
fn older<'a>(start: &[u8], whole: Whole<'a>) -> Result<Box<dyn Read + 'a>> {
    Ok(if start.starts_with(XZ) { bounded::xz(whole) } else { bounded::bzip2(whole) })
}

#[cfg(not(feature = "archives"))]
fn older<'a>(start: &[u8], _: Whole<'a>) -> Result<Box<dyn Read + 'a>> {
    Err(Error::not_modelled(if start.starts_with(XZ) { "xz" } else { "bzip2" }))
}

/// bzip2 and xz with an end to how much a little of them may become: a thousand bytes of xz are seven million zeros.
#[cfg(feature = "archives")]
mod bounded {
    use std::cell::Cell;
    use std::io::{self, BufReader, Read};
    use std::rc::Rc;

    /// The largest dictionary with what is around it, in KiB: `xz -9` has 64 MiB.
    const XZ_MEMORY: u32 = 160 << 10;
    /// From this many bytes on the ratio counts; what is no bomb does not shrink like that.
    const RATIO_MATTERS: u64 = 256 << 20;
    const MAX_RATIO: u64 = 500;

    pub(super) fn xz<'a>(from: impl Read + 'a) -> Box<dyn Read + 'a> {
        let (from, consumed) = Counted::new(from);
        let inner = lzma_rust2::XzReader::new_mem_limit(BufReader::new(from), true, XZ_MEMORY);
        Box::new(Bounded { inner, consumed, produced: 0 })
    }

    pub(super) fn bzip2<'a>(from: impl Read + 'a) -> Box<dyn Read + 'a> {
        let (from, consumed) = Counted::new(from);
        Box::new(Bounded { inner: bzip2::read::MultiBzDecoder::new(from), consumed, produced: 0 })
    }

    struct Counted<R>(R, Rc<Cell<u64>>);

    impl<R> Counted<R> {
        fn new(from: R) -> (Self, Rc<Cell<u64>>) {
            let count = Rc::new(Cell::new(0));
            (Self(from, Rc::clone(&count)), count)
        }
    }

    impl<R: Read> Read for Counted<R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.0.read(buffer)?;
            self.1.set(self.1.get() + n as u64);
            Ok(n)
        }
    }

    struct Bounded<R> {
        inner: R,
        consumed: Rc<Cell<u64>>,
        produced: u64,
    }

    impl<R: Read> Read for Bounded<R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.inner.read(buffer)?;
            self.produced += n as u64;
            if self.produced > RATIO_MATTERS && self.produced / MAX_RATIO > self.consumed.get() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it unpacks to more than {MAX_RATIO} times its size")));
            }
            Ok(n)
        }
    }
}

#[cfg(feature = "archives")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it is an error")]
fn from_zstd<'a>(whole: Whole<'a>) -> Result<Box<dyn Read + 'a>> {
    Ok(Box::new(super::frames::Frames::new(whole)))
}

#[cfg(not(feature = "archives"))]
fn from_zstd(_: Whole<'_>) -> Result<Box<dyn Read + '_>> {
    Err(Error::not_modelled("Zstandard"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn gzip_members_and_plain_bytes() {
        let mut members = Vec::new();
        for part in ["one ", "two"] {
            let mut encoder = flate2::write::GzEncoder::new(&mut members, flate2::Compression::fast());
            encoder.write_all(part.as_bytes()).unwrap();
            encoder.finish().unwrap();
        }
        for (bytes, meaning) in [(members, "one two"), (b"plain".to_vec(), "plain"), (b"ab".to_vec(), "ab"), (vec![], "")] {
            let mut text = String::new();
            decompress(&mut &bytes[..]).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, meaning);
        }
    }

    /// What `printf hello | bzip2` and `| xz` write.
    #[cfg(feature = "archives")]
    const HELLO: [&[u8]; 2] = [
        &[
            0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, 0x19, 0x31, 0x65, 0x3d, 0x00, 0x00, 0x00, 0x81, 0x00, 0x02, 0x44,
            0xa0, 0x00, 0x21, 0x9a, 0x68, 0x33, 0x4d, 0x07, 0x33, 0x8b, 0xb9, 0x22, 0x9c, 0x28, 0x48, 0x0c, 0x98, 0xb2, 0x9e, 0x80,
        ],
        &[
            0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01, 0x16, 0x00, 0x00, 0x00, 0x74,
            0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x04, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x00, 0x00, 0x00, 0x00, 0xb1, 0x37, 0xb9, 0xdb, 0xe5, 0xda,
            0x1e, 0x9b, 0x00, 0x01, 0x1d, 0x05, 0xb8, 0x2d, 0x80, 0xaf, 0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59,
            0x5a,
        ],
    ];

    #[cfg(feature = "archives")]
    #[test]
    fn bzip2_and_xz_are_read_by_who_asks_and_gzip_is_left_to_whom_it_is_for() {
        for packed in HELLO {
            for read in [decompress, without_older] {
                let mut text = String::new();
                read(&mut &*packed).unwrap().read_to_string(&mut text).unwrap();
                assert_eq!(text, "hello");
                let mut cut = Vec::new();
                assert!(read(&mut &packed[..packed.len() - 5]).unwrap().read_to_end(&mut cut).is_err());
            }
        }
        let mut kept = Vec::new();
        without_older(&mut &b"\x1f\x8b is left"[..]).unwrap().read_to_end(&mut kept).unwrap();
        assert_eq!(kept, b"\x1f\x8b is left");
    }

    #[cfg(feature = "archives")]
    #[test]
    fn zeros_without_end_come_to_one() {
        let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
        for _ in 0..300 {
            encoder.write_all(&vec![0; 1 << 20]).unwrap();
        }
        let packed = encoder.finish().unwrap();
        let mut out = decompress(&mut &packed[..]).map(|mut plain| std::io::copy(&mut plain, &mut std::io::sink())).unwrap();
        assert!(out.as_mut().is_err_and(|e| e.to_string().contains("more than 500 times")), "{out:?}");
    }
}
