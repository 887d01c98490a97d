//! Limits: how much a container may use, in units of Docker's command line; and what it does use.

pub mod units;

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
    /// How many processes and threads; `-1` is unlimited.
    pub pids: Option<i64>,
    /// The kernel must not kill the container for want of memory (v1 only).
    pub oom_kill_disable: bool,
    /// Added to the badness of its processes, -1000 to 1000.
    pub oom_score_adj: Option<i32>,
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
