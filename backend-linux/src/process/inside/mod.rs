//! What happens inside a new process, one step at a time, between its clone and its program.
//!
//! The process trusts nothing below the container's root: every path there is resolved by the kernel within that root
//! (openat2(2) with RESOLVE_IN_ROOT), and procfs files are reached through the host's procfs, opened before anything else.

pub mod arguments;
mod capabilities;
mod cgroups;
mod device;
pub mod early;
mod execute;
mod init;
mod mount;
mod resolve;
mod root;
mod seccomp;
mod settings;
mod shared;
mod terminal;
mod user;

pub use seccomp::{Filter, compile};

/// Mounting, for whoever puts a root together outside of a container.
pub mod mounting {
    pub use super::mount::{adjust, attach, clone_tree, detached, make_private};
    pub use super::resolve::{directory, file, is_directory, mode};
}

/// A detached copy of the mount at a path, without those below it.
pub fn clone_tree(path: &str) -> Result<OwnedFd> {
    mount::clone_tree(path, false)
}

/// Layers as one read-only tree, attached nowhere.
pub fn layers(lower: &[String]) -> Result<OwnedFd> {
    mount::layers(lower)
}

/// The same, mounted on a directory.
pub fn read_only(lower: &[String], target: &str) -> Result<()> {
    mount::read_only_layers(lower, target)
}

pub use mount::make_private;
pub use resolve::open_root;

/// Opens what is at a path below a root, following links only inside it.
pub fn open_below(root: &OwnedFd, path: &str, flags: OFlags) -> Result<OwnedFd, rustix::io::Errno> {
    resolve::open(root, path, flags)
}

/// Makes a mount read-only.
pub fn make_read_only(tree: &OwnedFd) -> Result<()> {
    mount::make_read_only(tree, "")
}

use super::child::Prepared;
use super::{channel, report};
use crate::error::step;
use drydock_core::container::mounts;
use drydock_core::error::{Error, Result};
use drydock_core::kernel::{Step, tmpfs_has_mode};
use oci_spec::runtime::LinuxCapabilities;
use rustix::fs::{Mode, OFlags, fstatfs};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;

/// What the new process carries from step to step.
pub struct Inside<'a> {
    /// The socket to the launching process.
    channel: &'a OwnedFd,
    /// The host's procfs. In it `self` is this process, and `sys` shows the namespaces of whoever reads.
    proc: Option<OwnedFd>,
    /// The root that paths were last resolved in.
    root: Option<(String, OwnedFd)>,
    /// What [`Step::SetCapabilities`] asked for, until it can be put in force.
    capabilities: Option<LinuxCapabilities>,
    /// What the launching process knows of it.
    prepared: &'a Prepared<'a>,
    /// What was taken from the host before this process was cut off from it.
    early: early::Early,
    /// System call filters in the order of their steps.
    filters: VecDeque<Filter>,
}

/// Opens the host's procfs, while what is at /proc can still be trusted.
pub fn open_proc() -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let proc = rustix::fs::open("/proc", flags, Mode::empty()).map_err(|e| step("open", "/proc", e))?;
    let magic = fstatfs(&proc).map_err(|e| step("fstatfs", "/proc", e))?.f_type;
    if magic == rustix::fs::PROC_SUPER_MAGIC { Ok(proc) } else { Err(Error::unsupported("/proc of the host is not a procfs")) }
}

impl<'a> Inside<'a> {
    /// A new process that has carried out nothing yet.
    pub fn new(channel: &'a OwnedFd, proc: OwnedFd, prepared: &'a Prepared<'a>, early: early::Early) -> Self {
        Self { channel, proc: Some(proc), root: None, capabilities: None, prepared, early, filters: prepared.filters.clone() }
    }

