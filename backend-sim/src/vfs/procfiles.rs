//! What the files of proc say, and what writing them does (proc(5)).

use super::proc::ProcNode;
use super::{Ctx, SbId, cap};
use crate::process::Proc;
use crate::sys::{Disposition, Errno, Res};
use crate::world::World;
use std::fmt::Write as _;

/// Sysctls and their defaults, by their path under /proc/sys.
const SYSCTLS: &[(&str, &str)] = &[
    ("fs/file-max", "9223372036854775807"),
    ("fs/mqueue/msg_max", "10"),
    ("kernel/msgmax", "8192"),
    ("kernel/pid_max", "4194304"),
    ("kernel/sem", "32000\t1024000000\t500\t32000"),
    ("kernel/shm_rmid_forced", "0"),
    ("kernel/shmmax", "18446744073692774399"),
    ("kernel/shmmni", "4096"),
    ("kernel/threads-max", "63458"),
    ("net/core/somaxconn", "4096"),
    ("net/ipv4/conf/all/route_localnet", "0"),
    ("net/ipv4/ip_forward", "0"),
    ("net/ipv4/ip_local_port_range", "32768\t60999"),
    ("net/ipv4/ip_unprivileged_port_start", "1024"),
    ("net/ipv4/ping_group_range", "1\t0"),
    ("net/ipv4/tcp_syncookies", "1"),
    ("net/ipv6/conf/all/forwarding", "0"),
    ("vm/overcommit_memory", "0"),
    ("vm/swappiness", "60"),
];

impl World {
    /// The namespace whose value of a sysctl counts: that of the network or of IPC, or 0 for all.
    fn sysctl_ns(&self, key: &str, pid: u32) -> u32 {
        let ns = self.proc(pid).map_or(self.ns.host, |p| p.ns);
        if key.starts_with("net/") {
            ns.net
        } else if key.starts_with("kernel/shm") || key.starts_with("kernel/msg") || key == "kernel/sem" || key.starts_with("fs/mqueue/") {
            ns.ipc
        } else {
            0
        }
    }

    /// The value of a sysctl, by its path under /proc/sys, in a namespace.
    pub fn sysctl(&self, ns: u32, key: &str) -> Res<String> {
        let default = SYSCTLS.iter().find(|(k, _)| *k == key).map(|(_, v)| *v).ok_or(Errno::ENOENT)?;
        Ok(self.sysctls.get(&(ns, key.to_owned())).cloned().unwrap_or_else(|| default.to_owned()))
    }

    /// Sets a sysctl as a process sees it.
    pub fn set_sysctl(&mut self, pid: u32, key: &str, value: &str) -> Res<()> {
        match key {
            "kernel/hostname" | "kernel/domainname" => {
                let ns = self.proc(pid)?.ns.uts;
                let uts = self.ns.uts.get_mut(&ns).ok_or(Errno::ENOENT)?;
                let field = if key == "kernel/hostname" { &mut uts.host } else { &mut uts.domain };
                value.trim().clone_into(field);
                return Ok(());
            }
            _ => {}
        }
        let ns = self.sysctl_ns(key, pid);
        self.sysctl(ns, key)?;
        let value = value.trim();
        let numbers = value.split_whitespace().all(|n| n.parse::<i128>().is_ok());
        if value.is_empty() || !numbers {
            return Err(Errno::EINVAL);
        }
        self.sysctls.insert((ns, key.to_owned()), value.split_whitespace().collect::<Vec<_>>().join("\t"));
        Ok(())
    }

    /// The content of a file.
    pub fn proc_read(&mut self, ctx: &Ctx, sb: SbId, node: ProcNode) -> Res<String> {
        match node {
            ProcNode::Fixed(i) => self.fixed_file(ctx, ProcNode::path(i)),
            ProcNode::Item(pid, i) => self.item_file(ctx, sb, pid, ProcNode::item_name(i)),
            _ => Err(Errno::EISDIR),
        }
    }

