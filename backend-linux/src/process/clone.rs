//! clone3(2), of which no library has a safe form, and the namespace flags it takes.

use drydock_core::kernel::{Namespace, NamespaceFrom, NamespaceKind, Process};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// `CLONE_CLEAR_SIGHAND` of linux/sched.h, too wide for the constants of the C library.
const CLEAR_SIGHAND: u64 = 0x1_0000_0000;
/// `CLONE_INTO_CGROUP` of linux/sched.h.
const INTO_CGROUP: u64 = 0x2_0000_0000;

/// `struct clone_args` of linux/sched.h, up to the cgroup field (version 2, 88 bytes).
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Which side of a clone this is.
pub enum Side {
    /// The new process.
    Child,
    /// The caller: the new process by pid and descriptor.
    Parent(i32, OwnedFd),
}

/// Makes a process as fork(2) does, in new namespaces, with every handled signal back at its default.
///
/// With `sibling` it becomes a child of the caller's parent (CLONE_PARENT). With `cgroup`, a descriptor of a v2 group, it is born there.
///
/// # Safety
/// The caller has only one thread, or is itself fresh from fork(2): the child gets a copy of memory in which no other thread
/// will ever release a lock it holds.
pub unsafe fn clone3(namespaces: u64, sibling: bool, cgroup: Option<i32>) -> io::Result<Side> {
    let mut pidfd: i32 = -1;
    let mut args =
        CloneArgs { flags: namespaces | CLEAR_SIGHAND | libc::CLONE_PIDFD as u64, pidfd: (&raw mut pidfd) as u64, ..CloneArgs::default() };
    if sibling {
        // CLONE_PARENT takes the exit signal of the caller itself and refuses one of its own (clone(2)).
        args.flags |= libc::CLONE_PARENT as u64;
    } else {
        args.exit_signal = libc::SIGCHLD as u64;
    }
    if let Some(fd) = cgroup {
        args.flags |= INTO_CGROUP;
        args.cgroup = fd as u64;
    }
    // SAFETY: the structure is as long as said, its pointer fields are null or point at `pidfd`, which lives across the call, and
    // without CLONE_VM the child runs on its own copy of this stack.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<CloneArgs>()) };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Side::Child),
        // SAFETY: the kernel has just stored a new descriptor there, which nobody else owns.
        pid => Ok(Side::Parent(pid as i32, unsafe { OwnedFd::from_raw_fd(pidfd) })),
    }
}

/// The clone flag of a kind of namespace.
pub fn flag(kind: NamespaceKind) -> i32 {
    match kind {
        NamespaceKind::User => libc::CLONE_NEWUSER,
        NamespaceKind::Ipc => libc::CLONE_NEWIPC,
        NamespaceKind::Uts => libc::CLONE_NEWUTS,
        NamespaceKind::Network => libc::CLONE_NEWNET,
        NamespaceKind::Pid => libc::CLONE_NEWPID,
        NamespaceKind::Cgroup => libc::CLONE_NEWCGROUP,
        NamespaceKind::Mount => libc::CLONE_NEWNS,
    }
}

/// What a launch's namespaces mean for the calls that make and join them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Spaces {
    /// Made by clone3 itself.
    pub new: u64,
    /// A new cgroup namespace, made only after the process is in its group, which becomes the namespace's root (cgroup_namespaces(7)).
    pub new_cgroup: bool,
    /// Joined with setns(2): whose, and which.
    pub joined: Vec<(Process, i32)>,
}

impl Spaces {
    /// Sorts a launch's namespaces.
    pub fn of(namespaces: &[Namespace]) -> Self {
        let mut spaces = Self::default();
        for namespace in namespaces {
            let bit = flag(namespace.kind);
            match &namespace.from {
                NamespaceFrom::New if namespace.kind == NamespaceKind::Cgroup => spaces.new_cgroup = true,
                NamespaceFrom::New => spaces.new |= bit as u64,
                NamespaceFrom::Of(process) => match spaces.joined.iter_mut().find(|(p, _)| p == process) {
                    Some((_, flags)) => *flags |= bit,
                    None => spaces.joined.push((process.clone(), bit)),
                },
            }
        }
        spaces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_sorted_by_how_they_are_entered() {
        let other = Process { pid: 7, born: 9 };
        let spaces = Spaces::of(&[
            Namespace { kind: NamespaceKind::Mount, from: NamespaceFrom::New },
            Namespace { kind: NamespaceKind::Cgroup, from: NamespaceFrom::New },
            Namespace { kind: NamespaceKind::Network, from: NamespaceFrom::Of(other.clone()) },
            Namespace { kind: NamespaceKind::Pid, from: NamespaceFrom::Of(other.clone()) },
        ]);
        assert_eq!(spaces.new, libc::CLONE_NEWNS as u64);
        assert!(spaces.new_cgroup);
        assert_eq!(spaces.joined, [(other, libc::CLONE_NEWNET | libc::CLONE_NEWPID)]);
    }
}
