//! Control groups as files (kernel documentation, admin-guide/cgroup-v1 and cgroup-v2).

use super::SbId;
use crate::cgroup::{CONTROLLERS, V1};
use crate::sys::{DirEntry, Errno, FileType, Res, Stat};
use crate::world::World;
use drydock_core::kernel::Signal;
use drydock_core::limits::CgroupMode;

/// A node of a control group file system: a group's directory, or one of its files. `hierarchy` is 0 for v2, else one more than the index into v1's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CgNode {
    /// Which hierarchy.
    pub hierarchy: u8,
    /// Which group.
    pub group: u32,
    /// Which file: an index into the table, or none for the directory.
    pub file: Option<u8>,
}

/// Files by name, with the v1 hierarchy or v2 controller they belong to (empty: every group has them), and whether they can be written.
const FILES: &[(u8, &str, &str, bool)] = &[
    (2, "", "cgroup.controllers", false),
    (2, "", "cgroup.events", false),
    (2, "", "cgroup.freeze", true),
    (2, "", "cgroup.kill", true),
    (2, "", "cgroup.procs", true),
    (2, "", "cgroup.subtree_control", true),
    (2, "", "cgroup.threads", true),
    (2, "", "cgroup.type", true),
    (2, "", "cpu.stat", false),
    (2, "cpu", "cpu.max", true),
    (2, "cpu", "cpu.weight", true),
    (2, "cpuset", "cpuset.cpus", true),
    (2, "cpuset", "cpuset.cpus.effective", false),
    (2, "cpuset", "cpuset.mems", true),
    (2, "memory", "memory.current", false),
    (2, "memory", "memory.events", false),
    (2, "memory", "memory.high", true),
    (2, "memory", "memory.low", true),
    (2, "memory", "memory.max", true),
    (2, "memory", "memory.oom.group", true),
    (2, "memory", "memory.peak", false),
    (2, "memory", "memory.stat", false),
    (2, "memory", "memory.swap.current", false),
    (2, "memory", "memory.swap.max", true),
    (2, "pids", "pids.current", false),
    (2, "pids", "pids.events", false),
    (2, "pids", "pids.max", true),
    (1, "", "cgroup.procs", true),
    (1, "", "notify_on_release", true),
    (1, "", "tasks", true),
    (1, "cpu,cpuacct", "cpu.cfs_period_us", true),
    (1, "cpu,cpuacct", "cpu.cfs_quota_us", true),
    (1, "cpu,cpuacct", "cpu.shares", true),
    (1, "cpu,cpuacct", "cpu.stat", false),
    (1, "cpu,cpuacct", "cpuacct.usage", false),
    (1, "cpuset", "cpuset.cpus", true),
    (1, "cpuset", "cpuset.mems", true),
    (1, "devices", "devices.allow", true),
    (1, "devices", "devices.deny", true),
    (1, "devices", "devices.list", false),
    (1, "freezer", "freezer.state", true),
    (1, "memory", "memory.failcnt", false),
    (1, "memory", "memory.limit_in_bytes", true),
    (1, "memory", "memory.max_usage_in_bytes", false),
    (1, "memory", "memory.memsw.limit_in_bytes", true),
    (1, "memory", "memory.memsw.usage_in_bytes", false),
    (1, "memory", "memory.oom_control", true),
    (1, "memory", "memory.soft_limit_in_bytes", true),
    (1, "memory", "memory.stat", false),
    (1, "memory", "memory.swappiness", true),
    (1, "memory", "memory.usage_in_bytes", false),
    (1, "pids", "pids.current", false),
    (1, "pids", "pids.events", false),
    (1, "pids", "pids.max", true),
];

/// What v1 says for "no limit": the largest multiple of a page.
const V1_UNLIMITED: u64 = 9_223_372_036_854_771_712;

impl World {
    /// The directory node of a group.
    pub fn cgroup_dir(hierarchy: u8, group: u32) -> CgNode {
        CgNode { hierarchy, group, file: None }
    }

    /// The node that holds another.
    pub fn cgroup_parent(&self, node: CgNode) -> CgNode {
        match node.file {
            Some(_) => CgNode { file: None, ..node },
            None => CgNode { group: self.cgroups.parent(node.group).unwrap_or(node.group), ..node },
        }
    }

