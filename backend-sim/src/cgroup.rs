//! Control groups (cgroups(7)): one tree, seen through the files of v1's hierarchies or of v2's.
//!
//! A deviation: v1's hierarchies share one tree here, so a group made in one is in all. Drydock makes its groups in all.

use crate::sys::{Errno, Res};
use crate::world::World;
use drydock_core::limits::CgroupMode;
use std::collections::{BTreeMap, BTreeSet};

/// The controllers that are simulated, sorted, as v2 names them.
pub const CONTROLLERS: [&str; 4] = ["cpu", "cpuset", "memory", "pids"];

/// The hierarchies of v1, by the names of their directories.
pub const V1: [&str; 6] = ["cpu,cpuacct", "cpuset", "devices", "freezer", "memory", "pids"];

/// One group.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The group around it; `None` for the root.
    pub parent: Option<u32>,
    /// Its name there.
    pub name: String,
    /// Groups in it.
    pub children: BTreeMap<String, u32>,
    /// Processes in it, by host pid.
    pub members: BTreeSet<u32>,
    /// Controllers it gives to the groups in it (v2).
    pub subtree: BTreeSet<String>,
    /// Values that were written, by file.
    pub settings: BTreeMap<String, String>,
    /// memory.max, memory.limit_in_bytes
    pub memory_limit: Option<u64>,
    /// Bytes used, by it and those in it.
    pub memory: u64,
    /// The most it ever used.
    pub peak: u64,
    /// Times the limit was hit.
    pub memory_failed: u64,
    /// Times the kernel looked for somebody to kill because of this group's limit.
    pub oom: u64,
    /// Processes of this group or below that the kernel killed for memory.
    pub oom_kills: u64,
    /// pids.max
    pub pids_limit: Option<u64>,
    /// Processes, in it and those in it.
    pub pids: u64,
    /// Times a fork was refused.
    pub pids_failed: u64,
    /// Quota and period in microseconds.
    pub quota: Option<(u64, u64)>,
    /// The period, also without a quota.
    pub period: u64,
    /// cpu.weight in cpu.shares' units; 1024 is the default of both.
    pub shares: u64,
    /// Nanoseconds of processor time.
    pub cpu: u64,
    /// Stopped by the freezer.
    pub frozen: bool,
    /// What the device controller allows: `c 1:3 rwm`. `None` is everything.
    pub devices: Option<Vec<String>>,
}

/// All groups.
#[derive(Clone, Debug)]
pub struct Cgroups {
    /// How they are mounted.
    pub mode: CgroupMode,
    /// Groups by number; 0 is the root.
    pub groups: BTreeMap<u32, Group>,
    next: u32,
}

impl Cgroups {
    /// The root alone.
    pub fn new(mode: CgroupMode) -> Self {
        let root = Group { shares: 1024, period: 100_000, ..Group::default() };
        Self { mode, groups: BTreeMap::from([(0, root)]), next: 1 }
    }

    /// A group.
    pub fn get(&self, id: u32) -> Res<&Group> {
        self.groups.get(&id).ok_or(Errno::ENODEV)
    }

    /// A group, to change.
    pub fn get_mut(&mut self, id: u32) -> Res<&mut Group> {
        self.groups.get_mut(&id).ok_or(Errno::ENODEV)
    }

    /// The group around one.
    pub fn parent(&self, id: u32) -> Option<u32> {
        self.groups.get(&id)?.parent
    }

    /// A group and those around it, outwards.
    fn chain(&self, id: u32) -> Vec<u32> {
        std::iter::successors(Some(id), |g| self.parent(*g)).collect()
    }

    /// The group of a path relative to the root.
    pub fn find(&self, path: &str) -> Option<u32> {
        path.split('/').filter(|p| !p.is_empty()).try_fold(0, |at, name| self.groups.get(&at)?.children.get(name).copied())
    }

