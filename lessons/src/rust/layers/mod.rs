//! The third Rust lab: a root file system from layers.

pub mod lab;
pub mod words;
