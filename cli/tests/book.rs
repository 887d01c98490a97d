//! The book's commands run: every `console` block of every page is typed into a simulated host, one world a page, and what the page
//! shows of the output is there.
//!
//! A block marked `console linux` needs this machine's own kernel or files and is not typed here; the last test counts those, so that
//! marking one is a decision somebody sees.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Blocks marked `console linux`, in the whole book.
const ON_LINUX_ONLY: usize = 5;

struct Block {
    linux: bool,
    lines: Vec<String>,
}

fn pages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src");
    let mut pages: Vec<PathBuf> = std::fs::read_dir(folder).expect("the book").map(|e| e.expect("an entry").path()).collect();
    pages.retain(|page| page.extension().is_some_and(|e| e == "md"));
    pages.sort();
    pages
}

fn blocks(page: &Path) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in std::fs::read_to_string(page).expect("a page").lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some(Block { linux: info.trim() == "console linux", lines: vec![info.trim().to_owned()] }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: a block does not end", page.display());
    blocks.retain(|block| block.lines.first().is_some_and(|info| info.starts_with("console")));
    blocks
}

/// A command and the lines that the page shows below it.
fn commands(block: &Block) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in block.lines.iter().skip(1) {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
            (None, Some((_, shown))) => shown.push(line.clone()),
            (None, None) => panic!("output before any command: {line}"),
        }
    }
    commands
}

#[test]
fn every_command_of_the_book_runs_on_the_simulated_host() {
    let mut run = 0;
    for page in pages() {
        let world =
            std::env::temp_dir().join(format!("drydock-book-{}-{}", std::process::id(), page.file_stem().unwrap().to_str().unwrap()));
        for (command, shown) in blocks(&page).iter().filter(|b| !b.linux).flat_map(commands) {
            let Some(rest) = command.strip_prefix("drydock ") else {
                // Commands of the machine around it: `curl`, `export`, the scripts of a lesson.
                continue;
            };
            // The shell that a person types into takes the words apart.
            let output = Command::new("sh")
                .args(["-c", &format!("\"$DRYDOCK\" {rest}")])
                .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
                .env("DRYDOCK", env!("CARGO_BIN_EXE_drydock"))
                .env("DRYDOCK_HOST", format!("sim:{}", world.display()))
                .output()
                .expect("runs");
            let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{}: `{command}` ended with {}: {err}", page.display(), output.status);
            for line in shown.iter().filter(|l| !l.is_empty()) {
                assert!(out.lines().any(|l| l == line), "{}: `{command}` does not print {line:?} but:\n{out}", page.display());
            }
            run += 1;
        }
        let _ = std::fs::remove_file(world);
    }
    assert!(run >= 10, "only {run} commands were found in the book");
}

#[test]
fn what_only_linux_can_run_is_counted() {
    let count = pages().iter().flat_map(|page| blocks(page)).filter(|block| block.linux).count();
    assert_eq!(count, ON_LINUX_ONLY);
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src/SUMMARY.md")).expect("the summary");
    for page in pages() {
        let name = page.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(name == "SUMMARY.md" || summary.contains(&format!("({name})")), "{name} is not in the summary");
    }
}

#[test]
fn the_page_of_what_is_not_modelled_is_the_simulators_own_list() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src/not-modelled.md")).expect("the page");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    let gaps: Vec<String> = drydock_sim::gaps::GAPS.iter().map(|(what, then)| format!("| {what} | {then} |")).collect();
    assert_eq!(rows, gaps);
}

/// The rows that a chapter says it carries: S is what the old lessons show, W what they have wrong.
fn carried(text: &str) -> Vec<String> {
    let comment = text.lines().find_map(|line| line.strip_prefix("<!-- carries ")?.strip_suffix(" -->"));
    comment.map(|rows| rows.split_whitespace().map(str::to_owned).collect()).unwrap_or_default()
}

#[test]
fn what_each_chapter_carries_is_a_list() {
    let mut list = Vec::new();
    for page in pages() {
        let rows = carried(&std::fs::read_to_string(&page).expect("a page"));
        for row in &rows {
            let known = row.split_once('-').is_some_and(|(kind, n)| {
                let last = if kind == "S" { 330 } else { 76 };
                ["S", "W"].contains(&kind) && n.parse::<u32>().is_ok_and(|n| (1..=last).contains(&n))
            });
            assert!(known, "{}: {row} is no row", page.display());
        }
        assert!(rows.is_sorted(), "{}: rows in order", page.display());
        if !rows.is_empty() {
            list.push(format!("{}: {}", page.file_name().expect("a name").to_string_lossy(), rows.join(" ")));
        }
    }
    insta::assert_snapshot!(list.join("\n"));
}

#[test]
fn every_lab_has_a_chapter_that_names_it_and_has_all_its_parts() {
    for (id, _) in drydock_lessons::LABS {
        let lab = drydock_lessons::find(id, "").expect("read").expect("there");
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src").join(&lab.page);
        let text = std::fs::read_to_string(&page).unwrap_or_else(|e| panic!("{}: {e}", page.display()));
        assert!(text.contains(&format!("drydock learn start {id}")), "{}: it does not name its lab", lab.page);
        for part in ["Predict", "Type", "See", "Check", "Break", "Repair", "On real Linux", "What older texts said"] {
            assert!(text.contains(&format!("\n## {part}\n")), "{}: there is no part '{part}'", lab.page);
        }
        assert!(!carried(&text).is_empty(), "{}: it carries nothing", lab.page);
    }
}