    /// The name of a node.
    pub fn cgroup_name(&self, node: CgNode) -> String {
        match node.file.and_then(|i| FILES.get(usize::from(i))) {
            Some((_, _, name, _)) => (*name).to_owned(),
            None => self.cgroups.get(node.group).map(|g| g.name.clone()).unwrap_or_default(),
        }
    }

    /// Whether a group's directory has a file.
    fn cgroup_has(&self, node: CgNode, (version, controller, name, _): &(u8, &str, &str, bool)) -> bool {
        if node.hierarchy != 0 {
            return *version == 1 && (controller.is_empty() || V1.get(usize::from(node.hierarchy) - 1) == Some(controller));
        }
        let everywhere = ["cgroup.controllers", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads", "cpu.stat", "memory.stat"];
        let shown = node.group != 0 || everywhere.contains(name);
        *version == 2 && shown && (controller.is_empty() || self.cgroups.has(node.group, controller))
    }

    fn cgroup_files(&self, node: CgNode) -> impl Iterator<Item = (u8, &'static str)> {
        let all = FILES.iter().enumerate().filter(move |(_, entry)| self.cgroup_has(node, entry));
        all.map(|(i, entry)| (u8::try_from(i).unwrap_or(u8::MAX), entry.2))
    }

    /// Looks a name up in a group's directory.
    pub fn cgroup_lookup(&self, node: CgNode, name: &str) -> Res<CgNode> {
        if node.file.is_some() {
            return Err(Errno::ENOTDIR);
        }
        if let Some(group) = self.cgroups.get(node.group)?.children.get(name) {
            return Ok(CgNode { group: *group, ..node });
        }
        let named = |(_, entry): &(usize, &(u8, &str, &str, bool))| entry.2 == name && self.cgroup_has(node, entry);
        let found = FILES.iter().enumerate().find(named).and_then(|(i, _)| u8::try_from(i).ok());
        found.map(|i| CgNode { file: Some(i), ..node }).ok_or(Errno::ENOENT)
    }

    /// Entries of a group's directory.
    pub fn cgroup_entries(&self, node: CgNode) -> Res<Vec<DirEntry>> {
        if node.file.is_some() {
            return Err(Errno::ENOTDIR);
        }
        let groups = self.cgroups.get(node.group)?.children.iter();
        let mut all: Vec<DirEntry> =
            groups.map(|(n, id)| DirEntry { name: n.clone(), ino: u64::from(*id) + 1, kind: FileType::Directory }).collect();
        all.extend(self.cgroup_files(node).map(|(i, n)| DirEntry {
            name: n.to_owned(),
            ino: 1_000_000 + u64::from(i),
            kind: FileType::Regular,
        }));
        all.sort();
        Ok(all)
    }

    /// stat(2) of a node.
    pub fn cgroup_stat(&self, sb: SbId, node: CgNode) -> Res<Stat> {
        self.cgroups.get(node.group)?;
        let boot = drydock_core::time::Timestamp(self.booted);
        let (kind, mode, nlink) = match node.file.and_then(|i| FILES.get(usize::from(i))) {
            Some((_, _, _, true)) => (FileType::Regular, 0o644, 1),
            Some((_, _, _, false)) => (FileType::Regular, 0o444, 1),
            None => (FileType::Directory, 0o755, 2),
        };
        let ino = u64::from(node.group) * 64 + u64::from(node.file.map_or(0, |f| f + 1)) + 1;
        Ok(Stat {
            dev: u64::from(sb),
            ino,
            kind,
            mode,
            nlink,
            uid: 0,
            gid: 0,
            rdev: (0, 0),
            size: 0,
            atime: boot,
            mtime: boot,
            ctime: boot,
        })
    }

    /// mkdir(2): a new group.
    pub fn cgroup_mkdir(&mut self, node: CgNode, name: &str) -> Res<CgNode> {
        let group = self.cgroups.make(node.group, name)?;
        Ok(CgNode { group, ..node })
    }

    /// rmdir(2): EBUSY while something is in the group.
    pub fn cgroup_rmdir(&mut self, node: CgNode) -> Res<()> {
        if node.file.is_some() { Err(Errno::ENOTDIR) } else { self.cgroups.remove(node.group) }
    }

    /// The content of a file; pids as the reader's namespace numbers them.
    pub fn cgroup_read(&self, node: CgNode, pid_ns: u32) -> Res<String> {
        let (version, _, name, _) = FILES.get(usize::from(node.file.ok_or(Errno::EISDIR)?)).ok_or(Errno::ENOENT)?;
        let group = self.cgroups.get(node.group)?;
        let or_max = |n: Option<u64>| n.map_or("max".to_owned(), |n| n.to_string());
        let setting = |default: &str| group.settings.get(*name).cloned().unwrap_or_else(|| default.to_owned());
        let all_cpus = format!("0-{}", self.config.cpus.saturating_sub(1));
        let text = match *name {
            "cgroup.procs" | "cgroup.threads" | "tasks" => {
                let pids = group.members.iter().filter_map(|p| self.procs.get(p)).map(|p| p.pid_in(pid_ns));
                return Ok(pids.map(|p| format!("{p}\n")).collect());
            }
            "cgroup.controllers" => self.cgroups.controllers(node.group).into_iter().collect::<Vec<_>>().join(" "),
            "cgroup.subtree_control" => group.subtree.iter().cloned().collect::<Vec<_>>().join(" "),
            "cgroup.events" => {
                let populated = u8::from(!self.cgroups.members_below(node.group).is_empty());
                format!("populated {populated}\nfrozen {}", u8::from(self.cgroups.is_frozen(node.group)))
            }
            "cgroup.freeze" => u8::from(group.frozen).to_string(),
            "cgroup.type" => "domain".to_owned(),
            "cgroup.kill" | "devices.allow" | "devices.deny" => return Err(Errno::EINVAL),
            "notify_on_release" => setting("0"),
            "freezer.state" => if self.cgroups.is_frozen(node.group) { "FROZEN" } else { "THAWED" }.to_owned(),
            "memory.current" | "memory.usage_in_bytes" | "memory.memsw.usage_in_bytes" => group.memory.to_string(),
            "memory.peak" | "memory.max_usage_in_bytes" => group.peak.to_string(),
            "memory.max" => or_max(group.memory_limit),
            "memory.limit_in_bytes" => group.memory_limit.unwrap_or(V1_UNLIMITED).to_string(),
            "memory.memsw.limit_in_bytes" | "memory.soft_limit_in_bytes" => setting(&V1_UNLIMITED.to_string()),
            "memory.failcnt" => group.memory_failed.to_string(),
            "memory.high" | "memory.swap.max" => setting("max"),
            "memory.low" | "memory.oom.group" => setting("0"),
            "memory.swap.current" => "0".to_owned(),
            "memory.swappiness" => setting("60"),
            "memory.events" => {
                format!("low 0\nhigh 0\nmax {}\noom {}\noom_kill {}\noom_group_kill 0", group.memory_failed, group.oom, group.oom_kills)
            }
            "memory.oom_control" => format!("oom_kill_disable 0\nunder_oom 0\noom_kill {}", group.oom_kills),
            "memory.stat" if *version == 1 => {
                format!(
                    "cache 0\nrss {}\ninactive_file 0\nactive_file 0\ntotal_cache 0\ntotal_rss {0}\ntotal_inactive_file 0",
                    group.memory
                )
            }
            "memory.stat" => {
                format!("anon {}\nfile 0\nkernel 0\ninactive_anon 0\nactive_anon {0}\ninactive_file 0\nactive_file 0", group.memory)
            }
            "pids.current" => group.pids.to_string(),
            "pids.max" => or_max(group.pids_limit),
            "pids.events" => format!("max {}", group.pids_failed),
            "cpu.max" => match group.quota {
                Some((quota, period)) => format!("{quota} {period}"),
                None => format!("max {}", group.period),
            },
            "cpu.weight" => shares_to_weight(group.shares).to_string(),
            "cpu.shares" => group.shares.to_string(),
            "cpu.cfs_quota_us" => group.quota.map_or("-1".to_owned(), |(quota, _)| quota.to_string()),
            "cpu.cfs_period_us" => group.period.to_string(),
            "cpu.stat" if *version == 1 => "nr_periods 0\nnr_throttled 0\nthrottled_time 0".to_owned(),
            "cpu.stat" => {
                let micros = group.cpu / 1000;
                format!("usage_usec {micros}\nuser_usec {micros}\nsystem_usec 0\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0")
            }
            "cpuacct.usage" => group.cpu.to_string(),
            "cpuset.cpus" if *version == 2 => setting(""),
            "cpuset.mems" if *version == 2 => setting(""),
            "cpuset.cpus" => setting(&all_cpus),
            "cpuset.cpus.effective" => group.settings.get("cpuset.cpus").filter(|c| !c.is_empty()).cloned().unwrap_or(all_cpus),
            "cpuset.mems" => setting("0"),
            "devices.list" => group.devices.as_ref().map_or_else(|| "a *:* rwm".to_owned(), |rules| rules.join("\n")),
            _ => return Err(Errno::EINVAL),
        };
        Ok(format!("{text}\n"))
    }

    /// Writes a file, as the process `writer` of the host's numbers.
    pub fn cgroup_write(&mut self, node: CgNode, text: &str, writer: u32, pid_ns: u32) -> Res<()> {
        let (_, _, name, writable) = FILES.get(usize::from(node.file.ok_or(Errno::EISDIR)?)).ok_or(Errno::ENOENT)?;
        if !writable {
            return Err(Errno::EACCES);
        }
        let text = text.trim();
        let bytes = |text: &str| -> Res<Option<u64>> {
            match text {
                "max" | "-1" => Ok(None),
                _ => text.parse::<u64>().map(Some).map_err(|_| Errno::EINVAL),
            }
        };
        // Memory may be written with a unit (memparse in the kernel's lib/cmdline.c).
        let memory = |text: &str| -> Res<Option<u64>> {
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let shift = match &text[digits.len()..] {
                "K" | "k" => 10,
                "M" | "m" => 20,
                "G" | "g" => 30,
                _ => return bytes(text),
            };
            Ok(bytes(digits)?.map(|n| n << shift))
        };
        let number = |text: &str| text.parse::<u64>().map_err(|_| Errno::EINVAL);
        self.cpu_run(self.now);
        match *name {
            "cgroup.procs" | "cgroup.threads" | "tasks" => {
                let pid: u32 = text.parse().map_err(|_| Errno::EINVAL)?;
                let pid = if pid == 0 { writer } else { self.host_pid(pid_ns, pid)? };
                return self.move_to_group(pid, node.group);
            }
            "cgroup.subtree_control" => return self.subtree_control(node.group, text),
            "cgroup.freeze" => return self.freeze_group(node.group, number(text)? == 1),
            "freezer.state" => {
                let frozen = match text {
                    "FROZEN" => true,
                    "THAWED" => false,
                    _ => return Err(Errno::EINVAL),
                };
                return self.freeze_group(node.group, frozen);
            }
            "cgroup.kill" => {
                if number(text)? != 1 {
                    return Err(Errno::ERANGE);
                }
                for pid in self.cgroups.members_below(node.group) {
                    self.deliver(pid, Signal::KILL, true);
                }
                return Ok(());
            }
            _ => {}
        }
        let v1 = node.hierarchy != 0;
        let group = self.cgroups.get_mut(node.group)?;
        match *name {
            "memory.max" | "memory.limit_in_bytes" => {
                let limit = memory(text)?.map(|n| n & !4095);
                if v1 && limit.is_some_and(|l| group.memory > l) {
                    return Err(Errno::EBUSY);
                }
                group.memory_limit = limit;
            }
            "pids.max" => group.pids_limit = bytes(text)?,
            "cpu.max" => {
                let mut words = text.split_whitespace();
                let quota = bytes(words.next().ok_or(Errno::EINVAL)?)?;
                let period = words.next().map_or(Ok(group.period), number)?;
                if !(1000..=1_000_000).contains(&period) || quota.is_some_and(|q| q < 1000) {
                    return Err(Errno::EINVAL);
                }
                group.period = period;
                group.quota = quota.map(|q| (q, period));
            }
            "cpu.cfs_period_us" => {
                let period = number(text)?;
                if !(1000..=1_000_000).contains(&period) {
                    return Err(Errno::EINVAL);
                }
                group.period = period;
                group.quota = group.quota.map(|(q, _)| (q, period));
            }
            "cpu.cfs_quota_us" => {
                let quota = bytes(text)?;
                if quota.is_some_and(|q| q < 1000) {
                    return Err(Errno::EINVAL);
                }
                group.quota = quota.map(|q| (q, group.period));
            }
            "cpu.weight" => {
                let weight = number(text)?;
                if !(1..=10_000).contains(&weight) {
                    return Err(Errno::ERANGE);
                }
                // The kernel's own conversion, of which `cpu.weight` of 100 is `cpu.shares` of 1024.
                group.shares = (weight * 1024 / 100).max(2);
            }
            "cpu.shares" => group.shares = number(text)?.clamp(2, 262_144),
            "devices.allow" | "devices.deny" => {
                let verb = if *name == "devices.deny" { "deny" } else { "allow" };
                match (verb, text) {
                    ("deny", "a") => group.devices = Some(Vec::new()),
                    ("allow", "a") => group.devices = None,
                    ("allow", rule) => group.devices.get_or_insert_default().push(rule.to_owned()),
                    (_, rule) => group.devices.get_or_insert_default().retain(|r| r != rule),
                }
            }
            "memory.memsw.limit_in_bytes" | "memory.soft_limit_in_bytes" => {
                let value = memory(text)?.unwrap_or(V1_UNLIMITED);
                if *name == "memory.memsw.limit_in_bytes" && group.memory_limit.is_some_and(|l| value < l) {
                    return Err(Errno::EINVAL);
                }
                group.settings.insert((*name).to_owned(), value.to_string());
            }
            "cpuset.cpus" => {
                let cpus = self.config.cpus;
                let fits = |part: &str| part.split('-').all(|n| n.trim().parse::<u32>().is_ok_and(|n| n < cpus));
                if !text.split(',').all(fits) {
                    return Err(Errno::EINVAL);
                }
                group.settings.insert((*name).to_owned(), text.to_owned());
            }
            _ => drop(group.settings.insert((*name).to_owned(), text.to_owned())),
        }
        self.cpu_share();
        if *name == "memory.max" {
            self.shrink_to_limit(node.group);
        }
        Ok(())
    }

    /// v2 lowers a limit at once and kills until what is left fits.
    fn shrink_to_limit(&mut self, group: u32) {
        while let Ok(g) = self.cgroups.get(group)
            && g.memory_limit.is_some_and(|limit| g.memory > limit)
        {
            let biggest = self.cgroups.members_below(group).into_iter().filter_map(|p| Some((self.procs.get(&p)?.memory, p))).max();
            let Some((_, victim)) = biggest else { return };
            let own = self.procs.get(&victim).map_or(group, |p| p.cgroup);
            self.cgroups.count_oom(own, group);
            self.exit_process(victim, crate::sys::WaitStatus::Signaled(Signal::KILL));
        }
    }

    fn subtree_control(&mut self, id: u32, text: &str) -> Res<()> {
        let available = self.cgroups.controllers(id);
        let occupied = id != 0 && !self.cgroups.get(id)?.members.is_empty();
        for word in text.split_whitespace() {
            let (on, name) = match word.split_at_checked(1) {
                Some(("+", name)) => (true, name),
                Some(("-", name)) => (false, name),
                _ => return Err(Errno::EINVAL),
            };
            if !CONTROLLERS.contains(&name) {
                return Err(Errno::EINVAL);
            }
            if !on {
                let used = self.cgroups.get(id)?.children.values().any(|c| self.cgroups.get(*c).is_ok_and(|g| g.subtree.contains(name)));
                if used {
                    return Err(Errno::EBUSY);
                }
                self.cgroups.get_mut(id)?.subtree.remove(name);
                continue;
            }
            if !available.contains(name) {
                return Err(Errno::ENOENT);
            }
            if occupied && self.cgroups.mode == CgroupMode::V2 {
                return Err(Errno::EBUSY);
            }
            self.cgroups.get_mut(id)?.subtree.insert(name.to_owned());
        }
        Ok(())
    }
}

/// cpu.shares as cpu.weight.
fn shares_to_weight(shares: u64) -> u64 {
    (shares * 100).div_ceil(1024).clamp(1, 10_000)
}