    /// What went through the links of the reader's network namespace (proc_pid_net(5)).
    fn net_dev(&self, ctx: &Ctx) -> String {
        let ns = self.proc(ctx.pid).map_or(self.net.host, |p| p.ns.net);
        let mut text = "Inter-|   Receive                                                |  Transmit\n".to_owned();
        text.push_str(
            " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n",
        );
        for link in self.net.spaces.get(&ns).into_iter().flat_map(|s| s.links.values()) {
            let ((bytes_in, packets_in), (bytes_out, packets_out)) = (link.received, link.sent);
            let name = &link.name;
            let _ = writeln!(
                text,
                "{name:>6}: {bytes_in:7} {packets_in:7}    0    0    0     0          0         0 {bytes_out:8} {packets_out:7}    0    0    0     0       0          0"
            );
        }
        text
    }

    fn fixed_file(&mut self, ctx: &Ctx, path: &str) -> Res<String> {
        let up = self.now - self.booted;
        let uptime = up as f64 / 1e9;
        Ok(match path {
            "cgroups" => {
                let mut text = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n".to_owned();
                for name in ["cpuset", "cpu", "cpuacct", "devices", "freezer", "memory", "pids"] {
                    let _ = writeln!(text, "{name}\t0\t{}\t1", self.cgroups.groups.len());
                }
                text
            }
            "cmdline" => "BOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 ro\n".to_owned(),
            "cpuinfo" => (0..self.config.cpus).fold(String::new(), |mut text, n| {
                let _ = writeln!(text, "processor\t: {n}\nvendor_id\t: Drydock\nmodel name\t: Simulated CPU\ncpu MHz\t\t: 1000.000\n");
                text
            }),
            "devices" => "Character devices:\n  1 mem\n  5 /dev/tty\n136 pts\n\nBlock devices:\n  8 sd\n".to_owned(),
            "filesystems" => {
                let nodev = ["sysfs", "tmpfs", "proc", "cgroup", "cgroup2", "devpts", "mqueue", "overlay"];
                nodev.iter().map(|n| format!("nodev\t{n}\n")).chain(["\text4\n".to_owned()]).collect()
            }
            "net/dev" => self.net_dev(ctx),
            "loadavg" => {
                let running = self.burners();
                let alive = self.procs.values().filter(|p| p.alive()).count();
                format!("{running}.00 {running}.00 {running}.00 {}/{alive} {}\n", running.max(1), self.next_pid - 1)
            }
            "meminfo" => {
                let used = self.cgroups.get(0)?.memory;
                let free = self.config.memory.saturating_sub(used) / 1024;
                let total = self.config.memory / 1024;
                format!(
                    "MemTotal:       {total:>8} kB\nMemFree:        {free:>8} kB\nMemAvailable:   {free:>8} kB\nBuffers:               0 kB\nCached:                0 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n"
                )
            }
            "stat" => format!("cpu  0 0 0 0 0 0 0 0 0 0\nbtime {}\nprocesses {}\n", self.booted / 1_000_000_000, self.births),
            "swaps" => "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n".to_owned(),
            "uptime" => format!("{uptime:.2} {uptime:.2}\n"),
            "version" => format!("Linux version {} (drydock) {}\n", crate::kernel::RELEASE, crate::kernel::VERSION),
            "sysrq-trigger" => return Err(Errno::EIO),
            "sys/kernel/hostname" | "sys/kernel/domainname" => {
                let ns = self.proc(ctx.pid).map_or(self.ns.host.uts, |p| p.ns.uts);
                let uts = self.ns.uts.get(&ns).cloned().unwrap_or_default();
                let domain = if uts.domain.is_empty() { "(none)".to_owned() } else { uts.domain };
                format!("{}\n", if path.ends_with("hostname") { uts.host } else { domain })
            }
            "sys/kernel/osrelease" => format!("{}\n", crate::kernel::RELEASE),
            "sys/kernel/ostype" => "Linux\n".to_owned(),
            "sys/kernel/version" => format!("{}\n", crate::kernel::VERSION),
            "sys/kernel/random/boot_id" => format!("{}\n", self.boot_id()),
            "sys/kernel/random/uuid" => format!("{}\n", self.uuid()),
            _ => match path.strip_prefix("sys/") {
                Some(key) => format!("{}\n", self.sysctl(self.sysctl_ns(key, ctx.pid), key)?),
                None => String::new(),
            },
        })
    }

