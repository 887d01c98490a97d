//! From a path to a place (path_resolution(7)).

use super::{Body, MountId, Node, cap};
use crate::sys::{Credentials, Errno, FileType, Res};
use crate::world::World;
use std::sync::Arc;

/// A place in the tree: a node, and the mount through which it was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loc {
    /// The mount.
    pub mount: MountId,
    /// The node.
    pub node: Node,
}

/// For whom a path is resolved.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Its root.
    pub root: Loc,
    /// Its working directory.
    pub cwd: Loc,
    /// Its rights.
    pub creds: Arc<Credentials>,
    /// The process, in the host's numbers; 0 is the kernel itself.
    pub pid: u32,
    /// Bits that new files do not get.
    pub umask: u32,
}

/// Symbolic links followed before ELOOP.
pub const MAX_LINKS: u32 = 40;
/// Longest name, in bytes.
const NAME_MAX: usize = 255;
/// Longest path, in bytes.
const PATH_MAX: usize = 4096;

impl World {
    /// The place that a path leads to. A link at the end is followed or not.
    pub fn walk(&mut self, ctx: &Ctx, path: &str, follow: bool) -> Res<Loc> {
        let mut budget = MAX_LINKS;
        self.walk_from(ctx, if path.starts_with('/') { ctx.root } else { ctx.cwd }, path, follow, &mut budget)
    }

    /// The directory of a path and the last name in it. A path without a last name (`/`, `..`) is EEXIST or EBUSY to callers.
    pub fn walk_parent(&mut self, ctx: &Ctx, path: &str) -> Res<(Loc, String)> {
        let trimmed = path.trim_end_matches('/');
        if path.is_empty() {
            return Err(Errno::ENOENT);
        }
        let (dir, name) = trimmed.rsplit_once('/').map_or(("", trimmed), |(dir, name)| (if dir.is_empty() { "/" } else { dir }, name));
        if name.is_empty() {
            return Err(Errno::EEXIST);
        }
        if name.len() > NAME_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let parent = if dir.is_empty() { ctx.cwd } else { self.walk(ctx, dir, true)? };
        if self.kind(parent.node)? != FileType::Directory {
            return Err(Errno::ENOTDIR);
        }
        if name == "." || name == ".." {
            return Err(Errno::EINVAL);
        }
        Ok((parent, name.to_owned()))
    }

