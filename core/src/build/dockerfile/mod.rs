//! Dockerfiles: what they say, and where exactly they say it (Dockerfile reference).
//!
//! [`parse`] reads a file into instructions whose every word has a line and a column. Nothing is expanded, looked up or decided
//! here: that needs build arguments and base images, and is done in [`super::plan`].

pub mod directive;
pub mod expand;
pub(crate) mod flags;
pub mod heredoc;
mod instruction;
mod keyword;
pub mod lines;
mod parse;
mod pattern;
pub mod source;
pub mod words;

pub use directive::Directives;
pub(crate) use flags::near;
pub use instruction::{Command, Copy, Flag, Health, Instruction, Kind, Pair, Run, Text};
pub use parse::{parse, parse_trigger};
pub use source::{Fault, Position, Source, Span};

/// A Dockerfile, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dockerfile {
    /// Its text.
    pub source: Source,
    /// Its directives.
    pub directives: Directives,
    /// Its instructions in order.
    pub instructions: Vec<Instruction>,
    /// What stands in the comment right before an instruction, by the instruction's line.
    pub comments: std::collections::BTreeMap<u32, String>,
}

#[cfg(test)]
mod tests;
