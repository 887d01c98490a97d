//! System call filters: compiled by libseccomp before the process exists, installed by the process itself.
//!
//! Compiling takes milliseconds and installing microseconds, so programs are kept in a cache directory under the hash of what they
//! were compiled from.

mod build;
mod newer;

use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use oci_spec::runtime::{LinuxSeccomp, LinuxSeccompFilterFlag};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// A compiled filter: classic BPF, and the flags to install it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    program: Vec<u8>,
    flags: u64,
    /// Where refused calls are written down, if they are.
    report: Option<String>,
}

/// Bytes of one BPF instruction (`struct sock_filter`).
const INSTRUCTION: usize = 8;
/// Counts up when the same filter is compiled into another program.
const LAYOUT: &[u8] = b"2";
/// The most instructions the kernel takes (BPF_MAXINSNS).
const MOST: usize = 4096;

/// Compiles a filter, or takes it from the cache below `data_root`.
pub fn compile(filter: &LinuxSeccomp, data_root: &str) -> Result<Filter> {
    let report = filter.listener_path().as_ref().map(|path| path.display().to_string());
    let flags = filter.flags().iter().flatten().fold(0, |all, flag| all | flag_bit(*flag));
    let source = serde_json::to_vec(filter)?;
    // The version of the compiler is part of the name, since a later one may know more system calls.
    let version = libseccomp::ScmpVersion::current().map_or_else(|_| String::new(), |v| v.to_string());
    let hash: String = Sha256::digest([&source, version.as_bytes(), LAYOUT].concat()).iter().map(|b| format!("{b:02x}")).collect();
    let directory = Path::new(data_root).join("cache/seccomp");
    let kept = directory.join(hash);
    if let Ok(program) = fs::read(&kept)
        && is_program(&program)
    {
        return Ok(Filter { program, flags, report });
    }
    let program =
        build::build(filter).map_err(|e| Error::new(ErrorKind::InvalidInput, format!("the seccomp profile cannot be compiled: {e}")))?;
    // A cache that cannot be written makes the next start slower, and nothing else.
    let _ = keep(&directory, &kept, &program);
    Ok(Filter { program, flags, report })
}

fn is_program(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.len().is_multiple_of(INSTRUCTION) && bytes.len() <= MOST * INSTRUCTION
}

fn keep(directory: &Path, path: &Path, program: &[u8]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let scratch = path.with_extension(std::process::id().to_string());
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&scratch)?;
    io::Write::write_all(&mut file, program)?;
    fs::rename(&scratch, path)
}

fn flag_bit(flag: LinuxSeccompFilterFlag) -> u64 {
    match flag {
        LinuxSeccompFilterFlag::SeccompFilterFlagLog => libc::SECCOMP_FILTER_FLAG_LOG,
        LinuxSeccompFilterFlag::SeccompFilterFlagSpecAllow => libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW,
        // One thread installs the filter, so there is nobody to synchronise with; and notification needs a listener.
        _ => 0,
    }
}

/// `SECCOMP_RET_ERRNO` and the mask of actions (linux/seccomp.h).
const REFUSE: u32 = 0x0005_0000;
const ACTION: u32 = 0xffff_0000;
/// `SECCOMP_RET_USER_NOTIF`
const NOTIFY: u32 = 0x7fc0_0000;
/// The instruction that returns a constant.
const RETURN: u16 = 0x06;

impl Filter {
    /// Where refused calls are written down, if they are.
    pub fn reported(&self) -> Option<&str> {
        self.report.as_deref()
    }

    /// The error that the filter answers a call with, if it refuses it.
    pub fn answer(&self, call: &crate::process::report::Call) -> Option<i32> {
        let answer = crate::process::report::evaluate(&self.program, call)?;
        (answer & ACTION == REFUSE).then_some((answer & !ACTION) as i32)
    }

    /// Installs the filter for this thread, and so for what it executes (seccomp(2)).
    pub fn install(&self) -> Result<()> {
        self.put_in_force(&self.program, self.flags).map(drop)
    }

    /// Installs it so that whoever holds the descriptor answers in its place for the calls that it refuses.
    pub fn install_with_listener(&self) -> Result<i64> {
        let notifying = self.program.chunks_exact(INSTRUCTION).flat_map(|b| {
            let refuses = u16::from_ne_bytes([b[0], b[1]]) == RETURN && u32::from_ne_bytes([b[4], b[5], b[6], b[7]]) & ACTION == REFUSE;
            let k = if refuses { NOTIFY.to_ne_bytes() } else { [b[4], b[5], b[6], b[7]] };
            [b[0], b[1], b[2], b[3], k[0], k[1], k[2], k[3]]
        });
        self.put_in_force(&notifying.collect::<Vec<u8>>(), self.flags | libc::SECCOMP_FILTER_FLAG_NEW_LISTENER)
    }

    fn put_in_force(&self, program: &[u8], flags: u64) -> Result<i64> {
        let count = u16::try_from(program.len() / INSTRUCTION).map_err(|_| Error::invalid("a seccomp program too long"))?;
        let instructions: Vec<libc::sock_filter> = program
            .chunks_exact(INSTRUCTION)
            .map(|b| libc::sock_filter {
                code: u16::from_ne_bytes([b[0], b[1]]),
                jt: b[2],
                jf: b[3],
                k: u32::from_ne_bytes([b[4], b[5], b[6], b[7]]),
            })
            .collect();
        let program = libc::sock_fprog { len: count, filter: instructions.as_ptr().cast_mut() };
        // SAFETY: the program points at `count` instructions that live across the call; the kernel copies and checks them.
        let answer = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
        if answer >= 0 { Ok(answer) } else { Err(step("seccomp", "", io::Error::last_os_error())) }
    }
}
