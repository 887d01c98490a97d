//! Blocks of a chapter: commands with what they print, and what is so afterwards.
//!
//! ````text
//! ```console
//! $ drydock run --name job busybox sh -c 'echo done; exit 3'
//! done
//! [3]
//! = container job ended with 3
//! ```
//! ````
//!
//! A line begins with what it is:
//!
//! | line | what it is |
//! | --- | --- |
//! | `$ LINE` | a line that is typed, with a shell's pipes and `$(…)` |
//! | `= PREDICATE` | what is so on the host then, in the words of the labs |
//! | `[CODE]` | how the line above ended, where that is not 0 |
//! | anything else | a line that the line above prints; others may stand between. Empty ones say nothing |
//!
//! After `console` stands where it is run: nothing for a simulated host, of which a chapter has one from its first block to its last; `linux` for
//! this machine; `both` for either; `program` for the program itself in front of a simulated host, where a page cannot have what the
//! block asks for; `shown` for what changes the reader's machine, and is run nowhere. `seed=N` in the chapter's first block is another world.

use drydock_lessons::predicate::Predicate;
use std::fmt;
use std::ops::Range;

/// Where a block is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On a simulated host, also in a page.
    Sim,
    /// On this machine.
    Linux,
    /// On a simulated host, and on this machine too.
    Both,
    /// By the program, in front of a simulated host.
    Program,
    /// Nowhere.
    Shown,
}

impl Place {
    /// A page can run it.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Sim | Self::Both)
    }

    /// This machine can run it.
    pub fn is_linux(self) -> bool {
        matches!(self, Self::Linux | Self::Both)
    }
}

/// What stands in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A line to type.
    Line {
        /// Where it stands in the chapter, from 1 on.
        number: usize,
        /// The line.
        line: String,
        /// What is printed.
        shown: Vec<String>,
        /// How it ends.
        code: i32,
    },
    /// What is so.
    Check {
        /// Where it stands in the chapter, from 1 on.
        number: usize,
        /// What.
        predicate: Predicate,
    },
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Where it is run.
    pub place: Place,
    /// What the chapter's chance comes from, if it says so.
    pub seed: Option<u64>,
    /// Where it stands in the chapter's text, from its fence to its fence, in bytes.
    pub at: Range<usize>,
    /// What stands in it.
    pub items: Vec<Item>,
}

/// A mistake in a chapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1 on.
    pub number: usize,
    /// What is wrong.
    pub what: String,
}

impl Mistake {
    /// What is wrong with a line.
    pub fn new(number: usize, what: impl Into<String>) -> Self {
        Self { number, what: what.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.number, self.what)
    }
}

/// The blocks of a chapter, in order. Fenced blocks that do not begin with `console` are not looked into.
///
/// # Errors
/// The first line that makes no sense.
pub fn blocks(chapter: &str) -> Result<Vec<Block>, Mistake> {
    let mut blocks = Vec::new();
    // How many grave accents the open fence has, and the block, if it is one of ours.
    let mut open: Option<(usize, usize, Option<Block>)> = None;
    let mut start = 0;
    for (number, whole) in chapter.split_inclusive('\n').enumerate().map(|(at, line)| (at + 1, line)) {
        let end = start + whole.len();
        let line = whole.trim_end_matches(['\n', '\r']);
        let fence = line.len() - line.trim_start_matches('`').len();
        let info = line.get(fence..).unwrap_or_default().trim();
        match &mut open {
            None if fence >= 3 => {
                let block = info.split_whitespace().next().is_some_and(|word| word == "console");
                let block = block.then(|| head(info, start)).transpose().map_err(|what| Mistake::new(number, what))?;
                open = Some((number, fence, block));
            }
            Some((_, opened, block)) if fence >= *opened && info.is_empty() => {
                if let Some(mut block) = block.take() {
                    block.at.end = start + line.len();
                    blocks.push(block);
                }
                open = None;
            }
            Some((_, _, Some(block))) => item(block, number, line).map_err(|what| Mistake::new(number, what))?,
            _ => {}
        }
        start = end;
    }
    match open {
        Some((number, _, _)) => Err(Mistake::new(number, "the block does not end")),
        None => Ok(blocks),
    }
}

