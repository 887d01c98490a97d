//! Decompression of a stream, told from its first bytes.

use crate::error::{Error, ErrorKind, Result};
use crate::kernel::Compression;
use std::io::{Chain, Cursor, Read};

/// A stream with its first bytes put back.
type Whole<'a> = Chain<Cursor<Vec<u8>>, &'a mut dyn Read>;

/// What a stream holds after decompression: gzip of one member or several, Zstandard of one frame or several, or the stream itself.
///
/// # Errors
/// [`crate::ErrorKind::System`] where its first bytes cannot be read. Later errors are the reader's.
pub fn decompress<'a>(stream: &'a mut dyn Read) -> Result<Box<dyn Read + 'a>> {
    let mut start = Vec::new();
    stream.take(4).read_to_end(&mut start).map_err(|e| Error::new(ErrorKind::System, "the archive cannot be read").source(e))?;
    let compression = Compression::detect(&start);
    let whole: Whole<'a> = Cursor::new(start).chain(stream);
    match compression {
        Compression::None => Ok(Box::new(whole)),
        Compression::Gzip => Ok(Box::new(flate2::read::MultiGzDecoder::new(whole))),
        Compression::Zstd => from_zstd(whole),
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
}
