//! The book's commands run: `drydock book test` types every block of every page into a simulated host, one world a page, and what the page
//! shows of the output is there. And the commands around that: what is wrong is told, what was built is served.
//!
//! A block that no page can run is counted, so that marking one is a decision somebody sees.

use drydock::book::block::{Item, Place, blocks};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Blocks for Linux only, for the program itself, and for nobody, in the whole book.
const NOT_LIVE: [usize; 3] = [6, 3, 2];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> =
        std::fs::read_dir(top().join("book/src")).expect("the book").map(|e| e.expect("an entry").path()).collect();
    pages.retain(|page| page.extension().is_some_and(|e| e == "md"));
    pages.sort();
    pages
}

fn drydock(words: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drydock"));
    command.args(words).current_dir(top()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("runs");
    // A command that reads nothing may have ended already.
    let _ = child.stdin.take().expect("input").write_all(input.as_bytes());
    child.wait_with_output().expect("ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_block_of_the_book_does_what_it_says_on_the_simulated_host() {
    let output = drydock(&["book", "test"], "");
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    let last = said.lines().last().expect("a sum");
    let (blocks, _) = last.split_once(" blocks, ").expect("a sum");
    assert!(blocks.parse::<usize>().expect("a number") >= 80, "{last}");
}

#[test]
fn a_block_that_is_not_as_it_says_is_told_with_its_line() {
    let book = Book::new("wrong", "# T\n\n```console\n$ drydock run --rm busybox echo hello\nhallo\n= containers 1\n```\n");
    let output = drydock(&["book", "test", "--book", book.path()], "");
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("t.md: line 4: `drydock run --rm busybox echo hello` does not print \"hallo\""), "{said}");
    assert!(said.contains("t.md: line 6: it is not so that containers 1: "), "{said}");
    assert_eq!(text(&output.stderr), "drydock: 2 lines are not as written\n");
}

#[test]
fn the_preprocessor_puts_in_what_blocks_do_and_fails_where_one_does_something_else() {
    assert_eq!(drydock(&["book", "preprocess", "supports", "html"], "").status.code(), Some(0));
    assert_eq!(drydock(&["book", "preprocess", "supports", "epub"], "").status.code(), Some(1));
    let book = |shown: &str| {
        let content = format!("# T\n\n```console\n$ drydock run --rm busybox echo hello\n{shown}\n```\n");
        let chapter = serde_json::json!({"Chapter": {"name": "T", "content": content, "sub_items": [], "source_path": "t.md"}});
        serde_json::json!([{"root": "/nowhere", "renderer": "html"}, {"items": [chapter]}]).to_string()
    };
    let output = drydock(&["book", "preprocess"], &book("hello"));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let done: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let page = done["items"][0]["Chapter"]["content"].as_str().expect("text");
    assert!(page.contains("<kbd>drydock run --rm busybox echo hello</kbd>&#10;hello&#10;"), "{page}");
    let output = drydock(&["book", "preprocess"], &book("hallo"));
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()));
    assert!(text(&output.stderr).starts_with("t.md: line 4: "), "{}", text(&output.stderr));
    let marked = book("hello").replace("# T", "# T\\n\\n<!-- contract -->");
    assert!(text(&drydock(&["book", "preprocess"], &marked).stdout).contains("CTR-CMD-1</code>"));
    assert_eq!(drydock(&["book", "preprocess"], "no book").status.code(), Some(1));
}

#[test]
fn mistakes_on_the_command_line_are_told() {
    let said = |words: &[&str]| {
        let output = drydock(words, "");
        (output.status.code(), text(&output.stderr).lines().next().unwrap_or_default().to_owned())
    };
    assert_eq!(said(&["book", "test", "nosuch"]).0, Some(1));
    assert!(said(&["book", "test", "nosuch"]).1.starts_with("drydock: there is no chapter nosuch in "));
    assert!(said(&["book", "build", "/nowhere"]).1.starts_with("drydock: there is no book.toml in /nowhere"));
    assert!(said(&["book", "serve", "--out", "/nowhere"]).1.starts_with("drydock: there is no built book in /nowhere"));
    assert_eq!(said(&["book", "test", "--host", "moon"]).0, Some(125));
    assert_eq!(said(&["book"]).0, Some(125));
    assert_eq!(said(&["book", "--help"]).0, Some(0));
}

/// A book of one chapter, `t`.
struct Book(PathBuf);

