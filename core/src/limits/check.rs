//! Limits that could never be applied are refused before anything is made, in Docker's words.

use super::{CgroupMode, Resources};
use crate::error::{Error, Result};
use crate::kernel::Facts;

/// The least memory that Docker lets a container have.
const LEAST_MEMORY: u64 = 6 << 20;
/// cpu.shares of cgroup v1 (linux/kernel/sched: MIN_SHARES, MAX_SHARES).
const SHARES: (u64, u64) = (2, 262_144);
/// Billionths of a processor below which the quota of a standard period is less than the kernel's least, 1 ms.
const LEAST_CPUS: u64 = 10_000_000;

/// Checks limits against each other and against the host.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`] in Docker's words; [`crate::ErrorKind::Unsupported`] where the host has no controller for a limit.
pub fn check(limits: &Resources, facts: &Facts) -> Result<()> {
    memory(limits)?;
    processors(limits, facts)?;
    if let Some(score) = limits.oom_score_adj
        && !(-1000..=1000).contains(&score)
    {
        return Err(Error::invalid(format!("Invalid value {score}, range for oom score adj is [-1000, 1000]")));
    }
    if let Some(parent) = &limits.cgroup_parent {
        let fine = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= 255 && !part.contains(|c: char| c.is_control());
        if parent.is_empty() || !parent.split('/').all(fine) {
            return Err(Error::invalid(format!("invalid cgroup parent: {}", parent.escape_debug()))
                .hint("a path from the top of the hierarchies, as /web or web/front"));
        }
        // The names of its own groups are how Drydock finds what a container left.
        if parent.split('/').next().is_some_and(|top| top == "drydock" || top.starts_with("drydock-")) {
            return Err(Error::invalid(format!("invalid cgroup parent: {} is Drydock's own", parent.escape_debug())));
        }
    }
    if limits.blkio_weight.is_some_and(|weight| weight > 0 && !(10..=1000).contains(&weight)) {
        return Err(Error::invalid("Range of blkio weight is from 10 to 1000"));
    }
    if let Some(wrong) = limits.memory_swappiness.filter(|swappiness| !(0..=100).contains(swappiness)) {
        return Err(Error::invalid(format!("Invalid value: {wrong}, valid memory swappiness range is 0-100")));
    }
    if limits.memory_swappiness.is_some() && facts.cgroup == CgroupMode::V2 {
        return Err(Error::unsupported("--memory-swappiness on cgroup v2"));
    }
    if let Some(mems) = limits.cpuset_mems.as_ref().filter(|set| !set.is_empty())
        && cpuset(mems).is_none()
    {
        let shown = mems.escape_debug();
        return Err(Error::invalid(format!("Invalid value {shown} for cpuset mems: invalid format: {shown}")));
    }
    let block = if facts.cgroup == CgroupMode::V2 { "io" } else { "blkio" };
    if limits.oom_kill_disable && facts.cgroup == CgroupMode::V2 {
        return Err(Error::unsupported("--oom-kill-disable on cgroup v2"));
    }
    for (asked, controller) in [
        (limits.memory.is_some() || limits.memory_reservation.is_some(), "memory"),
        (limits.nano_cpus.is_some() || limits.cpu_quota.is_some() || limits.cpu_shares.is_some(), "cpu"),
        (limits.cpuset_cpus.is_some() || limits.cpuset_mems.is_some(), "cpuset"),
        (limits.blkio_weight.is_some() || !limits.throttles.is_empty(), block),
        (limits.pids.is_some_and(|n| n > 0), "pids"),
    ] {
        if asked && !facts.controllers.iter().any(|c| c == controller) {
            return Err(Error::unsupported(format!("the {controller} controller of control groups")));
        }
    }
    Ok(())
}

