//! Processes and their namespaces.

pub mod cpu;
pub mod exec;
pub mod life;
pub mod memory;
pub mod pipe;
pub mod sched;
pub mod signals;
pub mod tty;

use crate::copy::Left;
use crate::programs::Running;
use crate::sys::{Credentials, Disposition, Errno, Fd, Res, WaitStatus};
use crate::vfs::Loc;
use crate::world::World;
use drydock_core::kernel::{NamespaceKind, Signal};
use drydock_core::plan::Planned;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A process's namespaces, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NsSet {
    /// user_namespaces(7)
    pub user: u32,
    /// ipc_namespaces(7)
    pub ipc: u32,
    /// uts_namespaces(7)
    pub uts: u32,
    /// network_namespaces(7)
    pub net: u32,
    /// pid_namespaces(7)
    pub pid: u32,
    /// cgroup_namespaces(7)
    pub cgroup: u32,
    /// mount_namespaces(7)
    pub mount: u32,
}

impl NsSet {
    /// One of them.
    pub fn get(&self, kind: NamespaceKind) -> u32 {
        match kind {
            NamespaceKind::User => self.user,
            NamespaceKind::Ipc => self.ipc,
            NamespaceKind::Uts => self.uts,
            NamespaceKind::Network => self.net,
            NamespaceKind::Pid => self.pid,
            NamespaceKind::Cgroup => self.cgroup,
            NamespaceKind::Mount => self.mount,
        }
    }

    /// One of them, to change.
    pub fn get_mut(&mut self, kind: NamespaceKind) -> &mut u32 {
        match kind {
            NamespaceKind::User => &mut self.user,
            NamespaceKind::Ipc => &mut self.ipc,
            NamespaceKind::Uts => &mut self.uts,
            NamespaceKind::Network => &mut self.net,
            NamespaceKind::Pid => &mut self.pid,
            NamespaceKind::Cgroup => &mut self.cgroup,
            NamespaceKind::Mount => &mut self.mount,
        }
    }
}

/// Every kind, in the order of their entries in /proc/PID/ns.
pub const KINDS: [(NamespaceKind, &str); 7] = [
    (NamespaceKind::Cgroup, "cgroup"),
    (NamespaceKind::Ipc, "ipc"),
    (NamespaceKind::Mount, "mnt"),
    (NamespaceKind::Network, "net"),
    (NamespaceKind::Pid, "pid"),
    (NamespaceKind::User, "user"),
    (NamespaceKind::Uts, "uts"),
];

/// What a pid namespace holds.
#[derive(Clone, Debug, Default)]
pub struct PidNs {
    /// The namespace around it; `None` for the host's.
    pub parent: Option<u32>,
    /// Host pids by the pids it gives.
    pub pids: BTreeMap<u32, u32>,
    /// The next pid it gives.
    pub next: u32,
}

/// What a UTS namespace holds.
#[derive(Clone, Debug, Default)]
pub struct UtsNs {
    /// Host name.
    pub host: String,
    /// NIS domain name.
    pub domain: String,
}

/// All namespaces but those of mounts and networks, which are kept with what they hold.
#[derive(Clone, Debug, Default)]
pub struct Namespaces {
    /// The next namespace's number.
    pub next: u32,
    /// How many processes are in each.
    pub users: BTreeMap<u32, u32>,
    /// pid namespaces.
    pub pid: BTreeMap<u32, PidNs>,
    /// UTS namespaces.
    pub uts: BTreeMap<u32, UtsNs>,
    /// The group that each cgroup namespace shows as `/`.
    pub cgroup: BTreeMap<u32, u32>,
    /// Those of the host.
    pub host: NsSet,
}

