//! Mounts (mount(2), mount_namespaces(7), pivot_root(2)).

use super::{Ctx, FileSystem, Loc, Node, SbId, Vfs};
use crate::sys::{Errno, FileType, Propagation, Res};
use crate::world::World;
use drydock_core::kernel::MountFlags;
use std::collections::BTreeMap;

/// Number of a mount.
pub type MountId = u32;

/// One mount.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Its mount namespace.
    pub ns: u32,
    /// The mount it stands on; `None` at the root of a namespace.
    pub parent: Option<MountId>,
    /// Where on that.
    pub point: Node,
    /// What is seen there.
    pub root: Node,
    /// The file system.
    pub system: SbId,
    /// Its flags.
    pub flags: MountFlags,
    /// What it was mounted from, as mountinfo shows it.
    pub source: String,
    /// How mounts on it spread.
    pub propagation: Propagation,
    /// Its peer group, for shared mounts and their slaves.
    pub group: u32,
}

impl Mount {
    /// Its flags as mountinfo shows them: `rw,nosuid,nodev`.
    pub fn flag_words(&self) -> String {
        let f = &self.flags;
        let words = [
            (f.nosuid, "nosuid"),
            (f.nodev, "nodev"),
            (f.noexec, "noexec"),
            (f.noatime, "noatime"),
            (f.relatime || !(f.noatime || f.strictatime), "relatime"),
        ];
        let first = if f.read_only { "ro" } else { "rw" };
        std::iter::once(first).chain(words.iter().filter(|(on, _)| *on).map(|(_, w)| *w)).collect::<Vec<_>>().join(",")
    }
}

impl Vfs {
    /// Makes a file system instance.
    pub fn add_system(&mut self, kind: &str, root: Node) -> SbId {
        self.next_system += 1;
        let fs = FileSystem {
            kind: kind.to_owned(),
            root,
            read_only: false,
            options: "rw".to_owned(),
            limit: u64::MAX,
            used: 0,
            mounts: 0,
            overlay: None,
            pid_ns: 0,
            permanent: false,
        };
        self.systems.insert(self.next_system, fs);
        self.next_system
    }

    /// Puts a mount into the tables.
    pub fn attach(&mut self, mount: Mount) -> MountId {
        self.next_mount += 1;
        let id = self.next_mount;
        if let Some(parent) = mount.parent {
            self.on.insert((parent, mount.point), id);
            *self.points.entry(mount.point).or_default() += 1;
        }
        if let Some(fs) = self.systems.get_mut(&mount.system) {
            fs.mounts += 1;
        }
        self.by_ns.entry(mount.ns).or_default().push(id);
        self.mounts.insert(id, mount);
        id
    }

    /// Mounts that stand directly on this one.
    pub fn children(&self, id: MountId) -> Vec<MountId> {
        self.on.range((id, Node::Plain(0))..).take_while(|((parent, _), _)| *parent == id).map(|(_, child)| *child).collect()
    }

    /// The mount and all that stand on it, those on top last.
    pub fn subtree(&self, id: MountId) -> Vec<MountId> {
        let mut all = vec![id];
        let mut next = 0;
        while let Some(at) = all.get(next).copied() {
            all.extend(self.children(at));
            next += 1;
        }
        all
    }

    /// Takes a mount out of the tables. Its file system goes with its last mount.
    fn detach_one(&mut self, id: MountId) {
        let Some(mount) = self.mounts.remove(&id) else { return };
        // A file that was bound may have lost its last name meanwhile.
        if let Node::Plain(root) = mount.root {
            self.reap(root);
        }
        if mount.parent.is_some()
            && let Some(count) = self.points.get_mut(&mount.point)
        {
            *count -= 1;
            if *count == 0 {
                self.points.remove(&mount.point);
            }
        }
        if let Some(parent) = mount.parent
            && self.on.get(&(parent, mount.point)) == Some(&id)
        {
            self.on.remove(&(parent, mount.point));
        }
        if let Some(list) = self.by_ns.get_mut(&mount.ns) {
            list.retain(|m| *m != id);
            if list.is_empty() {
                self.by_ns.remove(&mount.ns);
            }
        }
        let Some(fs) = self.systems.get_mut(&mount.system) else { return };
        fs.mounts -= 1;
        if fs.mounts == 0 && !fs.permanent {
            let root = fs.root;
            let keeps_no_inodes = fs.overlay.is_some();
            if let (Node::Plain(ino), false) = (root, keeps_no_inodes) {
                let _ = self.clear(ino, drydock_core::time::Timestamp(0));
                if let Some(slot) = self.inodes.get_mut(ino as usize) {
                    *slot = None;
                }
            }
            self.systems.remove(&mount.system);
        }
    }

