//! Sparse files of archives: where the data of an entry goes in the file, in the four forms that GNU tar has written ("Storing Sparse
//! Files" in its manual): the old one in headers, and pax 0.0, 0.1 and 1.0.
//!
//! A map is believed only if its pieces are in order, do not overlap, lie in the file and hold exactly the data that comes: whoever reads
//! it otherwise would see another file.

use super::BLOCK;
use super::reader::number;
use std::collections::VecDeque;
use std::io;

/// Most pieces of one file.
const MOST_PIECES: usize = 1 << 16;
/// The largest file, holes included (ext4's own bound is 2^44).
const LARGEST: u64 = 1 << 44;

fn wrong(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}

/// Pieces of data, `(offset, length)` each, and the length of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Map {
    pieces: VecDeque<(u64, u64)>,
    real: u64,
    /// How much of the file has passed.
    at: u64,
}

/// What comes next of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// At most so many bytes of data.
    Data(u64),
    /// So many bytes that read as zeros.
    Hole(u64),
    /// Nothing.
    End,
}

impl Map {
    /// A map whose pieces hold `data` bytes in all.
    ///
    /// # Errors
    /// Pieces that are out of order, overlap, lie outside of the file, or hold something else.
    pub fn new(pieces: Vec<(u64, u64)>, real: u64, data: u64) -> io::Result<Self> {
        if pieces.len() > MOST_PIECES || real > LARGEST {
            return Err(wrong("a sparse file has too many pieces, or is too large"));
        }
        let (mut end, mut held) = (0u64, 0u64);
        for (offset, length) in &pieces {
            let after = offset.checked_add(*length).filter(|after| *offset >= end && *after <= real);
            end = after.ok_or_else(|| wrong("the pieces of a sparse file overlap, or lie outside of it"))?;
            held += length;
        }
        if held != data {
            return Err(wrong(format!("the pieces of a sparse file hold {held} bytes, and {data} come")));
        }
        Ok(Self { pieces: pieces.into(), real, at: 0 })
    }

    /// What comes next; holes have passed when they are told.
    pub fn what_next(&mut self) -> Next {
        while self.pieces.front().is_some_and(|(_, length)| *length == 0) {
            self.pieces.pop_front();
        }
        let until = self.pieces.front().map_or(self.real, |(offset, _)| *offset);
        if self.at < until {
            let hole = until - self.at;
            self.at = until;
            return Next::Hole(hole);
        }
        self.pieces.front().map_or(Next::End, |(_, length)| Next::Data(*length))
    }

    /// So many bytes of the data have passed.
    pub fn passed(&mut self, bytes: u64) {
        if let Some((offset, length)) = self.pieces.front_mut() {
            *offset += bytes;
            *length = length.saturating_sub(bytes);
        }
        self.at += bytes;
    }
}

/// The pieces of a file in the old form, whose header may go on in further blocks: offset and length in twelve bytes each, four pairs in
/// the header, 21 in every further block (GNU tar's manual, "Basic Tar Format").
///
/// # Errors
/// What is malformed, and what the stream fails with.
pub fn of_headers(
    header: &[u8; BLOCK],
    next_block: &mut dyn FnMut(&mut [u8; BLOCK]) -> io::Result<()>,
) -> io::Result<(Vec<(u64, u64)>, u64)> {
    let broken = |_| wrong("the header of a sparse file is malformed");
    if &header[257..265] != b"ustar  \0" {
        return Err(wrong("a sparse file outside of GNU's format"));
    }
    let mut pieces = Vec::new();
    let mut take = |list: &[u8]| -> io::Result<()> {
        for pair in list.chunks_exact(24).take_while(|pair| pair[0] != 0 && pair[12] != 0) {
            pieces.push((number(&pair[..12], "offset").map_err(broken)?, number(&pair[12..], "length").map_err(broken)?));
        }
        if pieces.len() > MOST_PIECES { Err(wrong("a sparse file has too many pieces")) } else { Ok(()) }
    };
    take(&header[386..482])?;
    let mut more = header[482] != 0;
    while more {
        let mut block = [0; BLOCK];
        next_block(&mut block)?;
        take(&block[..504])?;
        more = block[504] != 0;
    }
    Ok((pieces, number(&header[483..495], "size").map_err(broken)?))
}

/// What pax records said of a sparse file.
#[derive(Debug, Default)]
pub struct Records {
    major: Option<u64>,
    size: Option<u64>,
    map: Vec<u64>,
    name: Option<Vec<u8>>,
    any: bool,
}

impl Records {
    /// Takes the record `GNU.sparse.KEY`.
    ///
    /// # Errors
    /// One that is none of these, or no number.
    pub fn take(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        let number = |value: &[u8]| decimal(value).ok_or_else(|| wrong("a pax record of a sparse file is malformed"));
        self.any = true;
        match key {
            b"major" => self.major = Some(number(value)?),
            b"minor" | b"numblocks" if number(value)? <= MOST_PIECES as u64 => {}
            b"size" | b"realsize" => self.size = Some(number(value)?),
            // 0.0 repeats these two; they alternate.
            b"offset" if self.map.len().is_multiple_of(2) => self.map.push(number(value)?),
            b"numbytes" if !self.map.len().is_multiple_of(2) => self.map.push(number(value)?),
            b"map" => self.map = value.split(|b| *b == b',').map(number).collect::<io::Result<_>>()?,
            b"name" => self.name = Some(value.to_vec()),
            _ => return Err(wrong("a pax record of a sparse file is malformed")),
        }
        if self.map.len() > 2 * MOST_PIECES { Err(wrong("a sparse file has too many pieces")) } else { Ok(()) }
    }

