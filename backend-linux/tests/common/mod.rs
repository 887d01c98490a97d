//! What tests that need root share: a network and mount namespace of their own, and a busybox root to run programs in.
//!
//! Such a test binary has `harness = false`: launching wants a process with one thread, and the namespaces are entered by
//! executing the binary again. Without root the tests fail where `CI` is `true`, and are skipped in so many words elsewhere.

#![allow(dead_code, reason = "every test binary uses a part of it")]

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// One test: its name and what it does. It fails by panicking.
pub type Test = (&'static str, fn(&Place));

/// A scratch directory with a busybox root in it.
pub struct Place {
    /// The scratch directory.
    pub top: PathBuf,
}

impl Place {
    /// A path below the scratch directory, as text.
    pub fn path(&self, name: &str) -> String {
        self.top.join(name).to_string_lossy().into_owned()
    }

    fn make(name: &str) -> Self {
        let top = std::env::temp_dir().join(format!("drydock-test-{}-{}", std::process::id(), name.replace(' ', "-")));
        for directory in ["lower/bin", "lower/etc", "lower/tmp", "upper", "work", "merged", "data", "run"] {
            std::fs::create_dir_all(top.join(directory)).expect("a scratch directory");
        }
        std::fs::copy("/bin/busybox", top.join("lower/bin/busybox")).expect("busybox-static is installed");
        for applet in [
            "sh", "cat", "echo", "ls", "id", "sleep", "true", "false", "mount", "ps", "hostname", "stat", "head", "kill", "tty", "touch",
            "grep", "env", "yes", "pwd", "stty",
        ] {
            std::os::unix::fs::symlink("busybox", top.join("lower/bin").join(applet)).expect("a link");
        }
        std::fs::write(top.join("lower/etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").expect("a file");
        Self { top }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.top);
    }
}

/// Runs tests one after the other; an argument chooses those whose names hold it.
pub fn main(tests: &[Test]) -> ExitCode {
    const INSIDE: &str = "DRYDOCK_TEST_INSIDE";
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: {} tests need root", tests.len());
        return if std::env::var("CI").as_deref() == Ok("true") { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    if std::env::var_os(INSIDE).is_none() {
        let me = std::env::current_exe().expect("this test's path");
        let error = Command::new("unshare")
            .args(["--net", "--mount", "--propagation", "private", "--"])
            .arg(me)
            .args(std::env::args_os().skip(1))
            .env(INSIDE, "1")
            .exec();
        eprintln!("unshare: {error}");
        return ExitCode::FAILURE;
    }
    let wanted = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    let mut failed = 0;
    for (name, test) in tests.iter().filter(|(name, _)| name.contains(&wanted)) {
        let place = Place::make(&name.chars().filter(|c| c.is_alphanumeric() || *c == ' ').take(40).collect::<String>());
        let passed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&place))).is_ok();
        println!("{} {name}", if passed { "ok  " } else { "FAIL" });
        failed += usize::from(!passed);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether a path exists.
pub fn exists(path: &str) -> bool {
    Path::new(path).exists()
}