    /// Takes a mount and everything on it out of the tables.
    pub fn detach(&mut self, id: MountId) {
        for id in self.subtree(id).into_iter().rev() {
            self.detach_one(id);
        }
    }

    /// Drops every mount of a namespace.
    pub fn drop_ns(&mut self, ns: u32) {
        for id in self.by_ns.get(&ns).cloned().unwrap_or_default().into_iter().rev() {
            self.detach_one(id);
        }
    }
}

impl World {
    /// Mounts a file system, or part of one, on a place; peers of a shared mount get it too.
    pub fn mount_at(&mut self, at: Loc, system: SbId, root: Node, flags: MountFlags, source: &str) -> Res<MountId> {
        let dir = |w: &World, n| w.kind(n).map(|k| k == FileType::Directory);
        if dir(self, at.node)? != dir(self, root)? {
            return Err(Errno::ENOTDIR);
        }
        let parent = self.fs.mounts.get(&at.mount).ok_or(Errno::EINVAL)?;
        let (ns, propagation, group) = (parent.ns, parent.propagation, parent.group);
        let shared = propagation == Propagation::Shared;
        let new_group = if shared {
            self.fs.next_group += 1;
            self.fs.next_group
        } else {
            0
        };
        let mount = Mount {
            ns,
            parent: Some(at.mount),
            point: at.node,
            root,
            system,
            flags,
            source: source.to_owned(),
            propagation: if shared { Propagation::Shared } else { Propagation::Private },
            group: new_group,
        };
        let id = self.fs.attach(mount.clone());
        if shared {
            let peers: Vec<(MountId, u32, Propagation)> = self
                .fs
                .mounts
                .iter()
                .filter(|(peer, m)| **peer != at.mount && m.group == group && m.propagation != Propagation::Private)
                .map(|(peer, m)| (*peer, m.ns, m.propagation))
                .collect();
            for (peer, ns, propagation) in peers {
                self.fs.attach(Mount { ns, parent: Some(peer), propagation, ..mount.clone() });
            }
        }
        Ok(id)
    }

    /// Binds a place on another, with `recursive` the mounts below it too.
    pub fn bind(&mut self, from: Loc, at: Loc, recursive: bool, flags: MountFlags) -> Res<MountId> {
        let source = self.fs.mounts.get(&from.mount).ok_or(Errno::EINVAL)?.clone();
        let below = if recursive { self.fs.subtree(from.mount) } else { Vec::new() };
        let id = self.mount_at(at, source.system, from.node, flags, &source.source)?;
        let mut copies = BTreeMap::from([(from.mount, id)]);
        for old in below.into_iter().skip(1) {
            let Some(mount) = self.fs.mounts.get(&old).cloned() else { continue };
            let Some(parent) = mount.parent else { continue };
            if parent == from.mount && !self.is_below(mount.point, from.node) {
                continue;
            }
            let Some(&new_parent) = copies.get(&parent) else { continue };
            let copy = Mount {
                ns: self.fs.mounts.get(&id).map_or(0, |m| m.ns),
                parent: Some(new_parent),
                propagation: Propagation::Private,
                group: 0,
                ..mount
            };
            copies.insert(old, self.fs.attach(copy));
        }
        Ok(id)
    }

    fn is_below(&mut self, mut node: Node, above: Node) -> bool {
        loop {
            if node == above {
                return true;
            }
            match self.parent_of(node) {
                Ok(next) if next != node => node = next,
                _ => return false,
            }
        }
    }

