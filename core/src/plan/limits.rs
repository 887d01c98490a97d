//! Plans for control groups, and what their files say.

use super::{Plan, Planned, Planner};
use crate::container::layout::Layout;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Capability, Limits};
use crate::id::ContainerId;
use crate::kernel::{Facts, Step};
use crate::limits::usage::{block_bytes, keyed, limit, number};
use crate::limits::{Capacity, CgroupMode, Resources, Usage, Write, cpuset, writes};

const SEE: &str = "man 7 cgroups";

/// Makes a group and writes its limits.
pub(super) fn apply(id: &ContainerId, limits: &Resources, facts: &Facts, swap: bool) -> Plan {
    let layout = Layout::of(facts);
    let path = layout.cgroup_in(limits.cgroup_parent.as_deref(), id);
    let mut plan = Plan::new("limits.apply", id.as_str());
    if let Some(parent) = &limits.cgroup_parent {
        plan.push(Planned::new(
            Step::MakeDir { path: layout.run(id), mode: 0o700 },
            "What is known of a container in this boot lies below one directory of its own.",
            SEE,
        ));
        plan.push(Planned::new(
            Step::WriteFile { path: layout.cgroup_parent(id), mode: 0o600, content: parent.clone() },
            "Asked for: the group is below another than Drydock's, and whoever looks for it later finds it by this.",
            SEE,
        ));
    }
    plan.push(
        Planned::new(Step::MakeCgroup { path: path.clone() }, "The group is there, with its limits, before anything runs in it.", SEE)
            .undone_by(Step::RemoveCgroup { path: path.clone() }),
    );
    for write in writes(limits, facts.cgroup, swap) {
        let why = reason(&write);
        plan.push(Planned::new(step(&path, write), why, SEE));
    }
    plan
}

fn step(path: &str, write: Write) -> Step {
    Step::WriteCgroup { path: path.to_owned(), controller: write.controller, file: write.file, value: write.value }
}

fn reason(write: &Write) -> &'static str {
    match write.file.as_str() {
        "memory.limit_in_bytes" | "memory.max" => "More memory than this and the kernel ends one of its processes.",
        "memory.memsw.limit_in_bytes" | "memory.swap.max" => "Swap is limited too: without that, a memory limit only moves pages to disk.",
        "memory.soft_limit_in_bytes" | "memory.low" => {
            "Under pressure the kernel takes memory elsewhere first, while the group stays below this."
        }
        "memory.oom_control" => "Out of memory its processes wait instead of being ended.",
        "cpu.cfs_period_us" => "Processor time is measured out afresh each period.",
        "cpu.cfs_quota_us" | "cpu.max" => "So many microseconds of processor time a period, over all processors together.",
        "cpu.shares" | "cpu.weight" => "Its share while others want the processor too; no limit while they do not.",
        "cpuset.cpus" => "The processors it may run on.",
        "cpuset.mems" => "The memory nodes it gets memory from.",
        "memory.swappiness" => "How readily the kernel swaps its memory rather than drop what it has cached.",
        "blkio.bfq.weight" | "io.weight" => "Its share of a disk while others want it too.",
        "io.max" => "No more than this of a device a second.",
        "pids.max" => "So many processes and threads; fork fails beyond that.",
        _ => "A limit of the group.",
    }
}

/// What the writes that change a limit were, so that all can be put back if one is refused.
struct Before(Vec<(Write, String)>);

