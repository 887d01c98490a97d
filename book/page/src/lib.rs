//! The module that a page of the book can load: a console at a simulated world, behind one door.
//!
//! [`call`] takes a request and gives an answer, both JSON. In WebAssembly the door is three functions, without a generator and without
//! a line of unsafe code: `drydock_input(length)` answers where to write that many bytes of a request, `drydock_call()` does it and answers
//! where its answer is, and `drydock_length()` how long that is.

mod door;
mod request;

pub use drydock::world::page::{Said, Session};
pub use request::call;
