//! What the disk has not been told to keep yet: what a power cut may take back.
//!
//! As a journalling file system with delayed allocation promises, and no more (ext4 with `data=ordered`, fsync(2), syncfs(2)):
//! changes of names reach the disk in the order they were made, all that came before a synced one with it; after a cut some
//! number of the last ones is gone. The bytes of a file reach the disk when they are synced; before that a file that has its name
//! may have all, a part, or none of them.

use super::{Body, Ino, Inode, SbId, Vfs};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use std::collections::BTreeMap;

/// A change of a directory that is not on the disk yet.
#[derive(Clone, Debug)]
enum Renamed {
    /// A name was given.
    Linked { dir: Ino, name: String },
    /// A name was taken, from an inode that was this.
    Unlinked { dir: Ino, name: String, ino: Ino, was: Box<Inode> },
}

/// What is not on the disk yet.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// The disk, if anybody keeps account.
    pub disk: Option<SbId>,
    names: Vec<Renamed>,
    /// Files whose bytes are not on the disk yet, and those they had when they were.
    bytes: BTreeMap<Ino, Vec<u8>>,
}

impl Journal {
    /// How many changes a cut might take back.
    pub fn unsynced(&self) -> usize {
        self.names.len() + self.bytes.len()
    }
}

impl Vfs {
    fn on_disk(&self, ino: Ino) -> bool {
        self.journal.disk.is_some_and(|disk| self.get(ino).is_ok_and(|inode| inode.system == disk))
    }

    /// A name was given to an inode.
    pub(super) fn note_linked(&mut self, dir: Ino, name: &str, ino: Ino) {
        if !self.on_disk(dir) {
            return;
        }
        self.journal.names.push(Renamed::Linked { dir, name: name.to_owned() });
        // A file that comes with its content has been written just now.
        if let Ok(Inode { body: Body::File(bytes), nlink: 1, .. }) = self.get(ino)
            && !bytes.is_empty()
        {
            self.journal.bytes.entry(ino).or_default();
        }
    }

    /// A name is about to be taken from an inode.
    pub(super) fn note_unlinking(&mut self, dir: Ino, name: &str, ino: Ino) {
        if !self.on_disk(dir) {
            return;
        }
        if let Ok(inode) = self.get(ino) {
            let was = Box::new(inode.clone());
            self.journal.names.push(Renamed::Unlinked { dir, name: name.to_owned(), ino, was });
        }
    }

    /// The bytes of a file are about to change.
    pub(super) fn note_writing(&mut self, ino: Ino) {
        if self.on_disk(ino)
            && !self.journal.bytes.contains_key(&ino)
            && let Ok(Inode { body: Body::File(bytes), .. }) = self.get(ino)
        {
            let bytes = bytes.clone();
            self.journal.bytes.insert(ino, bytes);
        }
    }

    /// fsync(2) of a file or directory: it and every change of a name before are on the disk.
    pub fn sync(&mut self, ino: Ino) {
        self.journal.names.clear();
        self.journal.bytes.remove(&ino);
    }

    /// syncfs(2) of the disk: everything is on it.
    pub fn sync_all(&mut self) {
        self.journal.names.clear();
        self.journal.bytes.clear();
    }

    /// The power goes: takes back what chance says was not on the disk yet.
    pub fn cut(&mut self, rng: &mut ChaCha8Rng) {
        let mut names = std::mem::take(&mut self.journal.names);
        let bytes = std::mem::take(&mut self.journal.bytes);
        let kept = below(rng, names.len() + 1);
        for change in names.drain(kept..).rev() {
            match change {
                Renamed::Linked { dir, name } => self.forget_name(dir, &name),
                Renamed::Unlinked { dir, name, ino, was } => self.restore_name(dir, name, ino, *was),
            }
        }
        for (ino, before) in bytes {
            let Ok(inode) = self.get_mut(ino) else { continue };
            let Body::File(now) = &mut inode.body else { continue };
            match below(rng, 4) {
                0 => *now = before,
                1 => now.clear(),
                2 => now.truncate(below(rng, now.len() + 1)),
                _ => {}
            }
        }
    }

    fn forget_name(&mut self, dir: Ino, name: &str) {
        let Ok(Inode { body: Body::Dir(entries), .. }) = self.get_mut(dir) else { return };
        let Some(ino) = entries.remove(name) else { return };
        let is_dir = self.get(ino).is_ok_and(|i| i.entries().is_some());
        if is_dir && let Ok(parent) = self.get_mut(dir) {
            parent.nlink = parent.nlink.saturating_sub(1);
        }
        if let Ok(inode) = self.get_mut(ino) {
            inode.opens = 0;
            inode.nlink = inode.nlink.saturating_sub(if is_dir { 2 } else { 1 });
        }
        self.reap(ino);
    }

    fn restore_name(&mut self, dir: Ino, name: String, ino: Ino, was: Inode) {
        let is_dir = was.entries().is_some();
        match self.get_mut(ino) {
            // It has other names, or was renamed.
            Ok(inode) => {
                inode.nlink += if is_dir { 2 } else { 1 };
                (inode.parent, inode.name) = (dir, name.clone());
            }
            Err(_) => {
                let (system, size) = (was.system, was.size());
                if let Some(slot) = self.inodes.get_mut(ino as usize) {
                    *slot = Some(Box::new(Inode { opens: 0, ..was }));
                }
                self.charge(system, 0, size);
            }
        }
        let Ok(parent) = self.get_mut(dir) else { return };
        parent.nlink += u32::from(is_dir);
        if let Body::Dir(entries) = &mut parent.body {
            entries.insert(name, ino);
        }
    }
}

/// A number below this one, by chance.
fn below(rng: &mut ChaCha8Rng, end: usize) -> usize {
    usize::try_from(rng.next_u64() % (end.max(1) as u64)).unwrap_or(0)
}
