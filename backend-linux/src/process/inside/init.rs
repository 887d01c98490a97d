//! A small init: process 1 of a container that was asked for one (`--init`).
//!
//! It starts the program as its child, passes signals on, reaps whatever is left to it, and exits as the program does. Process 1
//! gets no signal it has no handler for (pid_namespaces(7)); a program that expects to be killed by SIGTERM needs this.

use super::arguments::Arguments;
use super::execute::Program;
use crate::error::step;
use crate::process::channel::{self, Said};
use drydock_core::error::Error;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use std::os::fd::OwnedFd;

/// Runs a program as the child of this process, which becomes the init. Returns only if that could not begin.
pub fn run(program: &Program, channel: &OwnedFd, arguments: Option<&Arguments>) -> Error {
    // Blocked before the program exists, so that no signal falls between; the program gets the empty mask back.
    let everything = set_mask(true);
    // SAFETY: this process was cloned from one with a single thread and has started none.
    match unsafe { fork() } {
        Err(e) => step("fork", "init", e),
        Ok(ForkResult::Child) => {
            set_mask(false);
            // A group of its own in the foreground, so that the terminal's signals go to the program once, and not twice through init.
            let _ = rustix::process::setpgid(None, None);
            let _ = rustix::termios::tcsetpgrp(rustix::stdio::stdin(), rustix::process::getpid());
            let error = program.execute();
            let code = error.exit_code_of_run();
            let _ = channel::say(channel, &Said::Failed(error.kind(), error.message().to_owned()), None);
            exit(code)
        }
        Ok(ForkResult::Parent { child }) => {
            // The launching process sees the program run when the last copy of the channel closes: this one goes now.
            // SAFETY: nothing in this process uses a descriptor above 2 from here on.
            unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
            let _ = rustix::thread::set_name(c"drydock-init");
            if let Some(arguments) = arguments {
                arguments.replace(c"/sbin/drydock-init", program.arguments());
            }
            exit(look_after(child, &everything))
        }
    }
}

/// Passes signals on and reaps until the program ends; answers its exit code.
fn look_after(program: Pid, signals: &libc::sigset_t) -> i32 {
    loop {
        // SAFETY: the set is initialised; a null info is allowed (sigwaitinfo(2)).
        match unsafe { libc::sigwaitinfo(signals, std::ptr::null_mut()) } {
            libc::SIGCHLD => {
                if let Some(code) = reap(program) {
                    return code;
                }
            }
            // The terminal's stop signals are for the program's own group, which has had them.
            libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU | -1 => {}
            signal => {
                // SAFETY: kill(2) takes plain numbers; a program that is gone is found out by the next SIGCHLD.
                unsafe { libc::kill(program.as_raw(), signal) };
            }
        }
    }
}

fn reap(program: Pid) -> Option<i32> {
    let mut code = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, status)) if pid == program => code = Some(status),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == program => code = Some(128 + signal as i32),
            Ok(WaitStatus::StillAlive) | Err(_) => return code,
            Ok(_) => {}
        }
    }
}

/// Blocks every signal, or none; answers the set of all.
fn set_mask(block: bool) -> libc::sigset_t {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigfillset initialises the set before it is read; the mask is this thread's, and the only one.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        let all = all.assume_init();
        libc::sigprocmask(if block { libc::SIG_BLOCK } else { libc::SIG_UNBLOCK }, &raw const all, std::ptr::null_mut());
        all
    }
}

/// Ends this process without running anything that its parent's copy of memory has registered to run at exit.
fn exit(code: i32) -> ! {
    // SAFETY: _exit(2) has no conditions; it is the point not to unwind.
    unsafe { libc::_exit(code) }
}
