//! Starting a supervisor: this program once more, from a mount of itself that nobody can write.

use super::ahead::{Ahead, UNKNOWN};
use super::driver::take_lock;
use super::wire;
use crate::error::step;
use crate::kernel::LinuxKernel;
use crate::process::start::{Given, start};
use drydock_core::container::layout::Layout;
use drydock_core::error::{Error, Result};
use drydock_core::id::ContainerId;
use drydock_core::kernel::{Facts, Kernel};
use rustix::process::{Pid, WaitOptions, waitpid};
use std::ffi::{CString, OsString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Where programs of the system are, if the environment does not say.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The descriptor at which a supervisor gets the mount that it runs from.
const MYSELF: i32 = 3;

/// Supervisors that this process has started. They outlive it; one that ends before it is waited for here.
#[derive(Debug, Default)]
pub struct Spawned {
    all: Mutex<Vec<Pid>>,
    /// One that does not know its container yet.
    ahead: Mutex<Option<Ahead>>,
}

impl Spawned {
    /// Begins the next supervisor ahead of its container. That it cannot be is no error: it is then started when it is needed.
    pub fn begin(&self, facts: &Facts) {
        let Ok((ours, its)) = crate::process::pair() else { return };
        if let Ok(process) = launch(facts, UNKNOWN, its.as_fd()) {
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(Ahead::new(process, ours));
        }
    }

    /// Starts a supervisor. It is reachable when this returns.
    ///
    /// The socket is made here and inherited by the new process, so that nobody has to wait for it.
    pub fn supervise(&self, kernel: &LinuxKernel, id: &ContainerId) -> Result<()> {
        let facts = kernel.facts();
        let taken = || Error::conflict(format!("container {id} already has a supervisor")).subject(id.as_str());
        // Held for a moment by whoever looks whether an earlier one has ended.
        let guard = take_lock(kernel, id, Duration::from_millis(100))?;
        let path = Layout::of(facts).socket(id);
        // One that was started a moment ago has its socket before it has the lock.
        if std::fs::symlink_metadata(&path).is_ok() && wire::connect_to(&path)?.is_some() {
            return Err(taken());
        }
        let listener = wire::listen_at(&path)?;
        // It wants the lock as soon as it runs, and its socket is there: whoever looks now sees that.
        drop(guard);
        let ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner).take();
        let child = match ahead.and_then(|ahead| ahead.become_supervisor(id, &listener)) {
            Some(child) => child,
            None => launch(facts, id.as_str(), listener.as_fd())?,
        };
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|earlier| matches!(waitpid(Some(*earlier), WaitOptions::NOHANG), Ok(None)));
        all.push(child);
        Ok(())
    }
}

/// Starts the process, with this as its standard input.
fn launch(facts: &Facts, id: &str, stdin: BorrowedFd<'_>) -> Result<Pid> {
    let program = myself()?;
    let null = File::options().read(true).write(true).open("/dev/null").map_err(|e| step("open", "/dev/null", e))?;
    let words = ["drydock", "supervise", "--data-root", &facts.data_root, "--run-root", &facts.run_root, id];
    let args = words.map(CString::new).into_iter().collect::<Result<Vec<_>, _>>().map_err(|_| Error::invalid("a root holds a NUL"))?;
    let given = Given {
        program: program.as_fd(),
        args: &args,
        // Nothing of a person's environment is for a process that outlives the command: only where to find programs of the system.
        env: &[search_path()],
        // The last is its own: closing the only descriptor of a mount that is attached nowhere makes the kernel wait until no
        // processor can be looking at it any more, for a millisecond that should be nobody's but the supervisor's, at its end.
        descriptors: &[(stdin, 0), (null.as_fd(), 1), (null.as_fd(), 2), (program.as_fd(), MYSELF)],
        // The directory a person stands in must not be kept busy for as long as a container runs.
        directory: c"/",
    };
    start(&given).map_err(|e| step("start the supervisor", id, e))
}

/// PATH, as it is handed on.
fn search_path() -> CString {
    let value = std::env::var_os("PATH").unwrap_or_else(|| SYSTEM_PATH.into());
    let mut variable = OsString::from("PATH=");
    variable.push(value);
    // The environment is made of strings that end in a NUL, so none has one in it.
    CString::new(variable.into_vec()).unwrap_or_default()
}

/// This program, to be executed by descriptor: unwritable if the kernel can make it so.
fn myself() -> Result<OwnedFd> {
    match unwritable_self() {
        Some(tree) => Ok(tree),
        None => File::open("/proc/self/exe").map(Into::into).map_err(|e| step("open", "/proc/self/exe", e)),
    }
}

/// This program's file on a read-only mount that is attached nowhere; `None` where the kernel does not allow it, or where it is on
/// one already.
///
/// A process on its way into a container runs this program. If it ran it from where it is installed, the container could reach the
/// file as /proc/PID/exe and overwrite it (CVE-2019-5736).
pub fn unwritable_self() -> Option<OwnedFd> {
    let tree = crate::process::clone_tree("/proc/self/exe").ok()?;
    crate::process::make_read_only(&tree).ok()?;
    Some(tree)
}

/// Closes what whoever started this process left open: a supervisor outlives it, and must not keep its pipes and locks.
///
/// To be called first of all by a process that was started as a supervisor.
///
/// The mount that this program runs from stays open until the end: see [`Spawned`].
pub fn close_inherited() {
    // SAFETY: this process has opened nothing yet beyond its standard streams, so no owner of a descriptor loses it; the one that
    // stays is nobody's, and is closed when a program is executed.
    unsafe {
        libc::fcntl(MYSELF, libc::F_SETFD, libc::FD_CLOEXEC);
        libc::close_range(MYSELF as libc::c_uint + 1, libc::c_uint::MAX, 0);
    }
}
