//! Changing limits: what an update leaves alone, what it sets, and what Docker refuses to mix.

use super::Resources;
use crate::error::{Error, Result};

/// The limits after an update: what the update does not name stays.
///
/// # Errors
/// [`crate::ErrorKind::Conflict`] with Docker's words where the new limits contradict those in force.
pub fn revise(now: &Resources, change: &Resources) -> Result<Resources> {
    let set = |value: Option<u64>| value.filter(|v| *v > 0);
    let mut next = now.clone();
    processors(now, change)?;
    if let Some(memory) = set(change.memory) {
        // Docker compares with what is in force; nothing is in force where no limit was set, and then it asks for both, too.
        let total = now.total_with_swap();
        if change.memory_swap.is_none_or(|swap| swap == 0) && i128::from(memory) > i128::from(total) {
            return Err(Error::conflict(
                "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
            ));
        }
        next.memory = Some(memory);
        // An update of memory alone leaves the sum of memory and swap as it is.
        next.memory_swap = Some(total);
    }
    if let Some(swap) = change.memory_swap.filter(|swap| *swap != 0) {
        next.memory_swap = Some(swap);
    }
    let take = |place: &mut Option<u64>, value: Option<u64>| *place = set(value).or(*place);
    take(&mut next.memory_reservation, change.memory_reservation);
    take(&mut next.nano_cpus, change.nano_cpus);
    take(&mut next.cpu_period, change.cpu_period);
    take(&mut next.cpu_shares, change.cpu_shares);
    next.cpu_quota = change.cpu_quota.filter(|quota| *quota != 0).or(next.cpu_quota);
    next.cpuset_cpus = change.cpuset_cpus.clone().filter(|set| !set.is_empty()).or(next.cpuset_cpus);
    next.cpuset_mems = change.cpuset_mems.clone().filter(|set| !set.is_empty()).or(next.cpuset_mems);
    next.blkio_weight = change.blkio_weight.filter(|weight| *weight != 0).or(next.blkio_weight);
    // Zero is no limit here, as it is for a new container.
    next.pids = change.pids.map(|most| if most == 0 { -1 } else { most }).or(next.pids);
    Ok(next)
}

/// Quota and period say in two numbers what `--cpus` says in one: a container has the one or the other.
fn processors(now: &Resources, change: &Resources) -> Result<()> {
    let (period, quota) = (|r: &Resources| r.cpu_period.is_some_and(|v| v > 0), |r: &Resources| r.cpu_quota.is_some_and(|v| v != 0));
    let nano = |r: &Resources| r.nano_cpus.is_some_and(|v| v > 0);
    let refused = |text: &str| Err(Error::conflict(format!("Conflicting options: {text}")));
    if nano(change) && period(change) {
        return refused("Nano CPUs and CPU Period cannot both be set");
    }
    if nano(change) && quota(change) {
        return refused("Nano CPUs and CPU Quota cannot both be set");
    }
    if nano(change) && period(now) {
        return refused("Nano CPUs cannot be updated as CPU Period has already been set");
    }
    if nano(change) && quota(now) {
        return refused("Nano CPUs cannot be updated as CPU Quota has already been set");
    }
    if nano(now) && period(change) {
        return refused("CPU Period cannot be updated as NanoCPUs has already been set");
    }
    if nano(now) && quota(change) {
        return refused("CPU Quota cannot be updated as NanoCPUs has already been set");
    }
    Ok(())
}

impl Resources {
    /// Memory and swap together as they are in force: `-1` without bound, 0 where no limit was set.
    pub fn total_with_swap(&self) -> i64 {
        match (self.memory_swap, self.memory) {
            (Some(total), _) if total != 0 => total,
            (_, Some(memory)) => i64::try_from(memory.saturating_mul(2)).unwrap_or(i64::MAX),
            (_, None) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn memory(bytes: u64) -> Resources {
        Resources { memory: Some(bytes), ..Resources::default() }
    }

    #[test]
    fn an_update_of_memory_leaves_the_sum_with_swap() {
        let next = revise(&memory(64 * MIB), &memory(32 * MIB)).unwrap();
        assert_eq!((next.memory, next.memory_swap), (Some(32 * MIB), Some(128 << 20)));
        assert!(revise(&memory(64 * MIB), &memory(256 * MIB)).is_err());
        assert!(revise(&Resources::default(), &memory(64 * MIB)).is_err(), "docker asks for both where there was no limit");
        let both = Resources { memory_swap: Some(-1), ..memory(256 * MIB) };
        let next = revise(&memory(64 * MIB), &both).unwrap();
        assert_eq!((next.memory, next.memory_swap), (Some(256 * MIB), Some(-1)));
    }

    #[test]
    fn cpus_and_quota_do_not_mix() {
        let nano = Resources { nano_cpus: Some(1_000_000_000), ..Resources::default() };
        let quota = Resources { cpu_quota: Some(50_000), ..Resources::default() };
        let period = Resources { cpu_period: Some(50_000), ..Resources::default() };
        for (now, change) in [(&nano, &quota), (&nano, &period), (&quota, &nano), (&period, &nano)] {
            assert!(revise(now, change).is_err());
        }
        assert_eq!(
            revise(&quota, &period).unwrap(),
            Resources { cpu_quota: Some(50_000), cpu_period: Some(50_000), ..Resources::default() }
        );
    }

    #[test]
    fn what_is_not_named_stays() {
        let now = Resources { pids: Some(20), cpu_shares: Some(512), cpuset_cpus: Some("0-1".to_owned()), ..memory(64 * MIB) };
        assert_eq!(revise(&now, &Resources::default()).unwrap(), now);
        assert_eq!(revise(&now, &Resources { pids: Some(0), ..Resources::default() }).unwrap().pids, Some(-1));
    }
}
