//! New file systems by their kinds (mount(2), filesystems(5)).

use super::cgroupfs::CgNode;
use super::{Body, Ctx, Ino, Inode, Node, SbId};
use crate::sys::{Errno, Res};
use crate::world::World;
use drydock_core::limits::CgroupMode;
use std::collections::BTreeMap;

/// `size=64m,mode=1777` as pairs.
pub fn options(data: &str) -> BTreeMap<String, String> {
    let pair = |part: &str| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        (key.to_owned(), value.to_owned())
    };
    data.split(',').filter(|p| !p.is_empty()).map(pair).collect()
}

/// Options as mountinfo shows them.
fn shown(kind: &str, opts: &BTreeMap<String, String>) -> String {
    let mut text = "rw".to_owned();
    // In the order in which the kernel shows them.
    let rank = |key: &str| ["size", "mode", "uid", "gid"].iter().position(|k| *k == key && kind == "tmpfs").unwrap_or(9);
    let mut opts: Vec<_> = opts.iter().collect();
    opts.sort_by_key(|(key, _)| rank(key));
    for (key, value) in opts {
        let mode = value.trim_start_matches('0');
        match (kind, key.as_str()) {
            ("tmpfs", "size") => text.push_str(&format!(",size={}k", size(value).unwrap_or(0).div_ceil(1024))),
            ("tmpfs", "mode") if mode != "1777" => text.push_str(&format!(",mode={mode}")),
            ("devpts", "mode" | "ptmxmode") => text.push_str(&format!(",{key}={mode}")),
            ("tmpfs" | "devpts", "uid" | "gid") => text.push_str(&format!(",{key}={value}")),
            _ => {}
        }
    }
    text
}

/// `64m` in bytes.
fn size(text: &str) -> Res<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or("").to_ascii_lowercase();
    let number: u64 = digits.parse().map_err(|_| Errno::EINVAL)?;
    let shift = match unit.as_str() {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return Err(Errno::EINVAL),
    };
    number.checked_mul(1 << shift).ok_or(Errno::EINVAL)
}

impl World {
    /// A file system instance of the arena with an empty root directory.
    pub fn new_plain(&mut self, kind: &str, mode: u32, uid: u32, gid: u32) -> (SbId, Ino) {
        let now = self.timestamp();
        let sb = self.fs.add_system(kind, Node::Plain(0));
        let root = self.fs.add(Inode::new(Body::Dir(BTreeMap::new()), mode, uid, gid, now), sb);
        if let Ok(inode) = self.fs.get_mut(root) {
            inode.parent = root;
            inode.nlink = 2;
        }
        if let Some(fs) = self.fs.systems.get_mut(&sb) {
            fs.root = Node::Plain(root);
        }
        (sb, root)
    }

    /// Makes a file system of a kind for a process.
    pub fn new_filesystem(&mut self, ctx: &Ctx, kind: &str, data: &str) -> Res<(SbId, Node)> {
        let opts = options(data);
        match kind {
            "tmpfs" | "mqueue" | "devpts" => {
                let default = if kind == "devpts" { "755" } else { "1777" };
                let mode = opts.get("mode").filter(|_| kind == "tmpfs").map_or(default, String::as_str);
                let mode = u32::from_str_radix(mode, 8).map_err(|_| Errno::EINVAL)?;
                let id =
                    |key: &str| opts.get(key).filter(|_| kind == "tmpfs").map_or(Ok(0), |v| v.parse::<u32>().map_err(|_| Errno::EINVAL));
                let (uid, gid) = (id("uid")?, id("gid")?);
                let limit = match opts.get("size").filter(|_| kind == "tmpfs") {
                    Some(text) => size(text)?,
                    None if kind == "tmpfs" => self.config.memory / 2,
                    None => u64::MAX,
                };
                let known = [
                    "size",
                    "mode",
                    "uid",
                    "gid",
                    "nr_inodes",
                    "newinstance",
                    "ptmxmode",
                    "noexec",
                    "nosuid",
                    "nodev",
                    "exec",
                    "rw",
                    "ro",
                    "suid",
                    "dev",
                ];
                if opts.keys().any(|k| !known.contains(&k.as_str())) {
                    return Err(Errno::EINVAL);
                }
                let (sb, root) = self.new_plain(kind, mode, uid, gid);
                if let Some(fs) = self.fs.systems.get_mut(&sb) {
                    fs.limit = limit;
                    fs.options = shown(kind, &opts);
                }
                if kind == "devpts" {
                    let mut ptmx = Inode::new(Body::Char, 0o666, 0, 0, self.timestamp());
                    ptmx.rdev = (5, 2);
                    self.add_node(Node::Plain(root), "ptmx", ptmx)?;
                }
                Ok((sb, Node::Plain(root)))
            }
            "proc" => {
                let ns = self.proc(ctx.pid).map_or(self.ns.host.pid, |p| p.ns.pid);
                let sb = self.new_proc(ns);
                Ok((sb, Node::Proc(sb, super::proc::ProcNode::Root)))
            }
            "sysfs" => {
                let sb = self.fs.sysfs;
                Ok((sb, self.fs.systems.get(&sb).ok_or(Errno::ENODEV)?.root))
            }
            "cgroup2" | "cgroup" => self.new_cgroupfs(ctx, kind, &opts),
            "overlay" => self.new_overlay(ctx, &opts),
            _ => Err(Errno::ENODEV),
        }
    }

