//! Who runs next, who waits for what, and the virtual clock's timers.

use crate::vfs::Ino;
use crate::world::{Shared, World};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::task::{Context, Poll, Waker};

/// What a process waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    /// A change of a pipe.
    Pipe(u32),
    /// A change of a named pipe.
    Fifo(Ino),
    /// A change of a terminal.
    Tty(u32),
    /// A change of a socket.
    Socket(u32),
    /// A change of one of its children.
    Child(u32),
    /// The end of its burning.
    Cpu(u32),
}

/// Whom a timer concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A process.
    Proc(u32),
    /// Packets under way.
    Net,
    /// A supervisor, by the pid it has in the table.
    Supervisor(u32),
}

/// The scheduler's tables.
#[derive(Clone, Debug, Default)]
pub struct Sched {
    /// Processes that can run, in the order in which they became able to.
    pub ready: VecDeque<u32>,
    /// Moments at which something happens.
    pub timers: BTreeSet<(u64, Who)>,
    /// Who waits for what.
    pub waiters: BTreeMap<Wait, BTreeSet<u32>>,
    /// Times a process was let run, ever.
    pub polls: u64,
}

impl World {
    /// A process waits for something.
    pub fn wait_on(&mut self, pid: u32, what: Wait) {
        self.sched.waiters.entry(what).or_default().insert(pid);
    }

    /// Something happened: who waits for it can run.
    pub fn wake(&mut self, what: Wait) {
        for pid in self.sched.waiters.remove(&what).unwrap_or_default() {
            self.make_ready(pid);
        }
    }

    /// Lets a process run when its turn comes.
    pub fn make_ready(&mut self, pid: u32) {
        if let Some(p) = self.procs.get_mut(&pid)
            && !p.queued
            && p.alive()
            && !p.actor
        {
            p.queued = true;
            self.sched.ready.push_back(pid);
        }
    }

    /// Wakes a process at a moment.
    pub fn set_timer(&mut self, at: u64, who: Who) {
        if let Who::Proc(pid) = who
            && let Some(p) = self.procs.get_mut(&pid)
        {
            p.timers.insert(at);
        }
        self.sched.timers.insert((at, who));
    }

    /// Forgets a process's timer.
    pub fn clear_timer(&mut self, at: u64, pid: u32) {
        if let Some(p) = self.procs.get_mut(&pid) {
            p.timers.remove(&at);
        }
        self.sched.timers.remove(&(at, Who::Proc(pid)));
    }

    /// The next moment at which something happens by itself.
    pub fn next_event(&self) -> Option<u64> {
        let timer = self.sched.timers.first().map(|(at, _)| *at);
        [timer, self.cpu_event()].into_iter().flatten().min()
    }

    /// Moves the clock forward, and makes ready whose moment has come. Answers the supervisors whose timers fired.
    pub fn advance_to(&mut self, moment: u64) -> Vec<u32> {
        let mut fired = Vec::new();
        loop {
            let next = self.next_event().filter(|at| *at <= moment);
            let at = next.unwrap_or(moment).max(self.now);
            self.cpu_run(at);
            self.now = at;
            while let Some(&(due, who)) = self.sched.timers.first() {
                if due > self.now {
                    break;
                }
                self.sched.timers.pop_first();
                match who {
                    Who::Proc(pid) => {
                        if let Some(p) = self.procs.get_mut(&pid) {
                            p.timers.remove(&due);
                        }
                        self.make_ready(pid);
                    }
                    Who::Net => self.net_arrivals(),
                    Who::Supervisor(pid) => fired.push(pid),
                }
            }
            if next.is_none() || !self.sched.ready.is_empty() || !fired.is_empty() {
                return fired;
            }
        }
    }
}

impl Shared {
    /// Lets one process run, if one can. Its future runs outside the lock, since it calls back into the kernel.
    pub fn run_one(&self) -> bool {
        let (pid, mut future) = {
            let mut world = self.lock();
            loop {
                let Some(pid) = world.sched.ready.pop_front() else { return false };
                let frozen = world.procs.get(&pid).is_some_and(|p| world.cgroups.is_frozen(p.cgroup));
                let Some(p) = world.procs.get_mut(&pid) else { continue };
                p.queued = false;
                if p.stopped || frozen {
                    continue;
                }
                let Some(future) = p.future.take() else { continue };
                world.sched.polls += 1;
                break (pid, future);
            }
        };
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let graves = {
            let mut world = self.lock();
            match polled {
                Poll::Ready(code) => world.exit_process(pid, crate::sys::WaitStatus::Exited(code & 0xff)),
                Poll::Pending => {
                    if let Some(p) = world.procs.get_mut(&pid)
                        && p.alive()
                        && p.future.is_none()
                    {
                        // execve(2) has put another future there, if it was called.
                        *p.future = Some(future);
                    } else {
                        world.graveyard.push(future);
                    }
                }
            }
            std::mem::take(&mut *world.graveyard)
        };
        drop(graves);
        true
    }

    /// Lets processes run until none can without the clock going on.
    pub fn run_now(&self) {
        while self.run_one() {}
    }
}
