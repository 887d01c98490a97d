//! A strict tar reader and a small writer, over any stream: pax(5) "ustar" with PAX records and GNU long names.
//!
//! Why not the `tar` crate: it needs an operating system (file times, links), and this crate must build without one. The Linux
//! host unpacks with that crate; this one reads archives of images and serves the simulator. Both must see the same entries,
//! so wherever two readers could disagree this one refuses: bad checksums, sizes that are not numbers, PAX records
//! that do not add up, names with NUL.

mod measure;
mod reader;
pub mod sparse;
mod writer;

pub use measure::Measure;
pub use reader::{Reader, begins};
pub use writer::{Writer, heads};

use std::collections::BTreeMap;

/// Bytes in a block.
pub(crate) const BLOCK: usize = 512;

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file; its content follows.
    File,
    /// Another name of a file that came before: its path in the archive.
    HardLink(Vec<u8>),
    /// A symbolic link to this text.
    Symlink(Vec<u8>),
    /// A character device: major and minor number.
    CharDevice(u32, u32),
    /// A block device: major and minor number.
    BlockDevice(u32, u32),
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path as the archive has it, without NUL.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Bytes of content; 0 for everything but files.
    pub size: u64,
    /// Permission bits, 07777 at most.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time: seconds since 1970 and nanoseconds.
    pub mtime: (i64, u32),
    /// Extended attributes (`SCHILY.xattr.`) by name.
    pub xattrs: BTreeMap<String, Vec<u8>>,
}

impl Entry {
    /// An entry of this kind with mode 0644 or 0755, owned by root, from 1970.
    pub fn new(path: impl Into<Vec<u8>>, kind: Kind) -> Self {
        let mode = if kind == Kind::Directory { 0o755 } else { 0o644 };
        Self { path: path.into(), kind, size: 0, mode, uid: 0, gid: 0, mtime: (0, 0), xattrs: BTreeMap::new() }
    }

    /// Its path for messages.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.path).escape_debug().to_string()
    }
}

#[cfg(test)]
mod tests;
