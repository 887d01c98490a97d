//! Unpacking a layer: the archive's entries in a scratch place, whiteouts as overlayfs has them, then moved into place whole.

use super::blobs::unpacked;
use super::errors::Named;
use crate::sys::{Errno, Res};
use crate::vfs::{Body, Ctx, Ino, Inode, Node};
use crate::world::World;
use drydock_core::id::Digest;
use drydock_core::image::layer::{self, Name};
use drydock_core::image::tar::{Entry, Kind, Reader};
use drydock_core::time::Timestamp;
use drydock_core::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::io::Read;

/// Longest name, in bytes.
const NAME_MAX: usize = 255;
/// The longest file that is held in memory: one with holes may say that it is of any length.
pub(crate) const LARGEST_FILE: u64 = 1 << 28;

impl World {
    /// Unpacks a layer into a directory that does not exist yet.
    pub(super) fn step_unpack(&mut self, ctx: &Ctx, archive: &str, diff_id: &str, into: &str) -> Result<()> {
        if self.walk(ctx, into, true).is_ok() {
            return Err(Errno::EEXIST).named("unpack", into);
        }
        let at = self.walk(ctx, archive, true).named("open", archive)?;
        let bytes = self.file_content(ctx, at).named("read", archive)?;
        let (plain, _) = unpacked(bytes)?;
        let found = Digest::of(&plain);
        if found.as_str() != diff_id {
            return Err(Error::new(ErrorKind::Corrupt, format!("layer {archive} is {found}, not {diff_id}")).op("unpack").subject(archive));
        }
        let (above, _) = into.rsplit_once('/').unwrap_or(("/", ""));
        self.make_dirs(ctx, above, 0o755, (0, 0)).named("mkdir", above)?;
        let (parent, name) = self.walk_parent(ctx, into).named("unpack", into)?;
        let Node::Plain(dir) = parent.node else { return Err(Errno::EINVAL).named("unpack", into) };
        let system = self.fs.get(dir).named("unpack", into)?.system;
        let now = self.timestamp();
        let root = self.fs.add(Inode::new(Body::Dir(BTreeMap::new()), 0o755, 0, 0, now), system);
        // A directory holds itself until it has a place, so that nothing in the archive leads out of it.
        self.fs.get_mut(root).named("unpack", into)?.parent = root;
        let mut reader = Reader::new(plain.as_slice());
        let unpacked = (|| {
            while let Some(entry) = reader.next_entry()? {
                if entry.size > LARGEST_FILE {
                    return Err(Error::not_modelled(format!("a file of {} bytes", entry.size)));
                }
                let mut content = Vec::new();
                reader.read_to_end(&mut content).map_err(|e| Error::invalid("the layer is cut off").source(e))?;
                let wrong = |what: &str| Error::invalid(format!("the layer's entry {}: {what}", entry.shown())).op("unpack");
                let place = layer::parse(&entry.path).map_err(wrong)?;
                self.unpack_entry(root, system, &entry, &place, content)
                    .map_err(|e| Error::invalid(format!("the layer's entry {}", entry.shown())).op("unpack").source(e))?;
            }
            Ok(())
        })();
        let placed = unpacked.and_then(|()| self.fs.link(dir, &name, root, now).named("rename", into));
        if placed.is_err() {
            // What was unpacked so far has no name: it goes whole.
            let _ = self.fs.clear(root, now);
            if let Ok(inode) = self.fs.get_mut(root) {
                inode.nlink = 0;
            }
            self.fs.reap(root);
        } else {
            // A layer is on the disk, whole, before anybody records it.
            self.fs.sync_all();
        }
        placed
    }

