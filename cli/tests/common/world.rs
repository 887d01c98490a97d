//! The program itself on a simulated host.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A world in a file of its own.
pub struct World(pub PathBuf);

impl World {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_file(&path);
        Self(path)
    }

    /// Types a command. Answers its exit code, standard output and standard error.
    pub fn run(&self, words: &[&str]) -> (i32, String, String) {
        self.pipe(words, "")
    }

    pub fn pipe(&self, words: &[&str], input: &str) -> (i32, String, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_drydock"))
            .args(["--host", &format!("sim:{}", self.0.display())])
            .args(words)
            .env_remove("DRYDOCK_HOST")
            .env_remove("DRYDOCK_SEED")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    pub fn good(&self, words: &[&str]) -> String {
        let (code, out, err) = self.run(words);
        assert_eq!((code, err.as_str()), (0, ""), "{words:?}: {out}");
        out
    }
}