    /// Carries out one step. [`Step::Execute`] returns only if it fails.
    pub fn perform(&mut self, what: &Step) -> Result<()> {
        match what {
            Step::MakePrivate => mount::make_private(),
            Step::MountOverlay { target, .. } if self.early.root_is_here => {
                // A copy, since what a mount namespace has from one of another user is locked in its place (mount_namespaces(7)).
                let here = resolve::open_root(".")?;
                let tree = mount::clone_open(&here, true)?;
                mount::attach(&tree, &here)?;
                self.root = Some((target.clone(), tree));
                Ok(())
            }
            Step::MountOverlay { lower, upper, work, target } => {
                self.root = None;
                mount::overlay(lower, upper, work, target)
            }
            Step::Mount { kind, source, root, target, flags, data } => {
                // What is written to /proc and /sys later must be the kernel's: a link there is refused (CVE-2019-19921).
                let hidden = match root.as_deref() {
                    Some(root) if kind == "tmpfs" && !tmpfs_has_mode(data) => resolve::mode(self.root(root)?, target)?,
                    _ => None,
                };
                let at = match root.as_deref() {
                    Some(root) if kind == "proc" || kind == "sysfs" => resolve::directory_itself(self.root(root)?, target)?,
                    root => self.target(root, target)?,
                };
                match hidden {
                    Some(mode) => mount::file_system(&at, kind, source, *flags, format!("mode={mode:o},{data}").trim_end_matches(',')),
                    None => mount::file_system(&at, kind, source, *flags, data),
                }
            }
            Step::Bind { root, target, .. } if self.early.trees.contains_key(target) => self.attach_early(root.as_deref(), target),
            Step::BindOf { root, target, .. } if self.early.trees.contains_key(target) => self.attach_early(Some(root), target),
            Step::MakeNode { root, path, .. } if self.early.trees.contains_key(path) => self.attach_early(Some(root), path),
            Step::Bind { source, root, target, recursive, flags, propagation } => {
                let tree = mount::clone_tree(source, *recursive)?;
                mount::adjust(&tree, source, *recursive, *flags, propagation.as_deref())?;
                let at = self.bind_target(root.as_deref(), target, &tree)?;
                mount::attach(&tree, &at)
            }
            Step::BindOf { of, source, root, target } => {
                let other = self.prepared.others.iter().find(|(process, _)| process == of).map(|(_, fd)| fd);
                let other = other.ok_or_else(|| Error::invalid("a process that was not prepared for"))?;
                let tree = shared::tree_of(other, self.proc()?, source)?;
                let at = self.bind_target(Some(root), target, &tree)?;
                mount::attach(&tree, &at)
            }
            Step::MountCgroups { root, target, read_only } => {
                let at = self.target(Some(root), target)?;
                cgroups::mount(&at, *read_only)
            }
            Step::MakeNode { root, path, kind, major, minor, mode, uid, gid } => {
                device::make_node(self.root(root)?, path, *kind, (*major, *minor), *mode, (*uid, *gid))
            }
            Step::MakeSymlink { root, path, to } => device::make_symlink(self.root(root)?, path, to),
            Step::MakeDirInside { root, path, mode, uid, gid } => device::make_dir(self.root(root)?, path, *mode, (*uid, *gid)),
            Step::SetTerminal { root } => self.set_terminal(root),
            Step::PivotRoot { root } => {
                let here = self.root.take().filter(|(path, _)| self.early.root_is_here && path == root);
                root::pivot(root, here.as_ref().map(|(_, fd)| fd))
            }
            Step::ReadOnlyRoot => root::read_only_root(),
            Step::MaskPath { path } => root::mask(self.root("/")?, path),
            Step::ReadOnlyPath { path } => root::read_only(self.root("/")?, path),
            Step::SetHostname { name } => settings::hostname(name),
            Step::SetDomainname { name } => settings::domainname(name),
            Step::SetSysctl { key, value } => settings::sysctl(self.proc()?, key, value),
            Step::NewSession => settings::new_session(),
            Step::SetRlimits { limits } => settings::rlimits(limits),
            // The helper has set it, and a new process has what its maker had: here the file is out of reach.
            Step::SetOomScore { .. } if self.early.root_is_here => Ok(()),
            Step::SetOomScore { score } => settings::oom_score(self.proc()?, *score),
            Step::OwnStreams { uid, gid } => user::own_streams(*uid, *gid),
            Step::SetCapabilities { sets } => {
                capabilities::bound(sets, self.prepared.bounding)?;
                self.capabilities = Some(sets.clone());
                Ok(())
            }
            Step::SetUser { uid, gid, groups, umask } => {
                user::become_user(*uid, *gid, groups, *umask)?;
                self.put_capabilities_in_force()
            }
            Step::SetNoNewPrivs => rustix::thread::set_no_new_privs(true).map_err(|e| step("prctl(PR_SET_NO_NEW_PRIVS)", "", e)),
            Step::SetSeccomp { .. } => match self.filters.pop_front() {
                Some(filter) if filter.reported().is_some() => {
                    let number = report::next_descriptor(self.channel)?;
                    channel::say(self.channel, &channel::Said::Listening(number), None)?;
                    let is = filter.install_with_listener()?;
                    if is != i64::from(number) {
                        return Err(report::elsewhere(is));
                    }
                    // An error is an answer too: then whoever gave it has the listener.
                    let _ = channel::wait_to_go(self.channel);
                    Ok(())
                }
                Some(filter) => filter.install(),
                None => Err(Error::invalid("a system call filter that was not compiled")),
            },
            Step::ChangeDir { path } => {
                // Nothing of the host may be open when a path of the image's choice is followed (CVE-2024-21626).
                self.forget_host();
                settings::change_dir(path)
            }
            Step::Execute { args, env, init } => {
                self.forget_host();
                self.put_capabilities_in_force()?;
                Err(self.execute(args, env, *init))
            }
            other => Err(Error::invalid(format!("{other:?} is a step of the host, not of a new process"))),
        }
    }

