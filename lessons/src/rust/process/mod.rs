//! The second Rust lab: a process in namespaces, with a root of its own.

pub mod lab;
pub mod words;
