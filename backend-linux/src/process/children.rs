//! The processes that this one has launched and still looks after.

use super::launch::{self, Child};
use super::{identity, signal};
use crate::error::step;
use crate::host::Host;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::kernel::{Launch, Process, Signal};
use rustix::event::{PollFd, PollFlags, poll};
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

/// Launched processes by pid, from launch to the end or until somebody takes one over to serve it.
#[derive(Debug, Default)]
pub struct Children(Mutex<BTreeMap<u32, (String, Child)>>);

impl Children {
    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<u32, (String, Child)>> {
        // The map is whole between any two statements, so a panic elsewhere does not make it wrong.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a process that waits for [`Children::release`].
    pub fn launch(&self, host: &Host, launch: &Launch) -> Result<Process> {
        let child = launch::launch(host, launch)?;
        let process = child.process.clone();
        self.all().insert(process.pid, (launch.name.clone(), child));
        Ok(process)
    }

    /// Lets a process go on to its program.
    pub fn release(&self, process: &Process) -> Result<()> {
        let (name, mut child) = self.take(process)?;
        child.release(&name)?;
        self.all().insert(process.pid, (name, child));
        Ok(())
    }

    /// Hands a process over to the caller.
    pub fn take(&self, process: &Process) -> Result<(String, Child)> {
        let mut all = self.all();
        match all.remove(&process.pid) {
            Some((name, child)) if child.process == *process => Ok((name, child)),
            other => {
                all.extend(other.map(|entry| (process.pid, entry)));
                Err(Error::new(ErrorKind::NotRunning, format!("process {} was not launched here", process.pid)))
            }
        }
    }

    /// Kills a process and waits until it is gone, whether it was launched here or not. Its pid namespace goes with it.
    pub fn destroy(&self, process: &Process) -> Result<()> {
        if let Ok((_, child)) = self.take(process) {
            launch::end(child.pidfd.as_fd());
            return Ok(());
        }
        let Some(fd) = identity::open(process)? else {
            return Ok(());
        };
        match signal(process, Signal::KILL) {
            Err(e) if e.kind() != ErrorKind::NotRunning => return Err(e),
            _ => {}
        }
        // A pidfd becomes readable when its process has ended, even if its parent has not waited for it yet (pidfd_open(2)).
        rustix::io::retry_on_intr(|| poll(&mut [PollFd::new(&fd, PollFlags::IN)], None)).map_err(|e| step("poll", "a pidfd", e))?;
        Ok(())
    }
}
