//! The launching process's side: preparing, cloning, waiting until the new process is ready, and letting it go.

use super::channel::{self, Said};
use super::child::{self, Prepared};
use super::clone::{Side, Spaces, clone3};
use super::inside::Filter;
use super::inside::arguments;
use super::inside::early::{self, Early};
use super::streams::{self, Ends};
use super::{identity, inside, report, user};
use crate::error::step;
use crate::host::Host;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::kernel::{Launch, Process, Step};
use nix::unistd::{ForkResult, fork};
use rustix::process::{PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid};
use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// A process that this one has launched and has not handed on: its parent's knowledge of it.
#[derive(Debug)]
pub struct Child {
    /// Its name for others.
    pub process: Process,
    /// Its name for this process.
    pub pidfd: OwnedFd,
    /// The socket by which it is let go; closed once its program runs.
    channel: Option<OwnedFd>,
    /// Filters whose refusals are to be answered for.
    reported: VecDeque<Filter>,
    /// The far ends of its streams.
    pub ends: Ends,
}

/// Makes a process and waits until it is ready. After an error it is gone.
pub fn launch(host: &Host, launch: &Launch) -> Result<Child> {
    let mut spaces = Spaces::of(&launch.namespaces);
    let own_user = spaces.new & libc::CLONE_NEWUSER as u64 != 0;
    let (mut ends, given) = streams::make(launch.streams)?;
    let filters: VecDeque<Filter> = launch
        .steps()
        .filter_map(|s| if let Step::SetSeccomp { filter } = s { Some(inside::compile(filter, &host.facts().data_root)) } else { None })
        .collect::<Result<_>>()?;
    let reported = filters.iter().filter(|f| f.reported().is_some()).cloned().collect();
    let user = match launch.user.filter(|_| own_user) {
        Some(range) => Some(user::make(range)?),
        None if own_user => return Err(Error::unsupported("a new user namespace without a range of ids")),
        None => None,
    };
    // It is joined: it has to be there before the process.
    spaces.new &= !(libc::CLONE_NEWUSER as u64);
    let direct = spaces.joined.is_empty() && user.is_none() && single_threaded();
    let group = launch.cgroup.as_deref();
    // With one hierarchy a process can be born in its group, which spares the kernel a migration (clone3(2), CLONE_INTO_CGROUP).
    let birthplace = group.filter(|_| direct).map_or(Ok(None), |group| host.hierarchies().open_unified(group))?;
    let prepared = Prepared {
        launch,
        given,
        others: others(launch)?,
        cgroups: group.filter(|_| birthplace.is_none()).map_or(Ok(Vec::new()), |group| host.cgroup_directories(group))?,
        arguments: launch.steps().any(|s| matches!(s, Step::Execute { init: true, .. })).then(arguments::find).flatten(),
        new_cgroup: spaces.new_cgroup,
        filters,
        // A user namespace comes with every capability, whatever the host's engine may do.
        bounding: if launch.user.is_some() { (1 << 41) - 1 } else { host.facts().capabilities },
        user,
        data_root: host.facts().data_root.clone(),
        proc: inside::open_proc()?,
        own_mounts: spaces.new & libc::CLONE_NEWNS as u64 != 0,
    };
    let (ours, theirs) = channel::pair()?;
    let (ours, pid, pidfd) = if direct {
        // SAFETY: this process has one thread, as was just seen.
        match unsafe { clone3(spaces.new, false, birthplace.as_ref().map(AsRawFd::as_raw_fd)) } {
            Ok(Side::Child) => {
                drop(ours);
                child::main(&prepared, &prepared.cgroups, &theirs, None)
            }
            Ok(Side::Parent(pid, pidfd)) => (ours, pid, pidfd),
            Err(e) => return Err(step("clone3", &launch.name, e)),
        }
    } else {
        by_way_of_a_helper(&spaces, &prepared, ours, &theirs)?
    };
    drop(theirs);
    drop(prepared);
    match wait_until_ready(&launch.name, &ours, &mut ends).and_then(|()| identity::identify(pid.unsigned_abs())) {
        Ok(process) => Ok(Child { process, pidfd, channel: Some(ours), reported, ends }),
        Err(e) => {
            end(pidfd.as_fd());
            Err(e)
        }
    }
}

