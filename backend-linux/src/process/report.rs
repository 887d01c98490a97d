//! Which system calls a filter refuses: what `--security-opt seccomp-report` is answered with.
//!
//! The filter hands every call that it would refuse to this process instead (seccomp_unotify(2)), which writes it down and gives the
//! answer that the filter would have given. The call itself is never made for the container, and never continued: nothing that the
//! filter refuses gets through, whatever memory of the caller changes meanwhile. When the supervisor is gone the kernel answers ENOSYS.

use super::inside::Filter;
use crate::error::step;
use drydock_core::container::RefusedCall;
use drydock_core::error::{Error, Result};
use libseccomp::{ScmpArch, ScmpSyscall};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// `SECCOMP_IOCTL_NOTIF_RECV` and `SECCOMP_IOCTL_NOTIF_SEND` of linux/seccomp.h.
const RECEIVE: libc::c_ulong = 0xc050_2100;
const SEND: libc::c_ulong = 0xc018_2101;
/// How many different calls of a container are told apart. What comes after is refused all the same.
const MOST: usize = 256;
/// How long the new process may take between saying that it will install its filter and having done so.
const PATIENCE: Duration = Duration::from_secs(5);

/// `struct seccomp_data`.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub struct Call {
    /// Its number.
    pub number: i32,
    /// `AUDIT_ARCH_…`
    pub arch: u32,
    pointer: u64,
    args: [u64; 6],
}

/// `struct seccomp_notif`.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
struct Notice {
    id: u64,
    pid: u32,
    flags: u32,
    call: Call,
}