fn memory(limits: &Resources) -> Result<()> {
    let refuse = |message: &str| Err(Error::invalid(message));
    if limits.memory.is_some_and(|m| m < LEAST_MEMORY) {
        return refuse("Minimum memory limit allowed is 6MB");
    }
    match (limits.memory, limits.memory_swap) {
        (None, Some(swap)) if swap > 0 => return refuse("You should always set the Memory limit when using Memoryswap limit, see usage"),
        (Some(memory), Some(swap)) if swap > 0 && swap.unsigned_abs() < memory => {
            return refuse("Minimum memoryswap limit should be larger than memory limit, see usage");
        }
        (_, Some(swap)) if swap < -1 => return Err(Error::invalid(format!("invalid memory swap: {swap}"))),
        _ => {}
    }
    match (limits.memory, limits.memory_reservation) {
        (_, Some(reservation)) if reservation > 0 && reservation < LEAST_MEMORY => refuse("Minimum memory reservation allowed is 6MB"),
        (Some(memory), Some(reservation)) if memory < reservation => {
            refuse("Minimum memory limit can not be less than memory reservation limit, see usage")
        }
        _ => Ok(()),
    }
}

fn processors(limits: &Resources, facts: &Facts) -> Result<()> {
    let refuse = |message: String| Err(Error::invalid(message));
    if limits.nano_cpus.is_some_and(|n| n > 0) {
        if limits.cpu_period.is_some_and(|n| n > 0) {
            return refuse("Conflicting options: Nano CPUs and CPU Period cannot both be set".to_owned());
        }
        if limits.cpu_quota.is_some_and(|n| n != 0) {
            return refuse("Conflicting options: Nano CPUs and CPU Quota cannot both be set".to_owned());
        }
    }
    if let Some(nano) = limits.nano_cpus.filter(|n| *n > 0)
        && (nano < LEAST_CPUS || nano > u64::from(facts.cpus) * 1_000_000_000)
    {
        let cpus = facts.cpus;
        return refuse(format!("Range of CPUs is from 0.01 to {cpus}.00, as there are only {cpus} CPUs available"));
    }
    if limits.cpu_period.is_some_and(|n| n != 0 && !(1_000..=1_000_000).contains(&n)) {
        return refuse("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)".to_owned());
    }
    if limits.cpu_quota.is_some_and(|n| n > 0 && n < 1_000) {
        return refuse("CPU cfs quota can not be less than 1ms (i.e. 1000)".to_owned());
    }
    match limits.cpu_shares {
        Some(shares) if shares > 0 && shares < SHARES.0 => return refuse(format!("the minimum allowed cpu-shares is {}", SHARES.0)),
        Some(shares) if shares > SHARES.1 => return refuse(format!("the maximum allowed cpu-shares is {}", SHARES.1)),
        _ => {}
    }
    let Some(asked) = limits.cpuset_cpus.as_ref().filter(|set| !set.is_empty()) else { return Ok(()) };
    let Some(set) = cpuset(asked) else {
        return refuse(format!("Invalid value {} for cpuset cpus", asked.escape_debug()));
    };
    if set.iter().any(|(_, last)| *last >= facts.cpus) {
        let available = if facts.cpus == 1 { "0".to_owned() } else { format!("0-{}", facts.cpus - 1) };
        return refuse(format!("Requested CPUs are not available - requested {asked}, available: {available}"));
    }
    Ok(())
}

