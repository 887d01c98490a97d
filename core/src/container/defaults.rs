//! What every container gets without asking: Docker's capabilities, devices, mounts, masked and read-only paths.

use crate::error::{Error, Result};
use oci_spec::runtime::{Capabilities, Capability};
use std::str::FromStr;

/// Docker's fourteen: the mask `a80425fb` in /proc/self/status (`moby/profiles`, `oci/caps`).
pub const CAPABILITIES: [Capability; 14] = [
    Capability::AuditWrite,
    Capability::Chown,
    Capability::DacOverride,
    Capability::Fowner,
    Capability::Fsetid,
    Capability::Kill,
    Capability::Mknod,
    Capability::NetBindService,
    Capability::NetRaw,
    Capability::Setfcap,
    Capability::Setgid,
    Capability::Setpcap,
    Capability::Setuid,
    Capability::SysChroot,
];

/// Every capability at its place in the kernel's bit mask (linux/capability.h), the first is bit 0.
const BITS: [Capability; 41] = [
    Capability::Chown,
    Capability::DacOverride,
    Capability::DacReadSearch,
    Capability::Fowner,
    Capability::Fsetid,
    Capability::Kill,
    Capability::Setgid,
    Capability::Setuid,
    Capability::Setpcap,
    Capability::LinuxImmutable,
    Capability::NetBindService,
    Capability::NetBroadcast,
    Capability::NetAdmin,
    Capability::NetRaw,
    Capability::IpcLock,
    Capability::IpcOwner,
    Capability::SysModule,
    Capability::SysRawio,
    Capability::SysChroot,
    Capability::SysPtrace,
    Capability::SysPacct,
    Capability::SysAdmin,
    Capability::SysBoot,
    Capability::SysNice,
    Capability::SysResource,
    Capability::SysTime,
    Capability::SysTtyConfig,
    Capability::Mknod,
    Capability::Lease,
    Capability::AuditWrite,
    Capability::AuditControl,
    Capability::Setfcap,
    Capability::MacOverride,
    Capability::MacAdmin,
    Capability::Syslog,
    Capability::WakeAlarm,
    Capability::BlockSuspend,
    Capability::AuditRead,
    Capability::Perfmon,
    Capability::Bpf,
    Capability::CheckpointRestore,
];

/// The capabilities of a kernel's bit mask.
pub fn from_mask(mask: u64) -> Vec<Capability> {
    BITS.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1).map(|(_, capability)| *capability).collect()
}

/// The kernel's bit mask of these capabilities.
pub fn to_mask(capabilities: &[Capability]) -> u64 {
    BITS.iter().enumerate().filter(|(_, c)| capabilities.contains(c)).fold(0, |mask, (bit, _)| mask | 1 << bit)
}

/// A capability by name, with or without `CAP_`, in either case; `option` is `CapAdd` or `CapDrop`.
fn capability(option: &str, name: &str) -> Result<Capability> {
    let upper = name.to_ascii_uppercase();
    let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
    let known = Capability::from_str(full.strip_prefix("CAP_").unwrap_or(&full)).or_else(|_| Capability::from_str(&full));
    known.map_err(|_| Error::invalid(format!("invalid {option}: unknown capability: \"{}\"", full.escape_debug())))
}

/// What a container may have: the default set changed as asked, within what the engine itself has (`bounding`, a bit mask).
///
/// As Docker decides it: `--privileged` and `--cap-add ALL` begin with all, `--cap-drop ALL` begins with none; a capability that is
/// both added and dropped by name is added only with `--cap-drop ALL`.
///
/// # Errors
/// `invalid CapAdd: unknown capability: "CAP_NOPE"`.
pub fn capabilities(add: &[String], drop: &[String], privileged: bool, bounding: u64) -> Result<Capabilities> {
    let all = |names: &[String]| names.iter().any(|n| n.eq_ignore_ascii_case("all"));
    let parse = |option: &str, names: &[String]| -> Result<Vec<Capability>> {
        names.iter().filter(|n| !n.eq_ignore_ascii_case("all")).map(|n| capability(option, n)).collect()
    };
    let (added, dropped) = (parse("CapAdd", add)?, parse("CapDrop", drop)?);
    let set: Vec<Capability> = if privileged {
        BITS.to_vec()
    } else if all(add) {
        BITS.iter().filter(|c| !dropped.contains(c)).copied().collect()
    } else if all(drop) {
        added
    } else {
        CAPABILITIES.iter().filter(|c| !dropped.contains(c)).copied().chain(added).collect()
    };
    let mask = to_mask(&set) & bounding;
    Ok(from_mask(mask).into_iter().collect())
}

