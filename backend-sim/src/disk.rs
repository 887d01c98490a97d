//! The simulated host's disk, and its boot: what is there before Drydock comes.

use crate::copy::Left;
use crate::net::{Link, LinkKind, Route};
use crate::process::{NsSet, PidNs, Proc, UtsNs};
use crate::programs;
use crate::sys::Credentials;
use crate::vfs::{Body, Inode, Loc, Mount, Node};
use crate::world::World;
use drydock_core::kernel::MountFlags;
use drydock_core::limits::CgroupMode;
use rand_chacha::rand_core::Rng;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Directories of the host and their modes.
const DIRS: &[(&str, u32)] = &[
    ("/bin", 0o755),
    ("/boot", 0o755),
    ("/dev", 0o755),
    ("/etc", 0o755),
    ("/home", 0o755),
    ("/mnt", 0o755),
    ("/opt", 0o755),
    ("/proc", 0o555),
    ("/root", 0o700),
    ("/run", 0o755),
    ("/sbin", 0o755),
    ("/srv", 0o755),
    ("/sys", 0o555),
    ("/tmp", 0o1777),
    ("/usr/bin", 0o755),
    ("/usr/sbin", 0o755),
    ("/var/lib", 0o755),
    ("/var/log", 0o755),
    ("/var/tmp", 0o1777),
];

/// Files of the host.
const FILES: &[(&str, &str)] = &[
    ("/etc/group", "root:x:0:\ndaemon:x:1:\nwww-data:x:33:\nnogroup:x:65534:\n"),
    ("/etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost\n"),
    ("/etc/os-release", "PRETTY_NAME=\"Drydock simulated Linux\"\nNAME=\"Drydock\"\nID=drydock\n"),
    (
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nwww-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
    ),
    ("/etc/resolv.conf", "nameserver 10.0.2.3\n"),
];

/// Device nodes: name, major and minor number, mode.
pub(crate) const DEVICES: &[(&str, u32, u32, u32)] = &[
    ("console", 5, 1, 0o600),
    ("full", 1, 7, 0o666),
    ("fuse", 10, 229, 0o600),
    ("kmsg", 1, 11, 0o644),
    ("null", 1, 3, 0o666),
    ("random", 1, 8, 0o666),
    ("tty", 5, 0, 0o666),
    ("urandom", 1, 9, 0o666),
    ("zero", 1, 5, 0o666),
];

/// Block devices: the disk and a loop device. Nobody reads them as such.
const BLOCK_DEVICES: &[(&str, u32, u32)] = &[("loop0", 7, 0), ("sda", 8, 0), ("sda1", 8, 1)];

impl World {
    /// Makes the disk, with its file system and what is installed on it.
    pub(crate) fn make_disk(&mut self) {
        let (system, root) = self.new_plain("ext4", 0o755, 0, 0);
        if let Some(fs) = self.fs.systems.get_mut(&system) {
            fs.permanent = true;
            fs.limit = self.config.disk;
        }
        self.root.node = Node::Plain(root);
        self.mount_host();
        let ctx = self.kernel_ctx();
        let now = self.timestamp();
        // On an empty disk none of these can fail.
        for (path, mode) in DIRS {
            let _ = self.make_dirs(&ctx, path, *mode, (0, 0));
        }
        for (path, text) in FILES {
            let _ = self.put_file(&ctx, path, 0o644, text.as_bytes());
        }
        let hostname = format!("{}\n", self.config.hostname);
        let _ = self.put_file(&ctx, "/etc/hostname", 0o644, hostname.as_bytes());
        for (name, _) in programs::registry() {
            let text = format!("{}{name}\n", crate::process::exec::MARK);
            let _ = self.put_file(&ctx, &format!("/bin/{name}"), 0o755, text.as_bytes());
        }
        for (name, major, minor, mode) in DEVICES {
            let mut inode = Inode::new(Body::Char, *mode, 0, 0, now);
            inode.rdev = (*major, *minor);
            let _ = self.put_node(&ctx, &format!("/dev/{name}"), inode);
        }
        for (name, major, minor) in BLOCK_DEVICES {
            let mut inode = Inode::new(Body::Block, 0o660, 0, 6, now);
            inode.rdev = (*major, *minor);
            let _ = self.put_node(&ctx, &format!("/dev/{name}"), inode);
        }
        for (name, to) in
            [("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2")]
        {
            let _ = self.put_node(&ctx, &format!("/dev/{name}"), Inode::new(Body::Link(to.to_owned()), 0o777, 0, 0, now));
        }
        for dir in ["/dev/pts", "/dev/shm", "/dev/mqueue"] {
            let _ = self.make_dirs(&ctx, dir, 0o755, (0, 0));
        }
        let (sysfs, top) = self.new_plain("sysfs", 0o555, 0, 0);
        if let Some(fs) = self.fs.systems.get_mut(&sysfs) {
            fs.permanent = true;
        }
        self.fs.sysfs = sysfs;
        let sys = crate::vfs::Ctx { root: Loc { mount: self.root.mount, node: Node::Plain(top) }, cwd: self.root, ..ctx };
        for dir in ["/block", "/class/net", "/devices", "/firmware", "/fs/cgroup", "/kernel", "/devices/virtual/powercap"] {
            let _ = self.make_dirs(&sys, dir, 0o755, (0, 0));
        }
        if let Ok(Loc { node: Node::Plain(ino), .. }) = self.walk(&sys, "/class/net", true) {
            self.fs.class_net = ino;
        }
    }

