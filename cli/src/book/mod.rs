//! The live book: blocks of commands in chapters, run when the book is built and when it is tested, and again by whoever reads it.
//!
//! - [`block`]: what a block is, and how a chapter's are read.
//! - [`chapter`]: a chapter's blocks are run in one simulated world, and held to what they say.
//! - [`render`]: a block that was run, as a part of a page.
//! - [`preprocess`]: mdBook's own exchange with a preprocessor.
//! - [`files`]: files of the book that commands name.
//! - [`sections`], [`translation`], [`typography`], [`glossary`]: chapters in another language, and what they are held to.
//! - [`search`]: what a page's search looks in.
//!
//! Nothing here needs an operating system.

pub mod block;
pub mod chapter;
pub mod files;
pub mod glossary;
pub mod preprocess;
pub mod render;
pub mod search;
pub mod sections;
pub mod translation;
pub mod typography;
