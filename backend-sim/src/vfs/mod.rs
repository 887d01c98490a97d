//! The file system tree: inodes, file systems, mounts, and the walk from a path to a place.
//!
//! Everything a path can lead to is a [`Node`]. Plain nodes live in one arena of [`Inode`]s, whatever file system they belong
//! to (the disk, tmpfs, devpts, sysfs); overlay nodes stand for one or several plain ones; nodes of proc and of control groups
//! are computed.

pub mod cgroupfs;
pub mod inode;
pub mod journal;
pub mod make;
pub mod mount;
pub mod ops;
pub mod overlay;
pub mod perm;
pub mod proc;
pub mod procfiles;
pub mod sysnet;
pub mod tree;
pub mod walk;

pub use inode::{Body, Ino, Inode};
pub use mount::{Mount, MountId};
pub use perm::cap;
pub use walk::{Ctx, Loc};

use crate::vfs::cgroupfs::CgNode;
use crate::vfs::overlay::Overlay;
use crate::vfs::proc::ProcNode;
use crate::vfs::sysnet::NetNode;
use std::collections::BTreeMap;

/// Number of a file system instance.
pub type SbId = u32;

/// Anything a path can lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// An inode of the arena.
    Plain(Ino),
    /// A node of an overlay.
    Over(SbId, u32),
    /// A node of a proc file system.
    Proc(SbId, ProcNode),
    /// A node of a control group file system.
    Cgroup(SbId, CgNode),
    /// A node of /sys/class/net.
    Net(NetNode),
}

/// One file system instance.
#[derive(Clone, Debug)]
pub struct FileSystem {
    /// `ext4`, `tmpfs`, `overlay`, `proc`, `sysfs`, `cgroup`, `cgroup2`, `devpts`, `mqueue`.
    pub kind: String,
    /// Where its tree begins.
    pub root: Node,
    /// The whole instance is read-only.
    pub read_only: bool,
    /// Options as mountinfo shows them.
    pub options: String,
    /// How many bytes it can hold; `u64::MAX` where nobody counts.
    pub limit: u64,
    /// How many it holds.
    pub used: u64,
    /// Mounts of it; the instance goes with the last one.
    pub mounts: u32,
    /// The layers of an overlay.
    pub overlay: Option<Overlay>,
    /// The pid namespace of a proc.
    pub pid_ns: u32,
    /// Lives as long as the kernel, mounted or not.
    pub permanent: bool,
}

/// All file systems.
#[derive(Clone, Debug, Default)]
pub struct Vfs {
    /// Inodes by number. Numbers are never used twice, so that a stale one finds nothing rather than another file.
    pub inodes: Vec<Option<Box<Inode>>>,
    /// File systems by number.
    pub systems: BTreeMap<SbId, FileSystem>,
    /// Mounts by number.
    pub mounts: BTreeMap<MountId, Mount>,
    /// The mount on top of a place.
    pub on: BTreeMap<(MountId, Node), MountId>,
    /// How many mounts stand on each node, in whatever mount.
    pub points: BTreeMap<Node, u32>,
    /// Mounts of each mount namespace, in the order they were made.
    pub by_ns: BTreeMap<u32, Vec<MountId>>,
    /// The next mount's number.
    pub next_mount: MountId,
    /// The next file system's number.
    pub next_system: SbId,
    /// The next peer group's number.
    pub next_group: u32,
    /// The one sysfs.
    pub sysfs: SbId,
    /// Its directory class/net, whose entries are computed.
    pub class_net: Ino,
    /// What is not on the disk yet.
    pub journal: journal::Journal,
}
