//! Tables that say what checks what: attacks, promises, bad input. The book prints them.

use serde::Deserialize;
use std::fmt::Write as _;

/// One row: something that must not happen, or must, and what shows that it is so.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Stable; scripts name it.
    pub id: String,
    /// What it is called, with CVEs.
    pub about: String,
    /// What somebody did, in a sentence; of a promise nothing.
    #[serde(default)]
    pub attack: String,
    /// What stops it, or what is promised.
    pub law: String,
    /// Ids of clauses that check it.
    #[serde(default)]
    pub clauses: Vec<String>,
    /// Scripts below `tests/`.
    #[serde(default)]
    pub scripts: Vec<String>,
    /// `path::function`; a path with nothing behind the colons is a whole file of tests.
    #[serde(default)]
    pub tests: Vec<String>,
    /// Where the same check was seen to fail.
    #[serde(default)]
    pub bites: String,
    /// What is not checked, and why.
    #[serde(default)]
    pub open: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    row: Vec<Row>,
}

/// The attacks.
pub fn attacks() -> Result<Vec<Row>, String> {
    parse("attacks.toml", include_str!("../attacks.toml"))
}

/// The promises, and the bad input.
pub fn promises() -> Result<Vec<Row>, String> {
    parse("promises.toml", include_str!("../promises.toml"))
}

fn parse(name: &str, text: &str) -> Result<Vec<Row>, String> {
    toml::from_str::<Table>(text).map(|t| t.row).map_err(|e| format!("{name}: {e}"))
}

/// A table's rows as a page of the book, under its head.
pub fn page(head: &str, rows: &[Row]) -> String {
    let mut page = format!("{}\n", head.trim_end());
    for row in rows {
        let _ = write!(page, "\n## {}: {}\n\n", row.id, row.about);
        if !row.attack.is_empty() {
            let _ = writeln!(page, "{}\n", row.attack);
        }
        let _ = writeln!(page, "{}", row.law);
        let code = |names: &[String]| names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
        let scripts: Vec<String> = row.scripts.iter().map(|s| format!("tests/{s}")).collect();
        let tests: Vec<String> = row.tests.iter().map(|t| t.trim_end_matches("::").to_owned()).collect();
        let checked: Vec<String> = [code(&row.clauses), code(&scripts), code(&tests)].into_iter().filter(|c| !c.is_empty()).collect();
        if !checked.is_empty() {
            let _ = writeln!(page, "\nChecked by {}.", checked.join(", "));
        }
        if !row.bites.is_empty() {
            let _ = writeln!(page, "\nThe check was seen to fail on {}.", row.bites);
        }
        if !row.open.is_empty() {
            let _ = writeln!(page, "\nNot checked: {}.", row.open);
        }
    }
    page
}