impl Planner {
    /// The text of one file of a container's group.
    fn group_file(&self, id: &ContainerId, controller: &str, file: &str) -> Result<String> {
        let facts = self.facts();
        let root = facts
            .cgroup_roots
            .get(controller)
            .or_else(|| facts.cgroup_roots.values().next().filter(|_| facts.cgroup == CgroupMode::V2))
            .ok_or_else(|| Error::unsupported(format!("the {controller} controller of control groups")))?;
        let bytes = self.kernel.read(&format!("{root}/{}/{file}", self.group(id)?), 0, 1 << 16)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Limits of devices by their numbers, which is how the kernel knows them.
    fn with_numbers(&self, limits: &Resources) -> Result<Resources> {
        let mut limits = limits.clone();
        for throttle in &mut limits.throttles {
            let path = &throttle.device;
            let found = self.kernel.devices(path).map_err(|e| match e.kind() {
                // Docker's client ends with 127 for these words, as for a missing program.
                ErrorKind::NotFound => {
                    let message = format!("stat {}: no such file or directory", path.escape_debug());
                    Error::new(ErrorKind::CommandNotFound, message).op("device").subject(path.clone())
                }
                _ => e,
            })?;
            let device = found.first().filter(|d| found.len() == 1 && d.kind == 'b');
            let device = device.ok_or_else(|| Error::invalid(format!("{} is not a block device", path.escape_debug())))?;
            throttle.device = format!("{}:{}", device.major, device.minor);
        }
        Ok(limits)
    }

    /// Refuses memory nodes that the machine has not.
    pub(super) fn check_nodes(&self, limits: &Resources) -> Result<()> {
        let Some(asked) = limits.cpuset_mems.as_ref().filter(|set| !set.is_empty()) else { return Ok(()) };
        let facts = self.facts();
        let file = if facts.cgroup == CgroupMode::V2 { "cpuset.mems.effective" } else { "cpuset.mems" };
        let text = match facts.cgroup_roots.get("cpuset").map(|root| self.kernel.read(&format!("{root}/{file}"), 0, 4096)) {
            Some(Ok(bytes)) => String::from_utf8_lossy(&bytes).trim().to_owned(),
            _ => "0".to_owned(),
        };
        let there = cpuset(&text).unwrap_or_else(|| vec![(0, 0)]);
        let wanted = cpuset(asked).unwrap_or_default();
        if wanted.iter().all(|(first, last)| there.iter().any(|(from, to)| from <= first && last <= to)) {
            return Ok(());
        }
        Err(Error::invalid(format!("Requested memory nodes are not available - requested {asked}, available: {text}")))
    }

    fn accounts_swap(&self) -> bool {
        let facts = self.facts();
        let Some(root) = facts.cgroup_roots.get("memory") else { return false };
        // v2 has no such file in the root group, and always accounts swap where the controller is there.
        facts.cgroup == CgroupMode::V2 || self.kernel.size(&format!("{root}/memory.memsw.limit_in_bytes")).is_ok()
    }

    /// Refuses limits that this host has no controller for.
    fn require_limits(&self, limits: &Resources) -> Result<()> {
        for write in writes(limits, self.facts().cgroup, false) {
            match write.controller.as_str() {
                "memory" => self.require(Capability::Memory)?,
                "cpu" => self.require(Capability::Cpu)?,
                "pids" => self.require(Capability::Pids)?,
                other if !self.facts().controllers.iter().any(|c| c == other) => {
                    return Err(Error::unsupported(format!("limits of the {other} controller")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What limiting such a container would do.
    pub(super) fn plan_limits(&self, id: &ContainerId, limits: &Resources) -> Plan {
        apply(id, limits, self.facts(), self.accounts_swap())
    }

    /// Makes the writes in an order that the kernel accepts: one that is refused now may pass once another is made.
    fn write_all(&self, id: &ContainerId, all: Vec<Write>) -> Result<()> {
        let group = self.group(id)?;
        let mut before = Before(Vec::new());
        let mut waiting = all;
        while !waiting.is_empty() {
            let count = waiting.len();
            let mut refused = None;
            let mut later = Vec::new();
            for write in waiting {
                let old = self.group_file(id, &write.controller, &write.file)?.trim().to_owned();
                match self.kernel.perform(&step(&group, write.clone()), None) {
                    Ok(()) => before.0.push((write, old)),
                    Err(error) => {
                        refused = Some(error);
                        later.push(write);
                    }
                }
            }
            match refused {
                Some(error) if later.len() == count => {
                    self.put_back(&group, before);
                    return Err(error);
                }
                _ => waiting = later,
            }
        }
        Ok(())
    }

    fn put_back(&self, group: &str, before: Before) {
        for (mut write, old) in before.0.into_iter().rev() {
            write.value = old;
            // The first error is the one that counts; what cannot be put back is what it was changed to.
            let _ = self.kernel.perform(&step(group, write), None);
        }
    }
}

impl Limits for Planner {
    fn apply(&self, id: &ContainerId, limits: &Resources) -> Result<()> {
        self.require_limits(limits)?;
        let limits = &self.with_numbers(limits)?;
        self.carry_out_named(&self.plan_limits(id, limits))
    }

    fn change(&self, id: &ContainerId, limits: &Resources) -> Result<()> {
        self.require_limits(limits)?;
        let limits = &self.with_numbers(limits)?;
        self.write_all(id, writes(limits, self.facts().cgroup, self.accounts_swap()))
    }

    fn usage(&self, id: &ContainerId) -> Result<Usage> {
        let file = |controller: &str, name: &str| self.group_file(id, controller, name);
        if self.facts().cgroup == CgroupMode::V2 {
            let statistics = file("memory", "memory.stat")?;
            return Ok(Usage {
                cpu: keyed(&file("cpu", "cpu.stat")?, "usage_usec").unwrap_or(0) * 1000,
                memory: number(&file("memory", "memory.current")?),
                memory_peak: file("memory", "memory.peak").ok().map(|text| number(&text)),
                memory_cache: keyed(&statistics, "inactive_file").unwrap_or(0),
                memory_limit: limit(&file("memory", "memory.max")?),
                pids: number(&file("pids", "pids.current")?),
                block: file("io", "io.stat").map(|text| block_bytes(&text)).unwrap_or_default(),
            });
        }
        Ok(Usage {
            cpu: number(&file("cpuacct", "cpuacct.usage")?),
            memory: number(&file("memory", "memory.usage_in_bytes")?),
            memory_peak: file("memory", "memory.max_usage_in_bytes").ok().map(|text| number(&text)),
            memory_cache: keyed(&file("memory", "memory.stat")?, "total_inactive_file").unwrap_or(0),
            memory_limit: limit(&file("memory", "memory.limit_in_bytes")?),
            pids: number(&file("pids", "pids.current")?),
            block: file("blkio", "blkio.throttle.io_service_bytes").map(|text| block_bytes(&text)).unwrap_or_default(),
        })
    }

    fn oom_killed(&self, id: &ContainerId) -> Result<bool> {
        let name = if self.facts().cgroup == CgroupMode::V2 { "memory.events" } else { "memory.oom_control" };
        match self.group_file(id, "memory", name) {
            Ok(text) => Ok(keyed(&text, "oom_kill").unwrap_or(0) > 0),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Unsupported) => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn capacity(&self) -> Result<Capacity> {
        Ok(Capacity { cpus: self.facts().cpus, memory: self.facts().memory })
    }

    fn remove(&self, id: &ContainerId) -> Result<()> {
        self.kernel.perform(&Step::RemoveCgroup { path: self.group(id)? }, None)
    }
}
