//! The tree itself: what every source file is like, and that the table of clauses and the traits' law agree.

use drydock_conformance::{Area, clauses};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace.
fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn walk(dir: &Path, each: &mut dyn FnMut(&Path)) {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "target" || name.starts_with('.') || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            walk(&path, each);
        } else {
            each(&path);
        }
    }
}

/// Every Rust source of the workspace with its path below the top.
fn sources() -> Vec<(String, String)> {
    let top = top();
    let mut sources = Vec::new();
    walk(&top, &mut |path| {
        if path.extension().is_some_and(|e| e == "rs") {
            let name = path.strip_prefix(&top).unwrap().to_string_lossy().into_owned();
            sources.push((name, fs::read_to_string(path).unwrap()));
        }
    });
    assert!(sources.len() > 100, "the tree was found: {} files", sources.len());
    sources
}

fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> = sources().into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(name, _)| name).collect();
    none("files that do not open with `//!`", &silent);
}

#[test]
fn no_file_is_longer_than_800_lines() {
    let long: Vec<String> =
        sources().iter().filter(|(_, t)| t.lines().count() > 800).map(|(name, t)| format!("{name}: {}", t.lines().count())).collect();
    none("files that are too long", &long);
}

#[test]
fn nothing_is_left_to_be_written() {
    // In two parts, so that this file does not find itself.
    let marks = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("FIX", "ME"), concat!("XX", "X:")];
    let mut found = Vec::new();
    for (name, text) in sources() {
        for (number, line) in text.lines().enumerate().filter(|(_, l)| marks.iter().any(|m| l.contains(m))) {
            found.push(format!("{name}:{}: {}", number + 1, line.trim()));
        }
    }
    none("places left to be written", &found);
}

#[test]
fn nothing_names_a_place_on_one_machine() {
    let places = [concat!("/wo", "rk/"), concat!("/home/us", "er/"), concat!("/ro", "ot/repo"), concat!("/tmp/", "oracle")];
    let kinds = ["rs", "toml", "md", "sh", "yml", "yaml", "json", "html", ""];
    let (top, mut found) = (top(), Vec::new());
    walk(&top, &mut |path| {
        let kind = path.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default();
        if !kinds.contains(&kind.as_str()) {
            return;
        }
        let Ok(text) = fs::read_to_string(path) else { return };
        for (number, line) in text.lines().enumerate().filter(|(_, l)| places.iter().any(|p| l.contains(p))) {
            found.push(format!("{}:{}: {}", path.strip_prefix(&top).unwrap().display(), number + 1, line.trim()));
        }
    });
    none("places of one machine", &found);
}

/// The crates that a package depends on, as cargo resolves them for this machine.
fn dependencies(package: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = Command::new(cargo)
        .args(["tree", "--offline", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(top())
        .output()
        .unwrap();
    assert!(tree.status.success(), "cargo tree: {}", String::from_utf8_lossy(&tree.stderr));
    String::from_utf8(tree.stdout).unwrap().lines().filter_map(|l| l.split(' ').next().map(str::to_owned)).collect()
}

#[test]
fn core_needs_no_operating_system() {
    let system = [
        "libc",
        "nix",
        "rustix",
        "linux-raw-sys",
        "tokio",
        "mio",
        "async-std",
        "smol",
        "socket2",
        "windows-sys",
        "winapi",
        "getrandom",
        "rusqlite",
        "libsqlite3-sys",
        "caps",
        "cgroups-rs",
        "rtnetlink",
        "nftables",
        "libseccomp",
        "tempfile",
        "filetime",
        "tar",
    ];
    let has = dependencies("drydock-core");
    assert!(has.contains("drydock-core"), "the tree was read");
    let found: Vec<&str> = system.into_iter().filter(|c| has.contains(*c)).collect();
    assert!(found.is_empty(), "core depends on {found:?}");
    let ours: Vec<String> = has.into_iter().filter(|c| c.starts_with("drydock")).collect();
    assert_eq!(ours, ["drydock-core"], "core depends on no crate of ours");
}

#[test]
fn clause_ids_are_unique_and_in_order() {
    let all = clauses::all();
    assert!(all.len() >= 130, "{} clauses", all.len());
    let ids: BTreeSet<&str> = all.iter().map(|c| c.id).collect();
    assert_eq!(ids.len(), all.len(), "ids are unique");
    let order: Vec<(Area, String, u32)> = all
        .iter()
        .map(|c| {
            let area = Area::ALL.into_iter().find(|a| c.id.starts_with(a.prefix())).unwrap_or_else(|| panic!("{}: no area", c.id));
            let (topic, number) = c.id.rsplit_once('-').unwrap();
            (area, topic.to_owned(), number.parse().unwrap())
        })
        .collect();
    assert!(order.is_sorted(), "clauses stand by area, topic and number: {:?}", order.windows(2).find(|p| p[0] > p[1]));
    for clause in all {
        assert!(
            clause.sentence.ends_with('.') && clause.sentence.starts_with(char::is_alphanumeric) || clause.sentence.starts_with(['-', '/']),
            "{}: a sentence",
            clause.id
        );
        assert!(!clause.cites.is_empty(), "{}: where it stands", clause.id);
    }
}

/// The law in the doc comments of a file: clause ids with their sentences, wrapped lines put together.
fn law_in_docs(text: &str) -> Vec<(String, String)> {
    let mut law: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim_start) {
        let bullet = line
            .strip_prefix("/// - ")
            .and_then(|l| l.split_once(": "))
            .filter(|(id, _)| Area::ALL.iter().any(|a| id.starts_with(a.prefix())));
        if let Some((id, sentence)) = bullet {
            law.push((id.to_owned(), sentence.to_owned()));
            open = true;
        } else if let (true, Some(more), Some((_, sentence))) = (open, line.strip_prefix("///   "), law.last_mut()) {
            sentence.push(' ');
            sentence.push_str(more);
        } else {
            open = false;
        }
    }
    law
}

#[test]
fn the_law_in_the_traits_is_that_of_the_clauses() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, text) in sources().into_iter().filter(|(name, _)| name.starts_with("core/src")) {
        for (id, sentence) in law_in_docs(&text) {
            match clauses::find(&id) {
                None => wrong.push(format!("{name}: {id} is no clause")),
                Some(clause) if clause.sentence != sentence => {
                    wrong.push(format!("{name}: {id} says {sentence:?}, the clause {:?}", clause.sentence))
                }
                Some(_) => drop(seen.insert(id)),
            }
        }
    }
    none("law in the traits that is not the clauses'", &wrong);
    assert!(seen.len() >= 40, "the traits name {} clauses", seen.len());
    // The reverse: what a clause says stands in the documentation of a method must stand there.
    let cited: Vec<String> = clauses::all()
        .into_iter()
        .filter(|c| c.cites.contains("Drydock, Images::") && !seen.contains(c.id))
        .map(|c| c.id.to_owned())
        .collect();
    none("clauses that cite a method whose documentation does not name them", &cited);
}