    fn item_file(&mut self, ctx: &Ctx, sb: SbId, pid: u32, name: &str) -> Res<String> {
        let shown = self.proc_ns(sb);
        let p = self.proc(pid).map_err(|_| Errno::ESRCH)?;
        match name {
            "cgroup" => {
                let ns = self.proc(ctx.pid).map_or(self.ns.host.cgroup, |p| p.ns.cgroup);
                let from = self.ns.cgroup.get(&ns).copied().unwrap_or(0);
                let path = self.cgroups.path(p.cgroup, from);
                Ok(match self.cgroups.mode {
                    drydock_core::limits::CgroupMode::V2 => format!("0::{path}\n"),
                    mode => {
                        let lines = crate::cgroup::V1.iter().rev().enumerate().map(|(i, c)| (crate::cgroup::V1.len() - i, c));
                        let mut text: String = lines.map(|(i, c)| format!("{i}:{c}:{path}\n")).collect();
                        if mode == drydock_core::limits::CgroupMode::Hybrid {
                            let _ = writeln!(text, "0::{path}");
                        }
                        text
                    }
                })
            }
            "cmdline" => Ok(if p.alive() { p.args.iter().map(|a| format!("{a}\0")).collect() } else { String::new() }),
            "comm" => Ok(format!("{}\n", p.name)),
            "environ" => {
                self.may_look(ctx, p)?;
                Ok(p.env.iter().map(|e| format!("{e}\0")).collect())
            }
            "gid_map" | "uid_map" => Ok("         0          0 4294967295\n".to_owned()),
            "io" => Ok("rchar: 0\nwchar: 0\n".to_owned()),
            "limits" => {
                let mut text = format!("{:<26}{:<21}{:<21}{:<10}\n", "Limit", "Soft Limit", "Hard Limit", "Units");
                for (name, title, unit) in crate::kernel::RLIMITS {
                    let default = crate::kernel::default_rlimit(name).unwrap_or((u64::MAX, u64::MAX));
                    let (soft, hard) = p.rlimits.get(*name).copied().unwrap_or(default);
                    let show = |n: u64| if n == u64::MAX { "unlimited".to_owned() } else { n.to_string() };
                    let _ = writeln!(text, "{title:<26}{:<21}{:<21}{unit:<10}", show(soft), show(hard));
                }
                Ok(text)
            }
            "mountinfo" | "mounts" => self.mounts_file(pid, name == "mountinfo"),
            "oom_score_adj" => Ok(format!("{}\n", p.oom_score_adj)),
            "setgroups" => Ok("allow\n".to_owned()),
            "stat" => Ok(self.stat_file(p, shown)),
            "statm" => {
                let pages = p.memory / 4096;
                Ok(format!("{pages} {pages} 0 1 0 {pages} 0\n"))
            }
            "status" => Ok(self.status_file(p, shown)),
            _ => Err(Errno::EINVAL),
        }
    }

    fn state_of(&self, p: &Proc) -> (char, &'static str) {
        if !p.alive() {
            ('Z', "zombie")
        } else if p.stopped {
            ('T', "stopped")
        } else if p.queued || self.burning(p.pid) {
            ('R', "running")
        } else {
            ('S', "sleeping")
        }
    }

