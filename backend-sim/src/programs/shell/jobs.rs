//! Children: waiting for them, and whose turn it is at the terminal.

use super::{Done, Shell};
use crate::sys::{Errno, Pid, STDIN, WaitFor, WaitStatus};
use drydock_core::kernel::Signal;

impl Shell {
    /// Waits for a child in the foreground and says so if a signal killed it. Others that end meanwhile are noted.
    pub(super) async fn wait_for(&mut self, pid: Pid) -> i32 {
        loop {
            if let Some(Some(status)) = self.jobs.get(&pid).copied() {
                self.jobs.remove(&pid);
                self.say_how(status).await;
                return status.code();
            }
            match self.sys.wait(WaitFor::Any, false).await {
                Ok(Some((ended, status))) if ended == pid => {
                    self.jobs.remove(&pid);
                    self.say_how(status).await;
                    return status.code();
                }
                Ok(Some((ended, status))) => self.note(ended, status),
                Ok(None) | Err(Errno::EINTR) => {}
                Err(_) => return 127,
            }
        }
    }

    fn note(&mut self, pid: Pid, status: WaitStatus) {
        if let Some(job) = self.jobs.get_mut(&pid) {
            *job = Some(status);
        }
    }

    async fn say_how(&self, status: WaitStatus) {
        if let WaitStatus::Signaled(signal) = status {
            if signal == Signal::INT {
                if self.options.interactive {
                    self.sys.eprint("\n").await;
                }
            } else if signal.number() != 13 {
                self.sys.eprint(&format!("{}\n", describe(signal))).await;
            }
        }
    }

    /// `wait [pid…]`
    pub(super) async fn wait_builtin(&mut self, operands: &[String]) -> Done {
        if operands.is_empty() {
            while self.jobs.values().any(Option::is_none) {
                if let Some(code) = self.wait_once().await? {
                    return Ok(code);
                }
            }
            self.jobs.clear();
            return Ok(0);
        }
        let mut code = 0;
        for operand in operands {
            let Some(pid) = self.job(operand) else {
                self.complain(&format!("wait: {operand}: no such job")).await;
                code = 2;
                continue;
            };
            code = 127;
            while let Some(status) = self.jobs.get(&pid).copied() {
                if let Some(status) = status {
                    self.say_how(status).await;
                    code = status.code();
                    break;
                } else if let Some(interrupted) = self.wait_once().await? {
                    return Ok(interrupted);
                }
            }
        }
        Ok(code)
    }

    /// Waits until a child ends or a trapped signal comes, whose code is then the answer.
    async fn wait_once(&mut self) -> Result<Option<i32>, super::Flow> {
        match self.sys.wait(WaitFor::Any, false).await {
            Ok(Some((pid, status))) => self.note(pid, status),
            Ok(None) => {}
            Err(Errno::EINTR) => return self.run_traps().await,
            Err(_) => {
                // No children any more: what is still noted as running has been reaped by somebody else.
                self.jobs.retain(|_, status| status.is_some());
            }
        }
        Ok(None)
    }

    /// A job by pid or `%n`.
    pub(super) fn job(&self, text: &str) -> Option<Pid> {
        match text.strip_prefix('%') {
            None => text.parse().ok(),
            Some("%" | "+" | "") => self.last_background,
            Some(n) => n.parse::<usize>().ok().and_then(|n| self.jobs.keys().nth(n.checked_sub(1)?).copied()),
        }
    }

    /// Lets a job use the terminal.
    pub(super) fn give_terminal(&self, group: Option<Pid>) {
        if let (true, Some(group)) = (self.job_control, group) {
            self.sys.setpgid(group, group).ok();
            self.sys.set_foreground(STDIN, group).ok();
        }
    }

    /// Takes the terminal back.
    pub(super) fn take_terminal(&self) {
        if self.job_control {
            self.sys.set_foreground(STDIN, self.sys.getpgrp()).ok();
        }
    }
}

/// strsignal(3)
pub(super) fn describe(signal: Signal) -> String {
    let text = match signal.number() {
        1 => "Hangup",
        2 => "Interrupt",
        3 => "Quit",
        4 => "Illegal instruction",
        5 => "Trace/breakpoint trap",
        6 => "Aborted",
        7 => "Bus error",
        8 => "Floating point exception",
        9 => "Killed",
        10 => "User defined signal 1",
        11 => "Segmentation fault",
        12 => "User defined signal 2",
        13 => "Broken pipe",
        14 => "Alarm clock",
        15 => "Terminated",
        n => return format!("Unknown signal {n}"),
    };
    text.to_owned()
}
