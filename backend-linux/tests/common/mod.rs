//! What tests that need root share: a network and mount namespace of their own, and a busybox root to run programs in.
//!
//! Such a test binary has `harness = false`: launching wants a process with one thread, and the namespaces are entered by
//! executing the binary again. Without root the tests fail where `CI` is `true`, and are skipped in so many words elsewhere.

#![allow(dead_code, reason = "every test binary uses a part of it")]

use drydock_core::kernel::{Launch, MountFlags, Namespace, NamespaceFrom, NamespaceKind, Step, Streams};
use drydock_core::plan::Planned;
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

/// A step with a reason.
pub fn planned(step: Step) -> Planned {
    Planned::new(step, "because the test says so", "")
}

/// A container's launch over the scratch overlay. `extra` steps come after the pivot; `last` ones before the program.
pub fn container(place: &Place, streams: Streams, extra: Vec<Step>, last: Vec<Step>, command: &[&str], with_init: bool) -> Launch {
    let root = place.path("merged");
    let mount = |kind: &str, target: &str, data: &str| Step::Mount {
        kind: kind.to_owned(),
        source: kind.to_owned(),
        root: Some(root.clone()),
        target: target.to_owned(),
        flags: MountFlags { nosuid: true, ..MountFlags::default() },
        data: data.to_owned(),
    };
    let node = |path: &str, minor| Step::MakeNode {
        root: root.clone(),
        path: path.to_owned(),
        kind: 'c',
        major: 1,
        minor,
        mode: 0o666,
        uid: 0,
        gid: 0,
    };
    let mut inside = vec![
        Step::MakePrivate,
        Step::MountOverlay { lower: vec![place.path("lower")], upper: place.path("upper"), work: place.path("work"), target: root.clone() },
        mount("proc", "/proc", ""),
        mount("tmpfs", "/dev", "mode=755"),
        mount("devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=0620"),
        node("/dev/null", 3),
        node("/dev/zero", 5),
    ];
    if matches!(streams, Streams::Terminal { .. }) {
        inside.push(Step::SetTerminal { root: root.clone() });
    }
    inside.push(Step::PivotRoot { root: root.clone() });
    inside.extend(extra);
    let mut steps = vec![Step::NewSession];
    steps.extend(last);
    steps.push(execute(command, with_init));
    use NamespaceKind::{Cgroup, Ipc, Mount, Network, Pid, Uts};
    Launch {
        name: "test".to_owned(),
        namespaces: [Ipc, Uts, Network, Pid, Cgroup, Mount].map(|kind| Namespace { kind, from: NamespaceFrom::New }).to_vec(),
        cgroup: None,
        user: None,
        streams,
        inside: inside.into_iter().map(planned).collect(),
        last: steps.into_iter().map(planned).collect(),
    }
}

/// The last step of a launch.
pub fn execute(command: &[&str], init: bool) -> Step {
    Step::Execute {
        args: command.iter().map(|&a| a.to_owned()).collect(),
        env: vec!["PATH=/bin".to_owned(), "TERM=xterm".to_owned()],
        init,
    }
}
