//! The simulated programs, by name.

use crate::sys::Sys;
use std::future::Future;
use std::pin::Pin;

/// What a running program is: a future that ends with its exit status.
pub type Running = Pin<Box<dyn Future<Output = i32> + Send>>;

/// A program: its process's system calls and its arguments, the first being its own name.
pub type Program = fn(Sys, Vec<String>) -> Running;

/// Every program, sorted by name.
pub fn registry() -> &'static [(&'static str, Program)] {
    &[]
}
