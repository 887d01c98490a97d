//! Limits in the files of control groups version 1 (kernel Documentation/admin-guide/cgroup-v1).

use super::{Resources, ThrottleKind, Write, cpu_bandwidth, total_with_swap};

/// The writes that apply these limits to a new group, in order. `swap` says whether the kernel accounts swap.
pub fn writes(limits: &Resources, swap: bool) -> Vec<Write> {
    let mut all = Vec::new();
    let mut write = |controller: &str, file: &str, value: String| all.push(Write::new(controller, file, value));
    if let Some(memory) = limits.memory {
        // The limit on memory and swap together can only be set at or above that on memory, so it comes second.
        write("memory", "memory.limit_in_bytes", memory.to_string());
        if swap {
            write("memory", "memory.memsw.limit_in_bytes", total_with_swap(limits, memory).map_or("-1".to_owned(), |b| b.to_string()));
        }
    }
    if let Some(reservation) = limits.memory_reservation.filter(|n| *n > 0) {
        write("memory", "memory.soft_limit_in_bytes", reservation.to_string());
    }
    if limits.oom_kill_disable {
        write("memory", "memory.oom_control", "1".to_owned());
    }
    if let Some((quota, period)) = cpu_bandwidth(limits) {
        write("cpu", "cpu.cfs_period_us", period.to_string());
        match quota {
            Some(quota) => write("cpu", "cpu.cfs_quota_us", quota.to_string()),
            // Asked for: what a running container had is taken away.
            None if limits.cpu_quota.is_some_and(|asked| asked < 0) => write("cpu", "cpu.cfs_quota_us", "-1".to_owned()),
            None => {}
        }
    }
    if let Some(shares) = limits.cpu_shares.filter(|n| *n > 0) {
        write("cpu", "cpu.shares", shares.to_string());
    }
    if let Some(cpus) = limits.cpuset_cpus.as_ref().filter(|set| !set.is_empty()) {
        write("cpuset", "cpuset.cpus", cpus.clone());
    }
    if let Some(mems) = limits.cpuset_mems.as_ref().filter(|set| !set.is_empty()) {
        write("cpuset", "cpuset.mems", mems.clone());
    }
    if let Some(swappiness) = limits.memory_swappiness {
        write("memory", "memory.swappiness", swappiness.to_string());
    }
    if let Some(weight) = limits.blkio_weight.filter(|n| *n > 0) {
        write("blkio", "blkio.bfq.weight", weight.to_string());
    }
    for throttle in &limits.throttles {
        let file = match throttle.kind {
            ThrottleKind::ReadBps => "blkio.throttle.read_bps_device",
            ThrottleKind::WriteBps => "blkio.throttle.write_bps_device",
            ThrottleKind::ReadIops => "blkio.throttle.read_iops_device",
            ThrottleKind::WriteIops => "blkio.throttle.write_iops_device",
        };
        write("blkio", file, format!("{} {}", throttle.device, throttle.rate));
    }
    if let Some(pids) = limits.pids {
        write("pids", "pids.max", if pids > 0 { pids.to_string() } else { "max".to_owned() });
    }
    all
}
