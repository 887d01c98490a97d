//! Whole paths at once, for the kernel's own use: made, written, read and removed below a root.

use super::{Body, Ctx, Inode, Loc, Node};
use crate::sys::{Errno, FileType, Res};
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};

impl World {
    /// A directory at a path, made with its parents (those 0755) where missing. Links are followed.
    pub fn make_dirs(&mut self, ctx: &Ctx, path: &str, mode: u32, owner: (u32, u32)) -> Res<Loc> {
        if let Ok(at) = self.walk(ctx, path, true) {
            return if self.kind(at.node)? == FileType::Directory { Ok(at) } else { Err(Errno::ENOTDIR) };
        }
        let (dir, name) = self.free_name(ctx, path, 40)?;
        self.check_writable(dir)?;
        if matches!(dir.node, Node::Proc(..)) {
            return Err(Errno::ENOENT);
        }
        let inode = Inode::new(Body::Dir(BTreeMap::new()), mode, owner.0, owner.1, self.timestamp());
        let node = match dir.node {
            Node::Cgroup(sb, c) => Node::Cgroup(sb, self.cgroup_mkdir(c, &name)?),
            _ => self.add_node(dir.node, &name, inode)?,
        };
        Ok(Loc { mount: dir.mount, node })
    }

    /// The directory and name that a path to nothing leads to, with the directories on the way made. A link that dangles is followed.
    pub fn free_name(&mut self, ctx: &Ctx, path: &str, budget: u32) -> Res<(Loc, String)> {
        let (above, _) = path.trim_end_matches('/').rsplit_once('/').unwrap_or(("", path));
        if !above.is_empty() {
            self.make_dirs(ctx, above, 0o755, (0, 0))?;
        }
        let (dir, name) = self.walk_parent(ctx, path)?;
        let Ok(node) = self.lookup(ctx, dir.node, &name) else { return Ok((dir, name)) };
        if self.kind(node)? != FileType::Symlink {
            return Err(Errno::EEXIST);
        }
        let budget = budget.checked_sub(1).ok_or(Errno::ELOOP)?;
        let target = self.link_target(ctx, node)?;
        self.free_name(&Ctx { cwd: dir, ..ctx.clone() }, &target, budget)
    }

    /// A file at a path with this content, put in place of what was there.
    pub fn put_file(&mut self, ctx: &Ctx, path: &str, mode: u32, content: &[u8]) -> Res<Loc> {
        let (dir, name) = self.walk_parent(ctx, path)?;
        self.check_writable(dir)?;
        if self.lookup(ctx, dir.node, &name).is_ok() {
            self.take_name(dir.node, &name)?;
        }
        let inode = Inode::new(Body::File(content.to_vec()), mode, 0, 0, self.timestamp());
        let node = self.add_node(dir.node, &name, inode)?;
        Ok(Loc { mount: dir.mount, node })
    }

    /// Adds bytes to the end of a file, made if missing.
    pub fn append_file(&mut self, ctx: &Ctx, path: &str, mode: u32, bytes: &[u8]) -> Res<()> {
        let at = match self.walk(ctx, path, true) {
            Ok(at) => at,
            Err(Errno::ENOENT) => self.put_file(ctx, path, mode, b"")?,
            Err(error) => return Err(error),
        };
        let ino = self.writable(at.node)?;
        let size = self.fs.get(ino)?.size();
        self.write_at(ino, size, bytes)
    }

    /// Any other node at a path; one that is there already is no error.
    pub fn put_node(&mut self, ctx: &Ctx, path: &str, inode: Inode) -> Res<Loc> {
        let (dir, name) = self.walk_parent(ctx, path)?;
        if let Ok(node) = self.lookup(ctx, dir.node, &name) {
            return Ok(Loc { mount: dir.mount, node });
        }
        self.check_writable(dir)?;
        let node = self.add_node(dir.node, &name, inode)?;
        Ok(Loc { mount: dir.mount, node })
    }

    /// Removes what is at a path, with everything below; not there is no error. Never crosses a mount.
    pub fn remove_path(&mut self, ctx: &Ctx, path: &str) -> Res<()> {
        let (dir, name) = match self.walk_parent(ctx, path) {
            Ok(found) => found,
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(()),
            Err(error) => return Err(error),
        };
        let Ok(node) = self.lookup(ctx, dir.node, &name) else { return Ok(()) };
        self.check_writable(dir)?;
        if self.fs.points.contains_key(&node) {
            return Err(Errno::EBUSY);
        }
        let now = self.timestamp();
        match dir.node {
            Node::Plain(ino) => self.fs.remove_tree(ino, &name, now),
            Node::Over(sb, id) => self.over_remove(sb, id, &name),
            _ => Err(Errno::EPERM),
        }
    }

    /// The lengths of everything below a path that is no directory; a file with several names counts once. Nothing there takes nothing.
    pub fn tree_size(&mut self, ctx: &Ctx, path: &str) -> Res<u64> {
        let Node::Plain(top) = (match self.walk(ctx, path, false) {
            Ok(at) => at.node,
            Err(Errno::ENOENT) => return Ok(0),
            Err(error) => return Err(error),
        }) else {
            return Err(Errno::EINVAL);
        };
        let (mut total, mut seen, mut waiting) = (0u64, BTreeSet::new(), vec![top]);
        while let Some(ino) = waiting.pop() {
            let inode = self.fs.get(ino)?;
            match inode.entries() {
                Some(entries) => waiting.extend(entries.values().copied()),
                None if seen.insert(ino) => total += inode.size(),
                None => {}
            }
        }
        Ok(total)
    }

    /// The whole content of a file, computed ones too.
    pub fn file_content(&mut self, ctx: &Ctx, at: Loc) -> Res<Vec<u8>> {
        match at.node {
            Node::Proc(sb, p) => self.proc_read(ctx, sb, p).map(String::into_bytes),
            Node::Cgroup(_, c) => self.cgroup_read(c, self.ns.host.pid).map(String::into_bytes),
            Node::Net(n) => self.sysnet_read(n).map(String::into_bytes),
            _ => {
                let ino = self.backing(at.node)?;
                match &self.fs.get(ino)?.body {
                    Body::File(bytes) => Ok(bytes.clone()),
                    Body::Dir(_) => Err(Errno::EISDIR),
                    _ => Err(Errno::EINVAL),
                }
            }
        }
    }
}
