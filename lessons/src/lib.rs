//! The lessons: labs as data, their checks, and the scripts of the first container.
//!
//! - [`lab`]: what somebody is to bring about, the way there, hints, and what to break afterwards, read from a file.
//! - [`predicate`]: what is to be so on a host, asked of the engine. No check reads what a command printed, or a clock.
//! - [`rust`]: labs in which a host is written, judged by the suite.
//! - [`verify`]: a lab is checked as it checks others: the start fails, the solution passes, every hint is reached, every break breaks.
//! - [`LABS`]: the labs there are.
//! - [`LESSONS`]: what is done with scripts. Their tests hold them to their word: folder and page exist, every script can be executed.
//!
//! Everything here is decided over the engine seam alone and builds for a web page.

#![forbid(unsafe_code)]

pub mod lab;
pub mod predicate;
pub mod rust;
pub mod verify;

use lab::{Lab, Mistake};
use serde::Serialize;

/// The labs in the order of the book: a word for each, and its file.
pub const LABS: &[(&str, &str)] = &[
    ("process", include_str!("../labs/process.lab")),
    ("names", include_str!("../labs/names.lab")),
    ("images", include_str!("../labs/images.lab")),
    ("life", include_str!("../labs/life.lab")),
    ("find", include_str!("../labs/find.lab")),
    ("exec", include_str!("../labs/exec.lab")),
    ("codes", include_str!("../labs/codes.lab")),
    ("copy", include_str!("../labs/copy.lab")),
    ("archives", include_str!("../labs/archives.lab")),
    ("build", include_str!("../labs/build.lab")),
    ("entry", include_str!("../labs/entry.lab")),
    ("volumes", include_str!("../labs/volumes.lab")),
    ("ports", include_str!("../labs/ports.lab")),
    ("network", include_str!("../labs/network.lab")),
    ("signals", include_str!("../labs/signals.lab")),
    ("overlay", include_str!("../labs/overlay.lab")),
];

/// A lab by its word, for a student; nobody is an empty name. `None` if there is no such lab.
///
/// # Errors
/// A mistake in the lab's file.
pub fn find(id: &str, student: &str) -> Result<Option<Lab>, Mistake> {
    LABS.iter().find(|(known, _)| *known == id).map(|(id, text)| Lab::parse(id, text, student)).transpose()
}

/// One lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lesson {
    /// The name of its folder below `lessons`, which begins with its place in the order.
    pub id: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// What somebody can do who has done it.
    pub goal: &'static str,
    /// The page of the book, below `book/src`.
    pub page: &'static str,
    /// How long it takes a beginner, in minutes.
    pub minutes: u32,
}

/// Every lesson, in order.
pub const LESSONS: &[Lesson] = &[Lesson {
    id: "00-first-container",
    title: "Your first container",
    goal: "make an image, run a container, serve a page from it under limits, look inside, stop it, and see that nothing is left",
    page: "first-container.md",
    minutes: 20,
}];

#[cfg(test)]
mod tests {
    use super::LESSONS;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    const HERE: &str = env!("CARGO_MANIFEST_DIR");

    #[test]
    fn lessons_are_in_order_and_each_is_there_once() {
        assert!(!LESSONS.is_empty());
        assert!(LESSONS.is_sorted_by(|a, b| a.id < b.id), "a lesson is out of order or there twice");
    }

    #[test]
    fn each_lesson_has_its_page_and_its_scripts() {
        for lesson in LESSONS {
            let page = Path::new(HERE).join("../book/src").join(lesson.page);
            assert!(page.is_file(), "{}: there is no page {}", lesson.id, lesson.page);
            let scripts: Vec<_> = std::fs::read_dir(Path::new(HERE).join(lesson.id))
                .unwrap_or_else(|e| panic!("{}: {e}", lesson.id))
                .map(|entry| entry.expect("an entry").path())
                .collect();
            assert!(!scripts.is_empty(), "{} has no scripts", lesson.id);
            for script in scripts {
                let mode = script.metadata().expect("a file").permissions().mode();
                assert!(mode & 0o111 != 0, "{} cannot be executed", script.display());
            }
        }
    }

    #[test]
    fn every_lab_is_read_for_anybody() {
        for (id, _) in super::LABS {
            for student in ["", "ada", "bob", "学生"] {
                super::find(id, student).unwrap_or_else(|e| panic!("{id}: {e}")).expect("it is there");
            }
        }
        assert_eq!(super::find("nothing", ""), Ok(None));
    }

    #[test]
    fn every_file_of_labs_is_a_lab() {
        let files = std::fs::read_dir(Path::new(HERE).join("labs")).expect("the labs").count();
        assert_eq!(files, super::LABS.len());
    }

    #[test]
    fn every_folder_of_a_lesson_is_a_lesson() {
        for entry in std::fs::read_dir(HERE).expect("this folder") {
            let name = entry.expect("an entry").file_name().into_string().expect("text");
            if name.starts_with(|c: char| c.is_ascii_digit()) {
                assert!(LESSONS.iter().any(|lesson| lesson.id == name), "{name} is no lesson in the table");
            }
        }
    }
}
