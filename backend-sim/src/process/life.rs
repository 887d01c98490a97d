//! How processes are made, end, and are waited for.

use crate::process::sched::{Wait, Who};
use crate::process::{KINDS, Proc, memory};
use crate::sys::{Errno, Fd, Pid, Res, WaitFor, WaitStatus};
use crate::world::World;
use drydock_core::kernel::{Exit, NamespaceKind, Signal};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

impl World {
    /// Makes a process like its parent, in the pid namespace that the parent's children get. It has no program yet.
    pub fn fork_process(&mut self, parent: u32) -> Res<u32> {
        let (group, ns_children) = {
            let p = self.proc(parent)?;
            (p.cgroup, p.ns_children)
        };
        self.cgroups.may_fork(group)?;
        if let Some(init) = self.ns.pid.get(&ns_children)
            && init.next > 1
            && init.pids.get(&1).is_none_or(|host| self.procs.get(host).is_none_or(|p| !p.alive()))
        {
            // A pid namespace whose first process ended takes no new ones (pid_namespaces(7)).
            return Err(Errno::ENOMEM);
        }
        let pid = self.next_pid;
        self.next_pid += 1;
        self.births += 1;
        let mut pids = Vec::new();
        let mut level = Some(ns_children);
        while let Some(ns) = level {
            let Some(table) = self.ns.pid.get_mut(&ns) else { break };
            let inner = if table.parent.is_none() { pid } else { table.next };
            table.next = inner + 1;
            table.pids.insert(inner, pid);
            pids.push((ns, inner));
            level = table.parent;
        }
        let p = self.proc(parent)?;
        let child = Proc {
            pid,
            born: self.births,
            started: self.now,
            parent,
            children: BTreeSet::new(),
            group: p.group,
            session: p.session,
            tty: p.tty,
            ns: crate::process::NsSet { pid: ns_children, ..p.ns },
            ns_children,
            pids,
            creds: p.creds.clone(),
            root: p.root,
            cwd: p.cwd,
            umask: p.umask,
            fds: p.fds.clone(),
            name: p.name.clone(),
            args: p.args.clone(),
            env: p.env.clone(),
            exe: p.exe,
            rlimits: p.rlimits.clone(),
            dispositions: p.dispositions.clone(),
            caught: VecDeque::new(),
            interrupted: false,
            stopped: false,
            stop_reported: false,
            cgroup: p.cgroup,
            oom_score_adj: p.oom_score_adj,
            ended: None,
            future: crate::copy::Left::default(),
            timers: BTreeSet::new(),
            queued: false,
            memory: 0,
            cpu: 0,
            debt: 0,
            seccomp: p.seccomp,
            last: Vec::new(),
            actor: false,
            new_tty: None,
            dies_with_parent: false,
        };
        for file in child.fds.values() {
            if let Some(f) = self.files.get_mut(file) {
                f.uses += 1;
            }
        }
        for (kind, _) in KINDS {
            self.hold_ns(child.ns.get(kind));
        }
        self.cgroups.join(child.cgroup, pid);
        self.procs.insert(pid, child);
        self.proc_mut(parent)?.children.insert(pid);
        self.take_memory(pid, memory::BASE);
        Ok(pid)
    }

    /// A process ends: what it had is given back, its children get another parent, and its own parent learns of it.
    pub fn exit_process(&mut self, pid: u32, status: WaitStatus) {
        self.burn_stop(pid);
        let Some(p) = self.procs.get_mut(&pid).filter(|p| p.alive()) else { return };
        p.ended = Some(status);
        let future = p.future.take();
        let fds = std::mem::take(&mut p.fds);
        let children = std::mem::take(&mut p.children);
        let timers = std::mem::take(&mut p.timers);
        let (parent, group, taken, ns, pids) = (p.parent, p.cgroup, p.memory, p.ns, p.pids.clone());
        let (session, tty) = (p.session, p.tty);
        p.memory = 0;
        self.graveyard.extend(future);
        self.trace.note(self.now, || format!("exit pid={pid} {status:?}"));
        for file in fds.values() {
            self.close_file(*file);
        }
        self.cgroups.uncharge_memory(group, taken);
        self.cgroups.leave(group, pid);
        for moment in timers {
            self.sched.timers.remove(&(moment, Who::Proc(pid)));
        }
        if session == pid
            && let Some(tty) = tty
        {
            self.hang_up(tty);
        }
        let (own_ns, inner) = pids.first().copied().unwrap_or((0, pid));
        if inner == 1 && own_ns != self.ns.host.pid {
            // The first process of a pid namespace takes all others with it.
            let others: Vec<u32> = self.ns.pid.get(&own_ns).map(|n| n.pids.values().copied().collect()).unwrap_or_default();
            for other in others.into_iter().filter(|o| *o != pid) {
                self.exit_process(other, WaitStatus::Signaled(Signal::KILL));
            }
        }
        let heir = self.ns.pid.get(&own_ns).and_then(|n| n.pids.get(&1)).copied().filter(|h| self.procs.get(h).is_some_and(Proc::alive));
        let heir = heir.unwrap_or(1);
        for child in children {
            let Some(c) = self.procs.get_mut(&child) else { continue };
            c.parent = heir;
            let (dead, dies) = (!c.alive(), c.dies_with_parent);
            if let Some(h) = self.procs.get_mut(&heir) {
                h.children.insert(child);
            }
            if dead {
                self.tell_parent(heir, child);
            } else if dies {
                self.exit_process(child, WaitStatus::Signaled(Signal::KILL));
            }
        }
        for (kind, _) in KINDS {
            if kind != NamespaceKind::Pid {
                self.leave_ns(kind, ns.get(kind));
            }
        }
        if self.watched.remove(&pid) {
            let oom_killed = self.cgroups.oom_killed(group);
            self.ended.insert(pid, Exit { code: status.code(), oom_killed });
            self.just_ended.push(pid);
        }
        self.tell_parent(parent, pid);
    }

