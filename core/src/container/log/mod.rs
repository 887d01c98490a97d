//! A container's log as Docker's `json-file` driver writes it: one JSON object a line, a long line in pieces of 16 KiB.

mod config;
mod forward;
mod json;
mod rotation;

pub use config::{Bounds, Driver, LogConfig, Sink};
pub use forward::{Address, Format, Forward, Lines};
pub use rotation::{Move, Part, Rotor, moves, name};

use crate::io::Stream;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The most bytes one entry holds; a longer line is several entries, of which only the last ends in a line feed.
pub const LONGEST_ENTRY: usize = 16 * 1024;

/// One entry of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// The text, with its line end if it had one. Bytes that are not UTF-8 stand as U+FFFD, as in Docker's.
    #[serde(borrow)]
    pub log: Cow<'a, str>,
    /// Where it was written to.
    pub stream: Stream,
    /// What the log's options put beside every line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attrs: Option<BTreeMap<String, String>>,
    /// When, as RFC 3339.
    #[serde(borrow)]
    pub time: Cow<'a, str>,
}

/// Turns what a container writes into entries. What has no line end yet waits, at most [`LONGEST_ENTRY`] bytes a stream.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    waiting: [Vec<u8>; 2],
    attrs: Option<BTreeMap<String, String>>,
}

impl Encoder {
    /// One that puts these beside every line.
    pub fn with(attributes: BTreeMap<String, String>) -> Self {
        Self { waiting: Default::default(), attrs: Some(attributes).filter(|a| !a.is_empty()) }
    }

    /// What has no line end yet and is in no entry, standard output first.
    pub fn pending(&self) -> impl Iterator<Item = (Stream, &[u8])> {
        [Stream::Stdout, Stream::Stderr].into_iter().zip(self.waiting.iter().map(Vec::as_slice)).filter(|(_, bytes)| !bytes.is_empty())
    }

    /// Takes bytes, and appends the entries that are whole to `out`.
    pub fn push(&mut self, stream: Stream, bytes: &[u8], now: Timestamp, out: &mut Vec<u8>) {
        let mut waiting = std::mem::take(self.of(stream));
        waiting.extend_from_slice(bytes);
        let mut rest = waiting.as_slice();
        // One moment for all of it, and so one text of the moment.
        let mut tail = Vec::new();
        loop {
            let window = rest.get(..LONGEST_ENTRY).unwrap_or(rest);
            let end = match memchr::memchr(b'\n', window) {
                Some(at) => at + 1,
                None if rest.len() > LONGEST_ENTRY => whole_characters(window),
                None => break,
            };
            let (line, after) = rest.split_at(end);
            if tail.is_empty() {
                tail = self.tail(stream, now);
            }
            write(line, &tail, out);
            rest = after;
        }
        let left = rest.len();
        waiting.drain(..waiting.len() - left);
        *self.of(stream) = waiting;
    }

    /// Appends what is still waiting: the container will write no more.
    pub fn finish(&mut self, now: Timestamp, out: &mut Vec<u8>) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let line = std::mem::take(self.of(stream));
            if !line.is_empty() {
                write(&line, &self.tail(stream, now), out);
            }
        }
    }

    /// What follows the text in an entry: that of [`Entry`] in JSON, from the quotation mark that ends its text.
    fn tail(&self, stream: Stream, now: Timestamp) -> Vec<u8> {
        let entry = Entry { log: Cow::Borrowed(""), stream, attrs: self.attrs.clone(), time: Cow::Owned(now.rfc3339()) };
        // Strings and a unit enum always have a JSON form.
        let whole = serde_json::to_vec(&entry).unwrap_or_default();
        whole.strip_prefix(HEAD).unwrap_or_default().to_vec()
    }

    fn of(&mut self, stream: Stream) -> &mut Vec<u8> {
        let [stdout, stderr] = &mut self.waiting;
        match stream {
            Stream::Stdout => stdout,
            Stream::Stderr => stderr,
        }
    }
}

/// How every entry begins.
const HEAD: &[u8] = b"{\"log\":\"";

fn write(line: &[u8], tail: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(HEAD);
    json::string(line, out);
    out.extend_from_slice(tail);
    out.push(b'\n');
}

/// How much of a window to take so that no character is cut in two; all of it where it is not UTF-8 anyway.
fn whole_characters(window: &[u8]) -> usize {
    match std::str::from_utf8(window) {
        Err(e) if e.error_len().is_none() && e.valid_up_to() > 0 => e.valid_up_to(),
        _ => window.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(out: &[u8]) -> Vec<String> {
        out.split(|b| *b == b'\n')
            .filter(|l| !l.is_empty())
            .map(|l| serde_json::from_slice::<Entry<'_>>(l).unwrap().log.into_owned())
            .collect()
    }

    #[test]
    fn an_entry_is_a_line_of_json() {
        let mut out = Vec::new();
        Encoder::default().push(Stream::Stderr, b"a \"b\"\n", Timestamp(1_000_000_000), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "{\"log\":\"a \\\"b\\\"\\n\",\"stream\":\"stderr\",\"time\":\"1970-01-01T00:00:01Z\"}\n");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let mut out = Vec::new();
        let mut encoder = Encoder::default();
        let line = "é".repeat(LONGEST_ENTRY);
        encoder.push(Stream::Stdout, b"x", Timestamp(1), &mut out);
        encoder.push(Stream::Stdout, line.as_bytes(), Timestamp(1), &mut out);
        encoder.finish(Timestamp(1), &mut out);
        let parts = texts(&out);
        assert_eq!(parts.first().map(String::len), Some(LONGEST_ENTRY - 1));
        assert_eq!(parts.concat(), format!("x{line}"));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_however_it_arrives(text in "[a-zé\n]{0,400}", cuts in proptest::collection::vec(0..400usize, 0..8)) {
            let (mut encoder, mut out) = (Encoder::default(), Vec::new());
            let mut rest = text.as_bytes();
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                encoder.push(Stream::Stdout, now, Timestamp(1), &mut out);
                rest = later;
            }
            encoder.push(Stream::Stdout, rest, Timestamp(1), &mut out);
            encoder.finish(Timestamp(1), &mut out);
            prop_assert_eq!(texts(&out).concat(), text);
        }
    }
}
