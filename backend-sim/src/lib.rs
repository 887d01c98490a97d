//! A Linux kernel for containers, simulated in memory.
//!
//! It keeps real state, refuses what Linux refuses, and answers "not modelled" rather than pretend. Time is virtual, and one
//! seed gives one history, byte for byte, on every platform. It has no thread, reads no clock and depends on no operating
//! system; it builds for wasm32.

#![forbid(unsafe_code)]

pub mod programs;
pub mod sys;