/// A list of processors as cpuset(7) has it, `0-3,5`: its ranges, or `None` for what is not one.
pub(crate) fn cpuset(text: &str) -> Option<Vec<(u32, u32)>> {
    let number = |n: &str| n.bytes().all(|b| b.is_ascii_digit()).then(|| n.parse::<u32>().ok()).flatten();
    text.split(',')
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some((number(first)?, number(last)?)).filter(|(first, last)| first <= last)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::oci::tests::facts;
    use proptest::prelude::*;

    fn all_controllers() -> Facts {
        Facts { controllers: ["cpu", "cpuset", "memory", "pids"].map(str::to_owned).to_vec(), ..facts() }
    }

    fn refusal(limits: Resources) -> String {
        check(&limits, &all_controllers()).expect_err("refused").message().to_owned()
    }

    #[test]
    fn what_docker_refuses_is_refused_in_its_words() {
        let none = Resources::default;
        const M: u64 = 1 << 20;
        assert_eq!(refusal(Resources { memory: Some(5 * M), ..none() }), "Minimum memory limit allowed is 6MB");
        assert_eq!(
            refusal(Resources { memory_swap: Some(1 << 30), ..none() }),
            "You should always set the Memory limit when using Memoryswap limit, see usage"
        );
        assert_eq!(
            refusal(Resources { memory: Some(64 * M), memory_swap: Some(32 << 20), ..none() }),
            "Minimum memoryswap limit should be larger than memory limit, see usage"
        );
        assert_eq!(
            refusal(Resources { memory: Some(8 * M), memory_reservation: Some(16 * M), ..none() }),
            "Minimum memory limit can not be less than memory reservation limit, see usage"
        );
        for nano in [1, 1_000_000, 8_000_000_000, 99_000_000_000] {
            assert_eq!(
                refusal(Resources { nano_cpus: Some(nano), ..none() }),
                "Range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available"
            );
        }
        assert_eq!(
            refusal(Resources { nano_cpus: Some(1_000_000_000), cpu_quota: Some(50_000), ..none() }),
            "Conflicting options: Nano CPUs and CPU Quota cannot both be set"
        );
        assert_eq!(refusal(Resources { cpu_shares: Some(1), ..none() }), "the minimum allowed cpu-shares is 2");
        assert_eq!(
            refusal(Resources { cpuset_cpus: Some("0,7".to_owned()), ..none() }),
            "Requested CPUs are not available - requested 0,7, available: 0-3"
        );
        assert_eq!(refusal(Resources { cpuset_cpus: Some("3-1".to_owned()), ..none() }), "Invalid value 3-1 for cpuset cpus");
        assert_eq!(
            refusal(Resources { oom_score_adj: Some(1001), ..none() }),
            "Invalid value 1001, range for oom score adj is [-1000, 1000]"
        );
    }

    #[test]
    fn the_edges_are_allowed() {
        let limits = Resources {
            memory: Some(6 << 20),
            memory_swap: Some(-1),
            nano_cpus: Some(10_000_000),
            cpu_shares: Some(2),
            cpuset_cpus: Some("0-3".to_owned()),
            pids: Some(-1),
            ..Resources::default()
        };
        check(&limits, &all_controllers()).unwrap();
        check(&Resources::default(), &Facts { controllers: Vec::new(), ..facts() }).unwrap();
    }

    #[test]
    fn a_limit_without_a_controller_is_unsupported() {
        let none = Facts { controllers: Vec::new(), ..facts() };
        let error = check(&Resources { pids: Some(5), ..Resources::default() }, &none).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Unsupported);
    }

    proptest! {
        #[test]
        fn what_passes_is_written_within_the_kernels_bounds(
            memory in proptest::option::of(0u64..1 << 40),
            swap in proptest::option::of(-2i64..1 << 41),
            nano in proptest::option::of(0u64..8_000_000_000),
            shares in proptest::option::of(0u64..300_000),
            pids in proptest::option::of(-2i64..1 << 22),
            set in proptest::option::of("[0-9,-]{0,6}"),
        ) {
            let limits =
                Resources { memory, memory_swap: swap, nano_cpus: nano, cpu_shares: shares, pids, cpuset_cpus: set, ..Resources::default() };
            if check(&limits, &all_controllers()).is_err() {
                return Ok(());
            }
            for mode in [CgroupMode::V1, CgroupMode::V2] {
                for write in crate::limits::writes(&limits, mode, true) {
                    let first = write.value.split(' ').next().unwrap_or_default();
                    let number = first.parse::<u64>();
                    match write.file.as_str() {
                        "memory.max" | "memory.limit_in_bytes" => prop_assert!(number.is_ok_and(|n| n >= LEAST_MEMORY)),
                        "cpu.weight" => prop_assert!(number.is_ok_and(|n| (1..=10_000).contains(&n))),
                        "cpu.shares" => prop_assert!(number.is_ok_and(|n| n >= SHARES.0 && n <= SHARES.1)),
                        "cpu.max" | "cpu.cfs_quota_us" => prop_assert!(number.is_ok_and(|n| n >= 1_000), "{write:?}"),
                        "pids.max" => prop_assert!(first == "max" || number.is_ok_and(|n| n > 0)),
                        _ => prop_assert!(!first.is_empty()),
                    }
                }
            }
        }
    }
}
