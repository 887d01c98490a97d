//! The proc file system (proc(5)): its tree. What the files say is in [`super::procfiles`].

use super::{Ctx, Loc, Node, SbId, cap};
use crate::process::{KINDS, Proc};
use crate::sys::{DirEntry, Errno, FileType, Res, Stat};
use crate::world::World;

/// A node of proc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProcNode {
    /// `/`
    Root,
    /// An entry of [`FIXED`].
    Fixed(u8),
    /// `/PID`, by host pid.
    Pid(u32),
    /// An entry of [`ITEMS`] of a process.
    Item(u32, u8),
    /// `/PID/fd/N`
    Fd(u32, i32),
    /// `/PID/ns/KIND`
    Ns(u32, u8),
}

/// What does not belong to a process: kind (`d`, `-`, `l`), mode, path. Sorted within a directory by being listed so.
pub const FIXED: &[(char, u32, &str)] = &[
    ('d', 0o555, "acpi"),
    ('d', 0o555, "bus"),
    ('-', 0o444, "cgroups"),
    ('-', 0o444, "cmdline"),
    ('-', 0o444, "cpuinfo"),
    ('-', 0o444, "devices"),
    ('d', 0o555, "driver"),
    ('-', 0o444, "filesystems"),
    ('d', 0o555, "fs"),
    ('-', 0o444, "interrupts"),
    ('d', 0o555, "irq"),
    ('-', 0o400, "kcore"),
    ('-', 0o444, "keys"),
    ('-', 0o444, "latency_stats"),
    ('-', 0o444, "loadavg"),
    ('-', 0o444, "meminfo"),
    ('l', 0o777, "mounts"),
    ('d', 0o555, "net"),
    ('-', 0o444, "net/dev"),
    ('-', 0o444, "partitions"),
    ('-', 0o444, "sched_debug"),
    ('d', 0o555, "scsi"),
    ('l', 0o777, "self"),
    ('-', 0o444, "stat"),
    ('-', 0o444, "swaps"),
    ('d', 0o555, "sys"),
    ('d', 0o555, "sys/fs"),
    ('-', 0o644, "sys/fs/file-max"),
    ('d', 0o555, "sys/fs/mqueue"),
    ('-', 0o644, "sys/fs/mqueue/msg_max"),
    ('d', 0o555, "sys/kernel"),
    ('-', 0o644, "sys/kernel/domainname"),
    ('-', 0o644, "sys/kernel/hostname"),
    ('-', 0o644, "sys/kernel/msgmax"),
    ('-', 0o444, "sys/kernel/osrelease"),
    ('-', 0o444, "sys/kernel/ostype"),
    ('-', 0o644, "sys/kernel/pid_max"),
    ('d', 0o555, "sys/kernel/random"),
    ('-', 0o444, "sys/kernel/random/boot_id"),
    ('-', 0o444, "sys/kernel/random/uuid"),
    ('-', 0o644, "sys/kernel/sem"),
    ('-', 0o644, "sys/kernel/shm_rmid_forced"),
    ('-', 0o644, "sys/kernel/shmmax"),
    ('-', 0o644, "sys/kernel/shmmni"),
    ('-', 0o644, "sys/kernel/threads-max"),
    ('-', 0o444, "sys/kernel/version"),
    ('d', 0o555, "sys/net"),
    ('d', 0o555, "sys/net/core"),
    ('-', 0o644, "sys/net/core/somaxconn"),
    ('d', 0o555, "sys/net/ipv4"),
    ('d', 0o555, "sys/net/ipv4/conf"),
    ('d', 0o555, "sys/net/ipv4/conf/all"),
    ('-', 0o644, "sys/net/ipv4/conf/all/route_localnet"),
    ('-', 0o644, "sys/net/ipv4/ip_forward"),
    ('-', 0o644, "sys/net/ipv4/ip_local_port_range"),
    ('-', 0o644, "sys/net/ipv4/ip_unprivileged_port_start"),
    ('-', 0o644, "sys/net/ipv4/ping_group_range"),
    ('-', 0o644, "sys/net/ipv4/tcp_syncookies"),
    ('d', 0o555, "sys/net/ipv6"),
    ('d', 0o555, "sys/net/ipv6/conf"),
    ('d', 0o555, "sys/net/ipv6/conf/all"),
    ('-', 0o644, "sys/net/ipv6/conf/all/forwarding"),
    ('d', 0o555, "sys/vm"),
    ('-', 0o644, "sys/vm/overcommit_memory"),
    ('-', 0o644, "sys/vm/swappiness"),
    ('-', 0o200, "sysrq-trigger"),
    ('-', 0o400, "timer_list"),
    ('-', 0o444, "timer_stats"),
    ('-', 0o444, "uptime"),
    ('-', 0o444, "version"),
];