    /// The path of a group, as seen from another: `/`, `/drydock/ID`, `/..` for what lies outside.
    pub fn path(&self, id: u32, from: u32) -> String {
        let up = self.chain(id);
        let root = self.chain(from);
        let common = up.iter().find(|g| root.contains(g)).copied().unwrap_or(0);
        let outwards = root.iter().take_while(|g| **g != common).map(|_| "..".to_owned());
        let inwards: Vec<String> = up.iter().take_while(|g| **g != common).filter_map(|g| Some(self.groups.get(g)?.name.clone())).collect();
        let parts: Vec<String> = outwards.chain(inwards.into_iter().rev()).collect();
        format!("/{}", parts.join("/"))
    }

    /// Makes a group in another.
    pub fn make(&mut self, parent: u32, name: &str) -> Res<u32> {
        if self.get(parent)?.children.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        let id = self.next;
        self.next += 1;
        self.get_mut(parent)?.children.insert(name.to_owned(), id);
        let group = Group { parent: Some(parent), name: name.to_owned(), shares: 1024, period: 100_000, ..Group::default() };
        self.groups.insert(id, group);
        Ok(id)
    }

    /// Removes an empty group.
    pub fn remove(&mut self, id: u32) -> Res<()> {
        let group = self.get(id)?;
        let Some(parent) = group.parent else { return Err(Errno::EBUSY) };
        if !group.children.is_empty() || !group.members.is_empty() {
            return Err(Errno::EBUSY);
        }
        let name = group.name.clone();
        self.groups.remove(&id);
        self.get_mut(parent)?.children.remove(&name);
        Ok(())
    }

    /// Processes of a group and those below it.
    pub fn members_below(&self, id: u32) -> Vec<u32> {
        let mut all = Vec::new();
        let mut next = vec![id];
        while let Some(at) = next.pop() {
            if let Some(group) = self.groups.get(&at) {
                all.extend(&group.members);
                next.extend(group.children.values());
            }
        }
        all.sort_unstable();
        all
    }

    /// A new process belongs to a group.
    pub fn join(&mut self, id: u32, pid: u32) {
        if let Some(group) = self.groups.get_mut(&id) {
            group.members.insert(pid);
        }
        for id in self.chain(id) {
            if let Some(group) = self.groups.get_mut(&id) {
                group.pids += 1;
            }
        }
    }

    /// A process leaves its group.
    pub fn leave(&mut self, id: u32, pid: u32) {
        if self.groups.get_mut(&id).is_some_and(|g| g.members.remove(&pid)) {
            for id in self.chain(id) {
                if let Some(group) = self.groups.get_mut(&id) {
                    group.pids = group.pids.saturating_sub(1);
                }
            }
        }
    }

    /// EAGAIN where pids.max forbids another process.
    pub fn may_fork(&mut self, id: u32) -> Res<()> {
        for id in self.chain(id) {
            let Some(group) = self.groups.get_mut(&id) else { continue };
            if group.pids_limit.is_some_and(|limit| group.pids + 1 > limit) {
                group.pids_failed += 1;
                return Err(Errno::EAGAIN);
            }
        }
        Ok(())
    }

    /// The innermost group that so many more bytes would put over its limit; the host's own memory limits the root.
    pub fn over_limit(&mut self, id: u32, more: u64, host: u64) -> Option<u32> {
        for id in self.chain(id) {
            let Some(group) = self.groups.get_mut(&id) else { continue };
            let limit = if id == 0 { Some(host) } else { group.memory_limit };
            if limit.is_some_and(|limit| group.memory.saturating_add(more) > limit) {
                group.memory_failed += 1;
                return Some(id);
            }
        }
        None
    }

    /// The limit that holds for a group: the least of its own and those around it.
    pub fn memory_limit(&self, id: u32) -> Option<u64> {
        self.chain(id).iter().filter_map(|g| self.groups.get(g)?.memory_limit).min()
    }

    /// Charges memory to a group and those around it.
    pub fn charge_memory(&mut self, id: u32, bytes: u64) {
        for id in self.chain(id) {
            if let Some(group) = self.groups.get_mut(&id) {
                group.memory += bytes;
                group.peak = group.peak.max(group.memory);
            }
        }
    }

