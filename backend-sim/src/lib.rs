//! A Linux kernel for containers, simulated in memory.
//!
//! It keeps real state, refuses what Linux refuses, and answers "not modelled" rather than pretend. Time is virtual, and one
//! seed gives one history, byte for byte, on every platform. It has no thread, reads no clock and depends on no operating
//! system; it builds for wasm32.
//!
//! - [`host::SimHost`]: a machine with a disk, a store, a clock and Drydock's processes.
//! - [`kernel::SimKernel`]: the kernel seam of `core` over it.
//! - [`sys::Sys`]: the system calls of one simulated process; [`programs`] are written against it.
//! - [`world::World`]: everything the kernel holds, by its parts: processes, file systems, networks, control groups.

#![forbid(unsafe_code)]

pub mod cgroup;
pub mod clock;
mod command;
mod copy;
mod disk;
mod exec;
pub mod fault;
pub mod file;
pub mod gaps;
pub mod host;
pub mod image;
pub mod kernel;
mod log;
mod motion;
pub mod net;
pub mod process;
pub mod programs;
pub mod registry;
pub mod store;
mod streams;
mod supervisor;
pub mod sys;
pub mod trace;
pub mod vfs;
pub mod world;

pub use command::Ran;
pub use fault::Fault;
pub use host::SimHost;
pub use world::SimConfig;