/// What each process has: kind, mode, name.
pub const ITEMS: &[(char, u32, &str)] = &[
    ('-', 0o444, "cgroup"),
    ('-', 0o444, "cmdline"),
    ('-', 0o644, "comm"),
    ('l', 0o777, "cwd"),
    ('-', 0o400, "environ"),
    ('l', 0o777, "exe"),
    ('d', 0o500, "fd"),
    ('-', 0o644, "gid_map"),
    ('-', 0o444, "io"),
    ('-', 0o444, "limits"),
    ('-', 0o444, "mountinfo"),
    ('-', 0o444, "mounts"),
    ('d', 0o511, "ns"),
    ('-', 0o644, "oom_score_adj"),
    ('l', 0o777, "root"),
    ('-', 0o644, "setgroups"),
    ('-', 0o444, "stat"),
    ('-', 0o444, "statm"),
    ('-', 0o444, "status"),
    ('-', 0o644, "uid_map"),
];

fn item(name: &str) -> u8 {
    ITEMS.iter().position(|(_, _, n)| *n == name).and_then(|i| u8::try_from(i).ok()).unwrap_or(0)
}

impl ProcNode {
    /// The directory that holds it.
    pub fn parent(self) -> ProcNode {
        match self {
            ProcNode::Root | ProcNode::Pid(_) => ProcNode::Root,
            ProcNode::Fixed(i) => match Self::path(i).rsplit_once('/') {
                Some((dir, _)) => Self::fixed(dir).unwrap_or(ProcNode::Root),
                None => ProcNode::Root,
            },
            ProcNode::Item(pid, _) => ProcNode::Pid(pid),
            ProcNode::Fd(pid, _) => ProcNode::Item(pid, item("fd")),
            ProcNode::Ns(pid, _) => ProcNode::Item(pid, item("ns")),
        }
    }

    /// Its name. Processes are named by host pid; who lists them translates.
    pub fn name(self) -> String {
        match self {
            ProcNode::Root => String::new(),
            ProcNode::Fixed(i) => Self::path(i).rsplit('/').next().unwrap_or("").to_owned(),
            ProcNode::Pid(pid) => pid.to_string(),
            ProcNode::Item(_, i) => ITEMS.get(usize::from(i)).map_or("", |x| x.2).to_owned(),
            ProcNode::Fd(_, fd) => fd.to_string(),
            ProcNode::Ns(_, i) => KINDS.get(usize::from(i)).map_or("", |x| x.1).to_owned(),
        }
    }

    /// The path of a fixed entry.
    pub fn path(i: u8) -> &'static str {
        FIXED.get(usize::from(i)).map_or("", |x| x.2)
    }

    /// The fixed entry of a path.
    pub fn fixed(path: &str) -> Option<ProcNode> {
        FIXED.iter().position(|(_, _, p)| *p == path).and_then(|i| u8::try_from(i).ok()).map(ProcNode::Fixed)
    }

    /// The name of an item of a process.
    pub fn item_name(i: u8) -> &'static str {
        ITEMS.get(usize::from(i)).map_or("", |x| x.2)
    }
}

fn kind_of(letter: char) -> FileType {
    match letter {
        'd' => FileType::Directory,
        'l' => FileType::Symlink,
        _ => FileType::Regular,
    }
}

impl World {
    /// The pid namespace that a proc file system shows.
    pub fn proc_ns(&self, sb: SbId) -> u32 {
        self.fs.systems.get(&sb).map_or(self.ns.host.pid, |fs| fs.pid_ns)
    }

