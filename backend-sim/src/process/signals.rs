//! Signals (signal(7)).

use crate::process::Proc;
use crate::process::sched::Wait;
use crate::sys::{Disposition, Errno, Res, Target, WaitStatus};
use crate::vfs::cap;
use crate::world::World;
use drydock_core::kernel::Signal;

/// What the kernel does by default.
enum ByDefault {
    End,
    Ignore,
    Stop,
    Continue,
}

fn by_default(signal: Signal) -> ByDefault {
    match signal.number() {
        17 | 23 | 28 => ByDefault::Ignore,
        18 => ByDefault::Continue,
        19..=22 => ByDefault::Stop,
        _ => ByDefault::End,
    }
}

impl World {
    /// Delivers a signal to a process, from the kernel or after the sender's rights were checked.
    pub fn send_signal(&mut self, pid: u32, signal: Signal) {
        self.deliver(pid, signal, false);
    }

    /// Delivers a signal; `outside` says that it comes from a pid namespace further out, where even process 1 obeys SIGKILL and SIGSTOP.
    pub fn deliver(&mut self, pid: u32, signal: Signal, outside: bool) {
        let Some(p) = self.procs.get_mut(&pid).filter(|p| p.alive()) else { return };
        let is_init = p.pids.first().is_some_and(|(_, inner)| *inner == 1);
        let disposition = p.dispositions.get(&signal).copied().unwrap_or_default();
        let forced = matches!(signal, Signal::KILL | Signal::STOP);
        if signal == Signal::CONT && p.stopped {
            p.stopped = false;
            p.stop_reported = false;
            self.make_ready(pid);
            self.cpu_share();
        }
        let Some(p) = self.procs.get_mut(&pid) else { return };
        match disposition {
            Disposition::Catch if !forced => {
                if !p.caught.contains(&signal) {
                    p.caught.push_back(signal);
                }
                p.interrupted = true;
                self.make_ready(pid);
            }
            Disposition::Ignore if !forced => {}
            _ => {
                // Process 1 gets only signals it has asked for, and the two that cannot be caught only from outside.
                if is_init && !(forced && outside) {
                    return;
                }
                match by_default(signal) {
                    ByDefault::End => self.exit_process(pid, WaitStatus::Signaled(signal)),
                    ByDefault::Stop => {
                        p.stopped = true;
                        p.stop_reported = false;
                        let parent = p.parent;
                        self.cpu_share();
                        self.wake(Wait::Child(parent));
                    }
                    ByDefault::Ignore | ByDefault::Continue => {}
                }
            }
        }
    }

    /// kill(2) by a process.
    pub fn kill(&mut self, sender: u32, target: Target, signal: Option<Signal>) -> Res<()> {
        let from = self.proc(sender)?;
        let (ns, creds, session) = (from.ns.pid, from.creds.clone(), from.session);
        let inner = |p: &Proc| p.pid_in(ns);
        let victims: Vec<u32> = match target {
            Target::Pid(pid) => vec![self.host_pid(ns, pid)?],
            Target::Group(group) => {
                let group = if group == 0 { from.group } else { self.host_pid(ns, group)? };
                self.procs.values().filter(|p| p.group == group && p.alive()).map(|p| p.pid).collect()
            }
            Target::All => {
                self.procs.values().filter(|p| p.pid != sender && inner(p) > 1 && p.alive() && !p.actor).map(|p| p.pid).collect()
            }
        };
        if victims.is_empty() {
            return Err(Errno::ESRCH);
        }
        let mut sent = Err(Errno::EPERM);
        for victim in victims {
            let Ok(p) = self.proc(victim) else { continue };
            let same = [creds.uid, creds.euid].iter().any(|u| *u == p.creds.uid || *u == p.creds.suid);
            let resumes = signal == Some(Signal::CONT) && p.session == session;
            if !same && !resumes && !creds.can(cap::KILL) {
                continue;
            }
            sent = Ok(());
            if let Some(signal) = signal {
                let outside = p.ns.pid != ns;
                self.trace.note(self.now, || format!("kill pid={sender} {signal} -> {victim}"));
                self.deliver(victim, signal, outside);
            }
        }
        sent
    }

    /// Sends a signal to the foreground group of a terminal.
    pub fn signal_group(&mut self, group: u32, signal: Signal) {
        let members: Vec<u32> = self.procs.values().filter(|p| p.group == group && p.alive()).map(|p| p.pid).collect();
        for pid in members {
            self.send_signal(pid, signal);
        }
    }
}
