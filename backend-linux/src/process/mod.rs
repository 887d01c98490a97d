//! Processes: how one is made in its namespaces, and how one is watched, signalled and ended.

mod identity;

pub use identity::{alive, identify, signal};
