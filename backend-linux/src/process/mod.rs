//! Processes: how one is made in its namespaces, and how one is watched, signalled and ended.

mod channel;
mod child;
mod children;
mod clone;
mod identity;
mod inside;
mod launch;
pub mod live;
mod report;
pub mod start;
mod streams;
mod user;

pub(crate) use channel::pair;
pub use children::Children;
pub use identity::{alive, signal};
pub use inside::{clone_tree, layers, make_private, make_read_only, mounting, open_below, open_root, read_only};
pub use launch::Child;
pub use streams::Ends;
