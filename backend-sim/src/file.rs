//! Open files: what descriptors stand for (open(2), "open file description").

use crate::process::sched::Wait;
use crate::vfs::{Ino, Loc, MountId, Node};
use crate::world::World;

/// What an open file leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A regular file of a disk, tmpfs or overlay.
    File,
    /// A directory.
    Dir,
    /// A file whose content is computed: what was there when it was opened.
    Computed(Vec<u8>),
    /// An end of a pipe.
    Pipe {
        /// Which.
        id: u32,
        /// This end reads.
        read: bool,
        /// This end writes.
        write: bool,
    },
    /// The slave of a terminal.
    Tty(u32),
    /// The master of a terminal.
    Master(u32),
    /// A socket.
    Socket(u32),
    /// A device of memory: its major and minor number.
    Device(u32, u32),
}

/// An open file.
#[derive(Clone, Debug)]
pub struct OpenFile {
    /// What it leads to.
    pub target: Target,
    /// Where it was opened; pipes and sockets are nowhere.
    pub place: Option<Loc>,
    /// Position.
    pub offset: u64,
    /// Opened for reading.
    pub read: bool,
    /// Opened for writing.
    pub write: bool,
    /// O_APPEND
    pub append: bool,
    /// O_NONBLOCK
    pub nonblock: bool,
    /// Descriptors that stand for it.
    pub uses: u32,
    /// The inode held open.
    pub holds: Option<Ino>,
}

impl OpenFile {
    /// An open file without a place.
    pub fn nowhere(target: Target, read: bool, write: bool) -> Self {
        Self { target, place: None, offset: 0, read, write, append: false, nonblock: false, uses: 1, holds: None }
    }

    /// The mount it keeps busy.
    pub fn mount(&self) -> Option<MountId> {
        self.place.map(|p| p.mount)
    }
}

impl World {
    /// Puts an open file into the table, with the counts of what it leads to.
    pub fn add_file(&mut self, mut file: OpenFile) -> u32 {
        match file.target {
            Target::Pipe { id, read, write } => {
                if let Some(pipe) = self.pipes.get_mut(&id) {
                    pipe.readers += u32::from(read);
                    pipe.writers += u32::from(write);
                }
            }
            Target::Tty(id) => {
                if let Some(tty) = self.ttys.get_mut(&id) {
                    tty.slaves += 1;
                    tty.opened = true;
                }
            }
            _ => {}
        }
        if let Some(Loc { node: Node::Plain(_) | Node::Over(..), .. }) = file.place {
            file.holds = file.place.and_then(|p| self.backing(p.node).ok());
            if let Some(inode) = file.holds.and_then(|ino| self.fs.get_mut(ino).ok()) {
                inode.opens += 1;
            }
        }
        let id = self.next_file;
        self.next_file += 1;
        self.files.insert(id, file);
        id
    }

    /// One descriptor less stands for an open file; with the last one it is gone.
    pub fn close_file(&mut self, id: u32) {
        let Some(file) = self.files.get_mut(&id) else { return };
        file.uses = file.uses.saturating_sub(1);
        if file.uses > 0 {
            return;
        }
        let Some(file) = self.files.remove(&id) else { return };
        if let Some(ino) = file.holds {
            if let Ok(inode) = self.fs.get_mut(ino) {
                inode.opens = inode.opens.saturating_sub(1);
            }
            self.fs.reap(ino);
        }
        match file.target {
            Target::Pipe { id, read, write } => {
                if let Some(pipe) = self.pipes.get_mut(&id) {
                    pipe.readers -= u32::from(read);
                    pipe.writers -= u32::from(write);
                }
                self.pipe_changed(id);
                if let Some(ino) = file.holds {
                    self.fifo_closed(ino, id);
                }
            }
            Target::Tty(id) => {
                if let Some(tty) = self.ttys.get_mut(&id) {
                    tty.slaves -= 1;
                }
                self.wake(Wait::Tty(id));
                self.stir_tty(id);
                self.tty_forget(id);
            }
            Target::Master(id) => {
                if let Some(tty) = self.ttys.get_mut(&id) {
                    tty.master = false;
                }
                self.hang_up(id);
                self.tty_forget(id);
            }
            Target::Socket(id) => self.socket_closed(id),
            _ => {}
        }
    }

    /// A terminal goes when nobody has either end.
    pub fn tty_forget(&mut self, id: u32) {
        if self.ttys.get(&id).is_some_and(|t| t.slaves == 0 && !t.master) {
            let tty = self.ttys.remove(&id);
            let root = tty.as_ref().and_then(|t| self.fs.systems.get(&t.system)).map(|fs| fs.root);
            if let (Some(tty), Some(crate::vfs::Node::Plain(root))) = (tty, root) {
                let now = self.timestamp();
                // The file system may have gone with its mount namespace.
                let _ = self.fs.unlink(root, &tty.number.to_string(), now);
            }
        }
    }

    /// A named pipe forgets its pipe when nobody has it open.
    fn fifo_closed(&mut self, ino: Ino, id: u32) {
        if !self.pipes.contains_key(&id)
            && let Ok(inode) = self.fs.get_mut(ino)
            && let crate::vfs::Body::Fifo(pipe) = &mut inode.body
        {
            *pipe = None;
        }
    }
}