    /// Takes a charge back.
    pub fn uncharge_memory(&mut self, id: u32, bytes: u64) {
        for id in self.chain(id) {
            if let Some(group) = self.groups.get_mut(&id) {
                group.memory = group.memory.saturating_sub(bytes);
            }
        }
    }

    /// Counts a kill for memory: in the group of the killed and those around it, and the reason in the group that was full.
    pub fn count_oom(&mut self, killed: u32, full: u32) {
        if let Some(group) = self.groups.get_mut(&full) {
            group.oom += 1;
        }
        for id in self.chain(killed) {
            if let Some(group) = self.groups.get_mut(&id) {
                group.oom_kills += 1;
            }
        }
    }

    /// Whether the kernel killed something in a group for want of memory.
    pub fn oom_killed(&self, id: u32) -> bool {
        id != 0 && self.groups.get(&id).is_some_and(|g| g.oom_kills > 0)
    }

    /// Charges processor time.
    pub fn used_cpu(&mut self, id: u32, nanos: u64) {
        for id in self.chain(id) {
            if let Some(group) = self.groups.get_mut(&id) {
                group.cpu += nanos;
            }
        }
    }

    /// Whether a quota, a weight or the freezer makes a group's processes slower than the free ones.
    pub fn cpu_limited(&self, id: u32) -> bool {
        self.chain(id).iter().any(|g| self.groups.get(g).is_some_and(|g| g.quota.is_some() || g.frozen))
    }

    /// Quota and period of a group.
    pub fn cpu_quota(&self, id: u32) -> Option<(u64, u64)> {
        self.groups.get(&id)?.quota
    }

    /// Weight of a group, in cpu.shares' units.
    pub fn cpu_weight(&self, id: u32) -> u64 {
        self.groups.get(&id).map_or(1024, |g| g.shares)
    }

    /// Whether a group or one around it is frozen.
    pub fn is_frozen(&self, id: u32) -> bool {
        self.chain(id).iter().any(|g| self.groups.get(g).is_some_and(|g| g.frozen))
    }

    /// Whether a group has a controller.
    pub fn has(&self, id: u32, controller: &str) -> bool {
        if self.mode != CgroupMode::V2 {
            return false;
        }
        match self.parent(id).and_then(|p| self.groups.get(&p)) {
            Some(parent) => parent.subtree.contains(controller),
            None => CONTROLLERS.contains(&controller),
        }
    }

    /// Controllers a group has: those that the group around it gives (v2), or all.
    pub fn controllers(&self, id: u32) -> BTreeSet<String> {
        if self.mode != CgroupMode::V2 {
            // v2's tree has no controllers while v1's hierarchies have them.
            return BTreeSet::new();
        }
        match self.parent(id).and_then(|p| self.groups.get(&p)) {
            Some(parent) => parent.subtree.clone(),
            None => CONTROLLERS.iter().map(|c| (*c).to_owned()).collect(),
        }
    }
}

impl World {
    /// Moves a process into a group, with its memory.
    pub fn move_to_group(&mut self, pid: u32, to: u32) -> Res<()> {
        if self.cgroups.mode == CgroupMode::V2 && to != 0 && !self.cgroups.get(to)?.subtree.is_empty() {
            // cgroups(7), "no internal processes" rule.
            return Err(Errno::EBUSY);
        }
        self.cgroups.get(to)?;
        let p = self.proc_mut(pid)?;
        let (from, memory) = (p.cgroup, p.memory);
        p.cgroup = to;
        self.cgroups.leave(from, pid);
        self.cgroups.join(to, pid);
        self.cgroups.uncharge_memory(from, memory);
        self.cgroups.charge_memory(to, memory);
        self.cpu_share();
        Ok(())
    }

    /// Freezes or thaws a group.
    pub fn freeze_group(&mut self, id: u32, frozen: bool) -> Res<()> {
        self.cgroups.get_mut(id)?.frozen = frozen;
        if !frozen {
            for pid in self.cgroups.members_below(id) {
                self.make_ready(pid);
            }
        }
        self.cpu_run(self.now);
        self.cpu_share();
        Ok(())
    }
}
