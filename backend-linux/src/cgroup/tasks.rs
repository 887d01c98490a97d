//! The processes of a group, as a list shows them.

use super::remove::processes;
use super::{Hierarchies, check};
use drydock_core::error::Result;
use drydock_core::kernel::Task;
use std::path::PathBuf;

impl Hierarchies {
    /// The processes of a group and of those below it, by process id. None, or no such group, is an empty list.
    pub fn tasks(&self, group: &str) -> Result<Vec<Task>> {
        check(group)?;
        // Every hierarchy holds the same processes; pids is the one they are counted in.
        let root = self.root_of("pids").or_else(|| self.roots().next());
        let directories: Vec<PathBuf> = root.map(|r| r.join(group)).into_iter().filter(|d| d.is_dir()).collect();
        Ok(processes(&directories)?.into_iter().filter_map(task).collect())
    }
}

/// What /proc says of a process; `None` if it has ended.
fn task(pid: u32) -> Option<Task> {
    let status = crate::small::read_text(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let number = |text: &str| text.parse::<u32>().ok();
    let arguments = crate::small::read(format!("/proc/{pid}/cmdline")).ok()?;
    // What ends the last argument, and what is left of the room of an init's arguments, which are shorter than those it had.
    let length = arguments.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
    let arguments = arguments.get(..length).unwrap_or_default();
    let command = if arguments.is_empty() {
        // A zombie and a kernel thread have no arguments; lists put the name in brackets.
        vec![format!("[{}]", field("Name:")?)]
    } else {
        arguments.split(|b| *b == 0).map(|a| String::from_utf8_lossy(a).into_owned()).collect()
    };
    Some(Task {
        pid,
        inner_pid: field("NSpid:").and_then(|ids| ids.split_ascii_whitespace().last()).and_then(number).unwrap_or(pid),
        parent: field("PPid:").and_then(number)?,
        // The effective user: real, effective, saved, file system (proc_pid_status(5)).
        uid: field("Uid:").and_then(|ids| ids.split_ascii_whitespace().nth(1)).and_then(number)?,
        command,
    })
}