    /// Looks a name up.
    pub fn proc_lookup(&self, ctx: &Ctx, sb: SbId, node: ProcNode, name: &str) -> Res<ProcNode> {
        match node {
            ProcNode::Root => match name.parse::<u32>() {
                Ok(pid) => Ok(ProcNode::Pid(self.host_pid(self.proc_ns(sb), pid).map_err(|_| Errno::ENOENT)?)),
                Err(_) => ProcNode::fixed(name).ok_or(Errno::ENOENT),
            },
            ProcNode::Fixed(i) => ProcNode::fixed(&format!("{}/{name}", ProcNode::path(i))).ok_or(Errno::ENOENT),
            ProcNode::Pid(pid) => {
                self.proc(pid).map_err(|_| Errno::ENOENT)?;
                let found = ITEMS.iter().position(|(_, _, n)| *n == name).and_then(|i| u8::try_from(i).ok());
                found.map(|i| ProcNode::Item(pid, i)).ok_or(Errno::ENOENT)
            }
            ProcNode::Item(pid, i) => {
                let p = self.proc(pid).map_err(|_| Errno::ENOENT)?;
                match ProcNode::item_name(i) {
                    "fd" => {
                        self.may_look(ctx, p)?;
                        let fd = name.parse::<i32>().ok().filter(|fd| p.fds.contains_key(fd));
                        fd.map(|fd| ProcNode::Fd(pid, fd)).ok_or(Errno::ENOENT)
                    }
                    "ns" => {
                        let kind = KINDS.iter().position(|(_, n)| *n == name).and_then(|i| u8::try_from(i).ok());
                        kind.map(|i| ProcNode::Ns(pid, i)).ok_or(Errno::ENOENT)
                    }
                    _ => Err(Errno::ENOTDIR),
                }
            }
            ProcNode::Fd(..) | ProcNode::Ns(..) => Err(Errno::ENOTDIR),
        }
    }

    /// ptrace(2)'s access check, which guards a process's private files.
    pub fn may_look(&self, ctx: &Ctx, p: &Proc) -> Res<()> {
        let same = ctx.creds.euid == p.creds.uid && p.creds.permitted & !ctx.creds.permitted == 0;
        if p.pid == ctx.pid || same || ctx.creds.can(cap::SYS_PTRACE) { Ok(()) } else { Err(Errno::EACCES) }
    }

    /// Entries of a directory.
    pub fn proc_entries(&self, ctx: &Ctx, sb: SbId, node: ProcNode) -> Res<Vec<DirEntry>> {
        let entry = |name: String, kind| DirEntry { name, ino: 1, kind };
        let fixed = |prefix: &str| -> Vec<DirEntry> {
            let inside = |(kind, _, path): &(char, u32, &str)| {
                let name = path.strip_prefix(prefix)?;
                (!name.contains('/')).then(|| entry(name.to_owned(), kind_of(*kind)))
            };
            FIXED.iter().filter_map(inside).collect()
        };
        let mut all = match node {
            ProcNode::Root => {
                let table = self.ns.pid.get(&self.proc_ns(sb)).ok_or(Errno::ENOENT)?;
                let mut all = fixed("");
                all.extend(table.pids.keys().map(|pid| entry(pid.to_string(), FileType::Directory)));
                all
            }
            ProcNode::Fixed(i) => fixed(&format!("{}/", ProcNode::path(i))),
            ProcNode::Pid(_) => ITEMS.iter().map(|(kind, _, name)| entry((*name).to_owned(), kind_of(*kind))).collect(),
            ProcNode::Item(pid, i) => {
                let p = self.proc(pid).map_err(|_| Errno::ENOENT)?;
                self.may_look(ctx, p)?;
                match ProcNode::item_name(i) {
                    "fd" => p.fds.keys().map(|fd| entry(fd.to_string(), FileType::Symlink)).collect(),
                    "ns" => KINDS.iter().map(|(_, name)| entry((*name).to_owned(), FileType::Symlink)).collect(),
                    _ => return Err(Errno::ENOTDIR),
                }
            }
            ProcNode::Fd(..) | ProcNode::Ns(..) => return Err(Errno::ENOTDIR),
        };
        all.sort();
        Ok(all)
    }