impl Book {
    fn new(name: &str, chapter: &str) -> Self {
        let path = std::env::temp_dir().join(format!("drydock-a-book-{}-{name}", std::process::id()));
        std::fs::create_dir_all(path.join("src")).expect("a directory");
        for (file, text) in [("book.toml", "[book]\n"), ("src/SUMMARY.md", "# Summary\n\n- [T](t.md)\n"), ("src/t.md", chapter)] {
            std::fs::write(path.join(file), text).expect("written");
        }
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_translation_is_held_to_its_original() {
    let output = drydock(&["book", "sync"], "");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), String::new()), "what was translated has changed since");
    let book = Book::new("translated", "# T\n\nA layer.\n\n```console\n$ drydock run --rm busybox echo hello\nhello\n```\n");
    let zh = book.0.join("zh");
    std::fs::create_dir_all(&zh).expect("a directory");
    let write = |file: &str, text: &str| std::fs::write(book.0.join(file), text).expect("written");
    write("zh/t.md", "# 题 {#t}\n\n一个层。\n\n{{block}}\n");
    write("zh/glossary.md", "# 术语 {#glossary}\n\n| English | 中文 | 不用 |\n| --- | --- | --- |\n| layer | 层 | 图层 |\n");
    let sync = |words: &[&str]| {
        let output = drydock(&[&["book", "sync", "--book", book.path()], words].concat(), "");
        (output.status.code(), text(&output.stdout))
    };
    let test = || {
        let output = drydock(&["book", "test", "--book", book.path()], "");
        (output.status.code(), text(&output.stdout))
    };
    let (code, said) = sync(&[]);
    assert!(code == Some(1) && said.starts_with("src/t.md:1: 'T' has changed since it was translated\n\n# T\n\nA layer."), "{said}");
    assert!(test().1.contains("zh/t.md: line 1: Changed: the section 'T' of the original"));
    assert_eq!(sync(&["--mark"]).0, Some(125));
    assert_eq!(sync(&["--mark", "nosuch"]).0, Some(1));
    assert_eq!((sync(&["--mark", "t"]), test().0), ((Some(0), String::new()), Some(0)));
    write("src/t.md", "# T\n\nTwo layers.\n\n```console\n$ drydock run --rm busybox echo hello\nhello\n```\n");
    assert_eq!((sync(&[]).0, test().0), (Some(1), Some(1)));
    write("zh/t.md", "# 题 {#t}\n\n两个图层,不对\n");
    sync(&["--mark", "t"]);
    let said = test().1;
    for what in ["line 4: 图层: the glossary says 层", "line 4: narrow punctuation in Chinese", "1 blocks of the original are missing"] {
        assert!(said.contains(what), "{said}");
    }
}

#[test]
fn a_built_book_is_served_to_this_machine() {
    let book = Book::new("served", "");
    let out = book.0.join("book");
    std::fs::create_dir_all(&out).expect("a directory");
    std::fs::write(out.join("index.html"), "<p>a book").expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_drydock"));
    let mut server = command.args(["book", "serve", "--port", "0", book.path()]).stdout(Stdio::piped()).spawn().expect("runs");
    let mut address = String::new();
    BufReader::new(server.stdout.take().expect("output")).read_line(&mut address).expect("an address");
    let address = address.trim().strip_prefix("http://").and_then(|a| a.strip_suffix('/')).expect("an address").to_owned();
    let get = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&address).expect("connected");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    };
    let index = get("/");
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    assert!(index.starts_with("HTTP/1.1 200") && index.contains("content-type: text/html") && index.ends_with("<p>a book"), "{index}");
    assert!(get("/nothing.html").starts_with("HTTP/1.1 404"));
    // What is beside the built book is not in it.
    assert!(out.join("../book.toml").is_file());
    assert!(!get("/../book.toml").starts_with("HTTP/1.1 200") && !get("/%2e%2e/book.toml").starts_with("HTTP/1.1 200"));
    server.kill().expect("ended");
    server.wait().expect("ended");
}

#[test]
fn what_no_page_can_run_is_counted() {
    let read = |page: &PathBuf| blocks(&std::fs::read_to_string(page).expect("a page")).expect("blocks");
    let places: Vec<Place> = pages().iter().flat_map(read).map(|block| block.place).collect();
    let count = |place| places.iter().filter(|found| **found == place).count();
    assert_eq!([Place::Linux, Place::Program, Place::Shown].map(count), NOT_LIVE);
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = std::fs::read_to_string(top().join("book/src/SUMMARY.md")).expect("the summary");
    for page in pages() {
        let name = page.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(name == "SUMMARY.md" || summary.contains(&format!("({name})")), "{name} is not in the summary");
    }
}

#[test]
fn the_page_of_what_is_not_modelled_is_the_simulators_own_list() {
    let page = std::fs::read_to_string(top().join("book/src/not-modelled.md")).expect("the page");
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
    println!("{}", list.join("\n"));
    insta::assert_snapshot!(list.join("\n"));
}

/// What a lesson is made of, in this order.
const PARTS: [&str; 9] = ["Predict", "Type", "See", "Explain", "Check", "Break", "Repair", "On real Linux", "What older texts said"];

/// Which lesson of the curriculum a chapter is: its part's letter and its number.
fn lesson(text: &str) -> Option<(char, u32)> {
    let id = text.lines().find_map(|line| line.strip_prefix("<!-- lesson ")?.strip_suffix(" -->"))?;
    let part = id.chars().next()?;
    Some((part, id.strip_prefix(part)?.parse().ok()?))
}