    fn walk_from(&mut self, ctx: &Ctx, start: Loc, path: &str, follow: bool, budget: &mut u32) -> Res<Loc> {
        if path.is_empty() {
            return Err(Errno::ENOENT);
        }
        if path.len() >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let mut at = start;
        let mut parts = path.split('/').filter(|p| !p.is_empty() && *p != ".").peekable();
        let must_be_dir = path.ends_with('/') || path.ends_with("/.");
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            let stat = self.attributes(at.node)?;
            if stat.kind != FileType::Directory {
                return Err(Errno::ENOTDIR);
            }
            ctx.creds.may(&stat, 1)?;
            if part.len() > NAME_MAX {
                return Err(Errno::ENAMETOOLONG);
            }
            if part == ".." {
                at = self.up(ctx.root, at)?;
                continue;
            }
            let node = self.lookup(ctx, at.node, part)?;
            let next = self.top(Loc { mount: at.mount, node });
            if (!last || follow || must_be_dir) && self.kind(next.node)? == FileType::Symlink {
                *budget = budget.checked_sub(1).ok_or(Errno::ELOOP)?;
                at = match self.magic_link(ctx, next.node)? {
                    Some(place) => place,
                    None => {
                        let target = self.link_target(ctx, next.node)?;
                        let from = if target.starts_with('/') { ctx.root } else { at };
                        self.walk_from(ctx, from, &target, true, budget)?
                    }
                };
            } else {
                at = next;
            }
        }
        if must_be_dir && self.kind(at.node)? != FileType::Directory {
            return Err(Errno::ENOTDIR);
        }
        Ok(at)
    }

    /// What is mounted on top of a place, or the place itself.
    pub fn top(&self, mut at: Loc) -> Loc {
        while let Some(&mount) = self.fs.on.get(&(at.mount, at.node)) {
            let Some(m) = self.fs.mounts.get(&mount) else { break };
            at = Loc { mount, node: m.root };
        }
        at
    }

    /// The place above one, never above `root`.
    pub fn up(&mut self, root: Loc, mut at: Loc) -> Res<Loc> {
        loop {
            if at == root {
                return Ok(at);
            }
            let Some(mount) = self.fs.mounts.get(&at.mount) else { return Ok(at) };
            if at.node != mount.root {
                break;
            }
            match mount.parent {
                Some(parent) => at = Loc { mount: parent, node: mount.point },
                None => return Ok(at),
            }
        }
        let node = self.parent_of(at.node)?;
        Ok(self.top(Loc { mount: at.mount, node }))
    }

    /// The path of a place as seen from `root`; `None` if it cannot be reached from there.
    pub fn path_of(&mut self, root: Loc, mut at: Loc) -> Option<String> {
        let mut parts = Vec::new();
        while at != root {
            let mount = self.fs.mounts.get(&at.mount)?;
            if at.node == mount.root {
                at = Loc { mount: mount.parent?, node: mount.point };
                continue;
            }
            parts.push(self.name_of(at.node).ok()?);
            at.node = self.parent_of(at.node).ok()?;
        }
        parts.reverse();
        Some(format!("/{}", parts.join("/")))
    }

    /// The directory that holds a node.
    pub fn parent_of(&mut self, node: Node) -> Res<Node> {
        match node {
            Node::Plain(ino) => Ok(Node::Plain(self.fs.get(ino)?.parent)),
            Node::Over(sb, id) => Ok(Node::Over(sb, self.over_node(sb, id)?.parent)),
            Node::Proc(sb, p) => Ok(Node::Proc(sb, p.parent())),
            Node::Cgroup(sb, c) => Ok(Node::Cgroup(sb, self.cgroup_parent(c))),
            Node::Net(n) => Ok(self.sysnet_parent(n)),
        }
    }

    /// The name of a node in the directory that holds it.
    pub fn name_of(&self, node: Node) -> Res<String> {
        match node {
            Node::Plain(ino) => Ok(self.fs.get(ino)?.name.clone()),
            Node::Over(sb, id) => Ok(self.over_node(sb, id)?.name.clone()),
            Node::Proc(_, p) => Ok(p.name()),
            Node::Cgroup(_, c) => Ok(self.cgroup_name(c)),
            Node::Net(n) => Ok(self.sysnet_name(n)),
        }
    }

    /// The node of a name in a directory. Search permission is the caller's business.
    pub fn lookup(&mut self, ctx: &Ctx, dir: Node, name: &str) -> Res<Node> {
        match dir {
            Node::Plain(ino) if ino == self.fs.class_net && ino != 0 => self.sysnet_lookup(ctx.pid, name).map(Node::Net),
            Node::Net(n) => self.sysnet_file(n, name).map(Node::Net),
            Node::Plain(ino) => match &self.fs.get(ino)?.body {
                Body::Dir(entries) => entries.get(name).map(|i| Node::Plain(*i)).ok_or(Errno::ENOENT),
                _ => Err(Errno::ENOTDIR),
            },
            Node::Over(sb, id) => self.over_lookup(sb, id, name).map(|id| Node::Over(sb, id)),
            Node::Proc(sb, p) => self.proc_lookup(ctx, sb, p, name).map(|p| Node::Proc(sb, p)),
            Node::Cgroup(sb, c) => self.cgroup_lookup(c, name).map(|c| Node::Cgroup(sb, c)),
        }
    }

    /// Where a symbolic link leads, as text.
    pub fn link_target(&mut self, ctx: &Ctx, node: Node) -> Res<String> {
        match node {
            Node::Proc(sb, p) => self.proc_link(ctx, sb, p),
            Node::Cgroup(..) | Node::Net(_) => Err(Errno::EINVAL),
            _ => match &self.fs.get(self.backing(node)?)?.body {
                Body::Link(target) => Ok(target.clone()),
                _ => Err(Errno::EINVAL),
            },
        }
    }

    /// Where a link of proc leads that is more than text (/proc/PID/root, cwd, exe).
    fn magic_link(&mut self, ctx: &Ctx, node: Node) -> Res<Option<Loc>> {
        match node {
            Node::Proc(_, p) => {
                let place = self.proc_place(p)?;
                if let Some((pid, _)) = place
                    && pid != ctx.pid
                    && !ctx.creds.can(cap::SYS_PTRACE)
                {
                    return Err(Errno::EACCES);
                }
                Ok(place.map(|(_, loc)| loc))
            }
            _ => Ok(None),
        }
    }
}
