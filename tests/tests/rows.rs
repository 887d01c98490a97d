//! The tables of attacks and promises: what they name is there, and the book's pages are what they say.
//!
//! With UPDATE=1 the pages are written anew.

use drydock_conformance::divergence::register;
use drydock_conformance::rows::{Row, attacks, page, promises};
use drydock_conformance::{clauses, differences};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn all() -> Vec<Row> {
    attacks().unwrap().into_iter().chain(promises().unwrap()).collect()
}

#[test]
fn what_a_row_names_is_there() {
    let mut wrong = Vec::new();
    for row in all() {
        for id in row.clauses.iter().filter(|id| clauses::find(id).is_none()) {
            wrong.push(format!("{}: there is no clause {id}", row.id));
        }
        for script in &row.scripts {
            let path = top().join("tests").join(script);
            let runs = fs::metadata(&path).is_ok_and(|m| m.permissions().mode() & 0o111 != 0);
            if !runs {
                wrong.push(format!("{}: tests/{script} is not there, or cannot be run", row.id));
            }
        }
        for test in &row.tests {
            let (path, function) = test.split_once("::").unwrap();
            let text = fs::read_to_string(top().join(path)).unwrap_or_default();
            if !(text.contains("#[test]") && text.contains(&format!("fn {function}"))) {
                wrong.push(format!("{}: there is no test {test}", row.id));
            }
        }
        if row.clauses.is_empty() && row.scripts.is_empty() && row.tests.is_empty() && row.open.is_empty() {
            wrong.push(format!("{}: nothing checks it, and nothing says so", row.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_security_clause_belongs_to_an_attack() {
    let named: BTreeSet<String> = all().into_iter().flat_map(|row| row.clauses).collect();
    let left: Vec<&str> = clauses::all().into_iter().map(|c| c.id).filter(|id| id.starts_with("SEC-") && !named.contains(*id)).collect();
    assert!(left.is_empty(), "no row names {left:?}");
}

#[test]
fn rows_are_unique_and_in_order() {
    for table in [attacks().unwrap(), promises().unwrap()] {
        let ids: Vec<(u8, u32)> = table.iter().map(|r| (if r.id.starts_with('R') { 0 } else { 1 }, r.id[1..].parse().unwrap())).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    }
}

const ATTACKS: &str = "\
# Attacks and what stops them

Container engines have been broken out of, read, and led astray in public; each time somebody wrote down how. This page lists what
concerns an engine like this one, what stops it in Drydock, and what tries it again whenever Drydock is tested. Clauses run on the
simulator and on Linux (`drydock conform --filter SEC`); scripts need a real kernel and root. The page is printed from
`tests/attacks.toml`, and a test holds that everything it names is there.

One rule carries most of it: what comes from an image, a registry or a container is hostile, and no path of theirs is resolved twice.
The kernel resolves it once, inside the container's root, and everything after that goes by descriptor.
";

const PROMISES: &str = "\
# What is promised, and what checks it

Rows that begin with R are about failures: processes killed, disks full, power gone. Rows that begin with B are about bad input.
Every script of the root lane ends by looking for what it left, with the system's own tools and with `drydock doctor`.
The page is printed from `tests/promises.toml`.
";

#[test]
fn what_is_known_to_differ_is_about_clauses() {
    let wrong: Vec<String> = register().unwrap().iter().flat_map(|d| d.ids().map(str::to_owned).collect::<Vec<_>>()).collect();
    let wrong: Vec<&String> = wrong.iter().filter(|id| clauses::find(id).is_none()).collect();
    assert!(wrong.is_empty(), "no clauses: {wrong:?}");
}

#[test]
fn the_book_prints_the_tables() {
    let pages = [
        ("attacks.md", page(ATTACKS, &attacks().unwrap())),
        ("promises.md", page(PROMISES, &promises().unwrap())),
        ("differences.md", differences::page(&register().unwrap())),
    ];
    for (file, wanted) in pages {
        let path = top().join("book/src").join(file);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &wanted).unwrap();
        }
        let is = fs::read_to_string(&path).unwrap_or_default();
        assert!(is == wanted, "{file} is not what the table says: run this test with UPDATE=1");
        assert!(fs::read_to_string(top().join("book/src/SUMMARY.md")).unwrap().contains(file), "{file} is not in the book's contents");
    }
}
