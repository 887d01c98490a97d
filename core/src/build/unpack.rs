//! What ADD extracts, told by its first bytes: tar as it is, or compressed by gzip, Zstandard, bzip2 or xz.

use crate::error::Result;
use std::io::Read;

/// Whether something that begins so may be an archive.
pub fn may_be_archive(start: &[u8]) -> bool {
    let compressed: [&[u8]; 4] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd], b"BZh", &[0xfd, b'7', b'z', b'X', b'Z', 0]];
    compressed.iter().any(|magic| start.starts_with(magic)) || start.get(257..262) == Some(b"ustar") || is_old_tar(start)
}

/// An archive from before POSIX: its header's checksum is right.
fn is_old_tar(start: &[u8]) -> bool {
    start.len() >= 512 && start[0] != 0 && crate::image::tar::Reader::new(&start[..512]).next_entry().is_ok_and(|e| e.is_some())
}

/// What a stream holds after decompression; `start` is how it begins.
///
/// # Errors
/// Where its first bytes cannot be read. Later errors are the reader's.
pub fn plain<'a>(stream: &'a mut dyn Read, start: &[u8]) -> Result<Box<dyn Read + 'a>> {
    if start.starts_with(b"BZh") {
        return from_bzip2(stream);
    }
    if start.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
        return from_xz(stream);
    }
    crate::image::decompress(stream)
}

#[cfg(feature = "archives")]
#[expect(clippy::unnecessary_wraps, reason = "without this feature it is refused")]
fn from_bzip2(stream: &mut dyn Read) -> Result<Box<dyn Read + '_>> {
    Ok(Box::new(bzip2::read::MultiBzDecoder::new(stream)))
}

#[cfg(feature = "archives")]
#[expect(clippy::unnecessary_wraps, reason = "without this feature it is refused")]
fn from_xz(stream: &mut dyn Read) -> Result<Box<dyn Read + '_>> {
    Ok(Box::new(lzma_rust2::XzReader::new(std::io::BufReader::new(stream), true)))
}

#[cfg(not(feature = "archives"))]
fn from_bzip2(_: &mut dyn Read) -> Result<Box<dyn Read + '_>> {
    Err(crate::error::Error::not_modelled("bzip2"))
}

#[cfg(not(feature = "archives"))]
fn from_xz(_: &mut dyn Read) -> Result<Box<dyn Read + '_>> {
    Err(crate::error::Error::not_modelled("xz"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_told_by_how_they_begin() {
        let mut tar = crate::image::tar::Writer::new(Vec::new());
        tar.append(&crate::image::tar::Entry::new("a", crate::image::tar::Kind::File), b"x").unwrap();
        let tar = tar.finish().unwrap();
        assert!(may_be_archive(&tar));
        assert!(may_be_archive(b"\x1f\x8b..") && may_be_archive(b"BZh9") && may_be_archive(b"\xfd7zXZ\0"));
        assert!(!may_be_archive(b"PK\x03\x04") && !may_be_archive(b"plain text") && !may_be_archive(&[0; 600]));
    }

    #[cfg(feature = "archives")]
    #[test]
    fn bzip2_and_xz_are_read() {
        // printf hello | bzip2 / xz
        let bzip2: &[u8] = &[
            0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, 0x19, 0x31, 0x65, 0x3d, 0x00, 0x00, 0x00, 0x81, 0x00, 0x02, 0x44,
            0xa0, 0x00, 0x21, 0x9a, 0x68, 0x33, 0x4d, 0x07, 0x33, 0x8b, 0xb9, 0x22, 0x9c, 0x28, 0x48, 0x0c, 0x98, 0xb2, 0x9e, 0x80,
        ];
        let mut text = String::new();
        plain(&mut &bzip2[..], bzip2).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
    }
}