/// A process that uses the processor, sleeps, or waits.
#[derive(Clone)]
pub struct Proc {
    /// Host pid.
    pub pid: u32,
    /// Tells it from a later process with the same pid.
    pub born: u64,
    /// When it was made.
    pub started: u64,
    /// Host pid of its parent.
    pub parent: u32,
    /// Host pids of its children.
    pub children: BTreeSet<u32>,
    /// Process group, as a host pid.
    pub group: u32,
    /// Session, as a host pid.
    pub session: u32,
    /// Controlling terminal.
    pub tty: Option<u32>,
    /// Its namespaces.
    pub ns: NsSet,
    /// The pid namespace of its children.
    pub ns_children: u32,
    /// Its pids, from its own namespace outwards to the host's.
    pub pids: Vec<(u32, u32)>,
    /// Who it is.
    pub creds: Arc<Credentials>,
    /// Its root.
    pub root: Loc,
    /// Its working directory.
    pub cwd: Loc,
    /// Bits that new files do not get.
    pub umask: u32,
    /// Open files by descriptor.
    pub fds: BTreeMap<Fd, u32>,
    /// Name, as `ps` shows it: at most 15 bytes.
    pub name: String,
    /// Arguments.
    pub args: Vec<String>,
    /// Environment.
    pub env: Vec<String>,
    /// The file it executes.
    pub exe: Option<Loc>,
    /// Limits other than the default ones (getrlimit(2)).
    pub rlimits: BTreeMap<String, (u64, u64)>,
    /// What happens on signals; those not listed have their default.
    pub dispositions: BTreeMap<Signal, Disposition>,
    /// Caught signals that nobody took yet.
    pub caught: VecDeque<Signal>,
    /// A caught signal came, and no blocking call has answered EINTR for it yet.
    pub interrupted: bool,
    /// Stopped by a signal.
    pub stopped: bool,
    /// Somebody was told that it stopped.
    pub stop_reported: bool,
    /// Its control group.
    pub cgroup: u32,
    /// Added to its badness.
    pub oom_score_adj: i32,
    /// How it ended, once it has.
    pub ended: Option<WaitStatus>,
    /// What it does next.
    pub future: Left<Option<Running>>,
    /// Moments at which it is to be woken.
    pub timers: BTreeSet<u64>,
    /// Stands in the run queue.
    pub queued: bool,
    /// Bytes of its own memory.
    pub memory: u64,
    /// Nanoseconds of processor time used.
    pub cpu: u64,
    /// Nanoseconds used by system calls and not yet accounted for.
    pub debt: u64,
    /// Whether a system call filter is installed.
    pub seccomp: bool,
    /// Steps to carry out when it is released.
    pub last: Vec<Planned>,
    /// A Drydock process that exists for the table only; the engine and supervisors act for it.
    pub actor: bool,
    /// The terminal to set up with [`drydock_core::kernel::Step::SetTerminal`].
    pub new_tty: Option<(u16, u16)>,
    /// It is killed when its parent dies (PR_SET_PDEATHSIG).
    pub dies_with_parent: bool,
}

impl Proc {
    /// Whether it has not ended.
    pub fn alive(&self) -> bool {
        self.ended.is_none()
    }

    /// Its pid as a namespace numbers it; 0 where it cannot be seen.
    pub fn pid_in(&self, ns: u32) -> u32 {
        self.pids.iter().find(|(n, _)| *n == ns).map_or(0, |(_, pid)| *pid)
    }
}

impl World {
    /// A process.
    pub fn proc(&self, pid: u32) -> Res<&Proc> {
        self.procs.get(&pid).ok_or(Errno::ESRCH)
    }

    /// A process, to change.
    pub fn proc_mut(&mut self, pid: u32) -> Res<&mut Proc> {
        self.procs.get_mut(&pid).ok_or(Errno::ESRCH)
    }

    /// The host pid of a pid in a namespace.
    pub fn host_pid(&self, ns: u32, pid: u32) -> Res<u32> {
        self.ns.pid.get(&ns).and_then(|n| n.pids.get(&pid)).copied().ok_or(Errno::ESRCH)
    }

    /// Makes a namespace like the one given.
    pub fn new_ns(&mut self, kind: NamespaceKind, like: u32, cgroup: u32) -> u32 {
        self.ns.next += 1;
        let id = self.ns.next;
        match kind {
            NamespaceKind::Pid => {
                self.ns.pid.insert(id, PidNs { parent: Some(like), pids: BTreeMap::new(), next: 1 });
            }
            NamespaceKind::Uts => {
                let uts = self.ns.uts.get(&like).cloned().unwrap_or_default();
                self.ns.uts.insert(id, uts);
            }
            NamespaceKind::Cgroup => {
                self.ns.cgroup.insert(id, cgroup);
            }
            NamespaceKind::Network => self.net.add_ns(id),
            NamespaceKind::User | NamespaceKind::Ipc | NamespaceKind::Mount => {}
        }
        id
    }

    /// A process enters a namespace.
    pub fn hold_ns(&mut self, id: u32) {
        *self.ns.users.entry(id).or_default() += 1;
    }

    /// A process leaves a namespace, which goes with its last process.
    pub fn leave_ns(&mut self, kind: NamespaceKind, id: u32) {
        let Some(users) = self.ns.users.get_mut(&id) else { return };
        *users -= 1;
        if *users > 0 {
            return;
        }
        self.ns.users.remove(&id);
        match kind {
            NamespaceKind::Pid => drop(self.ns.pid.remove(&id)),
            NamespaceKind::Uts => drop(self.ns.uts.remove(&id)),
            NamespaceKind::Cgroup => drop(self.ns.cgroup.remove(&id)),
            NamespaceKind::Network => self.net.drop_ns(id),
            NamespaceKind::Mount => self.fs.drop_ns(id),
            NamespaceKind::User | NamespaceKind::Ipc => {}
        }
    }
}
