//! The arguments that a list of processes shows.
//!
//! An init goes on running the engine's own program, whose arguments name directories of the host. Inside a container they are
//! replaced by what the init is and runs.

use std::ffi::{CStr, CString};

/// Where the arguments of this program lie in memory. A process made by clone(2) without CLONE_VM has its own copy of it.
#[derive(Debug)]
pub struct Arguments {
    start: usize,
    end: usize,
}

/// Finds the arguments: fields 48 and 49 of /proc/self/stat (proc_pid_stat(5)).
pub fn find() -> Option<Arguments> {
    let text = crate::small::read("/proc/self/stat").ok()?;
    let after = text.iter().rposition(|b| *b == b')')? + 2;
    let mut fields = std::str::from_utf8(text.get(after..)?).ok()?.split(' ');
    // The first of these is field 3.
    let (start, end) = (fields.nth(45)?.parse().ok()?, fields.next()?.parse().ok()?);
    (0 < start && start < end).then_some(Arguments { start, end })
}

impl Arguments {
    /// Replaces them, cut to the room there is.
    pub fn replace(&self, name: &CStr, program: &[CString]) {
        let words = [name, c"--"].into_iter().chain(program.iter().map(CString::as_c_str));
        let room = self.end - self.start;
        let mut text: Vec<u8> = words.flat_map(|word| word.to_bytes_with_nul().to_vec()).take(room - 1).collect();
        // The last byte stays NUL: anything else there makes the kernel show the environment too.
        text.resize(room, 0);
        // SAFETY: the kernel has said that the arguments fill exactly this range; it is writable memory of this process's stack
        // (execve(2)), nobody else runs in it, and no reference to it is held: `std::env::args` answers copies.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), std::ptr::with_exposed_provenance_mut::<u8>(self.start), room) };
    }
}
