//! Labs in the terminal: what a student types, and what a teacher does with it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A student's own directory.
struct Student(PathBuf);

impl Student {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("drydock-learn-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn run(&self, words: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_drydock"))
            .args(words)
            .env("DRYDOCK_LEARN", &self.0)
            .env_remove("DRYDOCK_HOST")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().expect("input").write_all(input.as_bytes());
        child.wait_with_output().expect("ends")
    }

    fn says(&self, words: &[&str], input: &str) -> String {
        let output = self.run(words, input);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    fn world(&self, lab: &str) -> PathBuf {
        self.0.join(format!("{lab}.world"))
    }
}

impl Drop for Student {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_lab_keeps_its_word_on_the_simulated_host() {
    let student = Student::new("verify");
    let text = student.says(&["learn", "verify", "--host", "sim"], "");
    assert_eq!(text.lines().count(), drydock_lessons::LABS.len(), "{text}");
    assert!(text.lines().all(|line| line.contains("the start fails, the solution passes")), "{text}");
}

#[test]
fn a_lab_is_done_by_typing() {
    let student = Student::new("types");
    let begun = student.says(&["learn", "start", "process", "--student", "ada"], "");
    assert!(begun.contains("A1: A container is a process"), "{begun}");
    let open = student.run(&["learn", "check"], "");
    assert_eq!(open.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&open.stdout).contains("found:  there is no container"));
    let (first, second) = (student.says(&["learn", "hint"], ""), student.says(&["learn", "hint"], ""));
    assert_ne!(first, second, "the second hint says more");
    let solution = drydock_lessons::find("process", "ada").expect("read").expect("there").solution;
    let world = student.world("process");
    let told = student.says(&["sim", "--save", world.to_str().expect("text")], &(solution.join("\n") + "\n"));
    assert!(told.contains("[lab: done."), "{told}");
    assert!(student.says(&["learn", "check"], "").contains("Done."));
    assert!(student.says(&["learn", "list"], "").lines().any(|line| line.contains("process") && line.contains("done")));
    student.says(&["learn", "reset"], "");
    assert_eq!(student.run(&["learn", "check"], "").status.code(), Some(1), "a reset begins again");
    assert!(student.says(&["learn", "next"], "").starts_with("A3"));
}

#[test]
fn hand_ins_are_done_again_and_not_believed() {
    let student = Student::new("grades");
    let hand_ins = student.0.join("hand-ins");
    std::fs::create_dir_all(&hand_ins).expect("a directory");
    let hand_in = |name: &str, text: &str| std::fs::write(hand_ins.join(name), text).expect("written");
    let lab = drydock_lessons::find("names", "ada").expect("read").expect("there");
    student.says(&["learn", "start", "names", "--student", "ada"], "");
    let world = student.world("names");
    let begun = std::fs::read_to_string(&world).expect("a world");
    hand_in("begun.world", &begun);
    student.says(&["sim", "--save", world.to_str().expect("text")], &(lab.solution.join("\n") + "\n"));
    let done = std::fs::read_to_string(&world).expect("a world");
    hand_in("done.world", &done);
    hand_in("copied.world", &done);
    hand_in("other-seed.world", &done.replacen(&format!("\"seed\":{}", lab.seed("ada")), "\"seed\":1", 1));
    hand_in("other-start.world", &done.lines().enumerate().filter(|(n, _)| *n != 1).map(|(_, l)| format!("{l}\n")).collect::<String>());
    hand_in("no-lab.world", "{\"drydock\":1,\"seed\":1}\n");
    hand_in("notes.txt", "no hand-in");

    let grade = |format: &str| student.says(&["learn", "grade", hand_ins.to_str().expect("text"), "--format", format], "");
    let csv = grade("csv");
    let row = |file: &str| csv.lines().find(|line| line.contains(file)).unwrap_or_else(|| panic!("{file}: {csv}")).to_owned();
    assert_eq!(csv.lines().count(), 7, "{csv}");
    assert!(row("begun.world").starts_with("ada,names,no,"), "{csv}");
    assert!(row("done.world").starts_with("ada,names,yes,5,5,4,"), "{csv}");
    assert!(row("done.world").ends_with("the same commands as copied.world"), "{csv}");
    assert!(row("other-seed.world").contains("refused: its world is not this student's"), "{csv}");
    assert!(row("other-start.world").contains("refused: it does not begin as the lab does"), "{csv}");
    assert!(row("no-lab.world").contains("refused: it is no hand-in of a lab"), "{csv}");
    let junit = grade("junit");
    assert!(junit.contains("<testsuites tests=\"18\" failures=\"5\" errors=\"3\">"), "{junit}");
    let json: serde_json::Value = serde_json::from_str(&grade("json")).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(6));
}