    fn stat_file(&self, p: &Proc, ns: u32) -> String {
        let ticks = |nanos: u64| nanos / 10_000_000;
        let tty = p.tty.and_then(|t| self.ttys.get(&t)).map_or(0, |t| 136 * 256 + t.number);
        format!(
            "{} ({}) {} {} {} {} {tty} -1 4194304 0 0 0 0 {} 0 0 0 20 0 1 0 {} {} {} 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
            p.pid_in(ns),
            p.name,
            self.state_of(p).0,
            self.inner_pid(p.parent, ns),
            self.inner_pid(p.group, ns),
            self.inner_pid(p.session, ns),
            ticks(p.cpu),
            ticks(p.started.saturating_sub(self.booted)),
            p.memory,
            p.memory / 4096,
        )
    }

    fn status_file(&self, p: &Proc, ns: u32) -> String {
        let (letter, word) = self.state_of(p);
        let mask =
            |wanted: Disposition| p.dispositions.iter().filter(|(_, d)| **d == wanted).fold(0_u64, |m, (s, _)| m | 1 << (s.number() - 1));
        let c = &p.creds;
        let groups: Vec<String> = c.groups.iter().map(u32::to_string).collect();
        // From the namespace that proc shows inwards to the process's own.
        let mut inner: Vec<String> = p.pids.iter().rev().skip_while(|(n, _)| *n != ns).map(|(_, pid)| pid.to_string()).collect();
        if inner.is_empty() {
            inner.push("0".to_owned());
        }
        let mut text = String::new();
        let _ = write!(
            text,
            "Name:\t{}\nUmask:\t{:04o}\nState:\t{letter} ({word})\nTgid:\t{pid}\nPid:\t{pid}\nPPid:\t{}\nTracerPid:\t0\nUid:\t{}\t{}\t{}\t{}\nGid:\t{}\t{}\t{}\t{}\nFDSize:\t64\nGroups:\t{} \nNStgid:\t{ns}\nNSpid:\t{ns}\n",
            p.name,
            p.umask,
            self.inner_pid(p.parent, ns),
            c.uid,
            c.euid,
            c.suid,
            c.euid,
            c.gid,
            c.egid,
            c.sgid,
            c.egid,
            groups.join(" "),
            pid = p.pid_in(ns),
            ns = inner.join("\t"),
        );
        let _ = write!(
            text,
            "VmPeak:\t{kb:>8} kB\nVmSize:\t{kb:>8} kB\nVmRSS:\t{kb:>8} kB\nThreads:\t1\nSigQ:\t0/31391\nSigPnd:\t{:016x}\nSigBlk:\t{:016x}\nSigIgn:\t{:016x}\nSigCgt:\t{:016x}\nCapInh:\t{:016x}\nCapPrm:\t{:016x}\nCapEff:\t{:016x}\nCapBnd:\t{:016x}\nCapAmb:\t{:016x}\nNoNewPrivs:\t{}\nSeccomp:\t{}\nSeccomp_filters:\t{}\nCpus_allowed_list:\t{}\n",
            0,
            0,
            mask(Disposition::Ignore),
            mask(Disposition::Catch),
            c.inheritable,
            c.permitted,
            c.effective,
            c.bounding,
            c.ambient,
            u8::from(c.no_new_privs),
            if p.seccomp { 2 } else { 0 },
            u8::from(p.seccomp),
            self.cpus_of(p.cgroup),
            kb = p.memory / 1024,
        );
        text
    }

    /// Processors that a group's processes may use: those of the innermost group that says so.
    fn cpus_of(&self, group: u32) -> String {
        let mut at = Some(group);
        while let Some(id) = at {
            let set = self.cgroups.get(id).ok().and_then(|g| g.settings.get("cpuset.cpus")).filter(|c| !c.is_empty());
            if let Some(set) = set {
                return set.clone();
            }
            at = self.cgroups.parent(id);
        }
        if self.config.cpus > 1 { format!("0-{}", self.config.cpus - 1) } else { "0".to_owned() }
    }

