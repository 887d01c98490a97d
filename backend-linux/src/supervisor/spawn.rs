//! Starting a supervisor: this program once more, from a mount of itself that nobody can write.

use super::driver::take_lock;
use super::wire;
use crate::error::step;
use crate::kernel::LinuxKernel;
use drydock_core::container::layout::Layout;
use drydock_core::error::{Error, Result};
use drydock_core::id::ContainerId;
use drydock_core::kernel::Kernel;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Where programs of the system are, if the environment does not say.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Supervisors that this process has started. They outlive it; one that ends before it is waited for here.
#[derive(Debug, Default)]
pub struct Spawned(Mutex<Vec<Child>>);

impl Spawned {
    /// Starts a supervisor. It is reachable when this returns.
    ///
    /// The socket is made here and inherited as the new process's standard input, so that nobody has to wait for it.
    pub fn supervise(&self, kernel: &LinuxKernel, id: &ContainerId) -> Result<()> {
        let facts = kernel.facts();
        let taken = || Error::conflict(format!("container {id} already has a supervisor")).subject(id.as_str());
        // Held for a moment by whoever looks whether an earlier one has ended.
        let _guard = take_lock(kernel, id, Duration::from_millis(100))?;
        let path = Layout::of(facts).socket(id);
        // One that was started a moment ago has its socket before it has the lock.
        if wire::connect_to(&path)?.is_some() {
            return Err(taken());
        }
        let listener = wire::listen_at(&path)?;
        let myself = unwritable_self();
        let program = myself.as_ref().map_or("/proc/self/exe".to_owned(), |fd| format!("/proc/self/fd/{}", fd.as_raw_fd()));
        let child = Command::new(program)
            .arg0("drydock")
            .args(["supervise", "--data-root", &facts.data_root, "--run-root", &facts.run_root, id.as_str()])
            // Nothing of a person's environment is for a process that outlives the command: only where to find programs of the system.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_else(|| SYSTEM_PATH.into()))
            // The directory a person stands in must not be kept busy for as long as a container runs.
            .current_dir("/")
            .stdin(Stdio::from(listener))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| step("start the supervisor", id.short(), e))?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain_mut(|earlier| matches!(earlier.try_wait(), Ok(None)));
        all.push(child);
        Ok(())
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

/// Runs this program again from a mount of itself that nobody can write, unless it runs from one already. To be called first by a
/// command that makes processes in running containers itself.
///
/// Returns if that is not needed, or not allowed by the kernel.
pub fn become_unwritable() {
    let read_only = rustix::fs::statvfs("/proc/self/exe").is_ok_and(|s| s.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY));
    if read_only {
        let _ = rustix::thread::set_name(c"drydock");
        return;
    }
    let Some(myself) = unwritable_self() else { return };
    let mut args = std::env::args_os();
    let name = args.next().unwrap_or_else(|| "drydock".into());
    // It returns only if it failed; then this process goes on as it is.
    let _ = Command::new(format!("/proc/self/fd/{}", myself.as_raw_fd())).arg0(name).args(args).exec();
}

/// Closes what whoever started this process left open: a supervisor outlives it, and must not keep its pipes and locks.
///
/// To be called first of all by a process that was started as a supervisor.
pub fn close_inherited() {
    // SAFETY: this process has opened nothing yet beyond its standard streams, so no owner of a descriptor loses it.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
}
