//! What is done to nodes: attributes, entries, names, content. Rights are checked here, so that every caller is held to them.

use super::{Body, Ctx, Ino, Inode, Loc, Node, cap};
use crate::sys::{DirEntry, Errno, FileType, FsStat, Res, Stat};
use crate::world::World;
use drydock_core::time::Timestamp;
use std::collections::BTreeMap;

impl World {
    /// stat(2) of a node.
    pub fn attributes(&self, node: Node) -> Res<Stat> {
        match node {
            Node::Proc(sb, p) => self.proc_stat(sb, p),
            Node::Cgroup(sb, c) => self.cgroup_stat(sb, c),
            Node::Net(n) => self.sysnet_stat(self.fs.sysfs, n),
            Node::Plain(_) | Node::Over(..) => {
                let ino = self.backing(node)?;
                let inode = self.fs.get(ino)?;
                let dev = if let Node::Over(sb, _) = node { sb } else { inode.system };
                let pipe_or_dev = inode.rdev;
                Ok(Stat {
                    dev: u64::from(dev),
                    ino: u64::from(ino),
                    kind: inode.kind(),
                    mode: inode.mode,
                    nlink: inode.nlink,
                    uid: inode.uid,
                    gid: inode.gid,
                    rdev: pipe_or_dev,
                    size: inode.size(),
                    atime: inode.times[0],
                    mtime: inode.times[1],
                    ctime: inode.times[2],
                })
            }
        }
    }

    /// The kind of a node.
    pub fn kind(&self, node: Node) -> Res<FileType> {
        match node {
            Node::Plain(_) | Node::Over(..) => Ok(self.fs.get(self.backing(node)?)?.kind()),
            Node::Proc(..) | Node::Cgroup(..) | Node::Net(_) => Ok(self.attributes(node)?.kind),
        }
    }

    /// Entries of a directory, sorted by name.
    pub fn entries(&mut self, ctx: &Ctx, node: Node) -> Res<Vec<DirEntry>> {
        let named = |world: &World, names: &BTreeMap<String, Ino>| -> Res<Vec<DirEntry>> {
            let entry =
                |(name, ino): (&String, &Ino)| Ok(DirEntry { name: name.clone(), ino: u64::from(*ino), kind: world.fs.get(*ino)?.kind() });
            names.iter().map(entry).collect()
        };
        match node {
            Node::Plain(ino) if ino == self.fs.class_net && ino != 0 => Ok(self.sysnet_links(ctx.pid)),
            Node::Net(n) => self.sysnet_entries(n),
            Node::Plain(ino) => named(self, self.fs.get(ino)?.entries().ok_or(Errno::ENOTDIR)?),
            Node::Over(sb, id) => named(self, &self.over_entries(sb, id)?),
            Node::Proc(sb, p) => self.proc_entries(ctx, sb, p),
            Node::Cgroup(_, c) => self.cgroup_entries(c),
        }
    }

    /// EROFS where a mount or a whole file system is read-only.
    pub fn check_writable(&self, at: Loc) -> Res<()> {
        let mount = self.fs.mounts.get(&at.mount).ok_or(Errno::ENOENT)?;
        let fs = self.fs.systems.get(&mount.system).ok_or(Errno::EIO)?;
        if mount.flags.read_only || fs.read_only { Err(Errno::EROFS) } else { Ok(()) }
    }

    /// May the caller change names in this directory?
    pub fn may_change(&self, ctx: &Ctx, dir: Loc) -> Res<()> {
        self.check_writable(dir)?;
        match dir.node {
            Node::Proc(..) | Node::Net(_) => return Err(Errno::ENOENT),
            Node::Plain(ino) if ino == self.fs.class_net && ino != 0 => return Err(Errno::EPERM),
            Node::Cgroup(..) | Node::Plain(_) | Node::Over(..) => {}
        }
        ctx.creds.may(&self.attributes(dir.node)?, 3)
    }

