//! Making a process, and letting it go.

use super::errors::Named;
use crate::fault::What;
use crate::file::{OpenFile, Target};
use crate::sys::{Errno, Fd, Propagation, WaitStatus};
use crate::vfs::Loc;
use crate::world::{Shared, World};
use drydock_core::kernel::{Launch, NamespaceFrom, NamespaceKind, Process, Signal, Step, Streams};
use drydock_core::plan::Planned;
use drydock_core::{Error, Result};
use std::collections::BTreeMap;

/// The ends of a process's standard streams that whoever launched it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The pipe to its standard input.
    pub stdin: Option<u32>,
    /// The pipe from its standard output.
    pub stdout: Option<u32>,
    /// The pipe from its standard error.
    pub stderr: Option<u32>,
    /// Its terminal.
    pub tty: Option<u32>,
}

impl World {
    /// Clones a process and carries out its first steps in it. If one fails the process is gone.
    pub(super) fn launch(&mut self, shared: &Shared, parent: u32, launch: &Launch) -> Result<Process> {
        let pid = self.clone_process(parent, launch)?;
        let born = self.proc(pid).named("clone3", &launch.name)?.born;
        let prepared = self.note_peers(pid, &launch.inside);
        if let Err(error) = prepared.and_then(|()| self.run_steps(shared, pid, &launch.inside)) {
            self.watched.remove(&pid);
            self.exit_process(pid, WaitStatus::Signaled(Signal::KILL));
            self.drop_ends(pid);
            return Err(error);
        }
        let p = self.proc_mut(pid).named("clone3", &launch.name)?;
        p.last.clone_from(&launch.last);
        let tty = p.tty;
        if let (Some(ends), Some(tty)) = (self.ends.get_mut(&pid), tty)
            && matches!(launch.streams, Streams::Terminal { .. })
        {
            ends.tty = Some(tty);
        }
        Ok(Process { pid, born })
    }

    /// Notes the peer groups of sources that are to see what the host mounts later, while they still have them.
    fn note_peers(&mut self, pid: u32, steps: &[Planned]) -> Result<()> {
        self.peers.clear();
        for planned in steps {
            let Step::Bind { source, target, propagation: Some(propagation), .. } = &planned.step else { continue };
            let (needed, allowed): (&str, &[Propagation]) = match propagation.trim_start_matches('r') {
                "shared" => ("a shared mount", &[Propagation::Shared]),
                "slave" => ("a shared or slave mount", &[Propagation::Shared, Propagation::Slave]),
                _ => continue,
            };
            let ctx = self.ctx(pid).named("open", source)?;
            let at = self.walk(&ctx, source, true).named("open", source)?;
            let Some(mount) = self.fs.mounts.get(&at.mount).cloned() else { continue };
            if !allowed.contains(&mount.propagation) {
                let top = Loc { mount: at.mount, node: mount.root };
                let mounted = self.path_of(ctx.root, top).unwrap_or_else(|| "/".to_owned());
                let message = format!("path {source} is mounted on {mounted} but it is not {needed}");
                return Err(Error::invalid(message).op("bind").subject(source.as_str()));
            }
            self.peers.insert(target.clone(), mount.group);
        }
        Ok(())
    }

    fn clone_process(&mut self, parent: u32, launch: &Launch) -> Result<u32> {
        // A pid namespace is chosen before the clone: it is the child's from its first moment.
        let old_children = self.proc(parent).named("clone3", &launch.name)?.ns_children;
        let (old_group, old_ns) = self.proc(parent).map(|p| (p.cgroup, p.ns)).named("clone3", &launch.name)?;
        let group = match &launch.cgroup {
            Some(path) => self.cgroups.find(path).ok_or(crate::sys::Errno::ENOENT).named("clone3 into cgroup", path)?,
            None => old_group,
        };
        let wanted = |kind| launch.namespaces.iter().find(|n| n.kind == kind).map(|n| &n.from);
        match wanted(NamespaceKind::Pid) {
            Some(NamespaceFrom::New) => {
                let new = self.new_ns(NamespaceKind::Pid, old_ns.pid, group);
                self.proc_mut(parent).named("clone3", &launch.name)?.ns_children = new;
            }
            Some(NamespaceFrom::Of(process)) => {
                let of = self.living(process)?;
                let ns = self.proc(of).named("setns", "pid")?.ns.pid;
                self.proc_mut(parent).named("clone3", &launch.name)?.ns_children = ns;
            }
            None => {}
        }
        self.proc_mut(parent).named("clone3", &launch.name)?.cgroup = group;
        let forked = self.fork_process(parent);
        let p = self.proc_mut(parent).named("clone3", &launch.name)?;
        (p.ns_children, p.cgroup) = (old_children, old_group);
        let pid = forked.named("clone3", &launch.name)?;
        let made = self.enter_all(pid, launch, group);
        if made.is_err() {
            self.exit_process(pid, WaitStatus::Signaled(Signal::KILL));
        }
        made.map(|()| pid)
    }

