//! `drydock book test`: every block of every chapter is run, and held to what it says.

use super::preprocess::counted;
use super::{directory, examples, languages, linux, written, wrong};
use crate::host::scratch::Scratch;
use clap::ValueEnum;
use drydock::book::block::{Block, Item, Mistake, Place, blocks};
use drydock::book::chapter;
use drydock::book::files::Files;
use drydock::world::page::Said;
use drydock_core::{Error, Result};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[derive(clap::Args)]
pub(super) struct Test {
    /// Chapters, as the names of their files; all without a name
    chapters: Vec<String>,
    /// The book's directory (default: ./book, or this one)
    #[arg(long, value_name = "DIR")]
    book: Option<PathBuf>,
    /// Where blocks are run: sim, or linux for those that say so, as root
    #[arg(long, value_enum, default_value_t = Host::Sim)]
    host: Host,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Host {
    Sim,
    Linux,
}

/// How long a line of this machine's shell may take, in seconds: one that waits for ever is a mistake and no test that hangs.
const PATIENCE: &str = "300";

/// What was run of a chapter.
#[derive(Default)]
pub(super) struct Tested {
    pub blocks: usize,
    pub lines: usize,
    pub checks: usize,
    pub mistakes: Vec<Mistake>,
}

impl Tested {
    pub(super) fn count(&mut self, block: &Block) {
        self.blocks += 1;
        self.lines += block.items.iter().filter(|item| matches!(item, Item::Line { .. })).count();
        self.checks += block.items.iter().filter(|item| matches!(item, Item::Check { .. })).count();
    }
}

impl Test {
    pub(super) fn run(self) -> Result<i32> {
        let book = directory(self.book.as_deref())?;
        let chapters = chapters(&book.join("src"), &self.chapters)?;
        let (examples, scratch) = (examples(&book)?, Scratch::new("book")?.passable()?);
        let mut all = Tested::default();
        let mut out = std::io::stdout().lock();
        for (name, text) in &chapters {
            let blocks = blocks(text).map_err(|mistake| Error::invalid(format!("{name}: {mistake}")))?;
            let tested = match self.host {
                Host::Sim => simulated(&blocks, &examples, &book, &scratch.path().join(name))?,
                Host::Linux => linux::test(&blocks, &book, &scratch.path().join(name))?,
            };
            if tested.blocks > 0 {
                writeln!(out, "{name}: {} blocks, {} lines, {} checks", tested.blocks, tested.lines, tested.checks).map_err(written)?;
            }
            for mistake in &tested.mistakes {
                writeln!(out, "{name}: {mistake}").map_err(written)?;
            }
            all.blocks += tested.blocks;
            all.lines += tested.lines;
            all.checks += tested.checks;
            all.mistakes.extend(tested.mistakes);
        }
        if self.host == Host::Sim {
            let asked = |name: &str| self.chapters.is_empty() || self.chapters.iter().any(|asked| is(name, asked));
            for (name, mistakes) in languages::mistakes(&book)?.into_iter().filter(|(name, _)| asked(name)) {
                for mistake in &mistakes {
                    writeln!(out, "zh/{name}: {mistake}").map_err(written)?;
                }
                all.mistakes.extend(mistakes);
            }
        }
        writeln!(out, "{} blocks, {} lines, {} checks in all", all.blocks, all.lines, all.checks).map_err(written)?;
        match all.mistakes.len() {
            // A test that ran nothing has shown nothing.
            0 if all.blocks == 0 => Err(Error::not_found("there is no block to run")),
            0 => Ok(0),
            number => {
                eprintln!("drydock: {} not as written", counted(number));
                Ok(1)
            }
        }
    }
}

/// Chapters by the names of their files, in their order.
fn chapters(folder: &Path, asked: &[String]) -> Result<Vec<(String, String)>> {
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| wrong("list", folder, e))? {
        let name = entry.map_err(|e| wrong("list", folder, e))?.file_name().to_string_lossy().into_owned();
        names.extend(name.ends_with(".md").then_some(name));
    }
    names.sort();
    for asked in asked {
        if !names.iter().any(|name| is(name, asked)) {
            return Err(Error::not_found(format!("there is no chapter {} in {}", asked.escape_debug(), folder.display())));
        }
    }
    names.retain(|name| asked.is_empty() || asked.iter().any(|asked| is(name, asked)));
    let read = |name: String| {
        let path = folder.join(&name);
        let text = std::fs::read_to_string(&path).map_err(|e| wrong("read", &path, e))?;
        Ok((name, text))
    };
    names.into_iter().map(read).collect()
}

fn is(name: &str, asked: &str) -> bool {
    name == asked || name.strip_suffix(".md") == Some(asked)
}

/// Live blocks in a world of the chapter's own; what needs the program itself in another, by the program itself.
fn simulated(blocks: &[Block], examples: &Files, book: &Path, scratch: &Path) -> Result<Tested> {
    let chapter = chapter::run(blocks, examples, &mut |_, _| Ok(()))?;
    let mut tested = Tested { mistakes: chapter.mistakes, ..Tested::default() };
    blocks.iter().filter(|block| block.place.is_live()).for_each(|block| tested.count(block));
    let world = format!("sim:{}.world", scratch.display());
    let by_program: Vec<&Block> = blocks.iter().filter(|block| block.place == Place::Program).collect();
    for block in by_program {
        tested.count(block);
        for item in &block.items {
            match item {
                Item::Line { number, line, shown, code } => {
                    let output = shell(line, book, &scratch.with_extension("bin"), &[("DRYDOCK_HOST", &world)])?;
                    tested.mistakes.extend(chapter::compare(*number, line, shown, *code, &said(&output)));
                }
                Item::Check { number, .. } => {
                    tested.mistakes.push(Mistake::new(*number, "predicates are checked in live blocks"));
                }
            }
        }
    }
    Ok(tested)
}

/// What a line left, as a page would say it.
pub(super) fn said(output: &Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr), ..Said::default() }
}

/// Runs a line by this machine's shell where the book's own paths hold, with this program as `drydock`.
pub(super) fn shell(line: &str, book: &Path, bin: &Path, variables: &[(&str, &str)]) -> Result<Output> {
    std::fs::create_dir_all(bin).map_err(|e| wrong("make", bin, e))?;
    let (link, this) = (bin.join("drydock"), std::env::current_exe().map_err(|e| wrong("find", Path::new("this program"), e))?);
    match std::os::unix::fs::symlink(&this, &link) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(wrong("link", &link, e)),
        _ => {}
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path)));
    let path = path.map_err(|_| Error::invalid("PATH cannot be put together"))?;
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=5", PATIENCE, "sh", "-c", line])
        .current_dir(book.join(".."))
        .env("PATH", path)
        .stdin(std::process::Stdio::null());
    command.envs(variables.iter().copied());
    command.output().map_err(|e| wrong("run", Path::new("timeout"), e))
}