    /// In a directory with the sticky bit only owners remove names.
    fn may_remove(&self, ctx: &Ctx, dir: Loc, victim: Node) -> Res<()> {
        self.may_change(ctx, dir)?;
        let stat = self.attributes(dir.node)?;
        if stat.mode & 0o1000 != 0 && stat.uid != ctx.creds.euid {
            ctx.creds.owns(self.attributes(victim)?.uid)?;
        }
        Ok(())
    }

    /// Makes a file of any kind under a free name.
    pub fn create(&mut self, ctx: &Ctx, dir: Loc, name: &str, body: Body, mode: u32) -> Res<Loc> {
        match self.lookup(ctx, dir.node, name) {
            Ok(_) => return Err(Errno::EEXIST),
            Err(Errno::ENOENT) => {}
            Err(error) => return Err(error),
        }
        if let Node::Cgroup(sb, c) = dir.node {
            self.check_writable(dir)?;
            let Body::Dir(_) = body else { return Err(Errno::EPERM) };
            let node = self.cgroup_mkdir(c, name)?;
            return Ok(Loc { mount: dir.mount, node: Node::Cgroup(sb, node) });
        }
        self.may_change(ctx, dir)?;
        let parent = self.attributes(dir.node)?;
        let is_dir = matches!(body, Body::Dir(_));
        let is_link = matches!(body, Body::Link(_));
        // A directory with the set-group-id bit gives its group to what is made in it.
        let inherit = parent.mode & 0o2000 != 0;
        let gid = if inherit { parent.gid } else { ctx.creds.egid };
        let mode = if is_link { 0o777 } else { mode & 0o7777 & !ctx.umask } | if inherit && is_dir { 0o2000 } else { 0 };
        let now = self.timestamp();
        let inode = Inode::new(body, mode, ctx.creds.euid, gid, now);
        let node = self.add_node(dir.node, name, inode)?;
        Ok(Loc { mount: dir.mount, node })
    }

    /// Puts a new inode under a free name of a plain or overlay directory.
    pub fn add_node(&mut self, dir: Node, name: &str, inode: Inode) -> Res<Node> {
        let parent = self.writable(dir)?;
        let system = self.fs.get(parent)?.system;
        let size = inode.size();
        self.fs.room(system, size)?;
        let ino = self.fs.add(inode, system);
        self.fs.charge(system, 0, size);
        match dir {
            Node::Over(sb, id) => Ok(Node::Over(sb, self.over_add(sb, id, name, ino)?)),
            _ => {
                let now = self.timestamp();
                self.fs.link(parent, name, ino, now)?;
                Ok(Node::Plain(ino))
            }
        }
    }

    /// unlink(2) and rmdir(2).
    pub fn remove(&mut self, ctx: &Ctx, dir: Loc, name: &str, want_dir: bool) -> Res<()> {
        let victim = self.lookup(ctx, dir.node, name)?;
        if let Node::Cgroup(_, c) = victim {
            self.check_writable(dir)?;
            return if want_dir { self.cgroup_rmdir(c) } else { Err(Errno::EPERM) };
        }
        self.may_remove(ctx, dir, victim)?;
        let is_dir = self.kind(victim)? == FileType::Directory;
        match (want_dir, is_dir) {
            (true, false) => return Err(Errno::ENOTDIR),
            (false, true) => return Err(Errno::EISDIR),
            _ => {}
        }
        if self.fs.on.contains_key(&(dir.mount, victim)) {
            return Err(Errno::EBUSY);
        }
        if is_dir && !self.entries(ctx, victim)?.is_empty() {
            return Err(Errno::ENOTEMPTY);
        }
        self.take_name(dir.node, name)
    }

    /// Takes a name away from a plain or overlay directory.
    pub fn take_name(&mut self, dir: Node, name: &str) -> Res<()> {
        let now = self.timestamp();
        match dir {
            Node::Plain(ino) => self.fs.unlink(ino, name, now),
            Node::Over(sb, id) => self.over_remove(sb, id, name),
            _ => Err(Errno::EPERM),
        }
    }