    /// stat(2)
    pub fn proc_stat(&self, sb: SbId, node: ProcNode) -> Res<Stat> {
        let of = |pid: u32| self.proc(pid).map(|p| (p.creds.euid, p.creds.egid)).map_err(|_| Errno::ENOENT);
        let (kind, mode, (uid, gid)) = match node {
            ProcNode::Root => ('d', 0o555, (0, 0)),
            ProcNode::Fixed(i) => FIXED.get(usize::from(i)).map(|x| (x.0, x.1, (0, 0))).ok_or(Errno::ENOENT)?,
            ProcNode::Pid(pid) => ('d', 0o555, of(pid)?),
            ProcNode::Item(pid, i) => {
                let (kind, mode, _) = *ITEMS.get(usize::from(i)).ok_or(Errno::ENOENT)?;
                (kind, mode, of(pid)?)
            }
            ProcNode::Fd(pid, _) | ProcNode::Ns(pid, _) => ('l', 0o777, of(pid)?),
        };
        let now = self.timestamp();
        let ino = match node {
            ProcNode::Root => 1,
            ProcNode::Fixed(i) => 2 + u64::from(i),
            ProcNode::Pid(pid) => 1000 + u64::from(pid) * 1000,
            ProcNode::Item(pid, i) => 1001 + u64::from(pid) * 1000 + u64::from(i),
            ProcNode::Fd(pid, fd) => 1100 + u64::from(pid) * 1000 + u64::from(fd.unsigned_abs()),
            ProcNode::Ns(pid, i) => 1050 + u64::from(pid) * 1000 + u64::from(i),
        };
        let kind = kind_of(kind);
        Ok(Stat { dev: u64::from(sb), ino, kind, mode, nlink: 1, uid, gid, rdev: (0, 0), size: 0, atime: now, mtime: now, ctime: now })
    }

    /// What a link says.
    pub fn proc_link(&mut self, ctx: &Ctx, sb: SbId, node: ProcNode) -> Res<String> {
        if let Some((pid, at)) = self.proc_place(node)? {
            let p = self.proc(pid).map_err(|_| Errno::ENOENT)?;
            self.may_look(ctx, p)?;
            let root = self.ctx(pid)?.root;
            return Ok(self.path_of(ctx.root, at).or_else(|| self.path_of(root, at)).unwrap_or_else(|| "/".to_owned()));
        }
        match node {
            ProcNode::Fixed(i) if ProcNode::path(i) == "self" => {
                let pid = self.proc(ctx.pid).map(|p| p.pid_in(self.proc_ns(sb))).unwrap_or(0);
                if pid == 0 { Err(Errno::ENOENT) } else { Ok(pid.to_string()) }
            }
            ProcNode::Fixed(i) if ProcNode::path(i) == "mounts" => Ok("self/mounts".to_owned()),
            ProcNode::Ns(pid, i) => {
                let p = self.proc(pid).map_err(|_| Errno::ENOENT)?;
                self.may_look(ctx, p)?;
                let (kind, name) = KINDS.get(usize::from(i)).ok_or(Errno::ENOENT)?;
                Ok(format!("{name}:[{}]", 4_026_531_834 + u64::from(p.ns.get(*kind))))
            }
            ProcNode::Fd(pid, fd) => {
                let id = self.file_of(pid, fd).map_err(|_| Errno::ENOENT)?;
                let file = self.files.get(&id).ok_or(Errno::ENOENT)?;
                use crate::file::Target as Open;
                match (&file.target, file.place) {
                    (Open::Pipe { id, .. }, None) => Ok(format!("pipe:[{id}]")),
                    (Open::Socket(id), _) => Ok(format!("socket:[{id}]")),
                    (Open::Tty(id), _) => Ok(self.ttys.get(id).map_or_else(String::new, |t| format!("/dev/pts/{}", t.number))),
                    (_, Some(at)) => self.path_of(ctx.root, at).ok_or(Errno::ENOENT),
                    _ => Ok(format!("anon_inode:[{id}]")),
                }
            }
            _ => Err(Errno::EINVAL),
        }
    }

    /// Where a link leads that is more than text, and whose it is.
    pub fn proc_place(&self, node: ProcNode) -> Res<Option<(u32, Loc)>> {
        Ok(match node {
            ProcNode::Item(pid, i) => {
                let p = self.proc(pid).map_err(|_| Errno::ENOENT)?;
                match ProcNode::item_name(i) {
                    "root" => Some((pid, p.root)),
                    "cwd" => Some((pid, p.cwd)),
                    "exe" => Some((pid, p.exe.ok_or(Errno::ENOENT)?)),
                    _ => None,
                }
            }
            ProcNode::Fd(pid, fd) => {
                let file = self.file_of(pid, fd).ok().and_then(|id| self.files.get(&id));
                file.and_then(|f| f.place).map(|place| (pid, place))
            }
            _ => None,
        })
    }

    /// Makes a proc file system that shows a pid namespace.
    pub fn new_proc(&mut self, pid_ns: u32) -> SbId {
        let sb = self.fs.add_system("proc", Node::Plain(0));
        if let Some(fs) = self.fs.systems.get_mut(&sb) {
            fs.root = Node::Proc(sb, ProcNode::Root);
            fs.pid_ns = pid_ns;
        }
        sb
    }
}
