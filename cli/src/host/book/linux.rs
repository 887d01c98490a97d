//! Blocks on this machine: real containers, under roots of the chapter's own, so that nothing of the user's is touched.

use super::test::{Tested, said, shell};
use crate::host::learn::linux as roots;
use drydock::book::block::{Block, Item, Mistake};
use drydock::book::chapter::compare;
use drydock_core::Result;
use drydock_lessons::predicate::{Predicate, Verdict};
use std::path::Path;
use std::time::Duration;

/// How long is waited for what is on its way: a round, and how many.
const ROUND: Duration = Duration::from_millis(100);
const ROUNDS: u32 = 100;

/// Runs the blocks of a chapter that say so, in their order, below `scratch`.
pub(super) fn test(blocks: &[Block], book: &Path, scratch: &Path) -> Result<Tested> {
    let mut tested = Tested::default();
    let blocks: Vec<&Block> = blocks.iter().filter(|block| block.place.is_linux()).collect();
    if blocks.is_empty() {
        return Ok(tested);
    }
    roots::make(scratch)?;
    let ran = all(&blocks, book, scratch, &mut tested);
    // Whatever happened, nothing is left running.
    roots::remove(scratch)?;
    ran.map(|()| tested)
}

fn all(blocks: &[&Block], book: &Path, scratch: &Path, tested: &mut Tested) -> Result<()> {
    let root = |name: &str| scratch.join(name).display().to_string();
    let (data, run) = (root("data"), root("run"));
    let variables = [("DRYDOCK_HOST", "linux"), ("DRYDOCK_DATA_ROOT", &data), ("DRYDOCK_RUN_ROOT", &run)];
    for block in blocks {
        tested.count(block);
        for item in &block.items {
            match item {
                Item::Line { number, line, shown, code } => {
                    let output = shell(line, book, &scratch.join("bin"), &variables)?;
                    tested.mistakes.extend(compare(*number, line, shown, *code, &said(&output)));
                }
                Item::Check { number, predicate } => {
                    let verdict = settled(predicate, scratch)?;
                    if !verdict.holds {
                        tested.mistakes.push(Mistake::new(*number, format!("it is not so that {predicate}: {}", verdict.found)));
                    }
                }
            }
        }
    }
    Ok(())
}

/// What becomes of a predicate: here nothing stands still while a program on its way gets there.
fn settled(predicate: &Predicate, scratch: &Path) -> Result<Verdict> {
    let mut round = 0;
    loop {
        let verdict = predicate.check(&*roots::open(scratch)?)?;
        if verdict.holds || round == ROUNDS {
            return Ok(verdict);
        }
        round += 1;
        std::thread::sleep(ROUND);
    }
}
