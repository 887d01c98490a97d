//! Killing what is in a group, and removing it.

use super::{Hierarchies, check, write};
use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A killed process is gone within milliseconds, unless it hangs in the kernel; longer than this is reported.
const PATIENCE: Duration = Duration::from_secs(10);

impl Hierarchies {
    /// Kills every process of a group and of those below it, waits until they are gone, and removes the groups. Not there is no
    /// error. The group above goes too once it is empty.
    pub fn remove(&self, group: &str) -> Result<()> {
        check(group)?;
        let directories = remove_empty(self.directories(group)?);
        if !directories.is_empty() {
            self.kill(group, &directories)?;
        }
        let started = Instant::now();
        for directory in &directories {
            remove_below(directory, started)?;
        }
        // A group of another name was there before, or is somebody's to limit.
        if let Some((above, _)) = group.rsplit_once('/').filter(|(above, _)| above.starts_with("drydock")) {
            // Another container's group in it is why this fails, most of the time, and then it does so in every hierarchy.
            let _ = self.directories(above)?.into_iter().try_for_each(|directory| match std::fs::remove_dir(directory) {
                Err(e) if !gone(&e) => Err(e),
                _ => Ok(()),
            });
        }
        Ok(())
    }

    fn kill(&self, group: &str, directories: &[PathBuf]) -> Result<()> {
        if self.unified().is_some_and(|root| write(&root.join(group).join("cgroup.kill"), "1").is_ok()) {
            return Ok(());
        }
        // v1 cannot kill a group at once. Frozen, its processes cannot multiply while they are being counted; the signal takes
        // effect when they are thawed. One that cannot be frozen is killed all the same.
        let frozen = if processes(directories)?.is_empty() { Ok(()) } else { self.freeze(group, true) };
        let started = Instant::now();
        loop {
            let pids = processes(directories)?;
            for pid in &pids {
                // Gone already is what is wanted. A group never holds this process itself.
                if *pid != std::process::id() {
                    let pid = i32::try_from(*pid).ok().and_then(rustix::process::Pid::from_raw);
                    let _ = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL));
                }
            }
            if frozen.is_ok() && !pids.is_empty() {
                self.freeze(group, false)?;
            }
            if pids.is_empty() {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                return Err(stuck(group, &pids));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

/// Removes what nothing is in any more, the usual case after the end of a container's first process, and answers what is left from
/// the first on that is not empty: processes are in every hierarchy at once, and all of them are needed to stop and count them.
fn remove_empty(directories: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut left = directories.into_iter().skip_while(|directory| match std::fs::remove_dir(directory) {
        Ok(()) => true,
        Err(e) => gone(&e),
    });
    left.by_ref().filter(|d| d.is_dir()).collect()
}

fn stuck(group: &str, pids: &[u32]) -> Error {
    let list: Vec<String> = pids.iter().map(u32::to_string).collect();
    let message = format!("processes of {group} did not end within {PATIENCE:?}: {}", list.join(", "));
    Error::new(ErrorKind::TimedOut, message).op("kill").subject(group)
}

/// Every process in these directories and below, each once.
pub(super) fn processes(directories: &[PathBuf]) -> Result<Vec<u32>> {
    let mut pids = Vec::new();
    for directory in directories {
        for group in below(directory)? {
            let path = group.join("cgroup.procs");
            match std::fs::read_to_string(&path) {
                Ok(text) => pids.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok())),
                Err(e) if gone(&e) => {}
                // A threaded group of v2 lists its processes in the group above it.
                Err(e) if e.raw_os_error() == Some(libc::EOPNOTSUPP) => {}
                Err(e) => return Err(step("read", path.display().to_string(), e)),
            }
        }
    }
    // 0 is a process of another pid namespace, which cannot be named from here.
    pids.retain(|pid| *pid != 0);
    pids.sort_unstable();
    pids.dedup();
    Ok(pids)
}

/// A group and all below it, deepest first.
pub(super) fn below(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![directory.to_path_buf()];
    let mut next = 0;
    while let Some(group) = found.get(next).cloned() {
        next += 1;
        match std::fs::read_dir(&group) {
            Ok(entries) => {
                found.extend(entries.filter_map(io::Result::ok).filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()));
            }
            Err(e) if gone(&e) => {}
            Err(e) => return Err(step("read", group.display().to_string(), e)),
        }
    }
    found.reverse();
    Ok(found)
}

fn gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV))
}

fn remove_below(directory: &Path, started: Instant) -> Result<()> {
    let mut pause = Duration::from_micros(100);
    loop {
        let mut busy = None;
        for group in below(directory)? {
            match std::fs::remove_dir(&group) {
                Err(e) if !gone(&e) => busy = Some(step("rmdir", group.display().to_string(), e)),
                _ => {}
            }
        }
        let Some(error) = busy else { return Ok(()) };
        // A process leaves its group a moment after it is seen dead; and one may still be forking.
        if started.elapsed() > PATIENCE {
            return Err(error.with_kind(ErrorKind::TimedOut));
        }
        for pid in processes(&[directory.to_path_buf()])? {
            if pid != std::process::id() {
                let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
                let _ = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL));
            }
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
