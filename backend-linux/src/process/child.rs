//! The new process's own side, from its first instruction to its program.

use super::channel::{self, Said};
use super::inside::arguments::Arguments;
use super::inside::early::{self, Early};
use super::inside::{Filter, Inside};
use super::streams::Given;
use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::kernel::{Launch, Process};
use drydock_core::plan::Planned;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal};
use rustix::thread::UnshareFlags;
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the launching process has prepared, of which the new one has a copy.
pub struct Prepared<'a> {
    /// What to do.
    pub launch: &'a Launch,
    /// Standard streams.
    pub given: Given,
    /// Directories of the control groups to join.
    pub cgroups: Vec<String>,
    /// Whether to make a cgroup namespace.
    pub new_cgroup: bool,
    /// Compiled filters.
    pub filters: VecDeque<Filter>,
    /// Capabilities the engine can give.
    pub bounding: u64,
    /// Whether the mount namespace is a new one. Such a process is a container's first, and ends with its supervisor.
    pub own_mounts: bool,
    /// Where this program's arguments lie, for an init that hides them.
    pub arguments: Option<Arguments>,
    /// Other processes that steps are about, by pid: in a pid namespace of its own the new process could not name them.
    pub others: Vec<(Process, OwnedFd)>,
    /// The user namespace to make or that was joined.
    pub user: Option<OwnedFd>,
    /// Where Drydock's own files are.
    pub data_root: String,
    /// The host's procfs.
    pub proc: OwnedFd,
}

/// Runs to the program, or says why not and ends. Never returns into the launching process's code.
///
/// `cgroups` are those it is not in yet: a process made by a helper was born in them. `early` is what such a helper took from the host.
pub fn main(prepared: &Prepared<'_>, cgroups: &[String], channel: &OwnedFd, early: Option<Early>) -> ! {
    let outcome = catch_unwind(AssertUnwindSafe(|| run(prepared, cgroups, channel, early)));
    let error = match outcome {
        Ok(Err(error)) => error,
        // The launching process is gone: there is nobody to tell.
        Ok(Ok(())) => exit(1),
        Err(_) => Error::new(ErrorKind::System, format!("{}: the new process panicked", prepared.launch.name)),
    };
    let _ = channel::say(channel, &Said::Failed(error.kind(), error.to_string()), None);
    exit(error.exit_code_of_run())
}

/// Ends this copy of the launching process without running what is registered for its exit.
pub fn exit(code: i32) -> ! {
    // SAFETY: _exit(2) has no conditions.
    unsafe { libc::_exit(code) }
}

fn run(prepared: &Prepared<'_>, cgroups: &[String], channel: &OwnedFd, early: Option<Early>) -> Result<()> {
    if prepared.own_mounts {
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(|e| step("prctl(PR_SET_PDEATHSIG)", "", e))?;
        // If the parent died before that call, no signal will come.
        if !channel::parent_is_there(channel) {
            return Ok(());
        }
    }
    hide()?;
    reset_signals();
    prepared.given.take()?;
    join_cgroups(cgroups)?;
    if prepared.new_cgroup {
        unshare_cgroup()?;
    }
    // Modes of what the steps make are meant as they stand.
    rustix::process::umask(Mode::empty());
    let proc = prepared.proc.try_clone().map_err(|e| step("dup", "/proc", e))?;
    let early = match early {
        Some(early) => early,
        None => early::before_private(prepared, &proc)?,
    };
    let mut inside = Inside::new(channel, proc, prepared, early);
    carry_out(&mut inside, &prepared.launch.inside)?;
    channel::say(channel, &Said::Ready, None)?;
    if !channel::wait_to_go(channel) {
        return Ok(());
    }
    carry_out(&mut inside, &prepared.launch.last)?;
    Err(Error::invalid(format!("{}: the last step executes nothing", prepared.launch.name)))
}

fn carry_out(inside: &mut Inside<'_>, steps: &[Planned]) -> Result<()> {
    steps.iter().try_for_each(|planned| inside.perform(&planned.step))
}

/// Makes this process unreadable to others in namespaces it joins (CVE-2016-9962), and lets no descriptor outlive execve(2).
pub fn hide() -> Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|e| step("prctl(PR_SET_DUMPABLE)", "", e))?;
    // SAFETY: the call only marks descriptors; none is closed before execve(2).
    let answer = unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as i32) };
    if answer == 0 { Ok(()) } else { Err(step("close_range", "", std::io::Error::last_os_error())) }
}

/// Signals that shells, nohup(1) and Rust's own start-up leave ignored. clone3 has reset handled ones, but ignored ones stay so.
const MAYBE_IGNORED: [i32; 11] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGPIPE,
    libc::SIGTERM,
    libc::SIGCHLD,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGUSR1,
    libc::SIGUSR2,
];

fn reset_signals() {
    for signal in MAYBE_IGNORED {
        // SAFETY: the default disposition needs no handler, and this process has one thread.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let mut none = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set before it is read.
    unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
    }
}

/// Moves this process into its control groups.
///
/// `0` means the writer. On v1 it is written to `tasks` and not to `cgroup.procs`: a process with one thread is the same there, and the
/// kernel then skips a lock that costs it a grace period of milliseconds a hierarchy.
pub fn join_cgroups(directories: &[String]) -> Result<()> {
    for directory in directories {
        let open = |file: &str| rustix::fs::open(format!("{directory}/{file}"), OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
        let file = match open("tasks") {
            Err(Errno::NOENT) => open("cgroup.procs"),
            answer => answer,
        }
        .map_err(|e| step("open", directory, e))?;
        rustix::io::write(&file, b"0").map_err(|e| step("join the control group", directory, e))?;
    }
    Ok(())
}

fn unshare_cgroup() -> Result<()> {
    // SAFETY: only the cgroup namespace changes; descriptors and memory stay shared or not as they were.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWCGROUP) }.map_err(|e| step("unshare(CLONE_NEWCGROUP)", "", e))
}
