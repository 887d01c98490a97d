//! Processes: how one is made, and how one is named so that a reused pid cannot be mistaken for it.

use super::Step;
use crate::container::UserRange;
use crate::plan::Planned;
use serde::{Deserialize, Serialize};

/// A process of the host. `born` tells it from a later one with the same pid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Process {
    /// Its id in the host's pid namespace.
    pub pid: u32,
    /// Its start time in the kernel's own unit (field 22 of /proc/PID/stat on Linux).
    pub born: u64,
}

/// The kinds of namespace, in the order in which they must be entered (setns(2): user first, mount last).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamespaceKind {
    /// CLONE_NEWUSER
    User,
    /// CLONE_NEWIPC
    Ipc,
    /// CLONE_NEWUTS
    Uts,
    /// CLONE_NEWNET
    Network,
    /// CLONE_NEWPID
    Pid,
    /// CLONE_NEWCGROUP
    Cgroup,
    /// CLONE_NEWNS
    Mount,
}

/// Where a process gets a namespace from. A kind that a launch does not list is shared with the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamespaceFrom {
    /// A new one.
    New,
    /// That of another process.
    Of(Process),
}

/// One namespace of a launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Which kind.
    pub kind: NamespaceKind,
    /// From where.
    pub from: NamespaceFrom,
}

/// Where a process's standard streams lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Streams {
    /// To /dev/null.
    Null,
    /// To the caller's own (an exec in the foreground).
    Inherit,
    /// Through pipes that the launching process owns.
    Pipes {
        /// Whether standard input is a pipe too, or /dev/null.
        stdin: bool,
    },
    /// Through a terminal from the container's own devpts, whose master the launching process owns.
    Terminal {
        /// Whether input is passed on.
        stdin: bool,
        /// Initial size.
        rows: u16,
        /// Initial size.
        cols: u16,
    },
}

/// How to make one process: the container's first, or an exec in a running one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// What it is called in errors and traces.
    pub name: String,
    /// Its namespaces.
    pub namespaces: Vec<Namespace>,
    /// The control group it belongs to before its first instruction, relative to the hierarchy's root: `drydock/ID`.
    pub cgroup: Option<String>,
    /// The ids that a new user namespace maps, or that the one it joins has.
    pub user: Option<UserRange>,
    /// Standard streams.
    pub streams: Streams,
    /// Carried out in the new process, in order, right after the clone.
    pub inside: Vec<Planned>,
    /// Carried out in the new process after [`super::Kernel::release`]; the last one is [`Step::Execute`].
    pub last: Vec<Planned>,
}

impl Launch {
    /// Every step in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.inside.iter().chain(&self.last).map(|p| &p.step)
    }
}