/// Hidden: they tell of the host, or reach into its hardware (moby `oci/defaults.go`).
pub const MASKED_PATHS: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// Can be read, and would change the host if they were written.
pub const READ_ONLY_PATHS: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// A character device that every container has: path, major, minor (runtime-spec config-linux.md "Default Devices").
pub const DEVICES: [(&str, u32, u32); 6] =
    [("/dev/null", 1, 3), ("/dev/zero", 1, 5), ("/dev/full", 1, 7), ("/dev/random", 1, 8), ("/dev/urandom", 1, 9), ("/dev/tty", 5, 0)];

/// Links that every /dev has.
pub const DEVICE_LINKS: [(&str, &str); 6] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/core", "/proc/kcore"),
    ("/dev/ptmx", "pts/ptmx"),
];

/// A rule about devices: allowed, kind, major, minor, access. `-1` is every one.
pub type DeviceRule = (bool, char, i64, i64, &'static str);

/// None but these: any node may be made (that is what CAP_MKNOD gives), and only harmless ones opened.
pub const DEVICE_RULES: [DeviceRule; 12] = [
    (false, 'a', -1, -1, "rwm"),
    (true, 'c', -1, -1, "m"),
    (true, 'b', -1, -1, "m"),
    (true, 'c', 1, 3, "rwm"),
    (true, 'c', 1, 5, "rwm"),
    (true, 'c', 1, 7, "rwm"),
    (true, 'c', 1, 8, "rwm"),
    (true, 'c', 1, 9, "rwm"),
    (true, 'c', 5, 0, "rwm"),
    (true, 'c', 5, 1, "rwm"),
    (true, 'c', 5, 2, "rwm"),
    (true, 'c', 136, -1, "rwm"),
];

/// The size of /dev/shm where none is asked for.
pub const SHM_SIZE: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: u64 = (1 << 41) - 1;

    fn mask(add: &[&str], drop: &[&str], privileged: bool, bounding: u64) -> u64 {
        let text = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let set = capabilities(&text(add), &text(drop), privileged, bounding).unwrap();
        to_mask(&set.into_iter().collect::<Vec<_>>())
    }

    #[test]
    fn the_default_is_dockers() {
        assert_eq!(mask(&[], &[], false, ALL), 0xa804_25fb);
    }

    #[test]
    fn names_are_read_in_every_spelling() {
        let net_admin = 1 << 12;
        for name in ["NET_ADMIN", "net_admin", "CAP_NET_ADMIN", "cap_Net_Admin"] {
            assert_eq!(mask(&[name], &[], false, ALL), 0xa804_25fb | net_admin, "{name}");
        }
        for name in ["NOPE", "", "CAP_"] {
            assert!(capabilities(&[name.to_owned()], &[], false, ALL).is_err(), "{name}");
        }
        let error = capabilities(&["nope".to_owned()], &[], false, ALL).unwrap_err();
        assert_eq!(error.message(), "invalid CapAdd: unknown capability: \"CAP_NOPE\"");
        let error = capabilities(&[], &["x".to_owned()], false, ALL).unwrap_err();
        assert_eq!(error.message(), "invalid CapDrop: unknown capability: \"CAP_X\"");
    }

    #[test]
    fn all_and_none() {
        assert_eq!(mask(&["ALL"], &[], false, ALL), ALL);
        assert_eq!(mask(&["all"], &["CHOWN"], false, ALL), ALL & !1);
        assert_eq!(mask(&[], &["ALL"], false, ALL), 0);
        assert_eq!(mask(&["CHOWN"], &["ALL"], false, ALL), 1);
        assert_eq!(mask(&["KILL"], &["KILL"], false, ALL), 0xa804_25fb);
        assert_eq!(mask(&[], &[], true, ALL), ALL);
    }

    #[test]
    fn nobody_gets_more_than_the_engine_has() {
        let without_resource = ALL & !(1 << 24);
        assert_eq!(mask(&[], &[], true, without_resource), without_resource);
        assert_eq!(mask(&["SYS_RESOURCE"], &[], false, without_resource), 0xa804_25fb);
    }
}
