//! The words for making a process, and how the judge's questions are read. There is nothing to change here.

use super::lab;

/// The kinds of namespaces (namespaces(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// Message queues and shared memory.
    Ipc,
    /// The host's name.
    Uts,
    /// Links, addresses, ports.
    Network,
    /// Process numbers.
    Pid,
    /// The view of control groups.
    Cgroup,
    /// Mounts.
    Mount,
}

/// Every kind.
pub const NAMESPACES: [Namespace; 6] =
    [Namespace::Ipc, Namespace::Uts, Namespace::Network, Namespace::Pid, Namespace::Cgroup, Namespace::Mount];

/// What somebody wants of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where its root will be mounted: a directory of the host.
    pub root: String,
    /// Its name, if it has one of its own.
    pub hostname: Option<String>,
    /// Namespaces that it is to share with the host, or with another container.
    pub shared: Vec<Namespace>,
}

/// One thing that the new process does, in the kernel's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Makes every mount of this mount namespace private: nothing mounted here is seen elsewhere. mount(2), MS_REC|MS_PRIVATE on /.
    MakePrivate,
    /// Stacks the image's layers at the root, and mounts there what Drydock mounts in every container but /proc: /dev, /sys, files of
    /// names. Paths are those of the host, so it comes before the pivot. It is given to you.
    Furnish,
    /// Mounts a file system of this kind. Before the pivot the target is inside the new root all the same: `/proc`, not `/srv/root/proc`.
    Mount {
        /// `proc`, `tmpfs`…
        kind: String,
        /// Where in the container.
        target: String,
    },
    /// Makes this directory, a mount of its own, the root, and takes the old one away. pivot_root(2), umount2(2).
    PivotRoot {
        /// A directory of the host.
        root: String,
    },
    /// Gives the uts namespace this name. sethostname(2).
    SetHostname {
        /// The name.
        name: String,
    },
    /// Hides what /proc and /sys tell of the host, and makes what changes it read-only. Paths are those of the container, so it comes after
    /// the pivot. It is given to you.
    Confine,
}

/// How a process is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its new namespaces; every other is the one of whoever makes it.
    pub namespaces: Vec<Namespace>,
    /// What it does before its program, in order.
    pub steps: Vec<Step>,
}

/// Answers a question: what is wanted, a line each.
pub fn answer(question: &str) -> String {
    let mut wanted = Wanted { root: String::new(), hostname: None, shared: Vec::new() };
    for line in question.lines() {
        match line.split_once(' ') {
            Some(("root", path)) => wanted.root = path.to_string(),
            Some(("hostname", name)) => wanted.hostname = Some(name.to_string()),
            Some(("shared", kind)) => wanted.shared.extend(NAMESPACES.iter().filter(|one| format!("{one:?}") == kind)),
            _ => {}
        }
    }
    let process = lab::process(&wanted);
    let namespaces = process.namespaces.iter().map(|kind| format!("namespace {kind:?}\n"));
    let steps = process.steps.iter().map(|step| match step {
        Step::MakePrivate => "step MakePrivate\n".to_string(),
        Step::Furnish => "step Furnish\n".to_string(),
        Step::Mount { kind, target } => format!("step Mount {kind} {target}\n"),
        Step::PivotRoot { root } => format!("step PivotRoot {root}\n"),
        Step::SetHostname { name } => format!("step SetHostname {name}\n"),
        Step::Confine => "step Confine\n".to_string(),
    });
    namespaces.chain(steps).collect()
}
