//! Processor time as a fluid: at every moment each process that computes has a rate, by the weights and quotas of its control
//! groups, and never more than one processor.

use crate::process::sched::Wait;
use crate::world::World;
use std::collections::BTreeMap;

/// One processor's whole speed; rates are in parts of it.
const WHOLE: u64 = 1 << 20;

/// A process that computes.
#[derive(Clone, Debug)]
struct Burn {
    /// Nanoseconds of processor time still to use, in parts of [`WHOLE`].
    left: u128,
    /// How fast it uses them.
    rate: u64,
}

/// The processors, and who computes.
#[derive(Clone, Debug, Default)]
pub struct Cpus {
    count: u32,
    burning: BTreeMap<u32, Burn>,
    /// The moment up to which time was accounted for.
    at: u64,
}

impl Cpus {
    /// So many processors, all idle.
    pub fn new(count: u32) -> Self {
        Self { count: count.max(1), burning: BTreeMap::new(), at: crate::world::BOOT }
    }

    /// Begins to account at a moment.
    pub fn start_at(&mut self, moment: u64) {
        self.at = moment;
    }
}

impl World {
    /// A process starts to compute.
    pub fn burn_start(&mut self, pid: u32, nanos: u64) {
        self.cpu_run(self.now);
        let left = u128::from(nanos) * u128::from(WHOLE);
        self.cpus.burning.insert(pid, Burn { left, rate: WHOLE });
        self.cpu_share();
    }

    /// Whether it still computes.
    pub fn burning(&self, pid: u32) -> bool {
        self.cpus.burning.contains_key(&pid)
    }

    /// A process stops to compute, finished or not.
    pub fn burn_stop(&mut self, pid: u32) {
        if self.cpus.burning.contains_key(&pid) {
            self.cpu_run(self.now);
            self.cpus.burning.remove(&pid);
            self.cpu_share();
        }
    }

    /// How many compute now.
    pub fn burners(&self) -> usize {
        self.cpus.burning.len()
    }

    /// When the first of them is finished.
    pub fn cpu_event(&self) -> Option<u64> {
        let finish = |b: &Burn| (b.rate > 0).then(|| u64::try_from(b.left.div_ceil(u128::from(b.rate))).unwrap_or(u64::MAX));
        self.cpus.burning.values().filter_map(finish).min().map(|nanos| self.cpus.at.saturating_add(nanos))
    }

    /// Accounts for the time up to a moment, at the rates in force.
    pub fn cpu_run(&mut self, moment: u64) {
        let elapsed = moment.saturating_sub(self.cpus.at);
        if elapsed == 0 {
            return;
        }
        self.cpus.at = moment;
        if self.cpus.burning.is_empty() {
            return;
        }
        let mut done = Vec::new();
        let mut used = Vec::new();
        for (pid, burn) in &mut self.cpus.burning {
            let work = (u128::from(elapsed) * u128::from(burn.rate)).min(burn.left);
            burn.left -= work;
            used.push((*pid, u64::try_from(work / u128::from(WHOLE)).unwrap_or(0)));
            if burn.left == 0 {
                done.push(*pid);
            }
        }
        for (pid, nanos) in used {
            if let Some(p) = self.procs.get_mut(&pid) {
                p.cpu += nanos;
                let group = p.cgroup;
                self.cgroups.used_cpu(group, nanos);
            }
        }
        for pid in &done {
            self.cpus.burning.remove(pid);
        }
        for pid in &done {
            self.wake(Wait::Cpu(*pid));
        }
        if !done.is_empty() {
            self.cpu_share();
        }
    }

    /// Shares the processors out again. Called at every change of who computes, of a weight or of a quota.
    pub fn cpu_share(&mut self) {
        let whole = u64::from(self.cpus.count) * WHOLE;
        let limited = |w: &World, pid: &u32| w.procs.get(pid).is_none_or(|p| p.stopped || w.cgroups.cpu_limited(p.cgroup));
        let few = self.cpus.burning.len() <= self.cpus.count as usize;
        if few && !self.cpus.burning.keys().any(|pid| limited(self, pid)) {
            for burn in self.cpus.burning.values_mut() {
                burn.rate = WHOLE;
            }
            return;
        }
        // The tree of groups that have somebody who computes: group -> (child groups, processes).
        let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for pid in self.cpus.burning.keys() {
            let Some(p) = self.procs.get(pid) else { continue };
            if p.stopped || self.cgroups.is_frozen(p.cgroup) {
                continue;
            }
            members.entry(p.cgroup).or_default().push(*pid);
            let mut group = p.cgroup;
            while let Some(parent) = self.cgroups.parent(group) {
                let siblings = children.entry(parent).or_default();
                if siblings.contains(&group) {
                    break;
                }
                siblings.push(group);
                group = parent;
            }
        }
        let mut rates = BTreeMap::new();
        self.share_group(0, whole, &members, &children, &mut rates);
        for (pid, burn) in &mut self.cpus.burning {
            burn.rate = rates.get(pid).copied().unwrap_or(0);
        }
    }

    /// The most a group can use: its processes, cut by quotas.
    fn demand(&self, group: u32, members: &BTreeMap<u32, Vec<u32>>, children: &BTreeMap<u32, Vec<u32>>) -> u64 {
        let own = members.get(&group).map_or(0, Vec::len) as u64 * WHOLE;
        let below: u64 = children.get(&group).into_iter().flatten().map(|c| self.demand(*c, members, children)).sum();
        (own + below).min(self.cgroups.cpu_quota(group).map_or(u64::MAX, |(quota, period)| scaled(quota, period)))
    }

    /// Shares an amount among the processes and groups in a group, by weight, none getting more than it can use.
    fn share_group(
        &self,
        group: u32,
        amount: u64,
        members: &BTreeMap<u32, Vec<u32>>,
        children: &BTreeMap<u32, Vec<u32>>,
        rates: &mut BTreeMap<u32, u64>,
    ) {
        enum Taker {
            Process(u32),
            Group(u32),
        }
        let mut takers: Vec<(Taker, u64, u64)> = Vec::new();
        for pid in members.get(&group).into_iter().flatten() {
            takers.push((Taker::Process(*pid), 1024, WHOLE));
        }
        for child in children.get(&group).into_iter().flatten() {
            takers.push((Taker::Group(*child), self.cgroups.cpu_weight(*child), self.demand(*child, members, children)));
        }
        let mut left = amount.min(self.demand(group, members, children));
        // Those that can use least are served first, so that what they leave goes to the others.
        takers.sort_by_key(|(_, weight, demand)| demand * 1024 / (*weight).max(1));
        let mut weights: u64 = takers.iter().map(|(_, weight, _)| *weight).sum();
        for (taker, weight, demand) in takers {
            let fair = u64::try_from(u128::from(left) * u128::from(weight) / u128::from(weights.max(1))).unwrap_or(left);
            let given = fair.min(demand);
            left -= given;
            weights -= weight;
            match taker {
                Taker::Process(pid) => drop(rates.insert(pid, given)),
                Taker::Group(child) => self.share_group(child, given, members, children, rates),
            }
        }
    }
}

/// A quota as a rate.
fn scaled(quota: u64, period: u64) -> u64 {
    u64::try_from(u128::from(quota) * u128::from(WHOLE) / u128::from(period.max(1))).unwrap_or(u64::MAX)
}
