//! Freezing and thawing every process of a group, and waiting until it is so.

use super::{Hierarchies, check, write};
use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use std::path::Path;
use std::time::{Duration, Instant};

/// A process in an uninterruptible wait freezes only when that ends; longer than this is reported.
const PATIENCE: Duration = Duration::from_secs(10);

impl Hierarchies {
    /// Freezes (`true`) or thaws every process of a group and of those below it; returns when it is so.
    pub fn freeze(&self, group: &str, frozen: bool) -> Result<()> {
        check(group)?;
        let root = self.root_of("freezer").ok_or_else(|| Error::unsupported("freezing processes"))?;
        let directory = root.join(group);
        let done = if self.is_unified(root) { freeze_v2(&directory, frozen) } else { freeze_v1(&directory, frozen) };
        if frozen && done.is_err() {
            // Half frozen is worse than not frozen: somebody would have to find out who hangs.
            let _ = write(&directory.join(if self.is_unified(root) { "cgroup.freeze" } else { "freezer.state" }), thawed(self, root));
        }
        done
    }
}

fn thawed(hierarchies: &Hierarchies, root: &Path) -> &'static str {
    if hierarchies.is_unified(root) { "0" } else { "THAWED" }
}

fn freeze_v2(group: &Path, frozen: bool) -> Result<()> {
    write(&group.join("cgroup.freeze"), if frozen { "1" } else { "0" })?;
    let events = group.join("cgroup.events");
    let wanted = if frozen { "frozen 1" } else { "frozen 0" };
    until(group, || {
        let text = std::fs::read_to_string(&events).map_err(|e| step("read", events.display().to_string(), e))?;
        Ok(text.lines().any(|line| line == wanted))
    })
}

fn freeze_v1(group: &Path, frozen: bool) -> Result<()> {
    let state = group.join("freezer.state");
    let wanted = if frozen { "FROZEN" } else { "THAWED" };
    until(group, || {
        // Written again each time: a process forked meanwhile leaves the group FREEZING until it is asked again
        // (freezer-subsystem.rst).
        write(&state, wanted)?;
        let text = std::fs::read_to_string(&state).map_err(|e| step("read", state.display().to_string(), e))?;
        Ok(text.trim() == wanted)
    })
}

/// Asks again and again, less and less often, until it holds.
fn until(group: &Path, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    let mut pause = Duration::from_micros(50);
    while !holds()? {
        if started.elapsed() > PATIENCE {
            let message = format!("the processes of {} could not be frozen or thawed within {PATIENCE:?}", group.display());
            return Err(Error::new(ErrorKind::TimedOut, message).op("freeze"));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
    Ok(())
}
