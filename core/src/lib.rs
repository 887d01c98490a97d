//! What containers mean: the engine, the host seam, the kernel seam and the plans between them.
//!
//! Each truth about containers is written once, here. Three floors, three seams:
//!
//! - [`engine`]: what a user of containers can ask for, as one object-safe trait, and [`engine::LocalEngine`], its
//!   implementation over a host.
//! - [`host`]: what containers, images, networks and limits mean, as four small traits. [`plan::Planner`] implements them.
//! - [`kernel`]: the steps a kernel carries out, and the [`kernel::Kernel`] trait that carries them out.
//!
//! Invariants of this crate, held by lints and by tests:
//!
//! - It performs no input or output, reads no clock, starts no thread and draws no randomness of its own.
//! - It depends on no crate of ours and on none that needs an operating system; it builds for wasm32.
//! - It never iterates a hash map: every order that can be observed is a sorted one.

#![forbid(unsafe_code)]

pub mod build;
pub mod container;
pub mod docker;
pub mod engine;
pub mod error;
pub mod host;
pub mod id;
pub mod image;
pub mod io;
pub mod kernel;
pub mod limits;
pub mod network;
pub mod observe;
pub mod plan;
pub mod registry;
pub mod store;
pub mod supervise;
pub mod time;

pub use error::{Error, ErrorKind, Result};