#[test]
fn a_lesson_has_all_its_parts_and_its_place() {
    let mut found = Vec::new();
    let summary = std::fs::read_to_string(top().join("book/src/SUMMARY.md")).expect("the summary");
    for line in summary.lines() {
        let Some((_, page)) = line.trim_end_matches(')').split_once("](") else { continue };
        let text = std::fs::read_to_string(top().join("book/src").join(page)).unwrap_or_else(|e| panic!("{page}: {e}"));
        let Some(id) = lesson(&text) else {
            assert!(carried(&text).is_empty(), "{page}: it carries rows and is no lesson");
            continue;
        };
        let parts: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(parts, PARTS, "{page}");
        assert!(!carried(&text).is_empty(), "{page}: it carries nothing");
        let blocks = blocks(&text).expect("blocks");
        let checks = blocks.iter().flat_map(|block| &block.items).filter(|item| matches!(item, Item::Check { .. })).count();
        assert!(checks >= 4, "{page}: {checks} predicates");
        // What is broken, and what is repaired, is shown by commands.
        for part in ["Type", "Break", "Repair"] {
            let own = text.split(&format!("\n## {part}\n")).nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
            assert!(own.contains("```console"), "{page}: no command in '{part}'");
        }
        found.push(id);
    }
    assert!(found.is_sorted(), "lessons are in the order of the curriculum: {found:?}");
    let wanted = (3..=12).chain([17, 20]).map(|n| ('A', n)).chain([('B', 1), ('B', 2), ('B', 9), ('C', 1)]);
    let wanted: Vec<(char, u32)> = std::iter::once(('A', 1)).chain(wanted).collect();
    assert_eq!(found, wanted);
}

#[test]
fn every_lab_has_a_lesson_that_names_it() {
    for (id, _) in drydock_lessons::LABS {
        let lab = drydock_lessons::find(id, "").expect("read").expect("there");
        let page = top().join("book/src").join(&lab.page);
        let text = std::fs::read_to_string(&page).unwrap_or_else(|e| panic!("{}: {e}", page.display()));
        assert!(text.contains(&format!("drydock learn start {id}")), "{}: it does not name its lab", lab.page);
        // A page of reference may have a lab too, until there is a lesson.
        assert!(lesson(&text).is_some() || !text.contains("\n## Predict\n"), "{}: it is no lesson", lab.page);
    }
}

#[test]
fn every_rust_lab_has_a_page_that_names_it() {
    for lab in drydock_lessons::rust::RUST_LABS {
        let text = std::fs::read_to_string(top().join("book/src").join(lab.page)).unwrap_or_else(|e| panic!("{}: {e}", lab.page));
        assert!(text.contains(&format!("drydock learn start {}", lab.id)), "{}: it does not name {}", lab.page, lab.id);
    }
}

/// What is wrong with the Rust of a page: a block of it is one line that takes an anchor of a compiled file, and nothing else.
fn pasted(page: &str, folder: &std::path::Path) -> Vec<String> {
    let (mut wrong, mut inside) = (Vec::new(), false);
    for (number, line) in page.lines().enumerate() {
        let mut say = |what: &str| wrong.push(format!("line {}: {what}", number + 1));
        match line.trim_start().strip_prefix("```") {
            Some(word) if !inside => inside = word.split([',', ' ']).next() == Some("rust"),
            Some(_) => inside = false,
            None if !inside => {}
            None => {
                let taken =
                    line.trim().strip_prefix("{{#include ").and_then(|rest| rest.strip_suffix("}}")).and_then(|rest| rest.rsplit_once(':'));
                let Some((path, anchor)) = taken else {
                    say("this is pasted, and not taken from a compiled file by its anchor");
                    continue;
                };
                let source = std::fs::read_to_string(folder.join(path)).unwrap_or_default();
                if !path.ends_with(".rs")
                    || !source.contains(&format!("// ANCHOR: {anchor}\n"))
                    || !source.contains(&format!("// ANCHOR_END: {anchor}\n"))
                {
                    say("there is no such anchor in a file of Rust");
                }
            }
        }
    }
    wrong
}

#[test]
fn rust_in_the_book_is_taken_from_compiled_files() {
    let folder = top().join("book/src");
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("a page");
        assert_eq!(pasted(&text, &folder), Vec::<String>::new(), "{}", page.display());
    }
}

#[test]
fn pasted_rust_is_seen() {
    let folder = top().join("book/src");
    let fence = |inside: &str| format!("text\n\n```rust,noplayground\n{inside}\n```\n");
    assert_eq!(pasted(&fence("fn main() {}"), &folder).len(), 1);
    assert_eq!(pasted(&fence("{{#include ../../core/src/container/lifecycle.rs:nothing}}"), &folder).len(), 1);
    assert_eq!(pasted(&fence("{{#include ../../core/src/container/lifecycle.rs:machine}}"), &folder).len(), 0);
    assert_eq!(pasted("```text\nfn main() {}\n```\n", &folder).len(), 0);
}
