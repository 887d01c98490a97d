//! The environment of a real process.

mod environment;
mod keychain;
mod signals;
mod sink;
mod streams;
mod terminal;

pub use environment::{Native, Opener};
pub use terminal::restore_on_panic;
