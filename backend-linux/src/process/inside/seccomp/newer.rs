//! System calls that are newer than a profile.
//!
//! A profile that refuses by default answers EPERM to a call nobody had heard of when it was written. Programs try such a call
//! and fall back to an older one only on ENOSYS, so a few instructions before the profile's own give that answer: for every
//! number above the highest that the profile names.

use super::build::architecture;
use libseccomp::{ScmpArch, ScmpSyscall};
use oci_spec::runtime::{Arch, LinuxSeccomp};

/// Instructions of linux/bpf_common.h: load a word, jump if equal, greater, not less; return.
const LOAD: u16 = 0x20;
const IF_EQUAL: u16 = 0x15;
const IF_GREATER: u16 = 0x25;
const IF_NOT_LESS: u16 = 0x35;
const RETURN: u16 = 0x06;

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;

/// `SECCOMP_RET_ERRNO` with ENOSYS.
const ENOSYS: u32 = 0x0005_0000 | libc::ENOSYS as u32;
/// The bit that tells an x32 call from an x86-64 one (`__X32_SYSCALL_BIT`).
const X32: u32 = 0x4000_0000;

/// The kernel's name of an architecture (`AUDIT_ARCH_…` of linux/audit.h).
fn audit(arch: ScmpArch) -> Option<u32> {
    Some(match arch {
        ScmpArch::X8664 => 0xc000_003e,
        ScmpArch::X86 => 0x4000_0003,
        ScmpArch::Arm => 0x4000_0028,
        ScmpArch::Aarch64 => 0xc000_00b7,
        ScmpArch::Riscv64 => 0xc000_00f3,
        ScmpArch::Ppc64Le => 0xc000_0015,
        ScmpArch::S390X => 0x8000_0016,
        // x32 shares x86-64's name, and the others are not built for; their unknown calls get the profile's answer.
        _ => return None,
    })
}

/// The instructions that come first. They leave every call they do not answer to what follows.
pub fn answer_enosys(filter: &LinuxSeccomp) -> Vec<u8> {
    let listed = filter.architectures().iter().flatten().map(|a: &Arch| architecture(*a));
    let mut archs: Vec<ScmpArch> = listed.chain([ScmpArch::native()]).collect();
    archs.sort_by_key(|a| audit(*a));
    archs.dedup();
    let known = archs.into_iter().filter_map(|arch| Some((audit(arch)?, highest(filter, arch)?)));
    let mut program = Vec::new();
    for (arch, highest) in known {
        // Another architecture, a number that is known and an x32 number all go on behind the block.
        program.extend([
            instruction(LOAD, 0, 0, ARCH),
            instruction(IF_EQUAL, 0, 4, arch),
            instruction(LOAD, 0, 0, NUMBER),
            instruction(IF_NOT_LESS, 2, 0, X32),
            instruction(IF_GREATER, 0, 1, highest),
            instruction(RETURN, 0, 0, ENOSYS),
        ]);
    }
    program.concat()
}

/// The highest number of a call that the profile names on an architecture.
fn highest(filter: &LinuxSeccomp, arch: ScmpArch) -> Option<u32> {
    let names = filter.syscalls().iter().flatten().flat_map(|rule| rule.names());
    // Calls that an architecture does not have get negative numbers from libseccomp.
    names.filter_map(|name| u32::try_from(ScmpSyscall::from_name_by_arch(name, arch).ok()?.as_raw_syscall()).ok()).max()
}

fn instruction(code: u16, if_true: u8, if_false: u8, operand: u32) -> [u8; 8] {
    let ([c0, c1], [k0, k1, k2, k3]) = (code.to_ne_bytes(), operand.to_ne_bytes());
    [c0, c1, if_true, if_false, k0, k1, k2, k3]
}