    fn mounts_file(&mut self, pid: u32, info: bool) -> Res<String> {
        let ctx = self.ctx(pid)?;
        let ns = self.proc(pid)?.ns.mount;
        let mut text = String::new();
        for (id, target) in self.mount_table(&ctx, ns) {
            let Some(m) = self.fs.mounts.get(&id).cloned() else { continue };
            let Some(fs) = self.fs.systems.get(&m.system) else { continue };
            let (kind, options, fs_root) = (fs.kind.clone(), fs.options.clone(), fs.root);
            let flags = m.flag_words();
            let root_in_fs = if m.root == fs_root { "/".to_owned() } else { self.inner_path(m.root, fs_root) };
            if info {
                let shared = if m.propagation == crate::sys::Propagation::Shared { format!(" shared:{}", m.group) } else { String::new() };
                let parent = m.parent.unwrap_or(id);
                let dev = m.system;
                let _ = writeln!(text, "{id} {parent} 0:{dev} {root_in_fs} {target} {flags}{shared} - {kind} {} {options}", m.source);
            } else {
                let all = if options.is_empty() || options == "rw" || options == "ro" {
                    flags
                } else {
                    format!("{flags},{}", options.trim_start_matches("rw,"))
                };
                let _ = writeln!(text, "{} {target} {kind} {all} 0 0", m.source);
            }
        }
        Ok(text)
    }

    /// The path of a node inside its own file system.
    fn inner_path(&mut self, mut node: super::Node, root: super::Node) -> String {
        let mut parts = Vec::new();
        while node != root {
            let (Ok(name), Ok(up)) = (self.name_of(node), self.parent_of(node)) else { break };
            if up == node {
                break;
            }
            parts.push(name);
            node = up;
        }
        parts.reverse();
        format!("/{}", parts.join("/"))
    }

    /// Writes a file.
    pub fn proc_write(&mut self, ctx: &Ctx, _sb: SbId, node: ProcNode, text: &str) -> Res<()> {
        match node {
            ProcNode::Fixed(i) => match ProcNode::path(i).strip_prefix("sys/") {
                Some(key) => {
                    let own = key.starts_with("net/") && ctx.creds.can(cap::NET_ADMIN);
                    if !own {
                        ctx.creds.need(cap::SYS_ADMIN)?;
                    }
                    self.set_sysctl(ctx.pid, key, text)
                }
                None => Err(Errno::EIO),
            },
            ProcNode::Item(pid, i) => match ProcNode::item_name(i) {
                "comm" => {
                    let name: String = text.trim_end_matches('\n').chars().take(15).collect();
                    self.proc_mut(pid)?.name = name;
                    Ok(())
                }
                "oom_score_adj" => {
                    let score: i32 = text.trim().parse().map_err(|_| Errno::EINVAL)?;
                    if !(-1000..=1000).contains(&score) {
                        return Err(Errno::EINVAL);
                    }
                    if score < self.proc(pid)?.oom_score_adj {
                        ctx.creds.need(cap::SYS_RESOURCE).map_err(|_| Errno::EACCES)?;
                    }
                    self.proc_mut(pid)?.oom_score_adj = score;
                    Ok(())
                }
                _ => Err(Errno::EPERM),
            },
            _ => Err(Errno::EISDIR),
        }
    }

    /// The identity of this boot, from the seed and the number of boots.
    pub fn boot_id(&self) -> String {
        let seed = self.config.seed;
        format!("{:08x}-{:04x}-4000-8000-{:012x}", seed >> 32, self.boots & 0xffff, seed & 0xffff_ffff)
    }

    fn uuid(&mut self) -> String {
        let mut b = [0; 16];
        self.random(&mut b);
        let hex = drydock_core::id::hex(&b);
        let part = |a: usize, b: usize| hex.get(a..b).unwrap_or("").to_owned();
        format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
    }
}