/// The processes that steps of a launch are about, each held so that its pid cannot become another's.
fn others(launch: &Launch) -> Result<Vec<(Process, OwnedFd)>> {
    let named = launch.steps().filter_map(|s| if let Step::BindOf { of, .. } = s { Some(of) } else { None });
    let open = |of: &Process| match identity::open(of)? {
        Some(fd) => Ok((of.clone(), fd)),
        None => Err(Error::new(ErrorKind::NotRunning, format!("process {} has ended", of.pid))),
    };
    named.map(open).collect()
}

/// Whether this process has one thread: a directory's link count is two and one for each entry.
fn single_threaded() -> bool {
    rustix::fs::stat("/proc/self/task").is_ok_and(|s| s.st_nlink == 3)
}

/// Clones through a short-lived process that joins namespaces first, since setns(2) would change the caller, and a pid namespace
/// that is joined holds only for children. CLONE_PARENT makes the new process the caller's child nevertheless.
fn by_way_of_a_helper(spaces: &Spaces, prepared: &Prepared<'_>, ours: OwnedFd, theirs: &OwnedFd) -> Result<(OwnedFd, i32, OwnedFd)> {
    let targets = spaces
        .joined
        .iter()
        .map(|(process, kinds)| match identity::open(process)? {
            Some(fd) => Ok((fd, *kinds)),
            None => Err(Error::new(ErrorKind::NotRunning, format!("process {} is not running", process.pid))),
        })
        .collect::<Result<Vec<_>>>()?;
    // Not over the channel: there the new process may already be talking.
    let (pid_reader, pid_writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(|e| step("pipe2", "", e))?;
    // SAFETY: fork(3) of the C library leaves its allocator usable in the child even if other threads held its locks.
    let helper = match unsafe { fork() }.map_err(|e| step("fork", &prepared.launch.name, e))? {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            // A copy left open here would hide from the new process that this one is gone.
            drop(ours);
            helper(spaces, prepared, theirs, pid_writer, &targets)
        }
    };
    drop(pid_writer);
    let mut pid = [0; size_of::<i32>()];
    let count = rustix::io::retry_on_intr(|| rustix::io::read(&pid_reader, &mut pid[..]));
    let _ = nix::sys::wait::waitpid(helper, None);
    if count != Ok(pid.len()) {
        // It has said why it could not.
        return Err(listen(&prepared.launch.name, &ours, &mut Ends::default())
            .err()
            .unwrap_or_else(|| channel::vanished(&prepared.launch.name)));
    }
    let pid = i32::from_ne_bytes(pid);
    // It is this process's own child, so its pid stays its own until it is waited for.
    let known = rustix::process::Pid::from_raw(pid).ok_or_else(|| channel::vanished(&prepared.launch.name))?;
    let pidfd = pidfd_open(known, PidfdFlags::empty()).map_err(|e| step("pidfd_open", &prepared.launch.name, e))?;
    Ok((ours, pid, pidfd))
}

