//! Memory: what processes take, what control groups allow, and who is killed when it is too much.

use crate::sys::WaitStatus;
use crate::world::World;
use drydock_core::kernel::Signal;

/// What a process takes by merely being there.
pub const BASE: u64 = 512 << 10;

impl World {
    /// Charges memory to a process and its groups. Over a group's limit the kernel kills, biggest first, until there is room;
    /// if that was the process itself the answer is `false`.
    pub fn take_memory(&mut self, pid: u32, bytes: u64) -> bool {
        let Some(p) = self.procs.get(&pid).filter(|p| p.alive()) else { return false };
        let group = p.cgroup;
        loop {
            if self.procs.get(&pid).is_none_or(|p| !p.alive()) {
                return false;
            }
            let Some(full) = self.cgroups.over_limit(group, bytes, self.config.memory) else { break };
            let Some(victim) = self.oom_victim(full) else { return false };
            let killed = self.procs.get(&victim).map_or(full, |p| p.cgroup);
            self.cgroups.count_oom(killed, full);
            let name = self.procs.get(&victim).map(|p| p.name.clone()).unwrap_or_default();
            self.trace.note(self.now, || format!("oom-kill pid={victim} name={name} group={}", full));
            self.exit_process(victim, WaitStatus::Signaled(Signal::KILL));
        }
        if let Some(p) = self.procs.get_mut(&pid) {
            p.memory += bytes;
        }
        self.cgroups.charge_memory(group, bytes);
        true
    }

    /// Gives memory back.
    pub fn give_memory(&mut self, pid: u32, bytes: u64) {
        let Some(p) = self.procs.get_mut(&pid) else { return };
        let bytes = bytes.min(p.memory.saturating_sub(BASE));
        p.memory -= bytes;
        let group = p.cgroup;
        self.cgroups.uncharge_memory(group, bytes);
    }

    /// The process of a group, or of one below it, with the highest badness: memory in thousandths of the limit, and its score.
    fn oom_victim(&self, group: u32) -> Option<u32> {
        let limit = self.cgroups.memory_limit(group).unwrap_or(self.config.memory).max(1000);
        let badness = |pid: u32| -> Option<(i64, u32)> {
            let p = self.procs.get(&pid).filter(|p| p.alive() && !p.actor && p.oom_score_adj > -1000)?;
            let points = i64::try_from(p.memory / (limit / 1000)).unwrap_or(i64::MAX / 2) + i64::from(p.oom_score_adj);
            Some((points, pid))
        };
        self.cgroups.members_below(group).into_iter().filter_map(badness).max().map(|(_, pid)| pid)
    }
}
