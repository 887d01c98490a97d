//! System call filters: Docker's default one, and a person's own in Docker's JSON.

mod profile;
mod table;

pub use profile::parse;

use super::defaults;
use crate::error::{Error, ErrorKind, Result};
use oci_spec::OciSpecError;
use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction as Action, LinuxSeccompArg, LinuxSeccompArgBuilder, LinuxSeccompBuilder,
    LinuxSeccompOperator as Operator, LinuxSyscall, LinuxSyscallBuilder,
};

/// EPERM of errno(3).
const EPERM: u32 = 1;
/// ENOSYS of errno(3).
const ENOSYS: u32 = 38;

/// Docker's default filter for a container with these capabilities (a bit mask) on this architecture (the OCI's word).
///
/// clone3(2) answers ENOSYS rather than EPERM, for its flags are behind a pointer that a filter cannot follow, and the C library
/// then falls back to clone(2).
pub fn default_filter(capabilities: u64, architecture: &str) -> Result<LinuxSeccomp> {
    let has = |capability| defaults::to_mask(&[capability]) & capabilities != 0;
    let admin = has(oci_spec::runtime::Capability::SysAdmin);

    let mut names: Vec<&str> = table::ALLOWED.iter().chain(&table::SINCE_4_8).copied().collect();
    names.extend(table::WITH_CAPABILITY.iter().filter(|(c, _)| has(*c)).flat_map(|(_, names)| names.iter().copied()));
    names.extend(table::ON_ARCHITECTURE.iter().filter(|(on, _)| on.contains(&architecture)).flat_map(|(_, names)| names.iter().copied()));
    if has(oci_spec::runtime::Capability::Perfmon) {
        names.push("perf_event_open");
    }
    names.sort_unstable();
    names.dedup();

    let mut rules = vec![rule(&names, Action::ScmpActAllow, None, Vec::new())?];
    for (operator, value) in
        [(Operator::ScmpCmpLt, table::AF_ALG), (Operator::ScmpCmpEq, table::AF_ALG + 1), (Operator::ScmpCmpGt, table::AF_VSOCK)]
    {
        // Three ranges, for two "not equal" on one argument are not taken together.
        rules.push(rule(&["socket"], Action::ScmpActAllow, None, vec![argument(0, operator, value, None)?])?);
    }
    for value in table::PERSONALITIES {
        rules.push(rule(&["personality"], Action::ScmpActAllow, None, vec![argument(0, Operator::ScmpCmpEq, value, None)?])?);
    }
    if !admin {
        // On s390 the flags are the second argument (clone(2)).
        let index = usize::from(architecture == "s390x");
        let no_namespaces = argument(index, Operator::ScmpCmpMaskedEq, table::CLONE_NAMESPACES, Some(0))?;
        rules.push(rule(&["clone"], Action::ScmpActAllow, None, vec![no_namespaces])?);
        rules.push(rule(&["clone3"], Action::ScmpActErrno, Some(ENOSYS), Vec::new())?);
    }
    LinuxSeccompBuilder::default()
        .default_action(Action::ScmpActErrno)
        .default_errno_ret(EPERM)
        .architectures(architectures(architecture))
        .syscalls(rules)
        .build()
        .map_err(incomplete)
}

/// The architectures whose system calls a machine's kernel takes, the machine's own first.
fn architectures(architecture: &str) -> Vec<Arch> {
    match architecture {
        "amd64" => vec![Arch::ScmpArchX86_64, Arch::ScmpArchX86, Arch::ScmpArchX32],
        "386" => vec![Arch::ScmpArchX86],
        "arm64" => vec![Arch::ScmpArchAarch64, Arch::ScmpArchArm],
        "arm" => vec![Arch::ScmpArchArm],
        "s390x" => vec![Arch::ScmpArchS390x, Arch::ScmpArchS390],
        "ppc64le" => vec![Arch::ScmpArchPpc64le],
        "riscv64" => vec![Arch::ScmpArchRiscv64],
        _ => vec![Arch::ScmpArchNative],
    }
}

fn rule(names: &[&str], action: Action, errno: Option<u32>, args: Vec<LinuxSeccompArg>) -> Result<LinuxSyscall> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut rule = LinuxSyscallBuilder::default().names(names).action(action).build().map_err(incomplete)?;
    rule.set_errno_ret(errno);
    rule.set_args(Some(args).filter(|args| !args.is_empty()));
    Ok(rule)
}

fn argument(index: usize, op: Operator, value: u64, value_two: Option<u64>) -> Result<LinuxSeccompArg> {
    let builder = LinuxSeccompArgBuilder::default().index(index).op(op).value(value);
    match value_two {
        Some(two) => builder.value_two(two),
        None => builder,
    }
    .build()
    .map_err(incomplete)
}

fn incomplete(error: OciSpecError) -> Error {
    Error::new(ErrorKind::System, "the system call filter is incomplete").source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: u64 = 0xa804_25fb;

    fn allowed(filter: &LinuxSeccomp, name: &str) -> bool {
        let rules = filter.syscalls().as_ref().unwrap();
        rules.iter().any(|r| r.action() == Action::ScmpActAllow && r.args().is_none() && r.names().iter().any(|n| n == name))
    }

    #[test]
    fn the_table_is_sorted_and_has_each_name_once() {
        assert!(table::ALLOWED.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn the_default_set_allows_what_moby_allows() {
        let filter = default_filter(DEFAULT, "amd64").unwrap();
        let names: usize = filter.syscalls().as_ref().unwrap().iter().filter(|r| r.args().is_none()).map(|r| r.names().len()).sum();
        // All of the first table, three of ptrace, chroot by its capability, two of the architecture, and clone3's refusal.
        assert_eq!(names, table::ALLOWED.len() + 3 + 1 + 2 + 1);
        for name in ["read", "execve", "chroot", "ptrace", "arch_prctl", "mknod", "socketcall"] {
            assert!(allowed(&filter, name), "{name}");
        }
        for name in
            ["mount", "unshare", "setns", "bpf", "keyctl", "io_uring_setup", "userfaultfd", "reboot", "clone", "socket", "perf_event_open"]
        {
            assert!(!allowed(&filter, name), "{name}");
        }
    }

    #[test]
    fn capabilities_open_their_calls() {
        let filter = default_filter(DEFAULT | 1 << 21, "amd64").unwrap();
        for name in ["mount", "clone", "clone3", "setns", "unshare"] {
            assert!(allowed(&filter, name), "{name}");
        }
        let without_chroot = default_filter(DEFAULT & !(1 << 18), "amd64").unwrap();
        assert!(!allowed(&without_chroot, "chroot"));
    }

    #[test]
    fn clone3_is_as_if_it_did_not_exist() {
        let filter = default_filter(DEFAULT, "amd64").unwrap();
        let rules = filter.syscalls().as_ref().unwrap();
        let clone3 = rules.iter().find(|r| r.names() == &["clone3"]).unwrap();
        assert_eq!((clone3.action(), clone3.errno_ret()), (Action::ScmpActErrno, Some(ENOSYS)));
        assert_eq!(filter.default_errno_ret(), Some(EPERM));
    }
}
