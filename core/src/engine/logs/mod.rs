//! Reading a container's log: all of it, its end, or on and on until the container ends.

mod files;
mod place;
mod tail;

use super::LocalEngine;
use super::view::{LogLine, LogsRequest};
use crate::container::log::{Entry, LONGEST_ENTRY};
use crate::container::{ContainerRecord, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::io::Stream;
use crate::time::Timestamp;
use files::Files;
use place::{Next, Place};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a follower sleeps before it looks again.
const GLANCE: Duration = Duration::from_millis(50);
/// The most one entry can take as JSON: every byte escaped as `\u00xx`, and the rest of the object. A line without an end beyond
/// this is damage, not an entry.
const LONGEST_LINE: usize = LONGEST_ENTRY * 6 + (1 << 20);

impl LocalEngine {
    /// Gives the log's lines to `each` until it has enough.
    pub(super) fn read_logs(&self, asked: &str, request: &LogsRequest, each: &mut dyn FnMut(LogLine) -> bool) -> Result<()> {
        let record = self.settled(asked)?;
        let sink = record.config.log.sink(&record)?;
        let Some(bounds) = sink.bounds else {
            return Err(Error::new(ErrorKind::Unsupported, "configured logging driver does not support reading").subject(asked));
        };
        let files = Files::of(self.kernel(), self.layout().log(&record.id), bounds.files);
        let mut reader = Reader {
            place: match request.tail {
                None => Place::start(),
                Some(lines) => tail::last(&files, lines)?,
            },
            waiting: Vec::new(),
            last: Timestamp::NEVER,
        };
        loop {
            // Asked before reading, so that what is written between the last read and the end is not missed.
            let over = !request.follow || !self.writes(&record.id)?;
            if !reader.read_on(&files, request, each)? || over {
                return Ok(());
            }
            // Once its supervisor is gone there is one more read, and the record becomes true on the way.
            self.kernel().wait(&record.id, Some(GLANCE))?;
            if request.pulse && !each(LogLine { time: self.time(), stream: Stream::Stdout, bytes: Vec::new(), attributes: BTreeMap::new() })
            {
                return Ok(());
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
}

/// Where a reader is, and the beginning of an entry whose end has not been read.
struct Reader {
    place: Place,
    waiting: Vec<u8>,
    /// When the last entry that was read was written.
    last: Timestamp,
}

impl Reader {
    /// Reads to the log's end as it is now; `false` if nobody wants more.
    fn read_on(&mut self, files: &Files<'_>, request: &LogsRequest, each: &mut dyn FnMut(LogLine) -> bool) -> Result<bool> {
        loop {
            let text = match self.place.read(files)? {
                Next::Text(text) => text,
                Next::End => return Ok(true),
                Next::Overtaken => {
                    self.waiting.clear();
                    if !each(self.overtaken()) {
                        return Ok(false);
                    }
                    continue;
                }
            };
            self.waiting.extend_from_slice(&text);
            let mut start = 0;
            while let Some(length) = self.waiting[start..].iter().position(|b| *b == b'\n') {
                let line = decode(&self.waiting[start..start + length]);
                start += length + 1;
                if let Some(line) = line {
                    self.last = line.time;
                    if request.until.is_some_and(|until| line.time > until) {
                        return Ok(false);
                    }
                    if request.since.is_none_or(|since| line.time >= since) && !each(line) {
                        return Ok(false);
                    }
                }
            }
            self.waiting.drain(..start);
            if self.waiting.len() > LONGEST_LINE {
                self.waiting.clear();
            }
        }
    }

    /// The line that stands where lines are missing. How many nobody knows any more: only the newest files are kept.
    fn overtaken(&self) -> LogLine {
        let after = if self.last == Timestamp::NEVER { String::new() } else { format!(" after {}", self.last.rfc3339()) };
        let text = format!("[drydock: the log was rotated faster than it was read: lines{after} may be missing here]\n");
        LogLine { time: self.last, stream: Stream::Stderr, bytes: text.into_bytes(), attributes: BTreeMap::new() }
    }
}

/// One entry; `None` for what is damaged.
fn decode(entry: &[u8]) -> Option<LogLine> {
    let entry: Entry<'_> = serde_json::from_slice(entry).ok()?;
    let time: jiff::Timestamp = entry.time.parse().ok()?;
    let time = Timestamp(u64::try_from(time.as_nanosecond()).ok()?);
    Some(LogLine { time, stream: entry.stream, bytes: entry.log.as_bytes().to_vec(), attributes: entry.attrs.unwrap_or_default() })
}
