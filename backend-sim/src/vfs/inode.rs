//! Inodes of the arena (inode(7)).

use super::{Node, SbId, Vfs};
use crate::sys::{Errno, FileType, Res};
use drydock_core::time::Timestamp;
use std::collections::BTreeMap;

/// Number of an inode.
pub type Ino = u32;

/// What an inode holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Bytes.
    File(Vec<u8>),
    /// Names.
    Dir(BTreeMap<String, Ino>),
    /// Where a symbolic link leads.
    Link(String),
    /// A character device.
    Char,
    /// A block device.
    Block,
    /// A named pipe, with its pipe while somebody has it open.
    Fifo(Option<u32>),
    /// A Unix socket's name, with its socket while that lives.
    Socket(Option<u32>),
}

/// An inode.
#[derive(Clone, Debug)]
pub struct Inode {
    /// What it holds.
    pub body: Body,
    /// Permission bits with set-id and sticky bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device numbers.
    pub rdev: (u32, u32),
    /// Names it has.
    pub nlink: u32,
    /// Open files that use it.
    pub opens: u32,
    /// Last read, last change of content, last change of the inode.
    pub times: [Timestamp; 3],
    /// The overlay attribute `trusted.overlay.opaque`: nothing below shines through.
    pub opaque: bool,
    /// Attributes that a layer brought (xattr(7)); programs do not see them.
    pub xattrs: BTreeMap<String, Vec<u8>>,
    /// Its file system.
    pub system: SbId,
    /// A directory that names it (the last one, for a file with several names).
    pub parent: Ino,
    /// Its name there.
    pub name: String,
}

impl Inode {
    /// A new inode that nothing names yet.
    pub fn new(body: Body, mode: u32, uid: u32, gid: u32, now: Timestamp) -> Self {
        let nlink = u32::from(matches!(body, Body::Dir(_)));
        Self {
            body,
            mode,
            uid,
            gid,
            rdev: (0, 0),
            nlink,
            opens: 0,
            times: [now; 3],
            opaque: false,
            xattrs: BTreeMap::new(),
            system: 0,
            parent: 0,
            name: String::new(),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> FileType {
        match self.body {
            Body::File(_) => FileType::Regular,
            Body::Dir(_) => FileType::Directory,
            Body::Link(_) => FileType::Symlink,
            Body::Char => FileType::Char,
            Body::Block => FileType::Block,
            Body::Fifo(_) => FileType::Fifo,
            Body::Socket(_) => FileType::Socket,
        }
    }

    /// Bytes it shows as its size.
    pub fn size(&self) -> u64 {
        match &self.body {
            Body::File(bytes) => bytes.len() as u64,
            Body::Link(target) => target.len() as u64,
            Body::Dir(_) => 4096,
            _ => 0,
        }
    }

    /// Whether overlayfs takes it for "removed here": a character device 0:0.
    pub fn is_whiteout(&self) -> bool {
        matches!(self.body, Body::Char) && self.rdev == (0, 0)
    }

    /// Its names, if it is a directory.
    pub fn entries(&self) -> Option<&BTreeMap<String, Ino>> {
        match &self.body {
            Body::Dir(entries) => Some(entries),
            _ => None,
        }
    }
}

impl Vfs {
    /// Puts an inode into the arena.
    pub fn add(&mut self, inode: Inode, system: SbId) -> Ino {
        let number = u32::try_from(self.inodes.len()).unwrap_or(u32::MAX);
        self.inodes.push(Some(Box::new(Inode { system, ..inode })));
        number
    }

    /// An inode that is there.
    pub fn get(&self, ino: Ino) -> Res<&Inode> {
        self.inodes.get(ino as usize).and_then(Option::as_deref).ok_or(Errno::ENOENT)
    }

    /// An inode that is there, to change.
    pub fn get_mut(&mut self, ino: Ino) -> Res<&mut Inode> {
        self.inodes.get_mut(ino as usize).and_then(Option::as_deref_mut).ok_or(Errno::ENOENT)
    }

    /// Names an inode in a directory of the arena. The name must be free.
    pub fn link(&mut self, dir: Ino, name: &str, ino: Ino, now: Timestamp) -> Res<()> {
        let is_dir = matches!(self.get(ino)?.body, Body::Dir(_));
        let parent = self.get_mut(dir)?;
        parent.times[1] = now;
        parent.times[2] = now;
        parent.nlink += u32::from(is_dir);
        match &mut parent.body {
            Body::Dir(entries) => entries.insert(name.to_owned(), ino),
            _ => return Err(Errno::ENOTDIR),
        };
        let child = self.get_mut(ino)?;
        child.nlink += 1;
        child.parent = dir;
        child.name = name.to_owned();
        self.note_linked(dir, name, ino);
        Ok(())
    }

    /// Takes a name away. The inode goes with its last name, unless it is open.
    pub fn unlink(&mut self, dir: Ino, name: &str, now: Timestamp) -> Res<()> {
        let ino = *self.get(dir)?.entries().ok_or(Errno::ENOTDIR)?.get(name).ok_or(Errno::ENOENT)?;
        self.note_unlinking(dir, name, ino);
        let parent = self.get_mut(dir)?;
        if let Body::Dir(entries) = &mut parent.body {
            entries.remove(name);
        }
        parent.times[1] = now;
        parent.times[2] = now;
        let child = self.get_mut(ino)?;
        let is_dir = matches!(child.body, Body::Dir(_));
        child.nlink = child.nlink.saturating_sub(if is_dir { 2 } else { 1 });
        child.times[2] = now;
        if is_dir {
            self.get_mut(dir)?.nlink -= 1;
        }
        self.reap(ino);
        Ok(())
    }

    /// Frees an inode that nothing names, nobody has open and no mount begins at.
    pub fn reap(&mut self, ino: Ino) {
        let Ok(inode) = self.get(ino) else { return };
        if inode.nlink == 0 && inode.opens == 0 && !self.mounts.values().any(|mount| mount.root == Node::Plain(ino)) {
            let (system, size) = (inode.system, inode.size());
            self.charge(system, size, 0);
            if let Some(slot) = self.inodes.get_mut(ino as usize) {
                *slot = None;
            }
        }
    }

    /// Removes a tree of the arena, named `name` in `dir`.
    pub fn remove_tree(&mut self, dir: Ino, name: &str, now: Timestamp) -> Res<()> {
        let ino = *self.get(dir)?.entries().ok_or(Errno::ENOTDIR)?.get(name).ok_or(Errno::ENOENT)?;
        self.clear(ino, now)?;
        self.unlink(dir, name, now)
    }

    /// Empties a directory of the arena with everything below; anything else is left as it is.
    pub fn clear(&mut self, ino: Ino, now: Timestamp) -> Res<()> {
        let names: Vec<String> = self.get(ino)?.entries().map(|e| e.keys().cloned().collect()).unwrap_or_default();
        names.iter().try_for_each(|name| self.remove_tree(ino, name, now))
    }

    /// Accounts for a change of size in a file system.
    pub fn charge(&mut self, system: SbId, before: u64, after: u64) {
        if let Some(fs) = self.systems.get_mut(&system) {
            fs.used = fs.used.saturating_sub(before).saturating_add(after);
        }
    }

    /// Whether a file system can hold so many more bytes.
    pub fn room(&self, system: SbId, more: u64) -> Res<()> {
        match self.systems.get(&system) {
            Some(fs) if fs.used.saturating_add(more) > fs.limit => Err(Errno::ENOSPC),
            _ => Ok(()),
        }
    }
}
