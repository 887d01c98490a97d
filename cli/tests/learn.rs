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
    // Rust labs take cargo some time: those are held to their word where the whole program is (tests/run), and one is done below.
    let words: Vec<&str> =
        ["learn", "verify", "--host", "sim"].into_iter().chain(drydock_lessons::LABS.iter().map(|(id, _)| *id)).collect();
    let text = student.says(&words, "");
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

#[test]
fn a_rust_lab_is_written_built_and_judged() {
    use drydock_lessons::rust::{Cut, find};
    let student = Student::new("rust");
    let begun = student.says(&["learn", "start", "rust-process", "--student", "ada"], "");
    assert!(begun.contains("C3: Write your own host: a process in namespaces"), "{begun}");
    let project = student.0.join("rust-process");
    let file = project.join("src/lab.rs");
    let starter = std::fs::read_to_string(&file).expect("a file");
    assert!(starter.starts_with("// drydock learn: rust-process ada\n"), "{starter}");

    // The starter compiles and fails; the hints go on with what fails first.
    let open = student.run(&["learn", "check"], "");
    let told = String::from_utf8_lossy(&open.stdout).into_owned();
    assert!(open.status.code() == Some(1) && told.contains("[ ] CTR-ISO-1 ") && told.contains(" of 8 hold."), "{told}");
    let (first, second) = (student.says(&["learn", "hint"], ""), student.says(&["learn", "hint"], ""));
    assert!(first.contains("CTR-ISO-1") && first != second, "{first}{second}");

    // What does not compile is told in the compiler's words, and cargo's absence in ours.
    std::fs::write(&file, format!("{starter}\nfn broken( {{")).expect("written");
    let wrong = student.run(&["learn", "check"], "");
    let (out, err) = (String::from_utf8_lossy(&wrong.stdout).into_owned(), String::from_utf8_lossy(&wrong.stderr).into_owned());
    assert!(wrong.status.code() == Some(1) && out.contains("It does not compile yet") && err.contains("error"), "{out}{err}");
    let alone = Command::new(env!("CARGO_BIN_EXE_drydock"))
        .args(["learn", "check"])
        .env("DRYDOCK_LEARN", &student.0)
        .env("PATH", &student.0)
        .env_remove("CARGO")
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&alone.stderr).into_owned();
    assert!(!alone.status.success() && said.contains("there is no cargo on this machine"), "{said}");

    // What is given is nobody's to change.
    let given = project.join("src/main.rs");
    std::fs::write(&given, "fn main() {}").expect("written");
    let solution = find("rust-process").expect("there").cut(Cut::Solution).expect("cut");
    std::fs::write(&file, format!("// drydock learn: rust-process ada\n{solution}")).expect("written");
    let done = student.says(&["learn", "check"], "");
    assert!(done.contains("Done. ") && !done.contains("[ ]"), "{done}");
    assert!(student.says(&["learn", "list"], "").lines().any(|line| line.contains("rust-process") && line.contains("done")));

    // It is graded by being built once more.
    let hand_ins = student.0.join("hand-ins");
    std::fs::create_dir_all(&hand_ins).expect("a directory");
    std::fs::copy(&file, hand_ins.join("ada.rs")).expect("copied");
    std::fs::write(hand_ins.join("reaching.rs"), "// drydock learn: rust-process eve\nuse std::fs;\n").expect("written");
    let csv = student.says(&["learn", "grade", hand_ins.to_str().expect("text")], "");
    assert!(csv.contains("ada,rust-process,yes,8,8,"), "{csv}");
    assert!(csv.contains("refused: it says 'std', which no solution needs"), "{csv}");

    let reset = student.says(&["learn", "reset"], "");
    assert!(reset.contains("lab.rs.before"), "{reset}");
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), starter);
}

#[test]
fn what_was_typed_on_a_real_machine_is_typed_once_more() {
    let student = Student::new("typed");
    let hand_ins = student.0.join("hand-ins");
    std::fs::create_dir_all(&hand_ins).expect("a directory");
    let lab = drydock_lessons::find("process", "ada").expect("read").expect("there");
    let head =
        format!("{{\"drydock\":1,\"seed\":{},\"lab\":{{\"lab\":\"process\",\"student\":\"ada\",\"host\":\"linux\"}}}}\n", lab.seed("ada"));
    let typed = |lines: &[String]| {
        lines.iter().map(|line| format!("{{\"args\":[\"learn\",\"shell\",{}]}}\n", serde_json::json!(line))).collect::<String>()
    };
    std::fs::write(hand_ins.join("done.world"), format!("{head}{}", typed(&lab.solution))).expect("written");
    std::fs::write(hand_ins.join("half.world"), format!("{head}{}", typed(&lab.solution[..1]))).expect("written");
    std::fs::write(hand_ins.join("forged.world"), format!("{head}{{\"args\":[\"run\",\"-d\",\"busybox\"]}}\n")).expect("written");
    let csv = student.says(&["learn", "grade", hand_ins.to_str().expect("text")], "");
    assert!(csv.contains("ada,process,yes,4,4,2,done.world"), "{csv}");
    assert!(csv.contains("ada,process,no,3,4,1,half.world"), "{csv}");
    assert!(csv.contains("refused: it has a command that nobody typed on a real machine"), "{csv}");
    assert!(student.says(&["learn", "grade", hand_ins.to_str().expect("text"), "--format", "junit"], "").contains("failures=\"1\""));
}
