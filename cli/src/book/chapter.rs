//! A chapter's live blocks, run in one simulated world, and held to what they say.

use super::block::{Block, Item, Mistake};
use super::files::{self, Files};
use crate::world::SEED;
use crate::world::page::{Said, Session};
use drydock_core::Result;
use drydock_lessons::predicate::Verdict;

/// A block that was run.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The block's place among those of its chapter, from 0 on.
    pub number: usize,
    /// What was typed in the chapter before it.
    pub setup: Vec<String>,
    /// What was typed, and what came of it.
    pub typed: Vec<(String, Said)>,
    /// What was to be so, after how many of the lines, and what was.
    pub checks: Vec<(usize, String, Verdict)>,
}

/// A chapter that was run.
#[derive(Clone, Debug, Default)]
pub struct Chapter {
    /// What its world's chance comes from.
    pub seed: u64,
    /// Files that were on the host from the beginning.
    pub files: Files,
    /// Its live blocks, in order.
    pub blocks: Vec<Ran>,
    /// What was not as the blocks say.
    pub mistakes: Vec<Mistake>,
}

/// Runs the live blocks of a chapter; `examples` are the files that its commands can name. `after` is given the world as each block left it.
///
/// # Errors
/// Where the simulated host cannot be made or asked, and what `after` answers.
pub fn run(blocks: &[Block], examples: &Files, after: &mut dyn FnMut(&Session, &Ran) -> Result<()>) -> Result<Chapter> {
    let live: Vec<(usize, &Block)> = blocks.iter().enumerate().filter(|(_, block)| block.place.is_live()).collect();
    let lines: Vec<&str> = live.iter().flat_map(|(_, block)| &block.items).filter_map(line_of).collect();
    let seed = live.first().and_then(|(_, block)| block.seed).unwrap_or(SEED);
    let mut chapter = Chapter { seed, files: files::named(examples, &lines), ..Chapter::default() };
    if live.is_empty() {
        return Ok(chapter);
    }
    let mut session = Session::new(seed)?;
    for (path, text) in &chapter.files {
        session.put(path, text)?;
    }
    // From here on every drawing marks what the last line did.
    session.draw()?;
    let mut setup = Vec::new();
    for (number, block) in live {
        let mut ran = Ran { number, setup: setup.clone(), typed: Vec::new(), checks: Vec::new() };
        for item in &block.items {
            match item {
                Item::Line { number, line, shown, code } => {
                    let (said, ends) = session.line_that_ends(line)?;
                    if ends {
                        chapter.mistakes.extend(compare(*number, line, shown, *code, &said));
                    } else {
                        let what = format!(
                            "`{line}` does not end: after an hour of the simulated host's time, or a hundred thousand turns of its processes, it still ran"
                        );
                        chapter.mistakes.push(Mistake::new(*number, what));
                        return Ok(chapter);
                    }
                    setup.push(line.clone());
                    ran.typed.push((line.clone(), said));
                }
                Item::Check { number, predicate } => {
                    let verdict = predicate.check(&*session.engine())?;
                    if !verdict.holds {
                        chapter.mistakes.push(Mistake::new(*number, format!("it is not so that {predicate}: {}", verdict.found)));
                    }
                    ran.checks.push((ran.typed.len(), predicate.to_string(), verdict));
                }
            }
        }
        after(&session, &ran)?;
        chapter.blocks.push(ran);
    }
    Ok(chapter)
}

fn line_of(item: &Item) -> Option<&str> {
    match item {
        Item::Line { line, .. } => Some(line),
        Item::Check { .. } => None,
    }
}

/// What is otherwise than a block shows: how a line ends, and the lines it prints, in their order, with others between them.
pub fn compare(number: usize, line: &str, shown: &[String], code: i32, said: &Said) -> Option<Mistake> {
    if said.code != code {
        return Some(Mistake::new(number, format!("`{line}` ends with {}, not {code}: {}{}", said.code, said.out, said.err)));
    }
    let mut printed = said.out.lines().chain(said.err.lines());
    let missing = shown.iter().find(|shown| !printed.any(|line| line == **shown))?;
    Some(Mistake::new(number, format!("`{line}` does not print {missing:?} there, but:\n{}{}", said.out, said.err)))
}

#[cfg(test)]
mod tests {
    use super::super::block::blocks;
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        let blocks = blocks(text).expect("blocks");
        let chapter = run(&blocks, &Files::new(), &mut |_, _| Ok(())).expect("run");
        chapter.mistakes.iter().map(ToString::to_string).collect()
    }

    const GOOD: &str = "```console\n$ drydock run --name job busybox sh -c 'echo x; echo y; exit 3'\nx\ny\n[3]\n= container job ended with 3\n```\n\
                        ```console\n$ drydock ps -aq | wc -l\n1\n```\n";

    #[test]
    fn a_chapter_that_says_what_is_so_has_no_mistakes() {
        assert_eq!(mistakes(GOOD), [""; 0]);
    }

    #[test]
    fn output_that_does_not_come_or_in_another_order_is_a_mistake() {
        assert!(mistakes(&GOOD.replace("\nx\ny\n", "\ny\nx\n"))[0].starts_with("line 2: "));
        assert!(mistakes(&GOOD.replace("\nx\ny\n", "\nx\nz\n"))[0].contains("does not print \"z\""));
    }

    #[test]
    fn another_end_and_another_state_are_mistakes() {
        assert!(mistakes(&GOOD.replace("[3]\n", ""))[0].contains("ends with 3, not 0"));
        assert_eq!(mistakes(&GOOD.replace("with 3\n", "with 4\n")).len(), 1);
    }

    #[test]
    fn a_line_that_never_ends_is_a_mistake_and_no_test_that_hangs() {
        let forever = [
            "$ drydock run -d --name web --health-cmd true --health-interval 20s nginx\n$ drydock wait web\n",
            "$ sh -c 'while :; do sleep 1; done'\n",
            "$ true\n$ drydock run --rm busybox sh -c 'while :; do :; done'\n",
        ];
        for lines in forever {
            let wrong = mistakes(&format!("```console\n{lines}$ echo never\nthere\n```\n"));
            assert_eq!(wrong.len(), 1, "{lines}: {wrong:?}");
            let at = lines.lines().count() + 1;
            assert!(wrong[0].starts_with(&format!("line {at}: ")) && wrong[0].contains("does not end"), "{wrong:?}");
        }
        assert_eq!(mistakes("```console\n$ sleep 3000\n$ sleep 3000\n```\n"), [""; 0]);
    }

    #[test]
    fn blocks_of_a_chapter_are_one_world_and_know_what_came_before() {
        let chapter = run(&blocks(GOOD).expect("blocks"), &Files::new(), &mut |_, _| Ok(())).expect("run");
        assert_eq!((chapter.blocks.len(), chapter.blocks[1].setup.len()), (2, 1));
        assert_eq!(chapter.blocks[1].typed[0].1.out, "1\n");
    }

    #[test]
    fn examples_are_on_the_host() {
        let text = "```console\n$ drydock build -q -t e book/examples/e && drydock run --rm e\nhello\n```\n";
        let examples = Files::from([
            ("/book/examples/e/Dockerfile".to_owned(), "FROM busybox\nCOPY f /f\nCMD [\"cat\",\"/f\"]\n".to_owned()),
            ("/book/examples/e/f".to_owned(), "hello\n".to_owned()),
        ]);
        let chapter = run(&blocks(text).expect("blocks"), &examples, &mut |_, _| Ok(())).expect("run");
        assert_eq!((chapter.mistakes, chapter.files.len()), (Vec::new(), 2));
    }
}