    /// umount2(2). A mount with others on it is busy, unless it is taken away lazily.
    pub fn unmount(&mut self, at: Loc, lazy: bool) -> Res<()> {
        let mount = self.fs.mounts.get(&at.mount).ok_or(Errno::EINVAL)?.clone();
        if mount.root != at.node || mount.parent.is_none() {
            return Err(Errno::EINVAL);
        }
        if !lazy {
            if !self.fs.children(at.mount).is_empty() {
                return Err(Errno::EBUSY);
            }
            let used = self.procs.values().any(|p| p.alive() && (p.cwd.mount == at.mount || p.root.mount == at.mount));
            if used || self.files.values().any(|f| f.mount() == Some(at.mount)) {
                return Err(Errno::EBUSY);
            }
        }
        self.fs.detach(at.mount);
        if let Some(parent) = mount.parent.and_then(|p| self.fs.mounts.get(&p).cloned())
            && parent.propagation == Propagation::Shared
        {
            let copies: Vec<MountId> = self
                .fs
                .mounts
                .iter()
                .filter(|(_, m)| m.point == mount.point && m.root == mount.root && m.system == mount.system)
                .filter(|(_, m)| m.parent.and_then(|p| self.fs.mounts.get(&p)).is_some_and(|p| p.group == parent.group))
                .map(|(id, _)| *id)
                .collect();
            for id in copies {
                self.fs.detach(id);
            }
        }
        Ok(())
    }

    /// Copies a mount namespace; answers the new mounts by the old ones.
    pub fn copy_mounts(&mut self, from: u32, to: u32) -> BTreeMap<MountId, MountId> {
        let mut copies = BTreeMap::new();
        for old in self.fs.by_ns.get(&from).cloned().unwrap_or_default() {
            let Some(mount) = self.fs.mounts.get(&old).cloned() else { continue };
            let parent = mount.parent.map(|p| copies.get(&p).copied().unwrap_or(p));
            copies.insert(old, self.fs.attach(Mount { ns: to, parent, ..mount }));
        }
        copies
    }

    /// pivot_root(2): the mount at `new` becomes the root of the namespace, the old root goes to `put_old`; `None` takes it away at once.
    pub fn pivot(&mut self, caller: u32, ns: u32, root: Loc, new: Loc, put_old: Option<Loc>) -> Res<()> {
        let mount = self.fs.mounts.get(&new.mount).ok_or(Errno::EINVAL)?.clone();
        if mount.root != new.node || new.mount == root.mount {
            return Err(Errno::EINVAL);
        }
        let old = self.fs.mounts.get(&root.mount).ok_or(Errno::EINVAL)?;
        let parent_shared = mount.parent.and_then(|p| self.fs.mounts.get(&p)).is_some_and(|p| p.propagation == Propagation::Shared);
        if old.root != root.node || mount.ns != ns || mount.propagation == Propagation::Shared || parent_shared {
            return Err(Errno::EINVAL);
        }
        if let Some(parent) = mount.parent {
            self.fs.on.remove(&(parent, mount.point));
            if let Some(count) = self.fs.points.get_mut(&mount.point) {
                *count -= 1;
            }
        }
        if let Some(m) = self.fs.mounts.get_mut(&new.mount) {
            m.parent = None;
        }
        let alone = self.ns.users.get(&ns) == Some(&1);
        let affected: Vec<u32> =
            if alone { vec![caller] } else { self.procs.values().filter(|p| p.ns.mount == ns).map(|p| p.pid).collect() };
        for pid in affected {
            let Some(proc) = self.procs.get_mut(&pid) else { continue };
            if proc.root == root {
                proc.root = new;
            }
            if proc.cwd == root {
                proc.cwd = new;
            }
        }
        match put_old {
            None => self.fs.detach(root.mount),
            Some(at) => {
                self.fs.on.insert((at.mount, at.node), root.mount);
                *self.fs.points.entry(at.node).or_default() += 1;
                if let Some(m) = self.fs.mounts.get_mut(&root.mount) {
                    m.parent = Some(at.mount);
                    m.point = at.node;
                }
            }
        }
        Ok(())
    }

    /// Lines of /proc/PID/mountinfo without the ids: `target type source options`, in the order of mounting.
    pub fn mount_table(&mut self, ctx: &Ctx, ns: u32) -> Vec<(MountId, String)> {
        let ids = self.fs.by_ns.get(&ns).cloned().unwrap_or_default();
        let here = |world: &mut World, id: MountId| {
            let m = world.fs.mounts.get(&id)?;
            let at = Loc { mount: id, node: m.root };
            world.path_of(ctx.root, at).map(|path| (id, path))
        };
        ids.into_iter().filter_map(|id| here(self, id)).collect()
    }
}
