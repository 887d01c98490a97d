//! A Rust lab's project: a directory with a file of the student's and files that are given, built by cargo.

use super::super::state::wrong;
use drydock_core::{Error, ErrorKind, Result};
use drydock_lessons::rust::{Cut, RustLab};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the student writes, in the project.
pub(super) const LAB: &str = "src/lab.rs";

/// The first line of a student's file: which lab it is for, and whose it is.
pub(super) fn ticket(lab: &RustLab, student: &str) -> String {
    format!("// drydock learn: {} {student}", lab.id).trim_end().to_owned()
}

/// A project on the disk.
pub(super) struct Project {
    pub lab: &'static RustLab,
    pub top: PathBuf,
}

/// What cargo made of a project.
pub(super) enum Built {
    /// The program.
    Program(PathBuf),
    /// It does not compile: what the compiler says, unless it has said so already.
    Not(String),
}

impl Project {
    /// One in this directory, which may not be there yet.
    pub fn at(lab: &'static RustLab, top: PathBuf) -> Self {
        Self { lab, top }
    }

    /// The student's file.
    pub fn file(&self) -> PathBuf {
        self.top.join(LAB)
    }

    /// Writes the student's file.
    pub fn write_lab(&self, text: &str) -> Result<()> {
        self.write_given()?;
        write(&self.file(), text)
    }

    /// The student's file as it begins, or the solution.
    pub fn cut(&self, what: Cut) -> Result<String> {
        self.lab.cut(what).map_err(|why| Error::new(ErrorKind::Corrupt, format!("the lab {}: {why}", self.lab.id)))
    }

    /// Writes every other file, as it is to be: what is given is nobody's to change.
    pub fn write_given(&self) -> Result<()> {
        let source = self.top.join("src");
        std::fs::create_dir_all(&source).map_err(|e| wrong("make", &source, e))?;
        for (path, text) in self.lab.given() {
            let path = self.top.join(path);
            if std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
                continue;
            }
            write(&path, &text)?;
        }
        Ok(())
    }

    /// Has cargo build it. What the compiler says goes to the terminal, unless it is `kept`.
    ///
    /// # Errors
    /// There is no cargo.
    pub fn build(&self, kept: bool) -> Result<Built> {
        self.write_given()?;
        let target = self.top.join("target");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--offline", "--manifest-path"]).arg(self.top.join("Cargo.toml"));
        cargo.arg("--target-dir").arg(&target).current_dir(&self.top).stdin(Stdio::null());
        // What another cargo, around this program, was told is not for this one.
        for name in ["CARGO_BUILD_TARGET", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"] {
            cargo.env_remove(name);
        }
        if kept {
            cargo.stderr(Stdio::piped());
        }
        let ran = cargo.spawn().and_then(std::process::Child::wait_with_output).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::not_found("there is no cargo on this machine, and a Rust lab is built by it")
                .hint("https://rustup.rs, or apt-get install cargo"),
            _ => Error::new(ErrorKind::System, "run cargo").source(e),
        })?;
        if ran.status.success() {
            return Ok(Built::Program(target.join("debug").join(self.lab.program())));
        }
        Ok(Built::Not(String::from_utf8_lossy(&ran.stderr).into_owned()))
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| wrong("write", path, e))
}
