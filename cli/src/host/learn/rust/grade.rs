//! Hand-ins of Rust labs: `src/lab.rs` of a student, built once more with the files that are given, and judged.
//!
//! It is somebody else's code. What a lab needs is arithmetic over its own words and std's collections, so nothing else is compiled: no other path
//! into std, no unsafe code, no attribute, no macro that reads a file. What is left can compute and print; it runs with little memory and time.

use super::program::Program;
use super::project::{Built, Project};
use super::{find, seed};
use crate::host::scratch::Scratch;
use drydock_conformance::learner::{Asked, Judged, judge};
use drydock_core::{Error, Result};
use std::sync::Arc;

/// Words that a hand-in has no use for, and by which code reaches beyond itself.
const REFUSED: [&str; 13] = [
    "alloc",
    "asm",
    "core",
    "crate",
    "env",
    "extern",
    "global_asm",
    "include",
    "include_bytes",
    "include_str",
    "macro_rules",
    "mod",
    "option_env",
];

/// A hand-in that was judged.
pub(in crate::host::learn) struct Graded {
    pub lab: String,
    pub student: String,
    pub checks: Vec<Judged>,
}

/// Builds and judges a hand-in.
///
/// # Errors
/// Why it is refused.
pub(in crate::host::learn) fn grade(text: &str) -> Result<Graded> {
    let ticket = text.lines().next().and_then(|line| line.strip_prefix("// drydock learn: "));
    let ticket = ticket.ok_or_else(|| Error::invalid("its first line does not say which lab it is for"))?;
    let (id, student) = ticket.split_once(' ').unwrap_or((ticket, ""));
    let lab = find(id).ok_or_else(|| Error::invalid(format!("there is no Rust lab {}", id.escape_debug())))?;
    if let Some(word) = reaches_out(text) {
        return Err(Error::invalid(format!("it says '{word}', which no solution needs: it is not compiled")));
    }
    let scratch = Scratch::new("hand-in")?;
    let project = Project::at(lab, scratch.path().to_owned());
    project.write_lab(text)?;
    let path = match project.build(true)? {
        Built::Program(path) => path,
        Built::Not(said) => {
            let first = said.lines().find(|line| line.starts_with("error")).unwrap_or("error").to_owned();
            return Err(Error::invalid(format!("it does not compile: {first}")));
        }
    };
    let asked: Arc<dyn Asked> = Arc::new(Program::start(&path, true)?);
    let mut checks = judge(lab, &asked, seed(lab, student), &[], &mut |_| {})?;
    for missing in lab.checks.iter().filter(|check| !checks.iter().any(|j| j.id == check.id)).map(|check| check.id).collect::<Vec<_>>() {
        checks.push(Judged {
            id: missing,
            sentence: String::new(),
            holds: false,
            reason: "not judged: what comes before does not hold".to_owned(),
        });
    }
    Ok(Graded { lab: lab.id.to_owned(), student: student.to_owned(), checks })
}

/// The first word by which a source could reach beyond itself. Remarks and texts count too: where those end is for a compiler to say.
fn reaches_out(text: &str) -> Option<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if let Some(at) = text.find('#') {
        return text.get(at..=at);
    }
    let mut rest = text;
    while let Some(at) = rest.find(is_word) {
        rest = rest.get(at..).unwrap_or_default();
        let (word, after) = rest.split_at(rest.find(|c: char| !is_word(c)).unwrap_or(rest.len()));
        let beyond = word == "std" && !after.starts_with("::collections::");
        if beyond || word == "unsafe" || REFUSED.contains(&word) {
            return Some(word);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::reaches_out;
    use drydock_lessons::rust::{Cut, RUST_LABS};

    #[test]
    fn what_reaches_out_is_refused() {
        for text in [
            "use std::fs;",
            "let x = std :: process::id();",
            "extern \"C\" {}",
            "const X: &str = include_str!(\"/etc/passwd\");",
            "use r#std as other;",
            "unsafe {}",
            "let x = \"//\"; unsafe {}",
            "#![feature(x)]",
            "#[path = \"/x\"] mod other;",
            "use crate::x; use core::fmt;",
        ] {
            assert!(reaches_out(text).is_some(), "{text}");
        }
    }

    #[test]
    fn no_starter_and_no_solution_is_refused() {
        for lab in RUST_LABS {
            for what in [Cut::Starter, Cut::Solution] {
                assert_eq!(reaches_out(&lab.cut(what).unwrap()), None, "{}", lab.id);
            }
        }
        assert_eq!(reaches_out("use std::collections::BTreeMap;"), None);
    }
}
