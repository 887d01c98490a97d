//! Building images: what a Dockerfile says and means, decided without a host.
//!
//! - [`dockerfile`]: the text, with the place of every word.
//! - [`ignore`]: which files of a context are left out.

pub mod dockerfile;
pub mod glob;
pub mod ignore;
