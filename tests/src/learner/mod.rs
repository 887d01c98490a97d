//! The judge of the Rust labs: a student's code takes the place of a part of Drydock, and the suite judges what comes of it.
//!
//! The code is reached by questions and answers in text ([`Asked`]), so that it may be a program of its own, in a process of its own. What it is asked
//! is what the part that it replaces is asked: the machine about every state and event, the plan of a process for what is wanted, the root of
//! a container for its layers. Clauses know nothing of it.

mod layers;
mod machine;
mod process;

use crate::clauses;
use crate::report::Verdict;
use crate::run::{Options, run_these};
use crate::target::sim::{Parts, SimTarget};
use crate::wrapped::Wrapped;
use drydock_core::container::lifecycle::Machine;
use drydock_core::{Error, ErrorKind, Result};
use drydock_lessons::rust::{Part, RustLab};
use layers::Stacking;
use machine::Table;
use process::Isolating;
use std::sync::Arc;

pub use machine::{LAWS, Law};

/// Somebody's code, which answers questions.
pub trait Asked: Send + Sync {
    /// The answer to a question, both in lines.
    ///
    /// # Errors
    /// There is none: the code has ended, or takes too long.
    fn ask(&self, question: &str) -> Result<String>;
}

impl<F: Fn(&str) -> Result<String> + Send + Sync> Asked for F {
    fn ask(&self, question: &str) -> Result<String> {
        self(question)
    }
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Its id.
    pub id: &'static str,
    /// What is to hold.
    pub sentence: String,
    /// Whether it does.
    pub holds: bool,
    /// Why not.
    pub reason: String,
}

/// An answer that cannot be read.
fn unreadable(line: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("your code answers what nobody asked: {}", line.escape_debug()))
}

/// Judges code by the checks of a lab, those in `only` if there are any; `each` hears of every verdict at once.
///
/// # Errors
/// The code could not be asked, or a host could not be made.
pub fn judge(lab: &RustLab, asked: &Arc<dyn Asked>, seed: u64, only: &[&str], each: &mut dyn FnMut(&Judged)) -> Result<Vec<Judged>> {
    let mut all = Vec::new();
    let mut take = |judged: Judged| {
        each(&judged);
        all.push(judged);
    };
    let wanted = || lab.checks.iter().map(|check| check.id).filter(|id| only.is_empty() || only.contains(id));
    let mut machine = None;
    if lab.replaces == Part::Machine {
        let table = Arc::new(Table::of(&**asked)?);
        // An engine waits for the end of what a machine loses, or lets go while it lives: for ever, or nearly.
        let mut loses = false;
        for law in LAWS {
            let (id, found) = (law.id, (law.holds)(&*table));
            loses |= matches!(id, "MACHINE-1" | "MACHINE-7") && found.is_err();
            if wanted().any(|wanted| wanted == id) {
                let reason = found.as_ref().err().cloned().unwrap_or_default();
                take(Judged { id, sentence: law.sentence.to_owned(), holds: found.is_ok(), reason });
            }
        }
        if loses {
            return Ok(all);
        }
        machine = Some(table as Arc<dyn Machine>);
    }
    let mut target = SimTarget::broken(seed, {
        let (asked, part) = (Arc::clone(asked), lab.replaces);
        move |parts: Parts| match part {
            Part::Machine => Parts { machine: machine.clone().unwrap_or(parts.machine), ..parts },
            Part::Launch => Parts { kernel: Arc::new(Wrapped { kernel: parts.kernel, between: Isolating(Arc::clone(&asked)) }), ..parts },
            Part::Layers => {
                Parts { kernel: Arc::new(Wrapped { kernel: parts.kernel, between: Stacking::new(Arc::clone(&asked)) }), ..parts }
            }
        }
    });
    // One after the other, in the lab's order: what a student reads first is what comes first.
    for (id, clause) in wanted().filter_map(|id| clauses::find(id).map(|clause| (id, clause))) {
        let report = run_these(&[clause], &mut target, &Options { seed, ..Options::default() }, &mut |_| {});
        let report = report.map_err(|what| Error::new(ErrorKind::System, what))?;
        for came in report.clauses {
            take(Judged { id, sentence: came.sentence, holds: came.verdict == Verdict::Pass, reason: came.reason });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_lessons::rust::RUST_LABS;

    #[test]
    fn every_check_is_a_clause_or_a_law() {
        for check in RUST_LABS.iter().flat_map(|lab| lab.checks) {
            let law = LAWS.iter().any(|law| law.id == check.id);
            assert!(law || clauses::find(check.id).is_some(), "{} is neither", check.id);
        }
    }

    #[test]
    fn every_solution_passes() {
        for lab in RUST_LABS {
            let answer = lab.answer;
            let asked: Arc<dyn Asked> = Arc::new(move |question: &str| Ok(answer(question)));
            let judged = judge(lab, &asked, 1, &[], &mut |_| {}).unwrap();
            let wrong: Vec<&Judged> = judged.iter().filter(|j| !j.holds).collect();
            assert!(
                wrong.is_empty() && judged.len() == lab.checks.len(),
                "{}: {} of {}: {wrong:?}",
                lab.id,
                judged.len(),
                lab.checks.len()
            );
        }
    }

    #[test]
    fn code_that_answers_nothing_passes_nothing() {
        for lab in RUST_LABS {
            let asked: Arc<dyn Asked> = Arc::new(|_: &str| Ok(String::new()));
            let judged = judge(lab, &asked, 1, &[], &mut |_| {});
            assert!(judged.is_err() || judged.is_ok_and(|all| all.iter().any(|j| !j.holds)), "{}", lab.id);
        }
    }
}
