//! The text of a Dockerfile, positions in it, and mistakes shown at their place.

use crate::error::{Error, Result};
use std::fmt::Write as _;

/// The largest Dockerfile that is read, in bytes.
pub const LARGEST: usize = 16 << 20;
/// Characters of a line that a message quotes.
const SHOWN: usize = 160;

/// A place in the text: both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Character in it.
    pub column: u32,
}

/// From a place to just after another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first character.
    pub start: Position,
    /// After the last one.
    pub end: Position,
}

/// A mistake at a place: what is wrong, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// One sentence, Docker's where Docker has one.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to write; empty where there is no telling.
    pub help: String,
}

impl Fault {
    /// A mistake without advice.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), span, help: String::new() }
    }

    /// Says what to write.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// A Dockerfile's text by lines, without byte order mark and line ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// What it is called in messages: `Dockerfile`.
    pub name: String,
    lines: Vec<String>,
}

impl Source {
    /// Takes the bytes of a file.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidInput`] for what is too large, no UTF-8, or has a NUL in it.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        if bytes.len() > LARGEST {
            return Err(Error::invalid(format!("{name} is larger than {LARGEST} bytes")));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let (line, column) = place(&bytes[..e.valid_up_to()]);
            Error::invalid(format!("{name}:{line}:{column}: the file is not UTF-8")).hint("save it as UTF-8")
        })?;
        if let Some(at) = text.find('\0') {
            let (line, column) = place(&bytes[..at]);
            return Err(Error::invalid(format!("{name}:{line}:{column}: the file contains a NUL")));
        }
        let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned()).collect();
        Ok(Self { name: name.to_owned(), lines })
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(String::is_empty)
    }

    /// A line, counted from 1; empty beyond the end.
    pub fn line(&self, number: u32) -> &str {
        (number as usize).checked_sub(1).and_then(|i| self.lines.get(i)).map_or("", String::as_str)
    }

    /// The place of a byte of a line.
    pub fn position(&self, line: u32, byte: usize) -> Position {
        let text = self.line(line);
        let mut at = byte.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        Position { line, column: text[..at].chars().count() as u32 + 1 }
    }

    /// The line of a place with a mark under it.
    pub fn quote(&self, span: Span) -> String {
        let text = self.line(span.start.line);
        let column = span.start.column.max(1) as usize - 1;
        // A very long line is shown around the place.
        let from = column.saturating_sub(SHOWN / 2);
        let shown: String = text.chars().skip(from).take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let width = if span.end.line == span.start.line { span.end.column.saturating_sub(span.start.column) } else { 1 };
        let width = (width.max(1) as usize).min(SHOWN - (column - from).min(SHOWN - 1));
        let number = span.start.line.to_string();
        let mut quoted = format!("{number} | {shown}\n");
        let _ = write!(quoted, "{:pad$} | {:gap$}{}", "", "", "^".repeat(width), pad = number.len(), gap = column - from);
        quoted
    }

    /// A mistake as it is printed: place, sentence, the line with a mark, what to write.
    pub fn show(&self, fault: &Fault) -> String {
        let mut text =
            format!("{}:{}:{}: {}\n{}", self.name, fault.span.start.line, fault.span.start.column, fault.message, self.quote(fault.span));
        if !fault.help.is_empty() {
            let _ = write!(text, "\nhelp: {}", fault.help);
        }
        text
    }

    /// A mistake as an error: Docker's sentence, and the quoted line with the advice below it.
    pub fn error(&self, fault: &Fault) -> Error {
        Error::invalid(format!("dockerfile parse error on line {}: {}\n{}", fault.span.start.line, fault.message, self.below(fault)))
            .op("parse")
            .subject(self.name.clone())
    }

    /// A mistake that is found while building, as an error.
    pub fn failure(&self, fault: &Fault) -> Error {
        Error::invalid(format!("{}\n{}", fault.message, self.below(fault))).op("build").subject(self.name.clone())
    }

    fn below(&self, fault: &Fault) -> String {
        let mut text = format!("{}:{}:{}\n{}", self.name, fault.span.start.line, fault.span.start.column, self.quote(fault.span));
        if !fault.help.is_empty() {
            let _ = write!(text, "\nhelp: {}", fault.help);
        }
        text
    }
}

fn place(before: &[u8]) -> (usize, usize) {
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_line_ends_are_taken_off() {
        let source = Source::read("Dockerfile", b"\xef\xbb\xbfFROM a\r\nRUN b\r\n").unwrap();
        assert_eq!((source.line(1), source.line(2), source.line(3), source.line(9)), ("FROM a", "RUN b", "", ""));
    }

    #[test]
    fn what_is_no_text_is_refused_at_its_place() {
        let wrong = |bytes: &[u8]| Source::read("D", bytes).unwrap_err().to_string();
        assert_eq!(wrong(b"FROM a\nRUN \xff"), "D:2:5: the file is not UTF-8 (save it as UTF-8)");
        assert_eq!(wrong(b"FROM \xc3\xa4\0"), "D:1:7: the file contains a NUL");
        assert!(wrong(&vec![b'a'; LARGEST + 1]).contains("larger"));
    }

    #[test]
    fn a_long_line_is_quoted_around_the_place() {
        let line = format!("{}X{}", "a".repeat(5000), "b".repeat(5000));
        let source = Source::read("D", line.as_bytes()).unwrap();
        let at = Position { line: 1, column: 5001 };
        let quoted = source.quote(Span { start: at, end: Position { line: 1, column: 5002 } });
        let (text, mark) = quoted.split_once('\n').unwrap();
        assert!(text.len() < 200, "{text}");
        assert_eq!(text.find('X'), mark.find('^'));
    }
}