    /// rename(2)
    pub fn rename_node(&mut self, ctx: &Ctx, from: (Loc, &str), to: (Loc, &str)) -> Res<()> {
        if from.0.mount != to.0.mount {
            return Err(Errno::EXDEV);
        }
        let node = self.lookup(ctx, from.0.node, from.1)?;
        self.may_remove(ctx, from.0, node)?;
        self.may_change(ctx, to.0)?;
        let is_dir = self.kind(node)? == FileType::Directory;
        if is_dir {
            // A directory cannot become its own descendant.
            let mut above = to.0.node;
            loop {
                if above == node {
                    return Err(Errno::EINVAL);
                }
                let next = self.parent_of(above)?;
                if next == above {
                    break;
                }
                above = next;
            }
        }
        if let Ok(target) = self.lookup(ctx, to.0.node, to.1) {
            if target == node {
                return Ok(());
            }
            let target_dir = self.kind(target)? == FileType::Directory;
            match (is_dir, target_dir) {
                (true, false) => return Err(Errno::ENOTDIR),
                (false, true) => return Err(Errno::EISDIR),
                _ => {}
            }
            if target_dir && !self.entries(ctx, target)?.is_empty() {
                return Err(Errno::ENOTEMPTY);
            }
            self.may_remove(ctx, to.0, target)?;
        }
        let now = self.timestamp();
        match (from.0.node, to.0.node) {
            (Node::Plain(a), Node::Plain(b)) => {
                let ino = self.backing(node)?;
                if self.fs.get(a)?.system != self.fs.get(b)?.system {
                    return Err(Errno::EXDEV);
                }
                if self.fs.get(b)?.entries().is_some_and(|e| e.contains_key(to.1)) {
                    self.fs.unlink(b, to.1, now)?;
                }
                self.fs.get_mut(ino)?.opens += 1;
                self.fs.unlink(a, from.1, now)?;
                let inode = self.fs.get_mut(ino)?;
                inode.opens -= 1;
                inode.nlink += u32::from(is_dir);
                self.fs.link(b, to.1, ino, now)
            }
            (Node::Over(a, x), Node::Over(b, y)) if a == b => self.over_rename(a, (x, from.1), (y, to.1)),
            _ => Err(Errno::EXDEV),
        }
    }

    /// link(2)
    pub fn hard_link(&mut self, ctx: &Ctx, from: Loc, to: (Loc, &str)) -> Res<()> {
        if from.mount != to.0.mount {
            return Err(Errno::EXDEV);
        }
        if self.kind(from.node)? == FileType::Directory {
            return Err(Errno::EPERM);
        }
        if self.lookup(ctx, to.0.node, to.1).is_ok() {
            return Err(Errno::EEXIST);
        }
        self.may_change(ctx, to.0)?;
        let ino = self.writable(from.node)?;
        match to.0.node {
            Node::Over(sb, id) => self.over_add(sb, id, to.1, ino).map(drop),
            Node::Plain(dir) => {
                let now = self.timestamp();
                self.fs.link(dir, to.1, ino, now)
            }
            _ => Err(Errno::EPERM),
        }
    }

    /// Changes attributes of a node by a function, after the mount was found writable.
    pub fn change(&mut self, at: Loc, change: impl FnOnce(&mut Inode, Timestamp)) -> Res<()> {
        self.check_writable(at)?;
        let ino = self.writable(at.node)?;
        let now = self.timestamp();
        let inode = self.fs.get_mut(ino)?;
        change(inode, now);
        inode.times[2] = now;
        Ok(())
    }

    /// chmod(2)
    pub fn chmod_node(&mut self, ctx: &Ctx, at: Loc, mode: u32) -> Res<()> {
        let stat = self.attributes(at.node)?;
        ctx.creds.owns(stat.uid)?;
        let keep = if ctx.creds.in_group(stat.gid) || ctx.creds.can(cap::FSETID) { 0o7777 } else { 0o5777 };
        self.change(at, |inode, _| inode.mode = mode & keep)
    }