    fn mount_host(&mut self) {
        let Node::Plain(root) = self.root.node else { return };
        let system = self.fs.get(root).map(|i| i.system).unwrap_or(0);
        self.ns.next += 1;
        let ns = self.ns.next;
        self.ns.host.mount = ns;
        let mount = Mount {
            ns,
            parent: None,
            point: Node::Plain(root),
            root: Node::Plain(root),
            system,
            flags: MountFlags { relatime: true, ..MountFlags::default() },
            source: "/dev/sda1".to_owned(),
            propagation: crate::sys::Propagation::Private,
            group: 0,
        };
        self.root.mount = self.fs.attach(mount);
    }

    /// Boots: namespaces, process 1, mounts, links.
    pub(crate) fn boot(&mut self) {
        for kind in ["user", "ipc", "uts", "net", "pid", "cgroup"] {
            self.ns.next += 1;
            let id = self.ns.next;
            let host = &mut self.ns.host;
            match kind {
                "user" => host.user = id,
                "ipc" => host.ipc = id,
                "uts" => host.uts = id,
                "net" => host.net = id,
                "pid" => host.pid = id,
                _ => host.cgroup = id,
            }
        }
        let host = self.ns.host;
        self.ns.pid.insert(host.pid, PidNs { parent: None, pids: BTreeMap::new(), next: 1 });
        self.ns.uts.insert(host.uts, UtsNs { host: self.config.hostname.clone(), domain: String::new() });
        self.ns.cgroup.insert(host.cgroup, 0);
        self.net.host = host.net;
        self.net.add_ns(host.net);
        // The host's namespaces live as long as the kernel.
        for (kind, _) in crate::process::KINDS {
            self.hold_ns(host.get(kind));
        }
        self.add_init(host);
        self.boot_mounts();
        self.boot_links();
    }

    fn add_init(&mut self, ns: NsSet) {
        let pid = 1;
        self.next_pid = self.next_pid.max(2);
        self.births += 1;
        if let Some(table) = self.ns.pid.get_mut(&ns.pid) {
            table.pids.insert(pid, pid);
        }
        for (kind, _) in crate::process::KINDS {
            self.hold_ns(ns.get(kind));
        }
        let env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"];
        let init = Proc {
            pid,
            born: self.births,
            started: self.now,
            parent: 0,
            children: BTreeSet::new(),
            group: pid,
            session: pid,
            tty: None,
            ns,
            ns_children: ns.pid,
            pids: vec![(ns.pid, pid)],
            creds: Arc::new(Credentials::root()),
            root: self.root,
            cwd: self.root,
            umask: 0o022,
            fds: BTreeMap::new(),
            name: "init".to_owned(),
            args: vec!["/sbin/init".to_owned()],
            env: env.iter().map(|e| (*e).to_owned()).collect(),
            exe: None,
            rlimits: BTreeMap::new(),
            dispositions: BTreeMap::new(),
            caught: VecDeque::new(),
            interrupted: false,
            stopped: false,
            stop_reported: false,
            cgroup: 0,
            oom_score_adj: 0,
            ended: None,
            future: Left::default(),
            timers: BTreeSet::new(),
            queued: false,
            memory: 0,
            cpu: 0,
            debt: 0,
            seccomp: false,
            last: Vec::new(),
            actor: true,
            new_tty: None,
            dies_with_parent: false,
        };
        self.cgroups.join(0, pid);
        self.procs.insert(pid, init);
    }

    fn boot_mounts(&mut self) {
        let ctx = crate::vfs::Ctx { pid: 1, ..self.kernel_ctx() };
        let safe = MountFlags { nosuid: true, nodev: true, noexec: true, relatime: true, ..MountFlags::default() };
        let dev = MountFlags { nosuid: true, noexec: true, relatime: true, ..MountFlags::default() };
        let temporary = MountFlags { nosuid: true, nodev: true, relatime: true, ..MountFlags::default() };
        let mut mounts = vec![
            ("proc", "proc", "/proc", safe, ""),
            ("sysfs", "sysfs", "/sys", safe, ""),
            ("devpts", "devpts", "/dev/pts", dev, ""),
            ("tmpfs", "tmpfs", "/dev/shm", temporary, ""),
            ("mqueue", "mqueue", "/dev/mqueue", safe, ""),
            ("tmpfs", "tmpfs", "/run", temporary, "mode=755"),
            ("tmpfs", "tmpfs", "/tmp", temporary, "mode=1777"),
        ];
        let v2 = self.cgroups.mode == CgroupMode::V2;
        mounts.push(if v2 {
            ("cgroup2", "cgroup2", "/sys/fs/cgroup", safe, "")
        } else {
            ("tmpfs", "tmpfs", "/sys/fs/cgroup", temporary, "mode=755")
        });
        for (kind, source, target, flags, data) in mounts {
            self.boot_mount(&ctx, kind, source, target, flags, data);
        }
        if v2 {
            // As systemd does for whoever manages groups below.
            if let Ok(root) = self.cgroups.get_mut(0) {
                root.subtree = crate::cgroup::CONTROLLERS.iter().map(|c| (*c).to_owned()).collect();
            }
            return;
        }
        for name in crate::cgroup::V1 {
            self.boot_mount(&ctx, "cgroup", "cgroup", &format!("/sys/fs/cgroup/{name}"), safe, name);
        }
        for (link, to) in [("cpu", "cpu,cpuacct"), ("cpuacct", "cpu,cpuacct")] {
            let now = self.timestamp();
            let _ = self.put_node(&ctx, &format!("/sys/fs/cgroup/{link}"), Inode::new(Body::Link(to.to_owned()), 0o777, 0, 0, now));
        }
        if self.cgroups.mode == CgroupMode::Hybrid {
            self.boot_mount(&ctx, "cgroup2", "cgroup2", "/sys/fs/cgroup/unified", safe, "");
        }
    }