/// `struct seccomp_notif_resp`.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
struct Answer {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

/// Takes the listener that a new process has as this descriptor, once it has it.
pub fn take(pidfd: BorrowedFd<'_>, number: i32) -> Result<OwnedFd> {
    let since = Instant::now();
    loop {
        // SAFETY: the call takes numbers only; flags must be 0.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), number, 0) };
        if let Ok(fd) = i32::try_from(fd)
            && fd >= 0
        {
            // SAFETY: the kernel has just made this descriptor for this process; nobody else owns it.
            return Ok(unsafe { OwnedFd::from_raw_fd(fd) });
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EBADF) || since.elapsed() > PATIENCE {
            return Err(step("pidfd_getfd", "the listener of a system call filter", error));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Answers for a filter, in a thread of its own, until nothing that has the filter is left.
pub fn serve(listener: OwnedFd, filter: Filter) -> Result<()> {
    let thread = std::thread::Builder::new().name("refused".to_owned()).stack_size(128 << 10);
    thread.spawn(move || answer_all(&listener, &filter)).map(drop).map_err(|e| step("clone3", "the thread that answers for a filter", e))
}

fn answer_all(listener: &OwnedFd, filter: &Filter) {
    let mut seen = filter.reported().map(read).unwrap_or_default();
    loop {
        let mut ready = [rustix::event::PollFd::new(listener, rustix::event::PollFlags::IN)];
        match rustix::event::poll(&mut ready, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        if ready.first().is_some_and(|fd| fd.revents().contains(rustix::event::PollFlags::HUP)) {
            return;
        }
        let mut notice = Notice::default();
        // SAFETY: the structure is as long as the kernel's, and zeroed, as it asks for.
        if unsafe { libc::ioctl(listener.as_raw_fd(), RECEIVE, &raw mut notice) } != 0 {
            // The caller was killed, or a signal took it out of the call.
            continue;
        }
        let errno = filter.answer(&notice.call).unwrap_or(libc::EPERM);
        note(&mut seen, filter, &notice, errno);
        let mut answer = Answer { id: notice.id, error: -errno, ..Answer::default() };
        // SAFETY: as above. One that is gone needs no answer.
        unsafe { libc::ioctl(listener.as_raw_fd(), SEND, &raw mut answer) };
    }
}

type Seen = BTreeMap<(String, String, i32), u64>;

fn note(seen: &mut Seen, filter: &Filter, notice: &Notice, errno: i32) {
    let comm = crate::small::read(format!("/proc/{}/comm", notice.pid)).unwrap_or_default();
    let key = (name(&notice.call), String::from_utf8_lossy(&comm).trim_end().to_owned(), errno);
    if !seen.contains_key(&key) && seen.len() >= MOST {
        return;
    }
    let count = seen.entry(key).or_default();
    *count = count.saturating_add(1);
    // Often enough to be true to a factor of two, and seldom enough that a loop of refused calls does not write all the time.
    if count.is_power_of_two() {
        let calls: Vec<RefusedCall> = seen
            .iter()
            .map(|((call, program, errno), count)| RefusedCall {
                call: call.clone(),
                program: program.clone(),
                answer: nix::errno::Errno::from_raw(*errno).to_string().split(':').next().unwrap_or_default().to_owned(),
                errno: *errno,
                count: *count,
            })
            .collect();
        if let (Some(path), Ok(text)) = (filter.reported(), serde_json::to_string(&calls)) {
            // What cannot be written down is refused all the same.
            let _ = crate::files::write(path, 0o600, text.as_bytes());
        }
    }
}

/// What was written down before, by an earlier program of the same container.
fn read(path: &str) -> Seen {
    let calls: Vec<RefusedCall> = std::fs::read(path).ok().and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_default();
    calls.into_iter().map(|c| ((c.call, c.program, c.errno), c.count)).collect()
}

/// A call's name on its own machine.
fn name(call: &Call) -> String {
    let arch = match call.arch {
        0xc000_003e => ScmpArch::X8664,
        0x4000_0003 => ScmpArch::X86,
        0xc000_00b7 => ScmpArch::Aarch64,
        0x4000_0028 => ScmpArch::Arm,
        _ => ScmpArch::Native,
    };
    ScmpSyscall::from(call.number).get_name_by_arch(arch).unwrap_or_else(|_| format!("system call {}", call.number))
}

/// What a classic BPF program answers for a call, by the instructions that libseccomp uses; `None` for another instruction.
pub fn evaluate(program: &[u8], call: &Call) -> Option<u32> {
    // SAFETY: `Call` is plain numbers without padding, 64 bytes as the kernel has it, and lives while the bytes are looked at.
    let data: [u8; 64] = unsafe { std::mem::transmute_copy(call) };
    let word = |at: u32| -> Option<u32> { Some(u32::from_ne_bytes(data.get(at as usize..at as usize + 4)?.try_into().ok()?)) };
    let (mut at, mut a) = (0_usize, 0_u32);
    loop {
        let b: [u8; 8] = program.get(at * 8..at * 8 + 8)?.try_into().ok()?;
        let (code, jt, jf) = (u16::from_ne_bytes([b[0], b[1]]), usize::from(b[2]), usize::from(b[3]));
        let k = u32::from_ne_bytes([b[4], b[5], b[6], b[7]]);
        at += 1;
        match code {
            0x20 => a = word(k)?,
            0x54 => a &= k,
            0x05 => at += k as usize,
            0x15 => at += if a == k { jt } else { jf },
            0x25 => at += if a > k { jt } else { jf },
            0x35 => at += if a >= k { jt } else { jf },
            0x45 => at += if a & k != 0 { jt } else { jf },
            0x06 => return Some(k),
            _ => return None,
        }
    }
}

/// The descriptor that the next one opened by this process will be.
pub fn next_descriptor(any: &OwnedFd) -> Result<i32> {
    let next = rustix::io::fcntl_dupfd_cloexec(any, 0).map_err(|e| step("fcntl(F_DUPFD)", "", e))?;
    Ok(next.as_raw_fd())
}

/// An error for a listener that is not where it was expected.
pub fn elsewhere(number: i64) -> Error {
    Error::invalid(format!("the listener of a system call filter is descriptor {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structures_are_as_long_as_the_kernels() {
        assert_eq!((size_of::<Call>(), size_of::<Notice>(), size_of::<Answer>()), (64, 80, 24));
    }

    #[test]
    fn a_program_is_evaluated_on_number_architecture_and_arguments() {
        let instruction = |code: u16, jt: u8, jf: u8, k: u32| {
            let (c, k) = (code.to_ne_bytes(), k.to_ne_bytes());
            [c[0], c[1], jt, jf, k[0], k[1], k[2], k[3]]
        };
        // If the number is 7 and the low half of the first argument has bit 1: error 13; else allow.
        let program = [
            instruction(0x20, 0, 0, 0),
            instruction(0x15, 0, 3, 7),
            instruction(0x20, 0, 0, 16),
            instruction(0x45, 0, 1, 2),
            instruction(0x06, 0, 0, 0x0005_000d),
            instruction(0x06, 0, 0, 0x7fff_0000),
        ]
        .concat();
        let call = |number, first| Call { number, args: [first, 0, 0, 0, 0, 0], ..Call::default() };
        assert_eq!(evaluate(&program, &call(7, 6)), Some(0x0005_000d));
        assert_eq!(evaluate(&program, &call(7, 4)), Some(0x7fff_0000));
        assert_eq!(evaluate(&program, &call(8, 2)), Some(0x7fff_0000));
        assert_eq!(evaluate(&program[..16], &call(7, 0)), None, "it ends without an answer");
    }

    #[test]
    fn calls_have_the_names_of_their_own_machine() {
        assert_eq!(name(&Call { number: 165, arch: 0xc000_003e, ..Call::default() }), "mount");
        assert_eq!(name(&Call { number: 21, arch: 0x4000_0003, ..Call::default() }), "mount");
    }
}
