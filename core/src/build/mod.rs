//! Building images: what a Dockerfile says and means, decided without a host.
//!
//! - [`dockerfile`]: the text, with the place of every word.
//! - [`lint`]: remarks about it.
//! - [`ignore`]: which files of a context are left out.
//! - [`stages`]: the graph of stages.
//! - [`state`]: the configuration that a stage comes to.
//! - [`context`], [`select`]: the files of COPY and ADD, and the layer they become.
//! - [`cache`]: what of the cache goes elsewhere, and comes from there.
//! - [`key`]: what a step depends on, as one digest.
//! - [`request`], [`progress`]: what is asked for, and what is told meanwhile.

pub mod cache;
pub mod context;
pub mod dockerfile;
pub mod glob;
pub mod ignore;
pub mod key;
pub mod lint;
pub mod mount;
pub mod place;
pub mod progress;
pub mod request;
pub mod select;
pub mod stages;
pub mod state;
pub mod unpack;
pub mod variables;
pub mod walk;
