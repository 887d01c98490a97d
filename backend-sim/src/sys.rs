//! The system calls of one simulated process: what programs are written against.
//!
//! A [`Sys`] is one process's view of the simulated kernel. Names follow Linux's; answers are Linux's error numbers. Calls
//! that may wait are `async` and are awaited by the process's own future, one at a time or joined. What the simulator does
//! not model is said with [`Sys::not_modelled`], never pretended.

mod admin;
mod block;
mod errno;
mod ext;
mod files;
mod names;
mod net;
mod open;
mod process;
mod signals;
mod time;
mod types;

pub use errno::{Errno, Res};
pub use types::*;

use crate::programs::Running;
use crate::world::{Shared, World};
use drydock_core::kernel::{NamespaceKind, Signal};
use drydock_core::time::{Moment, Timestamp};
use ipnet::IpNet;
use std::net::IpAddr;
use std::time::Duration;

/// The system calls of one process. Cheap to clone; every clone is the same process.
#[derive(Clone)]
pub struct Sys {
    shared: Shared,
    pid: u32,
}

impl Sys {
    /// The system calls of a process, by its host pid.
    pub(crate) fn new(shared: Shared, pid: u32) -> Self {
        Self { shared, pid }
    }

    /// Writes a call into the trace.
    fn note(&self, call: impl FnOnce() -> String) {
        self.with(|w| w.trace.note(w.now, || format!("call pid={} {}", self.pid, call())));
    }

    /// The error that this call is to fail with, if one was asked for.
    fn struck(&self, call: &str) -> Res<()> {
        let errno = self.with(|w| if w.faults.watching() { w.faults.strike_call(call) } else { None });
        errno.map_or(Ok(()), Err)
    }

    /// Looks into the kernel, for a moment and without waiting.
    fn with<T>(&self, call: impl FnOnce(&mut World) -> T) -> T {
        call(&mut self.shared.lock())
    }
}
