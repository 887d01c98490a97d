//! From the OCI's description of a filter to a program, by libseccomp.

use super::newer;
use drydock_core::error::{Error, Result};
use libseccomp::{ScmpAction, ScmpArch, ScmpArgCompare, ScmpCompareOp, ScmpFilterContext, ScmpSyscall};
use oci_spec::runtime::{Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompOperator};
use std::fs;
use std::io::{Read, Seek};

/// The filter as classic BPF, in the machine's own byte order.
pub fn build(filter: &LinuxSeccomp) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let default = action(filter.default_action(), filter.default_errno_ret())?;
    let mut context = ScmpFilterContext::new(default)?;
    // A tree over the numbers of calls rather than a list: the kernel tries every number when the filter is installed, and some at every call.
    context.set_ctl_optimize(2)?;
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
    match default {
        ScmpAction::Allow | ScmpAction::Log => Ok(program),
        _ => Ok([newer::answer_enosys(filter), program].concat()),
    }
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

/// libseccomp's name of an architecture.
pub fn architecture(arch: Arch) -> ScmpArch {
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

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_core::error::ErrorKind;

    /// What a classic BPF program answers for a call without arguments, by the few instructions that filters use.
    fn answer(program: &[u8], arch: u32, number: u32) -> u32 {
        let (mut at, mut a) = (0, 0_u32);
        loop {
            let b: [u8; 8] = program[at * 8..at * 8 + 8].try_into().unwrap();
            let (code, jt, jf) = (u16::from_ne_bytes([b[0], b[1]]), usize::from(b[2]), usize::from(b[3]));
            let k = u32::from_ne_bytes([b[4], b[5], b[6], b[7]]);
            at += 1;
            match code {
                0x20 => a = [number, arch].get(k as usize / 4).copied().unwrap_or(0),
                0x54 => a &= k,
                0x05 => at += k as usize,
                0x15 => at += if a == k { jt } else { jf },
                0x25 => at += if a > k { jt } else { jf },
                0x35 => at += if a >= k { jt } else { jf },
                0x45 => at += if a & k != 0 { jt } else { jf },
                0x06 => return k,
                other => panic!("instruction {other:#x}"),
            }
        }
    }

    const X86_64: u32 = 0xc000_003e;
    const X86: u32 = 0x4000_0003;
    const ALLOW: u32 = 0x7fff_0000;
    const ERRNO: u32 = 0x0005_0000;

    fn profile(text: &str) -> LinuxSeccomp {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_filter_allows_refuses_and_does_not_know_what_is_newer() {
        let program = build(&profile(
            r#"{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"],"syscalls":[
            {"names":["read","write","no_such_call"],"action":"SCMP_ACT_ALLOW"},
            {"names":["clone3"],"action":"SCMP_ACT_ERRNO","errnoRet":38},
            {"names":["personality"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":0,"op":"SCMP_CMP_EQ"}]}]}"#,
        ))
        .unwrap();
        for (arch, number, expected) in [
            (X86_64, libc::SYS_read, ALLOW),
            (X86_64, libc::SYS_personality, ALLOW),
            (X86_64, libc::SYS_mkdir, ERRNO | 1),
            (X86_64, libc::SYS_clone3, ERRNO | 38),
            (X86_64, 9999, ERRNO | 38),
            (X86_64, 0x4000_0000, ALLOW),
            (X86_64, 0x4000_0000 | 9999, ERRNO | 1),
            (X86, 3, ALLOW),
            (X86, 39, ERRNO | 1),
            (X86, 9999, ERRNO | 38),
        ] {
            assert_eq!(answer(&program, arch, number as u32), expected, "{arch:#x} {number:#x}");
        }
        assert_eq!(answer(&program, 0x4000_0028, 0) & 0xffff_0000, 0, "an architecture that is not listed is killed");
    }

    #[test]
    fn conditions_on_one_argument_are_alternatives() {
        let either = profile(
            r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["personality"],"action":"SCMP_ACT_ALLOW","args":[
            {"index":0,"value":8,"op":"SCMP_CMP_EQ"},{"index":0,"value":0,"op":"SCMP_CMP_EQ"}]}]}"#,
        );
        let native = if cfg!(target_arch = "x86_64") { X86_64 } else { 0xc000_00b7 };
        assert_eq!(answer(&build(&either).unwrap(), native, libc::SYS_personality as u32), ALLOW);
    }

    #[test]
    fn what_needs_a_listener_is_refused() {
        let wants = profile(r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mount"],"action":"SCMP_ACT_NOTIFY"}]}"#);
        let error = build(&wants).unwrap_err();
        assert_eq!(error.downcast_ref::<Error>().map(Error::kind), Some(ErrorKind::Unsupported));
    }
}
