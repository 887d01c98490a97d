//! Overlays (kernel documentation, filesystems/overlayfs): directories merged, files copied up on their first change,
//! whiteouts where something below was removed, opaque directories where nothing below shines through.

use super::{Body, Ino, Inode, Node, SbId};
use crate::sys::{Errno, Res};
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};

/// The layers of one overlay, and the nodes that were looked up in it.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// The writable layer; `None` makes the whole read-only.
    pub upper: Option<Ino>,
    /// Nodes by number; 0 is the root.
    pub nodes: Vec<Option<OverNode>>,
}

/// One node of an overlay.
#[derive(Clone, Debug)]
pub struct OverNode {
    /// The directory that holds it; the root holds itself.
    pub parent: u32,
    /// Its name there.
    pub name: String,
    /// Its inode in the writable layer.
    pub upper: Option<Ino>,
    /// Its inodes in the other layers, top first; more than one only for merged directories.
    pub lowers: Vec<Ino>,
    /// Names looked up before.
    pub children: BTreeMap<String, u32>,
}

impl World {
    /// Makes the overlay of these directories of the arena: `lower` from top to bottom.
    pub fn over_new(&self, lower: Vec<Ino>, upper: Option<Ino>) -> Overlay {
        let root = OverNode { parent: 0, name: String::new(), upper, lowers: lower, children: BTreeMap::new() };
        Overlay { upper, nodes: vec![Some(root)] }
    }

    /// A node of an overlay.
    pub fn over_node(&self, sb: SbId, id: u32) -> Res<&OverNode> {
        let overlay = self.fs.systems.get(&sb).and_then(|fs| fs.overlay.as_ref()).ok_or(Errno::EIO)?;
        overlay.nodes.get(id as usize).and_then(Option::as_ref).ok_or(Errno::ENOENT)
    }

    fn over_node_mut(&mut self, sb: SbId, id: u32) -> Res<&mut OverNode> {
        let overlay = self.fs.systems.get_mut(&sb).and_then(|fs| fs.overlay.as_mut()).ok_or(Errno::EIO)?;
        overlay.nodes.get_mut(id as usize).and_then(Option::as_mut).ok_or(Errno::ENOENT)
    }

    /// The inode that answers for a node.
    pub fn over_backing(&self, sb: SbId, id: u32) -> Res<Ino> {
        let node = self.over_node(sb, id)?;
        node.upper.or(node.lowers.first().copied()).ok_or(Errno::ENOENT)
    }

    /// Looks a name up, top layer first.
    pub fn over_lookup(&mut self, sb: SbId, dir: u32, name: &str) -> Res<u32> {
        let node = self.over_node(sb, dir)?;
        if let Some(id) = node.children.get(name) {
            return Ok(*id);
        }
        let mut found: Vec<Ino> = Vec::new();
        let mut upper = None;
        let layers: Vec<(bool, Ino)> = node.upper.iter().map(|i| (true, *i)).chain(node.lowers.iter().map(|i| (false, *i))).collect();
        for (is_upper, layer) in layers {
            let Some(&ino) = self.fs.get(layer)?.entries().ok_or(Errno::ENOTDIR)?.get(name) else { continue };
            let inode = self.fs.get(ino)?;
            let is_dir = matches!(inode.body, Body::Dir(_));
            // A whiteout, or a file below a directory: what is further down does not count.
            if inode.is_whiteout() || (!is_dir && (upper.is_some() || !found.is_empty())) {
                break;
            }
            let opaque = inode.opaque;
            if is_upper {
                upper = Some(ino);
            } else {
                found.push(ino);
            }
            if !is_dir || opaque {
                break;
            }
        }
        if upper.is_none() && found.is_empty() {
            return Err(Errno::ENOENT);
        }
        self.over_insert(sb, dir, name, upper, found)
    }

    fn over_insert(&mut self, sb: SbId, dir: u32, name: &str, upper: Option<Ino>, lowers: Vec<Ino>) -> Res<u32> {
        let overlay = self.fs.systems.get_mut(&sb).and_then(|fs| fs.overlay.as_mut()).ok_or(Errno::EIO)?;
        let id = u32::try_from(overlay.nodes.len()).map_err(|_| Errno::ENOSPC)?;
        let node = OverNode { parent: dir, name: name.to_owned(), upper, lowers, children: BTreeMap::new() };
        overlay.nodes.push(Some(node));
        self.over_node_mut(sb, dir)?.children.insert(name.to_owned(), id);
        Ok(id)
    }

    /// Names in a merged directory, with the inode that answers for each.
    pub fn over_entries(&self, sb: SbId, dir: u32) -> Res<BTreeMap<String, Ino>> {
        let node = self.over_node(sb, dir)?;
        let mut names = BTreeMap::new();
        let mut hidden = BTreeSet::new();
        for layer in node.upper.iter().chain(&node.lowers) {
            for (name, ino) in self.fs.get(*layer)?.entries().ok_or(Errno::ENOTDIR)? {
                if self.fs.get(*ino)?.is_whiteout() {
                    hidden.insert(name.clone());
                } else if !hidden.contains(name) {
                    names.entry(name.clone()).or_insert(*ino);
                }
            }
        }
        Ok(names)
    }

