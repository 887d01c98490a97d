//! Decompression of blobs: gzip and Zstandard in this process, never by a program of the host's (nor one found in an image).

use drydock_core::kernel::Compression;
use std::io::{self, BufRead, Read};

/// Largest window a Zstandard frame may ask for: 2^27 bytes, its command line's own bound.
const ZSTD_WINDOW_LOG: u32 = 27;

/// Beyond this many bytes a stream that has grown more than [`MAX_RATIO`] times is refused: content does not shrink like that,
/// bombs do (Deflate itself ends at about 1 032 times).
const RATIO_MATTERS: u64 = 256 << 20;
const MAX_RATIO: u64 = 500;

/// Largest unpacked stream.
const MAX_UNPACKED: u64 = 1 << 40;

/// How a stream is compressed, and a reader of what is in it. `consumed` tells how many compressed bytes were read so far.
pub fn open<'a>(mut reader: impl BufRead + 'a, consumed: impl Fn() -> u64 + 'a) -> io::Result<(Compression, Box<dyn Read + 'a>)> {
    let compression = Compression::detect(reader.fill_buf()?);
    let inner: Box<dyn Read + 'a> = match compression {
        Compression::None => return Ok((compression, Box::new(reader))),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    };
    Ok((compression, Box::new(Bounded { inner, consumed, produced: 0 })))
}

/// Ends a stream that grows beyond all measure.
struct Bounded<R, C> {
    inner: R,
    consumed: C,
    produced: u64,
}

impl<R: Read, C: Fn() -> u64> Read for Bounded<R, C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.produced += n as u64;
        let bomb = self.produced > RATIO_MATTERS && self.produced / MAX_RATIO > (self.consumed)();
        if bomb || self.produced > MAX_UNPACKED {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("it unpacks to more than {MAX_RATIO} times its size, or to more than {MAX_UNPACKED} bytes"),
            ));
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let length = bytes.len() as u64;
        let mut out = Vec::new();
        open(bytes, move || length)?.1.read_to_end(&mut out)?;
        Ok(out)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("writes");
        encoder.finish().expect("finishes")
    }

    #[test]
    fn every_compression_and_none_is_read() {
        let text = b"what goes in comes out".repeat(100);
        assert_eq!(read(&text).expect("plain"), text);
        assert_eq!(read(&gzip(&text)).expect("gzip"), text);
        assert_eq!(read(&zstd::encode_all(&text[..], 3).expect("encodes")).expect("zstd"), text);
        let mut two = gzip(b"one ");
        two.extend(gzip(b"two"));
        assert_eq!(read(&two).expect("two members"), b"one two");
    }

    #[test]
    fn a_stream_cut_off_is_an_error() {
        let whole = gzip(&b"abc".repeat(1000));
        assert!(read(&whole[..whole.len() - 5]).is_err());
    }

    #[test]
    fn a_bomb_ends_early() {
        let zeros = vec![0u8; 1 << 20];
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..320 {
            encoder.write_all(&zeros).expect("writes");
        }
        let bomb = encoder.finish().expect("finishes");
        let length = bomb.len() as u64;
        let copied = open(&bomb[..], move || length).and_then(|(_, mut r)| io::copy(&mut r, &mut io::sink()));
        assert_eq!(copied.expect_err("refused").kind(), io::ErrorKind::InvalidData);
    }
}
