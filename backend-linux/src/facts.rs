//! What this host is and can do, in few system calls: asked once whenever an engine opens.

use crate::cgroup::Hierarchies;
use crate::error::step;
use drydock_core::error::Result;
use drydock_core::kernel::Facts;

/// Asks the kernel.
pub fn gather(data_root: &str, run_root: &str, hierarchies: &Hierarchies) -> Result<Facts> {
    let uname = rustix::system::uname();
    let text = |s: &std::ffi::CStr| s.to_string_lossy().into_owned();
    Ok(Facts {
        host: "linux".to_owned(),
        release: text(uname.release()),
        system: pretty_name(),
        hostname: text(uname.nodename()),
        architecture: architecture(&text(uname.machine())),
        cpus: cpus()?,
        memory: memory(),
        cgroup: hierarchies.mode(),
        controllers: hierarchies.controllers(),
        cgroup_roots: hierarchies
            .controllers()
            .into_iter()
            .filter_map(|c| hierarchies.root_of(&c).map(|r| (c.clone(), r.display().to_string())))
            .collect(),
        capabilities: bounding_set()?,
        max_open_files: rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum.unwrap_or(u64::MAX),
        seccomp: seccomp(),
        idmapped_mounts: idmapped_mounts(&text(uname.release()), data_root),
        data_root: data_root.to_owned(),
        run_root: run_root.to_owned(),
        boot_id: boot_id()?,
    })
}

/// The machine in the OCI's word (Go's GOARCH).
pub fn architecture(machine: &str) -> String {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "armv7l" | "armv6l" => "arm",
        "i686" | "i586" | "i386" => "386",
        other => other,
    }
    .to_owned()
}

/// os-release(5): PRETTY_NAME, or `Linux` as that page says.
fn pretty_name() -> String {
    let text = ["/etc/os-release", "/usr/lib/os-release"].iter().find_map(|path| crate::small::read_text(path).ok()).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    value.map_or_else(|| "Linux".to_owned(), |v| v.trim().trim_matches(['"', '\'']).to_owned())
}

/// Processors this process may run on, since containers get no others (sched_getaffinity(2)).
fn cpus() -> Result<u32> {
    let set = rustix::thread::sched_getaffinity(None).map_err(|e| step("sched_getaffinity", "self", e))?;
    Ok(set.count().max(1))
}

/// Bytes of memory (sysinfo(2)).
fn memory() -> u64 {
    let info = rustix::system::sysinfo();
    // The field is as wide as a pointer, and the unit is in bytes.
    #[allow(clippy::useless_conversion)]
    u64::from(info.totalram).saturating_mul(u64::from(info.mem_unit.max(1)))
}

/// The bounding set as a bit mask (PR_CAPBSET_READ, one call a capability; prctl(2)).
fn bounding_set() -> Result<u64> {
    let status = crate::small::read_text("/proc/self/status").map_err(|e| step("read", "/proc/self/status", e))?;
    let mask = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    Ok(mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0))
}

/// Filters can be installed if the kernel knows what to do with one (seccomp(2), "/proc interfaces").
fn seccomp() -> bool {
    crate::small::read_text("/proc/sys/kernel/seccomp/actions_avail").is_ok_and(|actions| actions.contains("errno"))
}

/// Whether a kernel's release is this or later: `6.1.0-13-amd64` is 6.1.
fn at_least(release: &str, wanted: (u32, u32)) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= wanted
}

/// Whether mounts of the data root's file system can map ids: overlayfs lets its layers since 5.19, tmpfs since 6.3, ramfs never
/// (mount_setattr(2)).
fn idmapped_mounts(release: &str, data_root: &str) -> bool {
    if at_least(release, (6, 3)) {
        return true;
    }
    // Made by the first command that writes; until then what holds it says which file system it will be.
    let system = std::path::Path::new(data_root).ancestors().find_map(|path| rustix::fs::statfs(path).ok());
    at_least(release, (5, 19)) && system.is_none_or(|system| system.f_type != TMPFS_MAGIC)
}

/// statfs(2).
const TMPFS_MAGIC: i64 = 0x0102_1994;

/// Another one with every boot (random(4)).
fn boot_id() -> Result<String> {
    let path = "/proc/sys/kernel/random/boot_id";
    crate::small::read_text(path).map(|id| id.trim().to_owned()).map_err(|e| step("read", path, e))
}
