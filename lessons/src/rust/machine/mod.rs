//! The first Rust lab: the life-cycle machine.

pub mod lab;
pub mod words;