    fn unpack_entry(&mut self, root: Ino, system: u32, entry: &Entry, place: &Name<'_>, content: Vec<u8>) -> Res<()> {
        let seconds = u64::try_from(entry.mtime.0).unwrap_or(0);
        let time = Timestamp(seconds.saturating_mul(1_000_000_000).saturating_add(u64::from(entry.mtime.1)));
        let (parts, hidden) = match place {
            Name::Ignored => return Ok(()),
            Name::Root => {
                let inode = self.fs.get_mut(root)?;
                (inode.mode, inode.uid, inode.gid, inode.times) = (entry.mode, entry.uid, entry.gid, [time; 3]);
                return Ok(());
            }
            Name::Opaque(parts) => {
                let dir = self.descend(root, system, &words(parts)?, time)?;
                self.fs.get_mut(dir)?.opaque = true;
                return Ok(());
            }
            Name::Whiteout(parts) => (words(parts)?, true),
            Name::Path(parts) => (words(parts)?, false),
        };
        let Some((&name, above)) = parts.split_last() else { return Err(Errno::EINVAL) };
        let dir = self.descend(root, system, above, time)?;
        let (body, rdev) = match &entry.kind {
            _ if hidden => (Body::Char, (0, 0)),
            Kind::File => (Body::File(content), (0, 0)),
            Kind::Directory => (Body::Dir(BTreeMap::new()), (0, 0)),
            Kind::Symlink(to) => (Body::Link(String::from_utf8(to.clone()).map_err(|_| Errno::EINVAL)?), (0, 0)),
            // It would be taken for a whiteout.
            Kind::CharDevice(0, 0) => return Err(Errno::EPERM),
            Kind::CharDevice(major, minor) => (Body::Char, (*major, *minor)),
            Kind::BlockDevice(major, minor) => (Body::Block, (*major, *minor)),
            Kind::Fifo => (Body::Fifo(None), (0, 0)),
            Kind::HardLink(to) => return self.unpack_link(root, dir, name, to, time),
        };
        let is_dir = matches!(body, Body::Dir(_));
        let existing = self.fs.get(dir)?.entries().and_then(|e| e.get(name)).copied();
        if let Some(existing) = existing {
            if is_dir && self.fs.get(existing)?.entries().is_some() {
                let inode = self.fs.get_mut(existing)?;
                (inode.mode, inode.uid, inode.gid, inode.times) = (entry.mode, entry.uid, entry.gid, [time; 3]);
                inode.xattrs = kept(entry);
                return Ok(());
            }
            self.fs.remove_tree(dir, name, time)?;
        }
        let mut inode = Inode::new(body, entry.mode & 0o7777, entry.uid, entry.gid, time);
        inode.rdev = rdev;
        inode.xattrs = kept(entry);
        let size = inode.size();
        self.fs.room(system, size)?;
        let ino = self.fs.add(inode, system);
        self.fs.charge(system, 0, size);
        self.fs.link(dir, name, ino, time)
    }

    fn unpack_link(&mut self, root: Ino, dir: Ino, name: &str, to: &[u8], time: Timestamp) -> Res<()> {
        let to = std::str::from_utf8(to).map_err(|_| Errno::EINVAL)?;
        let mut at = root;
        for part in to.split('/').filter(|p| !p.is_empty() && *p != ".") {
            at = *self.fs.get(at)?.entries().ok_or(Errno::ENOTDIR)?.get(part).ok_or(Errno::ENOENT)?;
        }
        if self.fs.get(at)?.entries().is_some() {
            return Err(Errno::EPERM);
        }
        if self.fs.get(dir)?.entries().is_some_and(|e| e.contains_key(name)) {
            self.fs.remove_tree(dir, name, time)?;
        }
        self.fs.link(dir, name, at, time)
    }

    /// The directory of an entry, made where missing. Links are followed inside the layer only, never out of it.
    fn descend(&mut self, root: Ino, system: u32, parts: &[&str], time: Timestamp) -> Res<Ino> {
        let mut at = root;
        let mut todo: Vec<String> = parts.iter().rev().map(|p| (*p).to_owned()).collect();
        let mut budget = 40;
        while let Some(part) = todo.pop() {
            if part == ".." {
                at = self.fs.get(at)?.parent;
                continue;
            }
            let next = self.fs.get(at)?.entries().ok_or(Errno::ENOTDIR)?.get(&part).copied();
            let Some(next) = next else {
                let ino = self.fs.add(Inode::new(Body::Dir(BTreeMap::new()), 0o755, 0, 0, time), system);
                self.fs.link(at, &part, ino, time)?;
                at = ino;
                continue;
            };
            match &self.fs.get(next)?.body {
                Body::Dir(_) => at = next,
                Body::Link(target) => {
                    budget -= 1;
                    if budget == 0 {
                        return Err(Errno::ELOOP);
                    }
                    if target.starts_with('/') {
                        at = root;
                    }
                    todo.extend(target.split('/').filter(|p| !p.is_empty() && *p != ".").rev().map(str::to_owned));
                }
                _ => return Err(Errno::ENOTDIR),
            }
        }
        Ok(at)
    }
}

/// A name's parts as text, which is all that this file system keeps.
fn words<'a>(parts: &[&'a [u8]]) -> Res<Vec<&'a str>> {
    if parts.iter().any(|part| part.len() > NAME_MAX) {
        return Err(Errno::ENAMETOOLONG);
    }
    parts.iter().map(|part| std::str::from_utf8(part).map_err(|_| Errno::EINVAL)).collect()
}

/// The attributes of an entry that are set on its file.
fn kept(entry: &Entry) -> BTreeMap<String, Vec<u8>> {
    entry.xattrs.iter().filter(|(name, _)| layer::keeps_xattr(name.as_bytes())).map(|(n, v)| (n.clone(), v.clone())).collect()
}
