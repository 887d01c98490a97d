//! File trees of the host that are not the host's own: layers, containers' roots. One way in for everything that looks at them,
//! copies out of them and copies into them.
//!
//! No path given to a tree leads out of it, whatever links are in it and whoever changes them meanwhile.

use super::Process;
use crate::error::Result;
use crate::image::tar::Kind;
use std::collections::BTreeMap;
use std::io::Read;

/// Which tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// One directory of the host as it lies there: a layer, a container's writable directory.
    Directory {
        /// Its path.
        path: String,
    },
    /// A container's root without the container: its layers stacked as overlayfs shows them.
    Stack {
        /// From top to bottom.
        lower: Vec<String>,
        /// The writable directory and overlayfs's work directory; without them the tree cannot be written.
        upper: Option<(String, String)>,
        /// What is mounted in it, in this order.
        binds: Vec<Binding>,
    },
    /// What a running process has as its root, with everything that is mounted in it.
    Process {
        /// The process.
        process: Process,
    },
}

/// Something of the host that is seen in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// A path of the host.
    pub source: String,
    /// The path in the tree.
    pub target: String,
    /// Cannot be written.
    pub read_only: bool,
}

/// One file, directory or link, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name in its directory; empty for the top of a tree.
    pub name: Vec<u8>,
    /// What it is; `None` for a socket, which no archive can hold. Never [`Kind::HardLink`].
    pub kind: Option<Kind>,
    /// Bytes of content.
    pub size: u64,
    /// Permission bits with set-id and sticky bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time: seconds since 1970 and nanoseconds.
    pub mtime: (i64, u32),
    /// Extended attributes that an archive keeps ([`crate::image::layer::keeps_xattr`]).
    pub xattrs: BTreeMap<String, Vec<u8>>,
    /// What is one file: its file system and its number there.
    pub inode: (u64, u64),
    /// How many names it has.
    pub links: u64,
    /// overlayfs's mark: nothing below this directory shines through.
    pub opaque: bool,
}

impl Found {
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind == Some(Kind::Directory)
    }

    /// Whether overlayfs takes it for "removed here".
    pub fn is_whiteout(&self) -> bool {
        self.kind == Some(Kind::CharDevice(0, 0))
    }
}

/// How an archive is put into a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extract {
    /// Refuse to put a directory in the place of something else, or something else in the place of a directory.
    pub keep_kinds: bool,
    /// Everything belongs to this user and group, whatever the archive says.
    pub owner: Option<(u32, u32)>,
}

/// A tree that is open. Paths are relative to its top; the empty one is the top itself.
pub trait OpenTree {
    /// What is at a path, no link of which is followed; `None` if there is nothing, or if a part of the path is no directory.
    fn look(&mut self, path: &[u8]) -> Result<Option<Found>>;
    /// What is in a directory, sorted by name. No link is followed.
    fn list(&mut self, path: &[u8]) -> Result<Vec<Found>>;
    /// The content of a regular file. No link is followed.
    fn read(&mut self, path: &[u8]) -> Result<Box<dyn Read>>;
    /// The tree whose top is what a path leads to. Links on the way lead where they lead a process with this root; the last one is
    /// followed only if asked.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`]: nothing is there, or a part of the path is no directory.
    fn below(&mut self, path: &str, follow: bool) -> Result<Box<dyn OpenTree>>;
    /// Puts the entries of a tar archive into the directory at the top, which stays open to whoever else uses it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidInput`]: the archive is malformed, or an entry is refused. What came before it stays.
    fn extract(&mut self, archive: &mut dyn Read, how: &Extract) -> Result<()>;
}
