//! The Rust labs: write your own host.
//!
//! In each of them a student writes one file, `src/lab.rs`, of a small project that depends on nothing. The project is a program that is asked
//! questions on its standard input, so that the suite can put the student's answers in the place of Drydock's own and judge what comes of it by
//! its clauses. No check is in the project.
//!
//! Each lab's file is one source here, a module of this crate: it is compiled with the workspace, its solution is tested, and starter and solution
//! are [`cut()`] from it.

mod cut;
pub mod layers;
pub mod machine;
pub mod process;
mod table;

pub use cut::{Cut, anchor, cut};
pub use table::RUST_LABS;

/// The given file that asks, the same for every lab.
const MAIN: &str = include_str!("main.rs");

/// Something that a lab is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RustCheck {
    /// The id of a clause of the suite, or of a law of the machine's (`MACHINE-1`).
    pub id: &'static str,
    /// What helps whoever's code does not hold it, the smallest first.
    pub hints: &'static [&'static str],
}

/// A change of the solution that breaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RustBreak {
    /// What it is, in a sentence.
    pub title: &'static str,
    /// Text of the solution, which is there once.
    pub from: &'static str,
    /// What stands there instead.
    pub to: &'static str,
    /// Checks that no longer hold.
    pub fails: &'static [&'static str],
}

/// The part of Drydock that a student's code takes the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// core's life-cycle machine.
    Machine,
    /// How the planner has a process made.
    Launch,
    /// How layers become a root.
    Layers,
}

/// A lab in which Rust is written.
#[derive(Clone, Copy, Debug)]
pub struct RustLab {
    /// A word: `rust-machine`.
    pub id: &'static str,
    /// Its place in the curriculum: `C2`.
    pub chapter: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// The page of the book, below `book/src`.
    pub page: &'static str,
    /// How long it takes, in minutes.
    pub minutes: u32,
    /// What to write, in sentences.
    pub goal: &'static str,
    /// What it was about, told afterwards.
    pub after: &'static str,
    /// The source of `src/lab.rs`, to be cut.
    pub lab: &'static str,
    /// `src/words.rs`, which is given.
    pub words: &'static str,
    /// The solution's answers, from the same source: what its own program would say.
    pub answer: fn(&str) -> String,
    /// What its program takes the place of when it is judged.
    pub replaces: Part,
    /// What it is judged by, in this order.
    pub checks: &'static [RustCheck],
    /// What to break in the solution.
    pub breaks: &'static [RustBreak],
}

/// A lab by its word.
pub fn find(id: &str) -> Option<&'static RustLab> {
    RUST_LABS.iter().find(|lab| lab.id == id)
}

impl RustLab {
    /// The student's file as it begins, or the solution.
    ///
    /// # Errors
    /// The source's marks are wrong.
    pub fn cut(&self, what: Cut) -> Result<String, String> {
        cut(self.lab, what)
    }

    /// Every file of the project but the student's own, by its path. It is a workspace of its own, wherever it lies.
    pub fn given(&self) -> [(&'static str, String); 3] {
        let manifest = format!(
            "# {}: a Rust lab of Drydock's. It depends on nothing, so that it builds without a network.\n[package]\nname = \"drydock-{}\"\n\
             version = \"0.1.0\"\nedition = \"2021\"\npublish = false\n\n[workspace]\n\n# Words that nobody has said yet are no mistake.\n\
             [lints.rust]\ndead_code = \"allow\"\n",
            self.title, self.id
        );
        [("Cargo.toml", manifest), ("src/main.rs", MAIN.to_owned()), ("src/words.rs", self.words.to_owned())]
    }

    /// What the program is called that the project builds.
    pub fn program(&self) -> String {
        format!("drydock-{}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lab_is_whole() {
        for lab in RUST_LABS {
            let (starter, solution) = (lab.cut(Cut::Starter).unwrap(), lab.cut(Cut::Solution).unwrap());
            assert_ne!(starter, solution, "{}", lab.id);
            for text in [&starter, &solution] {
                assert!(!text.contains("//>") && !text.contains("// --") && !text.contains("ANCHOR"), "{}: a mark is left", lab.id);
            }
            assert!(starter.contains("To do"), "{}: the starter does not say what to do", lab.id);
            for broken in lab.breaks {
                assert_eq!(solution.matches(broken.from).count(), 1, "{}: '{}' is not there once", lab.id, broken.title);
                assert!(
                    !broken.fails.is_empty() && broken.fails.iter().all(|id| lab.checks.iter().any(|check| check.id == *id)),
                    "{}",
                    lab.id
                );
            }
            assert!(lab.checks.iter().all(|check| !check.hints.is_empty()), "{}: a check has no hint", lab.id);
            assert!(find(lab.id).is_some() && crate::find(lab.id, "").unwrap().is_none(), "{}: two labs have one name", lab.id);
        }
    }

    #[test]
    fn no_file_of_a_student_holds_its_own_checks() {
        for lab in RUST_LABS {
            for text in [lab.cut(Cut::Starter).unwrap(), lab.words.to_owned(), MAIN.to_owned()] {
                assert!(!text.contains("assert") && !text.contains("#[test]"), "{}", lab.id);
                assert!(lab.checks.iter().all(|check| !text.contains(check.id)), "{}", lab.id);
            }
        }
    }
}
