//! Zstandard streams: frames one behind the other.

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{Cursor, Read};

/// The content of every frame of a Zstandard stream, one behind the other; frames to be skipped are (RFC 8878 section 3.1).
pub(super) struct Frames<R> {
    rest: R,
    frame: Option<FrameDecoder>,
}

fn broken(what: impl std::fmt::Display) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, format!("invalid zstd stream: {what}"))
}

impl<R: Read> Frames<R> {
    /// A stream from its first byte.
    pub(super) fn new(stream: R) -> Self {
        Self { rest: stream, frame: None }
    }

    /// Begins the next frame, unless the stream is at its end.
    fn next(&mut self) -> std::io::Result<bool> {
        loop {
            let mut magic = Vec::new();
            self.rest.by_ref().take(4).read_to_end(&mut magic)?;
            match magic[..] {
                [] => return Ok(false),
                [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
                    let mut length = [0; 4];
                    self.rest.read_exact(&mut length)?;
                    let length = u64::from(u32::from_le_bytes(length));
                    if std::io::copy(&mut self.rest.by_ref().take(length), &mut std::io::sink())? < length {
                        return Err(broken("it ends in a frame that is to be skipped"));
                    }
                }
                _ => {
                    let mut frame = FrameDecoder::new();
                    frame.init(Cursor::new(magic).chain(&mut self.rest)).map_err(broken)?;
                    self.frame = Some(frame);
                    return Ok(true);
                }
            }
        }
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let Some(frame) = &mut self.frame else {
                if buffer.is_empty() || !self.next()? {
                    return Ok(0);
                }
                continue;
            };
            while frame.can_collect() < buffer.len() && !frame.is_finished() {
                let wanted = buffer.len() - frame.can_collect();
                frame.decode_blocks(&mut self.rest, BlockDecodingStrategy::UptoBytes(wanted)).map_err(broken)?;
            }
            let got = frame.read(buffer)?;
            if got > 0 || buffer.is_empty() {
                return Ok(got);
            }
            self.frame = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::compress::decompress;
    use std::io::Read as _;

    #[test]
    fn zstandard_frames_and_what_is_to_be_skipped() {
        // A frame each: RFC 8878's magic, a single segment of so many bytes, one raw block that is the last.
        let frame = |text: &str| {
            let size = u8::try_from(text.len()).unwrap();
            [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, size, size << 3 | 1, 0, 0], text.as_bytes()].concat()
        };
        let skipped = b"\x5a\x2a\x4d\x18\x04\0\0\0skip".to_vec();
        let all = [skipped.clone(), frame("one "), skipped.clone(), frame(""), frame("two"), skipped].concat();
        let read = |bytes: &[u8]| {
            let mut text = String::new();
            decompress(&mut &*bytes).unwrap().read_to_string(&mut text).map(|_| text)
        };
        assert_eq!(read(&all).unwrap(), "one two");
        for bad in [&all[..all.len() - 1], &all[..10], &[&all[..], b"junk"].concat(), &all[..24]] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
