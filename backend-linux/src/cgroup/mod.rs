//! Control groups of the host, v1, v2 or both (cgroups(7)).
//!
//! A group is one path, `drydock/ID`, relative to the root of every hierarchy that Drydock uses.

mod devices;
mod enable;
mod freeze;
mod hierarchy;
mod program;
mod remove;
mod tasks;

pub use hierarchy::Hierarchies;

use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

impl Hierarchies {
    /// Makes the group in every hierarchy, with those above it. There already is no error.
    pub fn make(&self, group: &str) -> Result<()> {
        check(group)?;
        // Most often the group above is there in every hierarchy or in none.
        let mut above_is_there = true;
        for root in self.roots() {
            above_is_there = above_is_there && !self.is_unified(root) && self.make_last(root, group)?;
            if !above_is_there {
                // Another engine may be removing the group above, empty until now, just between the two that are made here.
                let made = (0..3).find_map(|_| match self.make_in(root, group) {
                    Err(e) if e.kind() == ErrorKind::NotFound => None,
                    answer => Some(answer),
                });
                made.unwrap_or_else(|| self.make_in(root, group))?;
            }
        }
        Ok(())
    }

    /// Makes the group itself; `false` if the one above it is not there.
    fn make_last(&self, root: &Path, group: &str) -> Result<bool> {
        let path = root.join(group);
        match std::fs::create_dir(&path) {
            Ok(()) if self.is_cpuset(root) => inherit_cpuset(root, &path).map(|()| true),
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(step("mkdir", path.display().to_string(), e)),
        }
    }

    fn make_in(&self, root: &Path, group: &str) -> Result<()> {
        let mut path = root.to_path_buf();
        for part in group.split('/') {
            // v2: a controller's files appear in a group only once its parent has enabled it.
            if self.is_unified(root) {
                self.enable(&path)?;
            }
            path.push(part);
            match std::fs::create_dir(&path) {
                Ok(()) if self.is_cpuset(root) => inherit_cpuset(root, &path)?,
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(step("mkdir", path.display().to_string(), e)),
            }
        }
        Ok(())
    }

    /// Writes one file of a group.
    pub fn write(&self, group: &str, controller: &str, file: &str, value: &str) -> Result<()> {
        check(group)?;
        if file.contains('/') {
            return Err(Error::invalid(format!("{file:?} is not a file of a control group")));
        }
        let root = self.root_of(controller).ok_or_else(|| Error::unsupported(format!("the {controller} controller of control groups")))?;
        write(&root.join(group).join(file), value)
    }

    /// Moves a process into a group, in every hierarchy.
    pub fn join(&self, group: &str, pid: u32) -> Result<()> {
        for directory in self.directories(group)? {
            write(&directory.join("cgroup.procs"), &pid.to_string())?;
        }
        Ok(())
    }

    /// The group's directory in every hierarchy.
    pub fn directories(&self, group: &str) -> Result<Vec<PathBuf>> {
        check(group)?;
        Ok(self.roots().map(|root| root.join(group)).collect())
    }

    /// The group in the unified hierarchy, for CLONE_INTO_CGROUP; `None` on a host that has only v1.
    pub fn open_unified(&self, group: &str) -> Result<Option<OwnedFd>> {
        check(group)?;
        let Some(root) = self.unified() else { return Ok(None) };
        let path = root.join(group);
        let file = std::fs::File::open(&path).map_err(|e| step("open", path.display().to_string(), e))?;
        Ok(Some(file.into()))
    }

    /// How many processes of the group the kernel has killed for want of memory.
    pub fn oom_kills(&self, group: &str) -> Result<u64> {
        check(group)?;
        let Some(root) = self.root_of("memory") else { return Ok(0) };
        let file = if self.is_unified(root) { "memory.events" } else { "memory.oom_control" };
        let path = root.join(group).join(file);
        let text = crate::small::read_text(&path).map_err(|e| step("read", path.display().to_string(), e))?;
        Ok(text.lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(|n| n.trim().parse().ok()).unwrap_or(0))
    }
}

/// A new v1 cpuset has no processors and no memory nodes, and nothing can be put in it before it has (cpuset(7)).
fn inherit_cpuset(root: &Path, group: &Path) -> Result<()> {
    let parent = group.parent().filter(|_| group != root).unwrap_or(root);
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let from = parent.join(file);
        let read = || crate::small::read_text(&from).map_err(|e| step("read", from.display().to_string(), e));
        let mut value = read()?;
        // Another command has made the group above just now, and not come to its processors yet: both write the same.
        if value.trim().is_empty() && parent != root {
            inherit_cpuset(root, parent)?;
            value = read()?;
        }
        write(&group.join(file), value.trim())?;
    }
    Ok(())
}

/// A file of a group takes its value in one write(2).
fn write(path: &Path, value: &str) -> Result<()> {
    let put = || OpenOptions::new().write(true).open(path)?.write_all(value.as_bytes());
    put().map_err(|e| step("write", path.display().to_string(), e).hint(format!("the value was {value:?}")))
}

/// Groups are named by Drydock alone; a name that climbs is a defect, and must not reach another's group.
fn check(group: &str) -> Result<()> {
    if group.is_empty() || group.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(Error::invalid(format!("{group:?} is not a control group")));
    }
    Ok(())
}
