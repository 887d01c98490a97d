//! The real Linux kernel as Drydock's kernel seam: namespaces, control groups, overlayfs, veth, nftables.
//!
//! [`LinuxKernel`] carries out what `core` has planned, and decides nothing. Its parts:
//!
//! - [`host`]: steps that change the host itself (files, control groups, links, packet filter), and questions about it;
//! - [`process`]: making a process in its namespaces, and everything that happens inside it before its program runs;
//! - [`supervisor`]: the process that stays with a container, and the clients that talk to it.
//!
//! Needs Linux 5.12 or newer (clone3, openat2, mount_setattr). All `unsafe` of the workspace is in this crate.

pub mod cgroup;
pub mod clock;
mod decompress;
mod devices;
mod error;
mod facts;
mod files;
mod firewall;
pub mod host;
mod ingest;
mod kernel;
pub mod layer;
mod link;
mod lock;
pub mod memory;
mod observe;
mod open;
mod pipe;
pub mod process;
pub mod proxy;
mod registry;
mod resolver;
mod small;
pub mod store;
pub mod supervisor;
pub mod tree;
mod tree_size;
pub mod unread;
mod volume;
mod volume_mount;

pub use clock::SystemClock;
pub use kernel::LinuxKernel;
pub use open::{PROXY, SUPERVISE, facts, open, open_as_found, open_reaching, open_to_start, own_command};
pub use registry::Network;
pub use store::SqliteStore;
