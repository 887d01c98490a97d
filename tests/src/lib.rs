//! The conformance suite: what a container engine must do, as values that can be run against any engine.
//!
//! A [`Clause`] is one sentence of the law with its stable id, where it stands, what it needs, and a function that checks it. A
//! [`Target`] is something that clauses are run against: the simulator, this machine. [`run()`] runs the clauses against a target,
//! compares what the host holds before and after each one, and gives a [`Report`], which is printed for people or machines.
//!
//! Invariants, held by `tests/`:
//!
//! - One table ([`clauses::all`]) is all there is. Ids are unique, sorted within their file, and never used again.
//! - The same function judges every target. A clause asks nobody which target it runs on.
//! - A clause cannot skip itself: what it needs is data, looked at before it runs. What a target does not declare is asked for
//!   all the same, and must be refused with [`drydock_core::ErrorKind::Unsupported`] and change nothing.
//! - A known failure stands in the divergence register, where it must fail.

#![forbid(unsafe_code)]

pub mod ask;
pub mod clause;
pub mod clauses;
pub mod command;
pub mod differences;
pub mod divergence;
pub mod fixture;
pub mod learner;
pub mod lockstep;
pub mod outcome;
pub mod refusal;
pub mod registry;
pub mod report;
pub mod residue;
pub mod rows;
pub mod run;
pub mod script;
pub mod target;
pub mod world;
pub mod wrapped;

pub use clause::{Area, Clause, Level};
pub use outcome::{Checked, Failed, Output};
pub use report::{Report, Verdict};
pub use run::{Options, run};
pub use target::{Subject, Target};
pub use world::World;