    fn put_capabilities_in_force(&mut self) -> Result<()> {
        self.capabilities.take().map_or(Ok(()), |sets| capabilities::put_in_force(&sets, self.prepared.bounding))
    }

    fn forget_host(&mut self) {
        self.proc = None;
        self.root = None;
    }

    fn proc(&self) -> Result<&OwnedFd> {
        self.proc.as_ref().ok_or_else(|| Error::invalid("a procfs setting after the host's procfs is closed"))
    }

    /// The descriptor of a root directory; the same one again and again, as long as nothing is mounted over it.
    fn root(&mut self, path: &str) -> Result<&OwnedFd> {
        if self.root.as_ref().is_none_or(|(known, _)| known != path) {
            self.root = Some((path.to_owned(), resolve::open_root(path)?));
        }
        self.root.as_ref().map(|(_, fd)| fd).ok_or_else(|| Error::invalid("no root"))
    }

    /// Where to mount: inside a root if there is one, made if missing.
    fn target(&mut self, root: Option<&str>, target: &str) -> Result<OwnedFd> {
        match root {
            Some(root) => not_in_proc(resolve::directory(self.root(root)?, target, 0o755)?, target),
            None => {
                self.root = None;
                resolve::open_root(target)
            }
        }
    }

    /// Attaches what was taken before.
    fn attach_early(&mut self, root: Option<&str>, target: &str) -> Result<()> {
        let tree = self.early.trees.remove(target).ok_or_else(|| Error::invalid("a bind that was not prepared for"))?;
        let at = self.bind_target(root, target, &tree)?;
        mount::attach(&tree, &at)
    }

    fn bind_target(&mut self, root: Option<&str>, target: &str, tree: &OwnedFd) -> Result<OwnedFd> {
        if resolve::is_directory(tree)? {
            return self.target(root, target);
        }
        match root {
            Some(root) => not_in_proc(resolve::file(self.root(root)?, target, 0o644)?, target),
            None => resolve::file(&resolve::open_root("/")?, target, 0o644),
        }
    }
}

/// Refuses a place to mount at that is in a procfs, where a link of the image may have led: what is mounted over its files would take what
/// is written to the kernel (CVE-2019-16884).
fn not_in_proc(at: OwnedFd, target: &str) -> Result<OwnedFd> {
    let magic = fstatfs(&at).map_err(|e| step("fstatfs", target, e))?.f_type;
    if magic == rustix::fs::PROC_SUPER_MAGIC && !mounts::may_cover_proc(target) { Err(mounts::inside_proc(target)) } else { Ok(at) }
}
