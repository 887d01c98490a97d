//! Logical lines: comments taken out, continued lines joined, here-documents read, and every character's place kept.

use super::directive::Directives;
use super::heredoc::{self, Heredoc};
use super::source::{Fault, Position, Source, Span};

/// One instruction's text, joined, with the places it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logical {
    /// The text without line ends and continuation characters.
    pub text: String,
    /// Where each part of the text begins: byte of the text, line, byte of that line.
    parts: Vec<(usize, u32, usize)>,
    /// Its here-documents, in order.
    pub heredocs: Vec<Heredoc>,
    /// Its first and last line, here-documents included.
    pub lines: (u32, u32),
    /// Lines between continued ones that have nothing on them.
    pub empty: Vec<u32>,
}

impl Logical {
    /// The place of a byte of the text.
    pub fn position(&self, source: &Source, at: usize) -> Position {
        let part = self.parts.iter().rev().find(|(start, ..)| *start <= at).copied().unwrap_or((0, self.lines.0, 0));
        source.position(part.1, part.2 + (at - part.0.min(at)))
    }

    /// The place of a range of the text. It ends on the line where its last character is.
    pub fn span(&self, source: &Source, from: usize, to: usize) -> Span {
        let start = self.position(source, from);
        if to <= from {
            return Span { start, end: start };
        }
        let mut last = to - 1;
        while !self.text.is_char_boundary(last) {
            last -= 1;
        }
        let mut end = self.position(source, last);
        end.column += 1;
        Span { start, end }
    }
}

/// Whether a line is a comment: `#` after blanks.
pub(super) fn is_comment(line: &str) -> bool {
    line.trim_start_matches([' ', '\t']).starts_with('#')
}

/// A line without its continuation character, if it ends with one. Two of them in a row are none.
fn continued(line: &str, escape: char) -> Option<&str> {
    let bare = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    if bare.ends_with(escape) { None } else { Some(bare) }
}

/// Splits a text.
///
/// # Errors
/// A here-document without its end.
pub fn split(source: &Source, directives: &Directives) -> Result<Vec<Logical>, Fault> {
    let mut all = Vec::new();
    let count = source.len() as u32;
    let mut number = 1;
    while number <= count {
        let line = source.line(number);
        if line.trim().is_empty() || is_comment(line) {
            number += 1;
            continue;
        }
        let (logical, next) = join(source, number, directives.escape)?;
        all.push(logical);
        number = next;
    }
    Ok(all)
}

fn join(source: &Source, first: u32, escape: char) -> Result<(Logical, u32), Fault> {
    let mut logical = Logical { lines: (first, first), ..Logical::default() };
    let count = source.len() as u32;
    let mut number = first;
    loop {
        let whole = source.line(number);
        // Blanks before the first word do not count; those of a continued line belong to the text.
        let skipped = if logical.text.is_empty() { whole.len() - whole.trim_start().len() } else { 0 };
        let line = &whole[skipped..];
        logical.parts.push((logical.text.len(), number, skipped));
        logical.lines.1 = number;
        let Some(bare) = continued(line, escape) else {
            logical.text.push_str(line);
            number += 1;
            break;
        };
        logical.text.push_str(bare);
        number += 1;
        // Comments and empty lines between continued lines are as if they were not there.
        while number <= count && (is_comment(source.line(number)) || source.line(number).trim().is_empty()) {
            if source.line(number).trim().is_empty() && number < count {
                logical.empty.push(number);
            }
            number += 1;
        }
        if number > count {
            break;
        }
    }
    let trimmed = logical.text.trim_end().len();
    logical.text.truncate(trimmed);
    if heredoc::may_have(&logical.text) {
        for mut doc in heredoc::find(&logical.text, escape) {
            doc.span = logical.span(source, doc.range.0, doc.range.1);
            let begin = number;
            loop {
                if number > count {
                    return Err(Fault::new(doc.span, "unterminated heredoc").help(format!("end it with a line that is {}", doc.name)));
                }
                let line = source.line(number);
                let line = if doc.chomp { line.trim_start_matches('\t') } else { line };
                number += 1;
                if line == doc.name {
                    break;
                }
                doc.content.push_str(line);
                doc.content.push('\n');
            }
            doc.lines = (begin, number - 1);
            logical.lines.1 = number - 1;
            logical.heredocs.push(doc);
        }
    }
    Ok((logical, number))
}