    fn new_cgroupfs(&mut self, ctx: &Ctx, kind: &str, opts: &BTreeMap<String, String>) -> Res<(SbId, Node)> {
        let hierarchy = if kind == "cgroup2" {
            if self.cgroups.mode == CgroupMode::V1 {
                return Err(Errno::ENODEV);
            }
            0
        } else {
            if self.cgroups.mode == CgroupMode::V2 {
                return Err(Errno::ENODEV);
            }
            let wanted = |name: &str| name.split(',').any(|c| opts.contains_key(c));
            let index = crate::cgroup::V1.iter().position(|name| wanted(name)).ok_or(Errno::EINVAL)?;
            u8::try_from(index + 1).map_err(|_| Errno::EINVAL)?
        };
        Ok(self.cgroup_system(ctx.pid, hierarchy))
    }

    /// A control group file system of a hierarchy, as a process's cgroup namespace shows it.
    pub fn cgroup_system(&mut self, pid: u32, hierarchy: u8) -> (SbId, Node) {
        let ns = self.proc(pid).map_or(self.ns.host.cgroup, |p| p.ns.cgroup);
        let group = self.ns.cgroup.get(&ns).copied().unwrap_or(0);
        let sb = self.fs.add_system(if hierarchy == 0 { "cgroup2" } else { "cgroup" }, Node::Plain(0));
        let root = Node::Cgroup(sb, CgNode { hierarchy, group, file: None });
        if let Some(fs) = self.fs.systems.get_mut(&sb) {
            fs.root = root;
            if hierarchy != 0 {
                fs.options = format!("rw,{}", crate::cgroup::V1.get(usize::from(hierarchy) - 1).unwrap_or(&""));
            }
        }
        (sb, root)
    }

    /// The same of the process's own group alone, whatever its namespace shows.
    pub fn own_cgroup_system(&mut self, pid: u32, hierarchy: u8) -> (SbId, Node) {
        let (sb, root) = self.cgroup_system(pid, hierarchy);
        match (self.proc(pid), root) {
            (Ok(p), Node::Cgroup(sb, node)) => (sb, Node::Cgroup(sb, CgNode { group: p.cgroup, ..node })),
            _ => (sb, root),
        }
    }

    fn new_overlay(&mut self, ctx: &Ctx, opts: &BTreeMap<String, String>) -> Res<(SbId, Node)> {
        let lower = opts.get("lowerdir").ok_or(Errno::EINVAL)?;
        let lower: Vec<String> = lower.split(':').map(str::to_owned).collect();
        let upper = opts.get("upperdir").map(String::as_str);
        let work = opts.get("workdir").map(String::as_str);
        self.overlay_of(ctx, &lower, upper, work)
    }

    /// Makes an overlay file system: `lower` from top to bottom.
    pub fn overlay_of(&mut self, ctx: &Ctx, lower: &[String], upper: Option<&str>, work: Option<&str>) -> Res<(SbId, Node)> {
        let dir = |w: &mut World, path: &str| -> Res<Ino> {
            let at = w.walk(ctx, path, true)?;
            match at.node {
                Node::Plain(ino) if w.fs.get(ino)?.entries().is_some() => Ok(ino),
                Node::Plain(_) => Err(Errno::ENOTDIR),
                // An overlay on an overlay is not modelled; Linux refuses it as an upper layer too.
                _ => Err(Errno::EINVAL),
            }
        };
        let lowers: Vec<Ino> = lower.iter().map(|p| dir(self, p)).collect::<Res<_>>()?;
        if lowers.is_empty() {
            return Err(Errno::EINVAL);
        }
        let upper_ino = match (upper, work) {
            (Some(upper), Some(work)) => {
                let (u, w) = (dir(self, upper)?, dir(self, work)?);
                if self.fs.get(u)?.system != self.fs.get(w)?.system || u == w {
                    return Err(Errno::EINVAL);
                }
                Some(u)
            }
            (None, _) => None,
            (Some(_), None) => return Err(Errno::EINVAL),
        };
        let overlay = self.over_new(lowers, upper_ino);
        let sb = self.fs.add_system("overlay", Node::Plain(0));
        if let Some(fs) = self.fs.systems.get_mut(&sb) {
            fs.root = Node::Over(sb, 0);
            fs.overlay = Some(overlay);
            fs.read_only = upper_ino.is_none();
            let mut text = format!("rw,lowerdir={}", lower.join(":"));
            if let (Some(upper), Some(work)) = (upper, work) {
                text.push_str(&format!(",upperdir={upper},workdir={work}"));
            }
            fs.options = text;
        }
        Ok((sb, Node::Over(sb, 0)))
    }
}
