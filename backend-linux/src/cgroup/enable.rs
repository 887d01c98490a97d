//! v2: which controllers a group gives to those below it (cgroup-v2.rst, "Enabling and Disabling").

use super::{Hierarchies, write};
use crate::error::step;
use drydock_core::error::Result;
use std::path::Path;

/// Those that limits are written with. Others are left to whoever else uses the tree.
const WANTED: [&str; 5] = ["cpu", "cpuset", "io", "memory", "pids"];

impl Hierarchies {
    /// Enables the controllers for the groups below this one, as far as it has them itself.
    pub(super) fn enable(&self, group: &Path) -> Result<()> {
        let read = |name: &str| {
            let path = group.join(name);
            std::fs::read_to_string(&path).map_err(|e| step("read", path.display().to_string(), e))
        };
        let (available, enabled) = (read("cgroup.controllers")?, read("cgroup.subtree_control")?);
        let has = |list: &str, name: &str| list.split_ascii_whitespace().any(|c| c == name);
        let missing: Vec<String> = WANTED.iter().filter(|c| has(&available, c) && !has(&enabled, c)).map(|c| format!("+{c}")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let control = group.join("cgroup.subtree_control");
        match write(&control, &missing.join(" ")) {
            // No internal processes: a group that is not the real root cannot both hold processes and share controllers out. In
            // a virtual machine's or container's own root the processes that came with it move one down first.
            Err(e) if is_busy(&e) && self.is_unified(group) => {
                move_processes_down(group)?;
                write(&control, &missing.join(" "))
            }
            other => other,
        }
    }
}

fn is_busy(error: &drydock_core::Error) -> bool {
    use std::error::Error as _;
    let source = error.source().and_then(|s| s.downcast_ref::<std::io::Error>());
    source.is_some_and(|e| e.raw_os_error() == Some(libc::EBUSY))
}

fn move_processes_down(root: &Path) -> Result<()> {
    let leaf = root.join("init");
    match std::fs::create_dir(&leaf) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(step("mkdir", leaf.display().to_string(), e)),
        _ => {}
    }
    let procs = root.join("cgroup.procs");
    let pids = std::fs::read_to_string(&procs).map_err(|e| step("read", procs.display().to_string(), e))?;
    for pid in pids.split_ascii_whitespace() {
        // A process may end meanwhile, and a kernel thread cannot be moved; if one matters, the write that follows says so.
        let _ = write(&leaf.join("cgroup.procs"), pid);
    }
    Ok(())
}