    /// chown(2): only CAP_CHOWN gives files away; owners may give them to groups of their own.
    pub fn chown_node(&mut self, ctx: &Ctx, at: Loc, uid: Option<u32>, gid: Option<u32>) -> Res<()> {
        let stat = self.attributes(at.node)?;
        if !ctx.creds.can(cap::CHOWN) {
            let keeps_user = uid.is_none_or(|u| u == stat.uid) && ctx.creds.euid == stat.uid;
            if !keeps_user || gid.is_some_and(|g| g != stat.gid && !ctx.creds.in_group(g)) {
                return Err(Errno::EPERM);
            }
        }
        self.change(at, |inode, _| {
            inode.uid = uid.unwrap_or(inode.uid);
            inode.gid = gid.unwrap_or(inode.gid);
            if matches!(inode.body, Body::File(_)) {
                inode.mode &= !0o6000;
            }
        })
    }

    /// Bytes of a regular file from an offset.
    pub fn read_at(&self, ino: Ino, offset: u64, max: usize) -> Res<Vec<u8>> {
        match &self.fs.get(ino)?.body {
            Body::File(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let end = start.saturating_add(max).min(bytes.len());
                Ok(bytes[start..end].to_vec())
            }
            Body::Dir(_) => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Writes into a regular file, which grows as needed.
    pub fn write_at(&mut self, ino: Ino, offset: u64, data: &[u8]) -> Res<()> {
        let now = self.timestamp();
        let inode = self.fs.get(ino)?;
        let (system, before) = (inode.system, inode.size());
        let start = usize::try_from(offset).map_err(|_| Errno::EFBIG)?;
        let end = start.checked_add(data.len()).ok_or(Errno::EFBIG)?;
        let after = before.max(end as u64);
        if end as u64 > self.largest_file {
            return Err(Errno::EFBIG);
        }
        self.fs.room(system, after - before)?;
        self.fs.charge(system, before, after);
        self.fs.note_writing(ino);
        let inode = self.fs.get_mut(ino)?;
        inode.times[1] = now;
        inode.times[2] = now;
        inode.mode &= !0o6000;
        let Body::File(bytes) = &mut inode.body else { return Err(Errno::EINVAL) };
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[start..end].copy_from_slice(data);
        Ok(())
    }

    /// Cuts or stretches a regular file.
    pub fn resize(&mut self, ino: Ino, size: u64) -> Res<()> {
        let now = self.timestamp();
        if size > self.largest_file {
            return Err(Errno::EFBIG);
        }
        let inode = self.fs.get(ino)?;
        let (system, before) = (inode.system, inode.size());
        self.fs.room(system, size.saturating_sub(before))?;
        self.fs.note_writing(ino);
        let inode = self.fs.get_mut(ino)?;
        inode.times[1] = now;
        inode.times[2] = now;
        let Body::File(bytes) = &mut inode.body else { return Err(Errno::EINVAL) };
        bytes.resize(usize::try_from(size).map_err(|_| Errno::EFBIG)?, 0);
        self.fs.charge(system, before, size);
        Ok(())
    }

    /// statfs(2) of the file system at a place.
    pub fn statfs_at(&self, at: Loc) -> Res<FsStat> {
        let mount = self.fs.mounts.get(&at.mount).ok_or(Errno::ENOENT)?;
        let fs = self.fs.systems.get(&mount.system).ok_or(Errno::EIO)?;
        // An overlay is as large as the file system of its writable layer.
        let upper = fs.overlay.as_ref().and_then(|o| o.upper).and_then(|ino| self.fs.get(ino).ok()).map(|i| i.system);
        let store = upper.and_then(|s| self.fs.systems.get(&s)).unwrap_or(fs);
        let counted = store.limit != u64::MAX;
        Ok(FsStat {
            kind: fs.kind.clone(),
            total: if counted { store.limit } else { 0 },
            used: if counted { store.used } else { 0 },
            inodes: if counted { 1 << 20 } else { 0 },
            inodes_used: 0,
        })
    }
}
