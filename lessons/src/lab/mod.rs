//! Labs: what somebody is to bring about, how it is checked, what helps, and what to break afterwards.

mod parse;
mod vary;

use crate::predicate::{Predicate, Verdict};
use drydock_core::Result;
use drydock_core::engine::Engine;

/// A mistake in a lab's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1 on.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// What all chance in a lab comes from, for a student.
pub fn seed(lab: &str, student: &str) -> u64 {
    vary::seed(lab, student)
}

/// A lab, for one student.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lab {
    /// A word: `process`.
    pub id: String,
    /// Its place in the curriculum: `A1`.
    pub chapter: String,
    /// What it is called.
    pub title: String,
    /// The page of the book, below `book/src`.
    pub page: String,
    /// How long it takes, in minutes.
    pub minutes: u32,
    /// What to bring about, in sentences.
    pub goal: Vec<String>,
    /// Command lines that make the host what the lab begins with.
    pub start: Vec<String>,
    /// The way to the goal.
    pub steps: Vec<Step>,
    /// What goes wrong at times.
    pub slips: Vec<Slip>,
    /// Command lines that reach the goal: one way of many.
    pub solution: Vec<String>,
    /// What to break, once the goal is reached.
    pub breaks: Vec<Break>,
    /// What the goal was about, told afterwards.
    pub after: Vec<String>,
    /// What chance chose for this student: keys and values.
    pub chosen: Vec<(String, String)>,
}

/// A part of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is called.
    pub title: String,
    /// What to do, in sentences.
    pub text: Vec<String>,
    /// What is so when it is done.
    pub checks: Vec<Check>,
}

/// A predicate, and what helps whoever has not brought it about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is to be so.
    pub predicate: Predicate,
    /// Hints, the smallest first.
    pub hints: Vec<String>,
}

/// Something that leaves the lab open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slip {
    /// What it is called.
    pub title: String,
    /// Command lines, from the start on.
    pub commands: Vec<String>,
}

/// Something to break, and its repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// A word.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// What to watch, in sentences.
    pub text: Vec<String>,
    /// Command lines that break it.
    pub commands: Vec<String>,
    /// What is so while it is broken.
    pub shows: Vec<Predicate>,
    /// What the repair is about, in sentences.
    pub repair_text: Vec<String>,
    /// Command lines that repair it: the goal is reached again.
    pub repair: Vec<String>,
}

/// How a check came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// Which step, from 0 on.
    pub step: usize,
    /// Which of all the lab's checks, from 0 on.
    pub number: usize,
    /// What was checked.
    pub check: &'a Check,
    /// What came of it.
    pub verdict: Verdict,
}

impl Lab {
    /// Reads a lab's file for a student. Nobody (an empty name) gets the first of everything that varies, as the book shows it.
    ///
    /// # Errors
    /// The first line that is wrong, and how.
    pub fn parse(id: &str, text: &str, student: &str) -> std::result::Result<Self, Mistake> {
        parse::lab(id, text, student)
    }

    /// What all chance in a simulated host of this lab comes from, for a student.
    pub fn seed(&self, student: &str) -> u64 {
        seed(&self.id, student)
    }

    /// Every check, in order.
    pub fn checks(&self) -> impl Iterator<Item = (usize, &Check)> {
        self.steps.iter().enumerate().flat_map(|(at, step)| step.checks.iter().map(move |check| (at, check)))
    }

    /// Asks an engine everything that is to be so.
    ///
    /// # Errors
    /// What the engine could not be asked.
    pub fn check(&self, engine: &dyn Engine) -> Result<Vec<Outcome<'_>>> {
        let asked = self.checks().enumerate().map(|(number, (step, check))| {
            let verdict = check.predicate.check(engine)?;
            Ok(Outcome { step, number, check, verdict })
        });
        asked.collect()
    }

    /// The first check that does not hold: what hints are about. `None` is a lab that is done.
    ///
    /// # Errors
    /// What the engine could not be asked.
    pub fn first_open(&self, engine: &dyn Engine) -> Result<Option<Outcome<'_>>> {
        Ok(self.check(engine)?.into_iter().find(|outcome| !outcome.verdict.holds))
    }
}
