//! Starting another program of the host without copying this process: what posix_spawn(3) does, for exactly what a supervisor needs.
//!
//! The new process borrows this one's memory until it executes its program (CLONE_VM), while this one stands still (CLONE_VFORK). The C
//! library's function resets every signal by two calls each; of those only ignored ones outlive execve(2), and Rust ignores just
//! SIGPIPE, as the new program, which is this one, will do again.

use rustix::process::Pid;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// The new process's stack until it executes. What runs there makes a few system calls.
const STACK: usize = 32 * 1024;

/// What a program is started with.
#[derive(Debug)]
pub struct Given<'a> {
    /// The program, open.
    pub program: BorrowedFd<'a>,
    /// Its arguments, its name first.
    pub args: &'a [CString],
    /// Its environment.
    pub env: &'a [CString],
    /// Its descriptors: which of this process's as which of its own. Taken in order, so none may be taken from a number that an earlier one got.
    pub descriptors: &'a [(BorrowedFd<'a>, c_int)],
    /// Its working directory.
    pub directory: &'a CStr,
}

/// The same, as system calls take it. The new process only reads it, but for the error.
struct Prepared {
    program: c_int,
    args: Vec<*const c_char>,
    env: Vec<*const c_char>,
    descriptors: Vec<(c_int, c_int)>,
    directory: *const c_char,
    mask: libc::sigset_t,
    error: c_int,
}

/// Starts a program; answers when it runs.
pub fn start(given: &Given<'_>) -> io::Result<Pid> {
    // A descriptor that is taken from a number which an earlier one has got would be the wrong one.
    let descriptors: Vec<(c_int, c_int)> = given.descriptors.iter().map(|(from, to)| (from.as_raw_fd(), *to)).collect();
    let clashes = |at: usize, from: c_int| descriptors.iter().take(at).any(|(_, to)| *to == from);
    if descriptors.iter().enumerate().any(|(at, (from, to))| from != to && clashes(at, *from)) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let list = |all: &[CString]| all.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect();
    let mut prepared = Prepared {
        program: given.program.as_raw_fd(),
        args: list(given.args),
        env: list(given.env),
        descriptors,
        directory: given.directory.as_ptr(),
        // SAFETY: a signal set is plain numbers, and is set by the next call but one before it is read.
        mask: unsafe { std::mem::zeroed() },
        error: 0,
    };
    let mut stack = vec![0_u128; STACK / size_of::<u128>()];
    let top = stack.as_mut_ptr_range().end;
    let pid = {
        // No handler of this process may run in the new one, which would change memory that is shared.
        // SAFETY: both sets live across the calls; the mask is this thread's.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, &raw mut prepared.mask);
        }
        // SAFETY: `child` runs on a stack of its own that lives until this call returns, which is when the new process has executed or
        // ended (CLONE_VFORK); it changes nothing that is shared but `prepared.error`, and calls nothing but the kernel.
        let pid = unsafe { libc::clone(child, top.cast(), libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD, (&raw mut prepared).cast()) };
        let error = io::Error::last_os_error();
        // SAFETY: as above.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const prepared.mask, ptr::null_mut()) };
        if pid < 0 {
            return Err(error);
        }
        pid
    };
    let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))?;
    if prepared.error == 0 {
        return Ok(pid);
    }
    let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
    Err(io::Error::from_raw_os_error(prepared.error))
}

/// The new process, from its first instruction to its program.
extern "C" fn child(given: *mut c_void) -> c_int {
    // SAFETY: the pointer is to the `Prepared` of the process that stands still meanwhile, so nobody else uses it. Every call is a
    // plain system call; execveat(2) is given lists that end in a null, of strings that end in a NUL.
    unsafe {
        let given = &mut *given.cast::<Prepared>();
        let mut done = true;
        for (from, to) in &given.descriptors {
            // dup2 of a number onto itself would leave it to be closed at execve(2).
            done = done && if from == to { libc::fcntl(*to, libc::F_SETFD, 0) >= 0 } else { libc::dup2(*from, *to) >= 0 };
        }
        if done && libc::chdir(given.directory) == 0 && libc::sigprocmask(libc::SIG_SETMASK, &raw const given.mask, ptr::null_mut()) == 0 {
            let at = given.descriptors.iter().find(|(from, _)| *from == given.program).map_or(given.program, |(_, to)| *to);
            libc::syscall(libc::SYS_execveat, at, c"".as_ptr(), given.args.as_ptr(), given.env.as_ptr(), libc::AT_EMPTY_PATH);
        }
        given.error = *libc::__errno_location();
        libc::_exit(127)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{WaitOptions, waitpid};
    use std::fs::File;
    use std::io::{Read, Seek};
    use std::os::fd::AsFd;

    #[test]
    fn a_program_gets_what_it_was_given_and_nothing_else() {
        let program = File::open("/bin/sh").expect("opens");
        let path = std::env::temp_dir().join(format!("drydock-start-{}", std::process::id()));
        let mut out = File::options().read(true).write(true).create(true).truncate(true).open(&path).expect("makes");
        let null = File::open("/dev/null").expect("opens");
        let args = [c"sh", c"-c", c"pwd; echo $0 $1 $WORD; exit 7", c"name", c"one"].map(CString::from);
        let given = Given {
            program: program.as_fd(),
            args: &args,
            env: &[c"WORD=two".into()],
            descriptors: &[(null.as_fd(), 0), (out.as_fd(), 1), (null.as_fd(), 2), (program.as_fd(), 9)],
            directory: c"/usr",
        };
        let pid = start(&given).expect("starts");
        let (_, status) = waitpid(Some(pid), WaitOptions::empty()).expect("waits").expect("has ended");
        assert_eq!(status.exit_status(), Some(7));
        let mut text = String::new();
        out.rewind().expect("rewinds");
        out.read_to_string(&mut text).expect("reads");
        assert_eq!(text, "/usr\nname one two\n");
        let _ = std::fs::remove_file(&path);
    }

    #[test]
    fn what_cannot_be_executed_is_an_error_here() {
        let null = File::open("/dev/null").expect("opens");
        let given = Given { program: null.as_fd(), args: &[c"x".into()], env: &[], descriptors: &[], directory: c"/" };
        assert_eq!(start(&given).expect_err("refused").raw_os_error(), Some(libc::EACCES));
    }
}
