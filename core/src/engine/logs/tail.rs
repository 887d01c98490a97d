//! Where the last lines of a log begin: found from the end of the file that is being written, and by counting in those before it.

use super::decode;
use super::files::{Files, Found, PART};
use super::place::{Next, Place};
use crate::error::Result;
use std::collections::VecDeque;

/// Where the last `lines` lines begin. A line is what ends in a line feed in the log text; a long one that was cut into entries
/// counts once.
pub(super) fn last(files: &Files<'_>, lines: usize) -> Result<Place> {
    let mut all = files.all()?;
    let Some(newest) = all.pop() else { return Ok(Place::start()) };
    if lines == 0 {
        let end = if newest.packed { u64::MAX } else { files.size(&newest)? };
        return Ok(Place::at(newest, end));
    }
    let mut needed = lines;
    if newest.index == 0 {
        match from_the_end(files, &newest, needed)? {
            Ok(offset) => return Ok(Place::at(newest, offset)),
            Err(found) => needed -= found,
        }
    } else {
        all.push(newest.clone());
    }
    let mut oldest = if newest.index == 0 { newest } else { all.last().cloned().unwrap_or(newest) };
    for file in all.into_iter().rev() {
        let starts = starts_in(files, &file, needed)?;
        if starts.len() >= needed {
            return Ok(Place::at(file, starts.front().copied().unwrap_or(0)));
        }
        needed -= starts.len();
        oldest = file;
    }
    Ok(Place::at(oldest, 0))
}

/// The offset where so many lines begin before the end, or how many there are.
fn from_the_end(files: &Files<'_>, file: &Found, lines: usize) -> Result<std::result::Result<u64, usize>> {
    let (mut from, mut tail): (u64, Vec<u8>) = (files.size(file)?, Vec::new());
    loop {
        let step = from.min(PART as u64);
        from -= step;
        let Some(mut part) = files.part(file, from)? else { return Ok(Err(0)) };
        part.truncate(usize::try_from(step).unwrap_or(PART));
        part.extend_from_slice(&tail);
        tail = part;
        match start_of_last(&tail, lines) {
            Ok(at) => return Ok(Ok(from + at as u64)),
            Err(seen) if from == 0 => return Ok(Err(seen)),
            Err(_) => {}
        }
    }
}

/// Where the last `lines` lines begin in whole entries, or how many lines there are.
fn start_of_last(entries: &[u8], lines: usize) -> std::result::Result<usize, usize> {
    let mut seen = 0;
    let mut end = entries.iter().rposition(|b| *b == b'\n').ok_or(0usize)?;
    let mut last = true;
    loop {
        let start = entries[..end].iter().rposition(|b| *b == b'\n').map(|i| i + 1);
        // The last entry may lack a line end and still is a line.
        let text = &entries[start.unwrap_or(0)..end];
        if last || ends_a_line(text) {
            if seen == lines {
                return Ok(end + 1);
            }
            seen += 1;
        }
        last = false;
        let Some(before) = start.and_then(|s| s.checked_sub(1)) else { return Err(seen) };
        end = before;
    }
}

/// Where the last `most` lines of a file begin, oldest first.
fn starts_in(files: &Files<'_>, file: &Found, most: usize) -> Result<VecDeque<u64>> {
    let mut place = Place::at(file.clone(), 0);
    let (mut starts, mut fresh, mut offset) = (VecDeque::new(), true, 0u64);
    let mut waiting: Vec<u8> = Vec::new();
    while let Next::Text(text) = place.read(files)? {
        if !place.is_in(file) {
            break;
        }
        waiting.extend_from_slice(&text);
        let mut begin = 0;
        while let Some(length) = waiting[begin..].iter().position(|b| *b == b'\n') {
            if fresh {
                starts.push_back(offset);
                if starts.len() > most {
                    starts.pop_front();
                }
            }
            fresh = ends_a_line(&waiting[begin..begin + length]);
            begin += length + 1;
            offset += length as u64 + 1;
        }
        waiting.drain(..begin);
    }
    Ok(starts)
}

/// Whether an entry's text ends in a line feed, which as JSON is two characters before a quote.
fn ends_a_line(entry: &[u8]) -> bool {
    decode(entry).is_some_and(|line| line.bytes.ends_with(b"\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::log::Encoder;
    use crate::io::Stream;
    use crate::time::Timestamp;

    #[test]
    fn the_last_lines_are_found_from_the_end() {
        let mut file = Vec::new();
        let mut encoder = Encoder::default();
        let long = format!("{}\n", "x".repeat(40_000));
        for line in ["a\n", "b\n", &long, "c\n", "no end"] {
            encoder.push(Stream::Stdout, line.as_bytes(), Timestamp(5), &mut file);
        }
        encoder.finish(Timestamp(5), &mut file);
        let text = |lines| {
            let from = start_of_last(&file, lines).unwrap_or(0);
            file[from..].split(|b| *b == b'\n').filter_map(decode).map(|l| String::from_utf8(l.bytes).unwrap()).collect::<String>()
        };
        assert_eq!(text(1), "no end");
        assert_eq!(text(2), "c\nno end");
        assert_eq!(text(3), format!("{long}c\nno end"));
        assert_eq!(text(4), format!("b\n{long}c\nno end"));
        assert_eq!(text(99), format!("a\nb\n{long}c\nno end"));
        assert_eq!(start_of_last(&file, 99), Err(5));
    }
}