    /// The name that the file really has; the entry's is made up for readers that know no sparse files.
    pub fn name(&mut self) -> Option<Vec<u8>> {
        self.name.take().filter(|name| !name.is_empty())
    }

    /// Where the pieces are told: `None` for a file that is not sparse.
    ///
    /// # Errors
    /// Records that do not go together.
    pub fn form(&self) -> io::Result<Option<Form>> {
        match (self.any, self.major, self.size) {
            (false, ..) => Ok(None),
            (true, Some(1), Some(real)) if self.map.is_empty() => Ok(Some(Form::InData { real })),
            (true, None | Some(0), Some(real)) if self.map.len().is_multiple_of(2) => {
                let pieces = self.map.chunks_exact(2).filter_map(|pair| pair.first().copied().zip(pair.get(1).copied())).collect();
                Ok(Some(Form::Here { pieces, real }))
            }
            _ => Err(wrong("the pax records of a sparse file do not go together")),
        }
    }
}

/// Where the pieces are told.
#[derive(Debug)]
pub enum Form {
    /// In the records.
    Here {
        /// Offset and length of each.
        pieces: Vec<(u64, u64)>,
        /// The length of the file.
        real: u64,
    },
    /// At the beginning of the data: their number, then offset and length of each, a number a line, up to the end of a block.
    InData {
        /// The length of the file.
        real: u64,
    },
}

/// The pieces at the beginning of the data, read by blocks; and how many bytes they took.
///
/// # Errors
/// What is malformed, and what the stream fails with.
pub fn of_data(next_block: &mut dyn FnMut(&mut [u8; 512]) -> io::Result<()>) -> io::Result<(Vec<(u64, u64)>, u64)> {
    let (mut numbers, mut digits, mut took) = (Vec::new(), Vec::new(), 0);
    loop {
        let mut block = [0; 512];
        next_block(&mut block)?;
        took += 512;
        for byte in block {
            if byte != b'\n' {
                digits.push(byte);
                if digits.len() > 20 {
                    return Err(wrong("the map of a sparse file is malformed"));
                }
                continue;
            }
            numbers.push(decimal(&digits).ok_or_else(|| wrong("the map of a sparse file is malformed"))?);
            digits.clear();
            let count = numbers.first().copied().unwrap_or(0);
            if count > MOST_PIECES as u64 {
                return Err(wrong("a sparse file has too many pieces"));
            }
            if numbers.len() as u64 == 1 + 2 * count {
                let pieces = numbers.get(1..).unwrap_or_default().chunks_exact(2);
                return Ok((pieces.filter_map(|pair| pair.first().copied().zip(pair.get(1).copied())).collect(), took));
            }
        }
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    // `parse` takes a plus sign, which pax does not.
    text.first().filter(|b| b.is_ascii_digit())?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_and_holes_come_in_their_order() {
        let mut map = Map::new(vec![(0, 2), (10, 3), (20, 0)], 20, 5).expect("a map");
        assert_eq!(map.what_next(), Next::Data(2));
        map.passed(2);
        assert_eq!(map.what_next(), Next::Hole(8));
        assert_eq!(map.what_next(), Next::Data(3));
        map.passed(1);
        assert_eq!(map.what_next(), Next::Data(2));
        map.passed(2);
        assert_eq!((map.what_next(), map.what_next()), (Next::Hole(7), Next::End));
    }

    #[test]
    fn a_map_that_could_be_read_in_two_ways_is_refused() {
        for (pieces, real, data) in [
            (vec![(5, 5), (0, 5)], 20, 10),
            (vec![(0, 6), (5, 5)], 20, 11),
            (vec![(15, 6)], 20, 6),
            (vec![(u64::MAX, 2)], 20, 2),
            (vec![(0, 5)], 20, 6),
            (vec![], 1 << 60, 0),
        ] {
            assert!(Map::new(pieces.clone(), real, data).is_err(), "{pieces:?}");
        }
    }

    #[test]
    fn records_must_go_together() {
        let read = |records: &[(&str, &str)]| {
            let mut all = Records::default();
            records.iter().try_for_each(|(k, v)| all.take(k.as_bytes(), v.as_bytes()))?;
            all.form().map(|form| form.is_some())
        };
        assert!(read(&[("size", "9"), ("numblocks", "1"), ("offset", "4"), ("numbytes", "5")]).expect("0.0"));
        assert!(read(&[("map", "4,5"), ("size", "9"), ("name", "x")]).expect("0.1"));
        assert!(read(&[("major", "1"), ("minor", "0"), ("realsize", "9"), ("name", "x")]).expect("1.0"));
        for bad in [
            &[("major", "1")][..],
            &[("major", "2"), ("realsize", "1")],
            &[("numbytes", "5")],
            &[("map", "4,5,6"), ("size", "9")],
            &[("map", "x")],
            &[("what", "1")],
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
