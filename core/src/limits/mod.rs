//! Limits: how much a container may use, in units of Docker's command line; and what it does use.

mod check;
pub mod units;
mod update;
pub mod usage;
pub mod v1;
pub mod v2;

pub use check::check;
pub(crate) use check::cpuset;
pub use update::revise;

use serde::{Deserialize, Serialize};

/// How control groups are mounted on a host (cgroups(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CgroupMode {
    /// One hierarchy a controller.
    V1,
    /// v1 controllers, and a v2 tree beside them.
    Hybrid,
    /// The unified hierarchy.
    V2,
}

/// What a container may use. `None` is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Memory in bytes; at least 6 MiB.
    pub memory: Option<u64>,
    /// Memory and swap together in bytes; `-1` is unlimited swap, `None` is twice the memory where swap is accounted.
    pub memory_swap: Option<i64>,
    /// Soft limit in bytes.
    pub memory_reservation: Option<u64>,
    /// Billionths of a processor: `--cpus 1.5` is 1 500 000 000.
    pub nano_cpus: Option<u64>,
    /// Microseconds a period.
    pub cpu_quota: Option<i64>,
    /// Microseconds; Linux's default is 100 000.
    pub cpu_period: Option<u64>,
    /// Relative weight, 2 to 262 144; Docker's default is 1024.
    pub cpu_shares: Option<u64>,
    /// Which processors: `0-3,5`.
    pub cpuset_cpus: Option<String>,
    /// Which memory nodes: `0-1`.
    pub cpuset_mems: Option<String>,
    /// How readily its memory is swapped, 0 to 100 (v1 only).
    pub memory_swappiness: Option<i64>,
    /// Relative weight of its block input and output, 10 to 1000.
    pub blkio_weight: Option<u16>,
    /// Limits of block devices.
    pub throttles: Vec<Throttle>,
    /// How many processes and threads; `-1` is unlimited.
    pub pids: Option<i64>,
    /// The kernel must not kill the container for want of memory (v1 only).
    pub oom_kill_disable: bool,
    /// Added to the badness of its processes, -1000 to 1000.
    pub oom_score_adj: Option<i32>,
    /// The group that the container's own is made in, from the top of each hierarchy; `None` for Drydock's. It stays when the
    /// container goes: it is somebody else's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cgroup_parent: Option<String>,
}

/// What of a block device is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThrottleKind {
    /// Bytes read a second.
    ReadBps,
    /// Bytes written a second.
    WriteBps,
    /// Reads a second.
    ReadIops,
    /// Writes a second.
    WriteIops,
}

/// One `--device-read-bps` or its like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttle {
    /// What is limited.
    pub kind: ThrottleKind,
    /// The device: a path of the host until its numbers are known, then `8:0`.
    pub device: String,
    /// How much a second.
    pub rate: u64,
}

/// What a container uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Nanoseconds of processor time.
    pub cpu: u64,
    /// Bytes of memory, page cache included.
    pub memory: u64,
    /// The most it ever used, where the kernel keeps it.
    pub memory_peak: Option<u64>,
    /// Bytes of inactive page cache, which lists take off.
    pub memory_cache: u64,
    /// The limit in force, `None` for none.
    pub memory_limit: Option<u64>,
    /// Processes and threads.
    pub pids: u64,
    /// Bytes read from and written to block devices.
    pub block: (u64, u64),
}

/// What a host can give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Processors.
    pub cpus: u32,
    /// Bytes.
    pub memory: u64,
}

/// One file of a control group to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The controller whose file it is.
    pub controller: String,
    /// The file's name.
    pub file: String,
    /// What to write.
    pub value: String,
}

impl Write {
    fn new(controller: &str, file: &str, value: String) -> Self {
        Self { controller: controller.to_owned(), file: file.to_owned(), value }
    }
}

/// The writes that apply limits to a group, in order, in the files of this host's version.
pub fn writes(limits: &Resources, mode: CgroupMode, swap: bool) -> Vec<Write> {
    match mode {
        CgroupMode::V2 => v2::writes(limits, swap),
        CgroupMode::V1 | CgroupMode::Hybrid => v1::writes(limits, swap),
    }
}

/// Linux's default period in microseconds.
const PERIOD: u64 = 100_000;

/// Processor time as quota and period in microseconds; no quota is without limit. `None` where nothing was asked for.
fn cpu_bandwidth(limits: &Resources) -> Option<(Option<u64>, u64)> {
    if let Some(nano) = limits.nano_cpus.filter(|nano| *nano > 0) {
        let quota = u128::from(nano) * u128::from(PERIOD) / 1_000_000_000;
        return Some((u64::try_from(quota).ok(), PERIOD));
    }
    if limits.cpu_quota.is_none() && limits.cpu_period.is_none() {
        return None;
    }
    let quota = limits.cpu_quota.and_then(|quota| u64::try_from(quota).ok()).filter(|quota| *quota > 0);
    Some((quota, limits.cpu_period.filter(|period| *period > 0).unwrap_or(PERIOD)))
}

/// Memory and swap together; `None` is without limit. Docker allows as much swap as memory where only memory was asked for.
fn total_with_swap(limits: &Resources, memory: u64) -> Option<u64> {
    match limits.memory_swap {
        None | Some(0) => Some(memory.saturating_mul(2)),
        Some(total) => u64::try_from(total).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(limits: &Resources, mode: CgroupMode) -> Vec<String> {
        writes(limits, mode, true).into_iter().map(|w| format!("{}/{} {}", w.controller, w.file, w.value)).collect()
    }

    #[test]
    fn no_limits_write_nothing() {
        for mode in [CgroupMode::V1, CgroupMode::Hybrid, CgroupMode::V2] {
            assert!(writes(&Resources::default(), mode, true).is_empty());
        }
    }

    #[test]
    fn the_same_limits_in_both_versions() {
        let limits = Resources {
            memory: Some(64 << 20),
            nano_cpus: Some(1_500_000_000),
            cpu_shares: Some(512),
            pids: Some(20),
            ..Resources::default()
        };
        assert_eq!(
            files(&limits, CgroupMode::V1),
            [
                "memory/memory.limit_in_bytes 67108864",
                "memory/memory.memsw.limit_in_bytes 134217728",
                "cpu/cpu.cfs_period_us 100000",
                "cpu/cpu.cfs_quota_us 150000",
                "cpu/cpu.shares 512",
                "pids/pids.max 20",
            ]
        );
        assert_eq!(
            files(&limits, CgroupMode::V2),
            [
                "memory/memory.max 67108864",
                "memory/memory.swap.max 67108864",
                "cpu/cpu.max 150000 100000",
                "cpu/cpu.weight 20",
                "pids/pids.max 20"
            ]
        );
    }

    #[test]
    fn without_swap_accounting_swap_is_not_limited() {
        let limits = Resources { memory: Some(64 << 20), ..Resources::default() };
        assert_eq!(writes(&limits, CgroupMode::V2, false).len(), 1);
        let unlimited = Resources { memory_swap: Some(-1), ..limits };
        assert_eq!(files(&unlimited, CgroupMode::V2)[1], "memory/memory.swap.max max");
        assert_eq!(files(&unlimited, CgroupMode::V1)[1], "memory/memory.memsw.limit_in_bytes -1");
    }
}