    /// A parent learns that a child ended. Kernel processes and those that ignore SIGCHLD never leave zombies.
    fn tell_parent(&mut self, parent: u32, child: u32) {
        let chld = Signal::from_number(17).unwrap_or(Signal::TERM);
        let ignores = self
            .procs
            .get(&parent)
            .is_none_or(|p| p.actor || !p.alive() || p.dispositions.get(&chld) == Some(&crate::sys::Disposition::Ignore));
        if ignores {
            self.reap_process(child);
        } else {
            self.send_signal(parent, chld);
        }
        self.wake(Wait::Child(parent));
    }

    /// Takes a process that ended out of the table.
    pub fn reap_process(&mut self, pid: u32) {
        let Some(p) = self.procs.get(&pid).filter(|p| !p.alive()) else { return };
        let (parent, pids, ns) = (p.parent, p.pids.clone(), p.ns.pid);
        for (ns, inner) in &pids {
            if let Some(table) = self.ns.pid.get_mut(ns) {
                table.pids.remove(inner);
            }
        }
        if let Some(parent) = self.procs.get_mut(&parent) {
            parent.children.remove(&pid);
        }
        self.procs.remove(&pid);
        self.leave_ns(NamespaceKind::Pid, ns);
    }

    /// waitpid(2): a child that changed, `None` while there is none yet.
    pub fn wait_child(&mut self, pid: u32, which: WaitFor) -> Res<Option<(Pid, WaitStatus)>> {
        let p = self.proc(pid)?;
        let ns = p.ns.pid;
        let fits = |child: &Proc| match which {
            WaitFor::Any => true,
            WaitFor::Pid(wanted) => child.pid_in(ns) == wanted,
            WaitFor::Group(group) => self.procs.get(&child.group).map_or(child.group, |g| g.pid_in(ns)) == group,
        };
        let mine: Vec<u32> = p.children.iter().copied().filter(|c| self.procs.get(c).is_some_and(fits)).collect();
        if mine.is_empty() {
            return Err(Errno::ECHILD);
        }
        for child in mine {
            let Some(c) = self.procs.get_mut(&child) else { continue };
            let inner = c.pid_in(ns);
            if let Some(status) = c.ended {
                self.reap_process(child);
                return Ok(Some((inner, status)));
            }
            if c.stopped && !c.stop_reported {
                c.stop_reported = true;
                return Ok(Some((inner, WaitStatus::Stopped(Signal::STOP))));
            }
        }
        Ok(None)
    }

    /// The lowest free descriptor that is at least `least`; EMFILE at the limit.
    pub fn free_fd(&self, pid: u32, least: Fd) -> Res<Fd> {
        let p = self.proc(pid)?;
        let (limit, _) = p.rlimits.get("nofile").copied().unwrap_or((1024, 1 << 20));
        let mut fd = least.max(0);
        while p.fds.contains_key(&fd) {
            fd += 1;
        }
        if u64::try_from(fd).unwrap_or(0) >= limit { Err(Errno::EMFILE) } else { Ok(fd) }
    }

    /// Gives a process exactly these open files.
    pub fn replace_fds(&mut self, pid: u32, fds: BTreeMap<Fd, u32>) -> Res<()> {
        for file in fds.values() {
            if let Some(f) = self.files.get_mut(file) {
                f.uses += 1;
            }
        }
        let old = std::mem::replace(&mut self.proc_mut(pid)?.fds, fds);
        for file in old.values() {
            self.close_file(*file);
        }
        Ok(())
    }
}
