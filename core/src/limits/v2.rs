//! Limits in the files of control groups version 2 (kernel Documentation/admin-guide/cgroup-v2.rst).

use super::{Resources, ThrottleKind, Write, cpu_bandwidth, total_with_swap};

/// The writes that apply these limits to a new group, in order. `swap` says whether the kernel accounts swap.
pub fn writes(limits: &Resources, swap: bool) -> Vec<Write> {
    let mut all = Vec::new();
    let mut write = |controller: &str, file: &str, value: String| all.push(Write::new(controller, file, value));
    if let Some(memory) = limits.memory {
        write("memory", "memory.max", memory.to_string());
        if swap {
            // v2 counts swap by itself, where Docker's option counts memory and swap together.
            let value = total_with_swap(limits, memory).map_or("max".to_owned(), |total| total.saturating_sub(memory).to_string());
            write("memory", "memory.swap.max", value);
        }
    }
    if let Some(reservation) = limits.memory_reservation.filter(|n| *n > 0) {
        write("memory", "memory.low", reservation.to_string());
    }
    if let Some((quota, period)) = cpu_bandwidth(limits) {
        write("cpu", "cpu.max", format!("{} {period}", quota.map_or("max".to_owned(), |q| q.to_string())));
    }
    if let Some(shares) = limits.cpu_shares.filter(|n| *n > 0) {
        write("cpu", "cpu.weight", weight(shares).to_string());
    }
    if let Some(cpus) = limits.cpuset_cpus.as_ref().filter(|set| !set.is_empty()) {
        write("cpuset", "cpuset.cpus", cpus.clone());
    }
    if let Some(mems) = limits.cpuset_mems.as_ref().filter(|set| !set.is_empty()) {
        write("cpuset", "cpuset.mems", mems.clone());
    }
    if let Some(weight) = limits.blkio_weight.filter(|n| *n > 0) {
        write("io", "io.weight", format!("default {}", io_weight(weight)));
    }
    for throttle in &limits.throttles {
        let key = match throttle.kind {
            ThrottleKind::ReadBps => "rbps",
            ThrottleKind::WriteBps => "wbps",
            ThrottleKind::ReadIops => "riops",
            ThrottleKind::WriteIops => "wiops",
        };
        write("io", "io.max", format!("{} {key}={}", throttle.device, throttle.rate));
    }
    if let Some(pids) = limits.pids {
        write("pids", "pids.max", if pids > 0 { pids.to_string() } else { "max".to_owned() });
    }
    all
}

/// Shares of version 1, 2 to 262 144, as a weight of version 2, 1 to 10 000: linear, as OCI runtimes convert it.
pub fn weight(shares: u64) -> u64 {
    let shares = shares.clamp(2, 262_144);
    1 + (shares - 2) * 9_999 / 262_142
}

/// A weight of version 1, 10 to 1000, as one of version 2, 1 to 10 000.
fn io_weight(weight: u16) -> u64 {
    1 + (u64::from(weight.clamp(10, 1000)) - 10) * 9_999 / 990
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_cover_the_whole_range() {
        assert_eq!((weight(0), weight(2), weight(1024), weight(262_144), weight(u64::MAX)), (1, 1, 39, 10_000, 10_000));
        assert_eq!((io_weight(0), io_weight(10), io_weight(500), io_weight(1000)), (1, 1, 4_950, 10_000));
    }
}
