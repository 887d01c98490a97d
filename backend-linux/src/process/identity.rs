//! A process by pid and start time, so that a reused pid is never mistaken for it.

use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::kernel::{Process, Signal};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::fd::{AsRawFd, OwnedFd};

/// State and start time of a process: fields 3 and 22 of /proc/PID/stat (proc_pid_stat(5)).
fn stat(pid: u32) -> Option<(char, u64)> {
    let text = crate::small::read(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the command's name in parentheses and may hold anything, parentheses and line ends included; what follows
    // the last `)` is plain.
    let after = text.iter().rposition(|b| *b == b')')? + 2;
    let rest = std::str::from_utf8(text.get(after..)?).ok()?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    // The state is field 3, so field 22 is the nineteenth after it.
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// Names a process that runs now.
pub fn identify(pid: u32) -> Result<Process> {
    let (_, born) = stat(pid).ok_or_else(|| gone(pid))?;
    Ok(Process { pid, born })
}

/// A descriptor for this very process, or `None` if it is gone.
pub fn open(process: &Process) -> Result<Option<OwnedFd>> {
    let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else {
        return Ok(None);
    };
    let fd = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) => fd,
        Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL) => return Ok(None),
        Err(e) => return Err(crate::error::step("pidfd_open", format!("process {}", process.pid), e)),
    };
    // Only after the descriptor pins the pid is its start time worth comparing.
    Ok(stat(process.pid).filter(|(_, born)| *born == process.born).map(|_| fd))
}

/// Whether this very process runs: it exists, and is not a zombie.
pub fn alive(process: &Process) -> Result<bool> {
    Ok(stat(process.pid).is_some_and(|(state, born)| born == process.born && state != 'Z' && state != 'X'))
}

/// Sends a signal to this very process (pidfd_send_signal(2)).
pub fn signal(process: &Process, signal: Signal) -> Result<()> {
    let fd = open(process)?.ok_or_else(|| gone(process.pid))?;
    // SAFETY: the descriptor is open; a null siginfo asks the kernel to fill it in as kill(2) does; flags must be 0.
    let answer =
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd.as_raw_fd(), signal.number(), std::ptr::null::<libc::siginfo_t>(), 0) };
    if answer == 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::ESRCH) => Err(gone(process.pid)),
        _ => Err(crate::error::step("pidfd_send_signal", format!("process {}", process.pid), error)),
    }
}

fn gone(pid: u32) -> Error {
    Error::new(ErrorKind::NotRunning, format!("process {pid} is not running")).subject(pid.to_string())
}
