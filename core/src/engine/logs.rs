//! Reading a container's log: all of it, its end, or on and on until the container ends.

use super::LocalEngine;
use super::view::{LogLine, LogsRequest};
use crate::container::log::{Entry, LONGEST_ENTRY};
use crate::container::{ContainerRecord, Status};
use crate::error::{ErrorKind, Result};
use crate::id::ContainerId;
use crate::time::Timestamp;
use std::time::Duration;

/// How much is read at once.
const PART: usize = 64 << 10;
/// How long a follower sleeps before it looks again.
const GLANCE: Duration = Duration::from_millis(50);
/// The most one entry can take as JSON: every byte escaped as `\u00xx`, and the rest of the object. A line without an end beyond
/// this is damage, not an entry.
const LONGEST_LINE: usize = LONGEST_ENTRY * 6 + 1024;

/// Where a reader is in the file.
struct Place {
    path: String,
    offset: u64,
    waiting: Vec<u8>,
}

impl LocalEngine {
    /// Gives the log's lines to `each` until it has enough.
    pub(super) fn read_logs(&self, asked: &str, request: &LogsRequest, each: &mut dyn FnMut(LogLine) -> bool) -> Result<()> {
        let record = self.settled(asked)?;
        let path = self.layout().log(&record.id);
        let offset = match request.tail {
            None => 0,
            Some(lines) => self.offset_of_tail(&path, lines)?,
        };
        let mut place = Place { path, offset, waiting: Vec::new() };
        loop {
            // Asked before reading, so that what is written between the last read and the end is not missed.
            let over = !request.follow || !self.writes(&record.id)?;
            if !self.read_on(&mut place, request, each)? {
                return Ok(());
            }
            if over {
                return Ok(());
            }
            if self.kernel().wait(&record.id, Some(GLANCE))? {
                // Its supervisor is gone: one more read, and the record becomes true on the way.
                continue;
            }
        }
    }

    /// Whether anything may still be written to a container's log.
    fn writes(&self, id: &ContainerId) -> Result<bool> {
        let Some(record) = self.find_record(id)?.map(|r: ContainerRecord| self.settle(r)).transpose()?.flatten() else {
            return Ok(false);
        };
        Ok(matches!(record.state.status, Status::Running | Status::Paused | Status::Restarting))
    }

    /// Reads to the file's end as it is now; `false` if nobody wants more.
    fn read_on(&self, place: &mut Place, request: &LogsRequest, each: &mut dyn FnMut(LogLine) -> bool) -> Result<bool> {
        loop {
            let part = match self.kernel().read(&place.path, place.offset, PART) {
                Ok(part) => part,
                Err(e) if e.kind() == ErrorKind::NotFound => return Ok(true),
                Err(e) => return Err(e),
            };
            if part.is_empty() {
                return Ok(true);
            }
            place.offset += part.len() as u64;
            place.waiting.extend_from_slice(&part);
            let mut start = 0;
            while let Some(length) = place.waiting[start..].iter().position(|b| *b == b'\n') {
                let line = decode(&place.waiting[start..start + length]);
                start += length + 1;
                if let Some(line) = line {
                    if request.until.is_some_and(|until| line.time > until) {
                        return Ok(false);
                    }
                    if request.since.is_none_or(|since| line.time >= since) && !each(line) {
                        return Ok(false);
                    }
                }
            }
            place.waiting.drain(..start);
            if place.waiting.len() > LONGEST_LINE {
                place.waiting.clear();
            }
        }
    }

    /// Where the last `lines` lines begin, found from the file's end. A line is what ends in a line feed in the log text; a long
    /// one that was cut into entries counts once.
    fn offset_of_tail(&self, path: &str, lines: usize) -> Result<u64> {
        let size = match self.kernel().size(path) {
            Ok(size) => size,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(0),
            Err(e) => return Err(e),
        };
        if lines == 0 {
            return Ok(size);
        }
        let (mut from, mut tail): (u64, Vec<u8>) = (size, Vec::new());
        loop {
            let step = from.min(PART as u64);
            from -= step;
            let mut part = self.kernel().read(path, from, usize::try_from(step).unwrap_or(PART))?;
            part.truncate(usize::try_from(step).unwrap_or(PART));
            part.extend_from_slice(&tail);
            tail = part;
            if let Some(at) = start_of_last(&tail, lines) {
                return Ok(from + at as u64);
            }
            if from == 0 {
                return Ok(0);
            }
        }
    }
}

/// Where the last `lines` lines begin in whole entries, or `None` if there are not so many.
fn start_of_last(entries: &[u8], lines: usize) -> Option<usize> {
    let mut seen = 0;
    let mut end = entries.iter().rposition(|b| *b == b'\n')?;
    let mut last = true;
    loop {
        let start = entries[..end].iter().rposition(|b| *b == b'\n').map(|i| i + 1);
        // An entry that ends a line ends in the two characters `\n` before the quote. The last entry may lack them and still is a line.
        let text = &entries[start.unwrap_or(0)..end];
        if last || ends_a_line(text) {
            if seen == lines {
                return Some(end + 1);
            }
            seen += 1;
        }
        last = false;
        end = start?.checked_sub(1)?;
    }
}

fn ends_a_line(entry: &[u8]) -> bool {
    decode(entry).is_some_and(|line| line.bytes.ends_with(b"\n"))
}

/// One entry; `None` for what is damaged.
fn decode(entry: &[u8]) -> Option<LogLine> {
    let entry: Entry<'_> = serde_json::from_slice(entry).ok()?;
    let time: jiff::Timestamp = entry.time.parse().ok()?;
    let time = Timestamp(u64::try_from(time.as_nanosecond()).ok()?);
    Some(LogLine { time, stream: entry.stream, bytes: entry.log.as_bytes().to_vec(), attributes: entry.attrs.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::log::Encoder;
    use crate::io::Stream;

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
    }
}