    fn enter_all(&mut self, pid: u32, launch: &Launch, group: u32) -> Result<()> {
        for namespace in launch.namespaces.iter().filter(|n| n.kind != NamespaceKind::Pid) {
            match &namespace.from {
                NamespaceFrom::New => self.unshare_one(pid, namespace.kind).named("unshare", &format!("{:?}", namespace.kind))?,
                NamespaceFrom::Of(process) => {
                    let of = self.living(process)?;
                    self.enter_one(pid, namespace.kind, of).named("setns", &format!("{:?}", namespace.kind))?;
                }
            }
        }
        let own_cgroup_ns = launch.namespaces.iter().any(|n| n.kind == NamespaceKind::Cgroup && n.from == NamespaceFrom::New);
        let p = self.proc_mut(pid).named("clone3", &launch.name)?;
        if own_cgroup_ns {
            let ns = p.ns.cgroup;
            self.ns.cgroup.insert(ns, group);
        }
        let p = self.proc_mut(pid).named("clone3", &launch.name)?;
        p.dies_with_parent = true;
        p.actor = false;
        p.name = "drydock:init".chars().take(15).collect();
        p.env = Vec::new();
        (p.session, p.group, p.tty) = (pid, pid, None);
        self.watched.insert(pid);
        self.streams(pid, launch.streams)
    }

    /// Gives a process its standard streams.
    fn streams(&mut self, pid: u32, streams: Streams) -> Result<()> {
        let actor = self.proc(pid).named("pipe", "")?.parent;
        let mut ends = Ends::default();
        let mut fds: BTreeMap<Fd, u32> = BTreeMap::new();
        let null = |w: &mut World| {
            let mut file = OpenFile::nowhere(Target::Device(1, 3), true, true);
            file.uses = 0;
            w.add_file(file)
        };
        let (piped, stdin) = match streams {
            Streams::Null => (false, false),
            Streams::Inherit => (true, true),
            Streams::Pipes { stdin } => (true, stdin),
            Streams::Terminal { rows, cols, .. } => {
                self.proc_mut(pid).named("openpty", "")?.new_tty = Some((rows, cols));
                (false, false)
            }
        };
        let file = if stdin {
            let id = self.outside_pipe(actor, true);
            ends.stdin = Some(id);
            self.pipe_file(id, true)
        } else {
            null(self)
        };
        fds.insert(0, file);
        for fd in [1, 2] {
            let file = if piped {
                let id = self.outside_pipe(actor, false);
                *(if fd == 1 { &mut ends.stdout } else { &mut ends.stderr }) = Some(id);
                self.pipe_file(id, false)
            } else {
                null(self)
            };
            fds.insert(fd, file);
        }
        self.replace_fds(pid, fds).named("dup2", "")?;
        self.ends.insert(pid, ends);
        Ok(())
    }

    /// A pipe of which somebody outside has the end to write to, or to read from.
    pub(crate) fn outside_pipe(&mut self, actor: u32, write: bool) -> u32 {
        let id = self.add_pipe(Some(actor));
        if let Some(pipe) = self.pipes.get_mut(&id) {
            if write {
                pipe.writers = 1;
            } else {
                pipe.readers = 1;
            }
        }
        id
    }

    pub(crate) fn pipe_file(&mut self, id: u32, read: bool) -> u32 {
        let mut file = OpenFile::nowhere(Target::Pipe { id, read, write: !read }, read, !read);
        file.uses = 0;
        self.add_file(file)
    }

    /// Whoever launched a process lets go of its streams.
    pub(crate) fn drop_ends(&mut self, pid: u32) {
        let Some(ends) = self.ends.remove(&pid) else { return };
        for id in [ends.stdin, ends.stdout, ends.stderr].into_iter().flatten() {
            let Some(pipe) = self.pipes.get_mut(&id) else { continue };
            pipe.outside = None;
            if Some(id) == ends.stdin {
                pipe.writers = pipe.writers.saturating_sub(1);
            } else {
                pipe.readers = pipe.readers.saturating_sub(1);
            }
            self.pipe_changed(id);
        }
        if let Some(id) = ends.tty {
            if let Some(tty) = self.ttys.get_mut(&id) {
                tty.master = false;
                tty.outside = None;
            }
            self.hang_up(id);
            self.tty_forget(id);
        }
    }

    fn run_steps(&mut self, shared: &Shared, pid: u32, steps: &[Planned]) -> Result<()> {
        for planned in steps {
            let ctx = self.ctx(pid).named("launch", "")?;
            let now = self.now;
            self.trace.note(now, || format!("inside pid={pid} {}", planned.step.name()));
            let struck = self.strike_inside(planned.step.name())?;
            self.carry_out(&ctx, shared, &planned.step, Some(pid))?;
            if struck {
                self.faults.cut = Some(What::CrashAfter);
                return Err(super::interrupted());
            }
        }
        Ok(())
    }

    /// Counts a step that a new process carries out in itself, and lets it fail if that was asked for. Answers whether whoever
    /// launched the process dies after it.
    fn strike_inside(&mut self, name: &str) -> Result<bool> {
        let failed = |errno: Errno| Error::new(super::kind(errno), format!("{name}: {}", errno.text())).op("fault").subject(name);
        match self.faults.strike(name) {
            None => Ok(false),
            Some(What::Fail) => Err(failed(Errno::EIO)),
            Some(What::Errno(errno)) => Err(failed(errno)),
            Some(What::Stall(time)) => {
                self.now += u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 4);
                Ok(false)
            }
            Some(What::CrashAfter) => Ok(true),
            Some(what @ (What::CrashBefore | What::PowerLoss)) => {
                self.faults.cut = Some(what);
                Err(super::interrupted())
            }
        }
    }

    /// Lets a launched process carry out its last steps. If one fails the process is gone.
    pub(super) fn release(&mut self, shared: &Shared, process: &Process) -> Result<()> {
        let pid = self.living(process)?;
        let last = std::mem::take(&mut self.proc_mut(pid).named("release", "")?.last);
        let done = self.run_steps(shared, pid, &last);
        if done.is_err() {
            self.watched.remove(&pid);
            self.exit_process(pid, WaitStatus::Signaled(Signal::KILL));
            self.drop_ends(pid);
        }
        done
    }
}
