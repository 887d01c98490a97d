//! Mounts of a container that runs: put together here, attached there.
//!
//! A short-lived process goes into the container's mount namespace, since setns(2) would take this one along. Paths are resolved by the
//! kernel within the container's root, as at its start; nothing of the container runs in that process, which cannot be traced from it.

use super::inside::{mounting, open_below, open_root};
use super::{channel, child, identity};
use crate::error::step;
use channel::Said;
use drydock_core::container::mounts;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::kernel::{MountFlags, Process, tmpfs_has_mode};
use nix::unistd::{ForkResult, fork};
use rustix::fs::{AtFlags, Mode, OFlags, PROC_SUPER_MAGIC, fstatfs};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};
use std::os::fd::{AsRawFd, OwnedFd};

/// What is mounted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// `bind` or `tmpfs`.
    pub kind: &'a str,
    /// A path of the host, for a bind.
    pub source: &'a str,
    /// A path of the container, made if it is not there.
    pub target: &'a str,
    /// With the mounts below.
    pub recursive: bool,
    /// Its flags.
    pub flags: MountFlags,
    /// What the file system itself understands, joined by commas.
    pub data: &'a str,
}

/// Mounts in a running container's mount namespace.
pub fn mount(of: &Process, wanted: Wanted<'_>) -> Result<()> {
    let tree = match wanted.kind {
        "bind" => {
            let tree = mounting::clone_tree(wanted.source, wanted.recursive)?;
            mounting::adjust(&tree, wanted.source, wanted.recursive, wanted.flags, Some("rprivate"))?;
            tree
        }
        "tmpfs" => {
            let options: Vec<(&str, &str)> =
                wanted.data.split(',').filter(|o| !o.is_empty()).map(|o| o.split_once('=').unwrap_or((o, ""))).collect();
            // Read-only once it has its mode.
            let flags = MountFlags { read_only: false, ..wanted.flags };
            mounting::detached("tmpfs", &[&[("source", "tmpfs")], options.as_slice()].concat(), flags)?
        }
        other => return Err(Error::unsupported(format!("a mount of kind {other} in a running container"))),
    };
    in_mounts_of(of, &|| {
        let root = open_root("/")?;
        if wanted.kind == "tmpfs" {
            let hidden = if tmpfs_has_mode(wanted.data) { None } else { mounting::mode(&root, wanted.target)? };
            if let Some(mode) = hidden {
                rustix::fs::chmodat(&tree, ".", Mode::from_raw_mode(mode), AtFlags::empty())
                    .map_err(|e| step("fchmodat", wanted.target, e))?;
            }
            mounting::adjust(&tree, wanted.target, false, wanted.flags, None)?;
        }
        let at = if mounting::is_directory(&tree)? {
            mounting::directory(&root, wanted.target, 0o755)
        } else {
            mounting::file(&root, wanted.target, 0o644)
        }?;
        let magic = fstatfs(&at).map_err(|e| step("fstatfs", wanted.target, e))?.f_type;
        if magic == PROC_SUPER_MAGIC && !mounts::may_cover_proc(wanted.target) {
            return Err(mounts::inside_proc(wanted.target));
        }
        mounting::attach(&tree, &at)
    })
}

/// Takes a mount of a running container away. Nothing mounted there is no error; one that is in use stays.
pub fn unmount_in(of: &Process, target: &str) -> Result<()> {
    // Of the host's procfs, where `self` is whoever looks.
    let proc = super::inside::open_proc()?;
    in_mounts_of(of, &|| {
        let root = open_root("/")?;
        let at = match open_below(&root, target, OFlags::PATH) {
            Ok(at) => at,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
            Err(e) => return Err(step("openat2", target, e)),
        };
        // Where it really is: a descriptor of the mount itself would keep it busy.
        let real =
            rustix::fs::readlinkat(&proc, format!("self/fd/{}", at.as_raw_fd()), Vec::new()).map_err(|e| step("readlink", target, e))?;
        drop(at);
        let real = real.to_string_lossy().into_owned();
        let Some((above, name)) = real.rsplit_once('/').filter(|(_, name)| !name.is_empty()) else { return Ok(()) };
        let parent = open_below(&root, if above.is_empty() { "/" } else { above }, OFlags::PATH | OFlags::DIRECTORY);
        let parent = parent.map_err(|e| step("openat2", above, e))?;
        rustix::process::fchdir(&parent).map_err(|e| step("fchdir", above, e))?;
        match unmount(name, UnmountFlags::NOFOLLOW) {
            // INVAL: nothing is mounted there.
            Ok(()) | Err(Errno::INVAL | Errno::NOENT) => Ok(()),
            Err(Errno::BUSY) => Err(Error::conflict(format!("the mount at {target} is in use in the container"))
                .hint("end what has files open or its working directory there, then try again")),
            Err(e) => Err(step("umount2", target, e)),
        }
    })
}

/// Does something in a process's mount namespace, in a process of its own.
fn in_mounts_of(of: &Process, what: &dyn Fn() -> Result<()>) -> Result<()> {
    let name = format!("process {}", of.pid);
    let target = identity::open(of)?.ok_or_else(|| Error::new(ErrorKind::NotRunning, format!("{name} is not running")))?;
    let (ours, theirs) = channel::pair()?;
    // SAFETY: fork(3) of the C library leaves its allocator usable in the child even if other threads held its locks.
    match unsafe { fork() }.map_err(|e| step("fork", &name, e))? {
        ForkResult::Child => {
            drop(ours);
            let outcome = child::hide().and_then(|()| enter(&target)).and_then(|()| what());
            let said = match outcome {
                Ok(()) => Said::Ready,
                Err(e) => Said::Failed(e.kind(), e.to_string()),
            };
            let _ = channel::say(&theirs, &said, None);
            child::exit(0)
        }
        ForkResult::Parent { child } => {
            drop(theirs);
            let heard = channel::hear(&ours);
            let _ = nix::sys::wait::waitpid(child, None);
            match heard? {
                Some((Said::Ready, _)) => Ok(()),
                Some((Said::Failed(kind, message), _)) => Err(Error::new(kind, message).op("mount").subject(&name)),
                _ => Err(channel::vanished(&name)),
            }
        }
    }
}

fn enter(target: &OwnedFd) -> Result<()> {
    // SAFETY: this process is fresh from fork(3) and has one thread; only its root and working directory move.
    let answer = unsafe { libc::setns(target.as_raw_fd(), libc::CLONE_NEWNS) };
    if answer == 0 { Ok(()) } else { Err(step("setns", "mnt", std::io::Error::last_os_error())) }
}