    fn boot_mount(&mut self, ctx: &crate::vfs::Ctx, kind: &str, source: &str, target: &str, flags: MountFlags, data: &str) {
        let Ok(at) = self.make_dirs(ctx, target, 0o755, (0, 0)) else { return };
        if let Ok((system, root)) = self.new_filesystem(ctx, kind, data) {
            let _ = self.mount_at(at, system, root, flags, source);
        }
    }

    /// The host's loopback, and its card with a cable to a gateway that answers echo requests.
    fn boot_links(&mut self) {
        let host = self.net.host;
        self.ns.next += 1;
        let outside = self.ns.next;
        self.outside_ns = outside;
        self.net.add_ns(outside);
        let card = |name: &str, mac: &str, peer| Link {
            name: name.to_owned(),
            kind: LinkKind::Ether(peer),
            up: true,
            mtu: 1500,
            mac: mac.to_owned(),
            master: None,
            isolated: false,
            received: (0, 0),
            sent: (0, 0),
        };
        for (ns, name, mac, other, address) in
            [(host, "eth0", "52:54:00:12:34:56", outside, "10.0.2.15/24"), (outside, "gw0", "52:55:0a:00:02:02", host, "10.0.2.2/24")]
        {
            let Ok(space) = self.net.space(ns) else { continue };
            if let Some(lo) = space.links.get_mut(&1) {
                lo.up = true;
            }
            let index = space.insert(card(name, mac, (other, 2)));
            if let Ok(net) = address.parse::<ipnet::IpNet>() {
                space.addresses.push((index, net));
                space.routes.push(Route { to: Some(net.trunc()), via: None, link: index, kernel: true });
            }
        }
        if let (Ok(space), Ok(gateway)) = (self.net.space(host), "10.0.2.2".parse()) {
            space.routes.push(Route { to: None, via: Some(gateway), link: 2, kernel: false });
        }
    }

    /// The power goes and comes back: the disk stays. Answers a number below `end` by chance: how many of the database's batches stay.
    pub(crate) fn power_cycle(&mut self, end: u64) -> u64 {
        let keep = if self.config.forgetful { self.rng.next_u64() % end.max(1) } else { end };
        self.fs.cut(&mut self.rng);
        // Names that come back while the machine is off are on the disk; so is what boots it.
        let disk = self.fs.journal.disk.take();
        let futures: Vec<_> = self.procs.values_mut().filter_map(|p| p.future.take()).collect();
        self.graveyard.extend(futures);
        self.procs.clear();
        self.sched = crate::process::sched::Sched::default();
        self.cpus = crate::process::cpu::Cpus::new(self.config.cpus);
        self.files.clear();
        self.pipes.clear();
        self.ttys.clear();
        self.net = crate::net::Net::default();
        self.cgroups = crate::cgroup::Cgroups::new(self.config.cgroup);
        self.sysctls.clear();
        self.faults.clear();
        self.not_modelled = None;
        self.stirred.clear();
        self.ended.clear();
        self.just_ended.clear();
        self.ends.clear();
        self.watched.clear();
        let spaces: Vec<u32> = self.fs.by_ns.keys().copied().collect();
        for ns in spaces {
            self.fs.drop_ns(ns);
        }
        self.fs.on.clear();
        self.fs.points.clear();
        let next = self.ns.next;
        self.ns = crate::process::Namespaces { next, ..crate::process::Namespaces::default() };
        self.boots += 1;
        self.next_pid = 1;
        // A machine takes ten seconds to come back.
        self.now += 10_000_000_000;
        self.booted = self.now;
        self.cpus.start_at(self.now);
        self.mount_host();
        self.boot();
        self.fs.journal.disk = disk;
        keep
    }

    /// The host's disk.
    pub(crate) fn disk_system(&self) -> Option<crate::vfs::SbId> {
        let Node::Plain(root) = self.root.node else { return None };
        self.fs.get(root).ok().map(|inode| inode.system)
    }
}
