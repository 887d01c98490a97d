//! Supervision: what the parent of a container decides, as a pure machine, and what carries its decisions out.
//!
//! A driver — a small process on Linux, an actor in the simulator — owns the streams, the exit and the timers of one container,
//! tells [`Supervisor`] what happened as an [`Event`], and does what the [`Reaction`] says.

mod late;
mod machine;
mod prober;
mod supervisor;

pub use machine::{FIRST_PAUSE, Input, LONGEST_PAUSE, Machine, Output, SETTLED};
pub use prober::{News, Prober, Task};
pub use supervisor::Supervisor;

use crate::container::log::Sink;
use crate::error::Result;
use crate::kernel::{Exit, Process, Request};
use crate::time::Moment;

/// Something that happened to a supervised container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody asked for something.
    Request(Request),
    /// The process that the last reaction named has ended, and its streams are drained.
    Exited(Exit),
    /// The probe that a reaction named has ended.
    Probed {
        /// With this exit code.
        code: i32,
        /// What it wrote, at least the first [`crate::container::health::KEPT_OUTPUT`] bytes and one more.
        output: Vec<u8>,
    },
    /// A program that a reaction named as another of the container's has ended.
    ExecEnded {
        /// Its id.
        exec: String,
        /// Its exit code.
        code: i32,
    },
    /// The moment that the last reaction named has come.
    Timer,
    /// Nobody asked for a start, and nobody will.
    Abandoned,
}

/// What a driver needs to know of its container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Standard input ends when the first client that sends any does.
    pub stdin_once: bool,
    /// Where output goes besides to clients.
    pub log: Sink,
}

/// What a driver does about an event.
#[derive(Debug, Default)]
pub struct Reaction {
    /// The answer to a request.
    pub reply: Option<Result<()>>,
    /// A process that has just been started: watch its exit and serve its streams from now on.
    pub watch: Option<Process>,
    /// A probe that has just been started in the container: collect what it writes and watch its exit. One that still runs when the
    /// container ends is forgotten.
    pub probe: Option<Process>,
    /// A further program that has just been started in the container, by its id: watch its exit. Whoever asked for it gets its streams.
    pub exec: Option<(String, Process)>,
    /// When to send [`Event::Timer`]; replaces the one set before, `None` clears it.
    pub timer: Option<Moment>,
    /// The supervisor's work is done.
    pub finished: bool,
}