    /// The inode of a node in the writable layer: copied up, with the directories above it, if it is not there yet.
    pub fn over_writable(&mut self, sb: SbId, id: u32) -> Res<Ino> {
        let node = self.over_node(sb, id)?;
        if let Some(upper) = node.upper {
            return Ok(upper);
        }
        let (parent, name, source) = (node.parent, node.name.clone(), *node.lowers.first().ok_or(Errno::ENOENT)?);
        if self.fs.systems.get(&sb).and_then(|fs| fs.overlay.as_ref()).is_none_or(|o| o.upper.is_none()) {
            return Err(Errno::EROFS);
        }
        let dir = self.over_writable(sb, parent)?;
        let original = self.fs.get(source)?;
        let body = match &original.body {
            Body::Dir(_) => Body::Dir(BTreeMap::new()),
            other => other.clone(),
        };
        let copy = Inode { body, opens: 0, ..original.clone() };
        let copy = Inode { nlink: u32::from(matches!(copy.body, Body::Dir(_))), opaque: false, ..copy };
        let system = self.fs.get(dir)?.system;
        let size = copy.size();
        self.fs.room(system, size)?;
        let ino = self.fs.add(copy, system);
        self.fs.charge(system, 0, size);
        let times = self.fs.get(dir)?.times;
        let now = self.timestamp();
        self.fs.link(dir, &name, ino, now)?;
        self.fs.get_mut(dir)?.times = times;
        self.over_node_mut(sb, id)?.upper = Some(ino);
        Ok(ino)
    }

    /// Puts a new inode of the writable layer under a free name.
    pub fn over_add(&mut self, sb: SbId, dir: u32, name: &str, ino: Ino) -> Res<u32> {
        let upper = self.over_writable(sb, dir)?;
        let now = self.timestamp();
        let covers = self.fs.get(upper)?.entries().is_some_and(|e| e.contains_key(name));
        if covers {
            // A whiteout: it makes room, and a directory in its place must hide what it hid.
            self.fs.unlink(upper, name, now)?;
            let inode = self.fs.get_mut(ino)?;
            inode.opaque = matches!(inode.body, Body::Dir(_));
        }
        self.fs.link(upper, name, ino, now)?;
        self.over_insert(sb, dir, name, Some(ino), Vec::new())
    }

    /// Takes a name away: from the writable layer, and by a whiteout where a lower layer has it too.
    pub fn over_remove(&mut self, sb: SbId, dir: u32, name: &str) -> Res<()> {
        let id = self.over_lookup(sb, dir, name)?;
        let upper_dir = self.over_writable(sb, dir)?;
        let now = self.timestamp();
        if let Some(upper) = self.over_node(sb, id)?.upper {
            self.fs.clear(upper, now)?;
            self.fs.unlink(upper_dir, name, now)?;
        }
        let below = self.over_node(sb, dir)?.lowers.clone();
        let shines = below
            .iter()
            .find_map(|layer| self.fs.get(*layer).ok()?.entries()?.get(name).copied())
            .is_some_and(|ino| self.fs.get(ino).is_ok_and(|i| !i.is_whiteout()));
        let opaque_here = self.fs.get(upper_dir)?.opaque;
        if shines && !opaque_here {
            let system = self.fs.get(upper_dir)?.system;
            let whiteout = self.fs.add(Inode::new(Body::Char, 0, 0, 0, now), system);
            self.fs.link(upper_dir, name, whiteout, now)?;
        }
        self.over_node_mut(sb, dir)?.children.remove(name);
        self.over_forget(sb, id);
        Ok(())
    }

    /// Forgets a node and what was looked up below it.
    fn over_forget(&mut self, sb: SbId, id: u32) {
        let Ok(node) = self.over_node(sb, id) else { return };
        for child in node.children.values().copied().collect::<Vec<_>>() {
            self.over_forget(sb, child);
        }
        if let Some(overlay) = self.fs.systems.get_mut(&sb).and_then(|fs| fs.overlay.as_mut())
            && let Some(slot) = overlay.nodes.get_mut(id as usize)
        {
            *slot = None;
        }
    }

    /// Moves a name that is only in the writable layer, or a file (copied up first). A directory that a lower layer has is
    /// EXDEV, as overlayfs without redirect_dir answers.
    pub fn over_rename(&mut self, sb: SbId, from: (u32, &str), to: (u32, &str)) -> Res<()> {
        let id = self.over_lookup(sb, from.0, from.1)?;
        let is_dir = matches!(self.fs.get(self.over_backing(sb, id)?)?.body, Body::Dir(_));
        if is_dir && !self.over_node(sb, id)?.lowers.is_empty() {
            return Err(Errno::EXDEV);
        }
        let ino = self.over_writable(sb, id)?;
        if self.over_lookup(sb, to.0, to.1).is_ok() {
            self.over_remove(sb, to.0, to.1)?;
        }
        // Held open while it has no name, so that it is not freed on the way.
        self.fs.get_mut(ino)?.opens += 1;
        let tree = match &mut self.fs.get_mut(ino)?.body {
            Body::Dir(entries) => std::mem::take(entries),
            _ => BTreeMap::new(),
        };
        let removed = self.over_remove(sb, from.0, from.1);
        let inode = self.fs.get_mut(ino)?;
        inode.opens -= 1;
        if let Body::Dir(entries) = &mut inode.body {
            *entries = tree;
            inode.nlink = 1;
        }
        removed?;
        self.over_add(sb, to.0, to.1, ino)?;
        Ok(())
    }

    /// The inode that answers for a plain node or a node of an overlay.
    pub fn backing(&self, node: Node) -> Res<Ino> {
        match node {
            Node::Plain(ino) => Ok(ino),
            Node::Over(sb, id) => self.over_backing(sb, id),
            Node::Proc(..) | Node::Cgroup(..) | Node::Net(_) => Err(Errno::EPERM),
        }
    }

    /// The inode to change for a plain node or a node of an overlay.
    pub fn writable(&mut self, node: Node) -> Res<Ino> {
        match node {
            Node::Plain(ino) => Ok(ino),
            Node::Over(sb, id) => self.over_writable(sb, id),
            Node::Proc(..) | Node::Cgroup(..) | Node::Net(_) => Err(Errno::EPERM),
        }
    }
}
