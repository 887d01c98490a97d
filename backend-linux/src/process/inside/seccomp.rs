//! System call filters: compiled by libseccomp before the process exists, installed by the process itself.
//!
//! Compiling takes milliseconds and installing microseconds, so programs are kept in a cache directory under the hash of what they
//! were compiled from.

use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use libseccomp::{ScmpAction, ScmpArch, ScmpArgCompare, ScmpCompareOp, ScmpFilterContext, ScmpSyscall};
use oci_spec::runtime::{Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompFilterFlag, LinuxSeccompOperator};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, Read, Seek};
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
/// The most instructions the kernel takes (BPF_MAXINSNS).
const MOST: usize = 4096;

/// Compiles a filter, or takes it from the cache below `data_root`.
pub fn compile(filter: &LinuxSeccomp, data_root: &str) -> Result<Filter> {
    let flags = filter.flags().iter().flatten().fold(0, |all, flag| all | flag_bit(*flag));
    let source = serde_json::to_vec(filter)?;
    // The version of the compiler is part of the name, since a later one may know more system calls.
    let version = libseccomp::ScmpVersion::current().map_or_else(|_| String::new(), |v| v.to_string());
    let hash: String = Sha256::digest([&source, version.as_bytes()].concat()).iter().map(|b| format!("{b:02x}")).collect();
    let directory = Path::new(data_root).join("cache/seccomp");
    let kept = directory.join(hash);
    if let Ok(program) = fs::read(&kept)
        && is_program(&program)
    {
        return Ok(Filter { program, flags });
    }
    let program = build(filter).map_err(|e| Error::new(ErrorKind::InvalidInput, format!("the seccomp profile cannot be compiled: {e}")))?;
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

fn build(filter: &LinuxSeccomp) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let default = action(filter.default_action(), filter.default_errno_ret())?;
    let mut context = ScmpFilterContext::new(default)?;
    for arch in filter.architectures().iter().flatten() {
        let arch = architecture(*arch);
        if !context.is_arch_present(arch)? {
            context.add_arch(arch)?;
        }
    }
    for rule in filter.syscalls().iter().flatten() {
        let wanted = action(rule.action(), rule.errno_ret())?;
        if wanted == default {
            continue;
        }
        for name in rule.names() {
            // A profile lists calls that this machine or this version does not know; those cannot be made anyway.
            let Ok(call) = ScmpSyscall::from_name(name) else { continue };
            add(&mut context, wanted, call, rule.args().as_deref().unwrap_or_default())?;
        }
    }
    let memory = rustix::fs::memfd_create("seccomp", rustix::fs::MemfdFlags::CLOEXEC)?;
    context.export_bpf(&memory)?;
    let mut file = fs::File::from(memory);
    file.rewind()?;
    let mut program = Vec::new();
    file.read_to_end(&mut program)?;
    Ok(program)
}

fn add(
    context: &mut ScmpFilterContext,
    action: ScmpAction,
    call: ScmpSyscall,
    args: &[LinuxSeccompArg],
) -> Result<(), libseccomp::error::SeccompError> {
    let comparisons: Vec<ScmpArgCompare> = args.iter().map(comparison).collect();
    let repeated = args.iter().enumerate().any(|(i, a)| args.iter().take(i).any(|b| b.index() == a.index()));
    if args.is_empty() {
        context.add_rule(action, call)?;
    } else if repeated {
        // Conditions on one argument cannot all hold, so they are alternatives: a rule each.
        for one in comparisons {
            context.add_rule_conditional(action, call, &[one])?;
        }
    } else {
        context.add_rule_conditional(action, call, &comparisons)?;
    }
    Ok(())
}

fn comparison(arg: &LinuxSeccompArg) -> ScmpArgCompare {
    let op = match arg.op() {
        LinuxSeccompOperator::ScmpCmpNe => ScmpCompareOp::NotEqual,
        LinuxSeccompOperator::ScmpCmpLt => ScmpCompareOp::Less,
        LinuxSeccompOperator::ScmpCmpLe => ScmpCompareOp::LessOrEqual,
        LinuxSeccompOperator::ScmpCmpEq => ScmpCompareOp::Equal,
        LinuxSeccompOperator::ScmpCmpGe => ScmpCompareOp::GreaterEqual,
        LinuxSeccompOperator::ScmpCmpGt => ScmpCompareOp::Greater,
        // The mask is the first value, what is left under it the second.
        LinuxSeccompOperator::ScmpCmpMaskedEq => {
            return ScmpArgCompare::new(index(arg), ScmpCompareOp::MaskedEqual(arg.value()), arg.value_two().unwrap_or(0));
        }
    };
    ScmpArgCompare::new(index(arg), op, arg.value())
}

fn index(arg: &LinuxSeccompArg) -> u32 {
    u32::try_from(arg.index()).unwrap_or(u32::MAX)
}

fn action(action: LinuxSeccompAction, errno: Option<u32>) -> Result<ScmpAction, Error> {
    let number = i32::try_from(errno.unwrap_or(libc::EPERM as u32)).map_err(|_| Error::invalid("errno out of range"))?;
    Ok(match action {
        LinuxSeccompAction::ScmpActKill | LinuxSeccompAction::ScmpActKillThread => ScmpAction::KillThread,
        LinuxSeccompAction::ScmpActKillProcess => ScmpAction::KillProcess,
        LinuxSeccompAction::ScmpActTrap => ScmpAction::Trap,
        LinuxSeccompAction::ScmpActErrno => ScmpAction::Errno(number),
        LinuxSeccompAction::ScmpActTrace => ScmpAction::Trace(u16::try_from(number).unwrap_or(0)),
        LinuxSeccompAction::ScmpActLog => ScmpAction::Log,
        LinuxSeccompAction::ScmpActAllow => ScmpAction::Allow,
        LinuxSeccompAction::ScmpActNotify => return Err(Error::unsupported("SCMP_ACT_NOTIFY in a seccomp profile")),
    })
}

fn architecture(arch: Arch) -> ScmpArch {
    match arch {
        Arch::ScmpArchX86 => ScmpArch::X86,
        Arch::ScmpArchX86_64 => ScmpArch::X8664,
        Arch::ScmpArchX32 => ScmpArch::X32,
        Arch::ScmpArchArm => ScmpArch::Arm,
        Arch::ScmpArchAarch64 => ScmpArch::Aarch64,
        Arch::ScmpArchMips => ScmpArch::Mips,
        Arch::ScmpArchMips64 => ScmpArch::Mips64,
        Arch::ScmpArchMips64n32 => ScmpArch::Mips64N32,
        Arch::ScmpArchMipsel => ScmpArch::Mipsel,
        Arch::ScmpArchMipsel64 => ScmpArch::Mipsel64,
        Arch::ScmpArchMipsel64n32 => ScmpArch::Mipsel64N32,
        Arch::ScmpArchPpc => ScmpArch::Ppc,
        Arch::ScmpArchPpc64 => ScmpArch::Ppc64,
        Arch::ScmpArchPpc64le => ScmpArch::Ppc64Le,
        Arch::ScmpArchS390 => ScmpArch::S390,
        Arch::ScmpArchS390x => ScmpArch::S390X,
        Arch::ScmpArchRiscv64 => ScmpArch::Riscv64,
        _ => ScmpArch::Native,
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
