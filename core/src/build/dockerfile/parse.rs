//! Reading a whole file.

use super::instruction::{Instruction, Kind, Text};
use super::keyword::{self, Line};
use super::source::{Fault, Position, Source, Span};
use super::{Dockerfile, directive, lines};
use crate::error::Result;
use std::collections::BTreeMap;

/// The most instructions a file may have.
const MOST: usize = 200_000;

/// Reads a Dockerfile. `name` is what messages call it.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`] with the line quoted, a mark under the column, and what to write.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Dockerfile> {
    let source = Source::read(name, bytes)?;
    match read(&source) {
        Ok((directives, instructions)) => {
            let comments = comments(&source, &instructions);
            Ok(Dockerfile { source, directives, instructions, comments })
        }
        Err(fault) => Err(source.error(&fault)),
    }
}

/// Reads the trigger that an image's ONBUILD left.
///
/// # Errors
/// As [`parse`].
pub fn parse_trigger(text: &str) -> Result<Instruction> {
    let source = Source::read("ONBUILD", text.as_bytes())?;
    let logical = lines::split(&source, &directive::Directives::default()).map_err(|f| source.error(&f))?;
    match logical.as_slice() {
        [one] => {
            let line = Line { logical: one, source: &source, escape: '\\' };
            keyword::instruction(&line, 0, true).map_err(|f| source.error(&f))
        }
        _ => Err(crate::Error::invalid(format!("the trigger {:?} is not one instruction", text))),
    }
}

fn read(source: &Source) -> Result<(directive::Directives, Vec<Instruction>), Fault> {
    let directives = directive::read(source)?;
    let logical = lines::split(source, &directives)?;
    if logical.is_empty() {
        let start = Position { line: 1, column: 1 };
        return Err(Fault::new(Span { start, end: start }, "file with no instructions")
            .help("a Dockerfile begins with FROM and the image to build upon: FROM debian:12"));
    }
    if logical.len() > MOST {
        let start = Position { line: logical[MOST].lines.0, column: 1 };
        return Err(Fault::new(Span { start, end: start }, format!("more than {MOST} instructions")));
    }
    let mut instructions = Vec::with_capacity(logical.len());
    let mut staged = false;
    for one in &logical {
        let line = Line { logical: one, source, escape: directives.escape };
        let instruction = keyword::instruction(&line, 0, false)?;
        staged |= matches!(instruction.kind, Kind::From { .. });
        if !staged && !matches!(instruction.kind, Kind::Arg(_)) {
            return Err(Fault::new(instruction.keyword.span, "no build stage in current context")
                .help("write FROM IMAGE before it; only ARG may stand before the first FROM"));
        }
        instructions.push(instruction);
    }
    if !staged {
        let span = instructions.last().map(|i| i.span).unwrap_or_default();
        return Err(Fault::new(span, "no build stage in current context").help("write FROM IMAGE after it"));
    }
    Ok((directives, instructions))
}

/// The comment right before each instruction: what a target is described by.
fn comments(source: &Source, instructions: &[Instruction]) -> BTreeMap<u32, String> {
    let mut all = BTreeMap::new();
    for instruction in instructions {
        let line = instruction.lines.0;
        if line > 1 && lines::is_comment(source.line(line - 1)) {
            all.insert(line, source.line(line - 1).trim().trim_start_matches('#').trim().to_owned());
        }
    }
    all
}

impl Text {
    /// A text without a place.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), span: Span::default() }
    }
}
