//! The most that is taken from a registry. Whatever it says beyond is refused, in bounded memory and bounded time.

use std::time::Duration;

/// The largest manifest or index, in bytes (distribution-spec "Pushing Manifests" asks registries for 4 MiB).
pub const MANIFEST: usize = crate::image::manifest::LARGEST;
/// The largest answer of a token server.
pub const TOKEN: usize = 256 << 10;
/// The largest page of a list: tags, the catalogue, what a search found.
pub const PAGE: usize = 4 << 20;
/// How much of an error's body is read.
pub const PROBLEM: usize = 64 << 10;
/// How much of an error's words is shown.
pub const SHOWN: usize = 300;
/// The most pages of one list.
pub const PAGES: usize = 200;
/// The most tags of one repository that are pulled.
pub const TAGS: usize = 10_000;
/// The most redirects of one request.
pub const REDIRECTS: usize = 5;
/// How deep indexes may name indexes.
pub const INDEXES: usize = 4;
/// The largest layer.
pub const LAYER: u64 = 64 << 30;
/// Blobs at a time.
pub const SIDE_BY_SIDE: usize = 3;
/// How many times a request is sent at most.
pub const TRIES: u32 = 5;
/// The longest that a registry may make somebody wait between two tries.
pub const WAIT: Duration = Duration::from_secs(60);
/// How much of a blob must come between two failures for the earlier one not to count any more.
pub const HEALED: u64 = 1 << 20;
/// A blob that comes more slowly than so many bytes a second has stalled…
pub const SLOWEST: u64 = 512;
/// …when it has been so slow for so long.
pub const SLOW: Duration = Duration::from_secs(30);
/// How much of a blob is sent in one request.
pub const CHUNK: u64 = 64 << 20;
