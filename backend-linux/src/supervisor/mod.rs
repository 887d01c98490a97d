//! Supervision on Linux: one small process a container, its parent, and the clients that talk to it.
//!
//! The supervisor's decisions are core's; here is what carries them out. It owns the container's streams and log, watches its
//! exit, and serves any number of clients over a Unix socket. Clients that read slowly hold the container back, as a pipe
//! would, but only so long: see [`guest`].

mod ahead;
mod client;
mod container;
mod driver;
mod exec;
mod forward;
mod guest;
mod inner;
mod log;
mod probe;
mod spawn;
mod trim;
pub mod wire;

pub use ahead::{UNKNOWN, told};
pub use client::{attach, request, wait};
pub use driver::{Mind, enter, inherited, main};
pub use drydock_core::supervise::Settings;
pub use exec::attach_exec;
pub use spawn::{Spawned, close_inherited};

use drydock_core::id::ContainerId;
use std::time::Duration;

/// How long to sleep between two looks at a lock that will be free in a moment.
const GLANCE: Duration = Duration::from_micros(200);

/// The lock that a supervisor holds all its life.
pub fn lock_name(id: &ContainerId) -> String {
    format!("supervisor-{id}")
}