fn head(info: &str, start: usize) -> Result<Block, String> {
    let mut block = Block { place: Place::Sim, seed: None, at: start..start, items: Vec::new() };
    for word in info.split_whitespace().skip(1) {
        block.place = match word {
            "linux" => Place::Linux,
            "both" => Place::Both,
            "program" => Place::Program,
            "shown" => Place::Shown,
            _ => {
                let seed = word.strip_prefix("seed=").and_then(|seed| seed.parse().ok());
                block.seed = Some(seed.ok_or_else(|| format!("'{word}' is none of linux, both, program, shown and seed=N"))?);
                continue;
            }
        };
    }
    Ok(block)
}

fn item(block: &mut Block, number: usize, text: &str) -> Result<(), String> {
    if let Some(line) = text.strip_prefix("$ ") {
        block.items.push(Item::Line { number, line: line.to_owned(), shown: Vec::new(), code: 0 });
        return Ok(());
    }
    if let Some(words) = text.strip_prefix("= ") {
        block.items.push(Item::Check { number, predicate: Predicate::parse(words)? });
        return Ok(());
    }
    match block.items.last_mut() {
        Some(Item::Line { shown, code, .. }) => {
            match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')?.parse().ok()) {
                Some(ended) => *code = ended,
                None if text.is_empty() => {}
                None => shown.push(text.to_owned()),
            }
            Ok(())
        }
        _ if text.is_empty() => Ok(()),
        _ => Err("there is output before any command".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(block: &Block) -> Vec<(&str, usize, i32)> {
        let lines = block.items.iter().filter_map(|item| match item {
            Item::Line { line, shown, code, .. } => Some((line.as_str(), shown.len(), *code)),
            Item::Check { .. } => None,
        });
        lines.collect()
    }

    #[test]
    fn a_block_is_commands_with_what_they_print_and_what_is_so() {
        let chapter = "# T\n\n```console seed=7\n$ drydock ps\n\n$ drydock wait x\n3\n[1]\n= containers 0\n```\nafter\n";
        let found = blocks(chapter).expect("blocks");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].place, found[0].seed), (Place::Sim, Some(7)));
        assert_eq!(lines(&found[0]), [("drydock ps", 0, 0), ("drydock wait x", 1, 1)]);
        assert!(matches!(&found[0].items[2], Item::Check { number: 9, predicate } if predicate.to_string() == "containers 0"));
        assert_eq!(&chapter[found[0].at.clone()], chapter[5..].strip_suffix("\nafter\n").expect("the end"));
    }

    #[test]
    fn places_are_words_and_others_are_mistakes() {
        let place = |word: &str| blocks(&format!("```console {word}\n$ ls\n```\n")).map(|b| b[0].place);
        assert_eq!(place("linux"), Ok(Place::Linux));
        assert_eq!(place("both"), Ok(Place::Both));
        assert_eq!(place("program"), Ok(Place::Program));
        assert_eq!(place("shown"), Ok(Place::Shown));
        assert!(place("linnux").is_err_and(|e| e.number == 1 && e.what.contains("'linnux'")));
        assert!(place("seed=x").is_err());
    }

    #[test]
    fn what_makes_no_sense_is_said_with_its_line() {
        assert_eq!(blocks("\n```console\nfree\n```\n").unwrap_err().number, 3);
        assert!(blocks("```console\n= containr x\n```\n").is_err());
        assert_eq!(blocks("a\n```text\n").unwrap_err(), Mistake::new(2, "the block does not end"));
    }

    #[test]
    fn other_blocks_are_not_looked_into() {
        assert_eq!(blocks("```text\nfree\n```\n````\n```console\nfree\n```\n````\n").expect("none").len(), 0);
    }
}
