//! The system calls of one simulated process: what programs are written against.
//!
//! A [`Sys`] is one process's view of the simulated kernel. Names follow Linux's; answers are Linux's error numbers. Calls
//! that may wait are `async` and are awaited by the process's own future, one at a time or joined. What the simulator does
//! not model is said with [`Sys::not_modelled`], never pretended.

mod admin;
mod errno;
mod ext;
mod files;
mod net;
mod process;
mod types;

pub use errno::{Errno, Res};
pub use types::*;

use crate::programs::Running;
use drydock_core::kernel::{NamespaceKind, Signal};
use drydock_core::time::Timestamp;
use ipnet::IpNet;
use std::net::IpAddr;
use std::time::Duration;

/// The system calls of one process. Cheap to clone; every clone is the same process.
#[derive(Clone)]
pub struct Sys {}