fn helper(spaces: &Spaces, prepared: &Prepared<'_>, channel: &OwnedFd, pid_writer: OwnedFd, targets: &[(OwnedFd, i32)]) -> ! {
    let outcome = (|| {
        child::hide()?;
        // Before the mount namespace changes, while the host's control groups can be reached.
        child::join_cgroups(&prepared.cgroups)?;
        if let Some(range) = prepared.launch.user {
            // The streams are to be the container's root's, who could not take them from the host's.
            prepared.given.own(range.start)?;
        }
        for (target, kinds) in targets {
            // SAFETY: this process has one thread; a pidfd joins every kind at once, or none (setns(2)).
            if unsafe { libc::setns(target.as_raw_fd(), *kinds) } != 0 {
                return Err(step("setns", &prepared.launch.name, std::io::Error::last_os_error()));
            }
            if kinds & libc::CLONE_NEWUSER != 0 {
                user::become_root()?;
            }
        }
        let early = match &prepared.user {
            Some(namespace) => Some(enter_user(prepared, namespace)?),
            None => None,
        };
        // SAFETY: this process is fresh from fork(3) and has one thread.
        match unsafe { clone3(spaces.new, true, None) }.map_err(|e| step("clone3", &prepared.launch.name, e))? {
            Side::Child => {
                drop(pid_writer);
                child::main(prepared, &[], channel, early)
            }
            Side::Parent(pid, _) => {
                rustix::io::write(&pid_writer, &pid.to_ne_bytes()).map(drop).map_err(|e| step("write", "the new process's pid", e))
            }
        }
    })();
    if let Err(error) = outcome {
        let _ = channel::say(channel, &Said::Failed(error.kind(), error.to_string()), None);
    }
    child::exit(0)
}

/// Goes into a user namespace of its own, after taking along everything that needs the host's rights.
fn enter_user(prepared: &Prepared<'_>, namespace: &OwnedFd) -> Result<Early> {
    for planned in &prepared.launch.last {
        if let Step::SetOomScore { score } = planned.step {
            let path = "/proc/self/oom_score_adj";
            std::fs::write(path, score.to_string()).map_err(|e| step("write", path, e))?;
        }
    }
    // SAFETY: this process is fresh from fork(3) and has one thread.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS) }.map_err(|e| step("unshare(CLONE_NEWNS)", "", e))?;
    let early = early::with_the_hosts_rights(prepared, namespace, &prepared.proc)?;
    user::enter(namespace)?;
    Ok(early)
}

/// Takes the terminal when it comes, and answers the next other message; what the new process says went wrong is the error.
fn listen(name: &str, channel: &OwnedFd, ends: &mut Ends) -> Result<Option<Said>> {
    loop {
        match channel::hear(channel)? {
            Some((Said::Terminal, master)) => ends.terminal = master,
            Some((Said::Failed(kind, message), _)) => return Err(Error::new(kind, message).op("launch").subject(name)),
            Some((said, _)) => return Ok(Some(said)),
            None => return Ok(None),
        }
    }
}

fn wait_until_ready(name: &str, channel: &OwnedFd, ends: &mut Ends) -> Result<()> {
    match listen(name, channel, ends)? {
        Some(Said::Ready) => Ok(()),
        _ => Err(channel::vanished(name)),
    }
}

/// Kills a child and reaps it.
pub fn end(pidfd: BorrowedFd<'_>) {
    let _ = rustix::process::pidfd_send_signal(pidfd, rustix::process::Signal::KILL);
    let _ = rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(pidfd), WaitIdOptions::EXITED));
}

impl Child {
    /// Lets it carry out its last steps. Returns when its program runs; after an error it is gone.
    pub fn release(&mut self, name: &str) -> Result<()> {
        let Some(channel) = self.channel.take() else {
            return Err(Error::conflict(format!("process {} runs already", self.process.pid)));
        };
        channel::go(&channel)?;
        let heard = loop {
            match listen(name, &channel, &mut self.ends) {
                Ok(Some(Said::Listening(number))) => {
                    let taken = report::take(self.pidfd.as_fd(), number).and_then(|listener| match self.reported.pop_front() {
                        Some(filter) => report::serve(listener, filter),
                        None => Err(report::elsewhere(i64::from(number))),
                    });
                    match taken.and_then(|()| channel::go(&channel)) {
                        Ok(()) => {}
                        Err(e) => break Err(e),
                    }
                }
                heard => break heard,
            }
        };
        match heard {
            // The end of the stream: execve(2) has closed the other side.
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(channel::vanished(name)),
            Err(e) => {
                end(self.pidfd.as_fd());
                Err(e)
            }
        }
    }
}
