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
}

/// Bytes of one BPF instruction (`struct sock_filter`).
const INSTRUCTION: usize = 8;
/// Counts up when the same filter is compiled into another program.
const LAYOUT: &[u8] = b"2";
/// The most instructions the kernel takes (BPF_MAXINSNS).
const MOST: usize = 4096;

/// Compiles a filter, or takes it from the cache below `data_root`.
pub fn compile(filter: &LinuxSeccomp, data_root: &str) -> Result<Filter> {
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
        return Ok(Filter { program, flags });
    }
    let program =
        build::build(filter).map_err(|e| Error::new(ErrorKind::InvalidInput, format!("the seccomp profile cannot be compiled: {e}")))?;
    // A cache that cannot be written makes the next start slower, and nothing else.
    let _ = keep(&directory, &kept, &program);
    Ok(Filter { program, flags })
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

impl Filter {
    /// Installs the filter for this thread, and so for what it executes (seccomp(2)).
    pub fn install(&self) -> Result<()> {
        let count = u16::try_from(self.program.len() / INSTRUCTION).map_err(|_| Error::invalid("a seccomp program too long"))?;
        let instructions: Vec<libc::sock_filter> = self
            .program
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
        let answer = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, self.flags, &raw const program) };
        if answer == 0 { Ok(()) } else { Err(step("seccomp", "", io::Error::last_os_error())) }
    }
}
