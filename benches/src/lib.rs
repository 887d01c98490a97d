//! Benches, and side-by-side runs against other runtimes.
//!
//! - `cargo bench -p drydock-benches`: the simulator against itself, growing (criterion).
//! - `benches/side-by-side`: start to exit of a real container beside a bare program, runc and dockerd, in one run.
//!
//! Ratios and counts are what counts. Times are of one machine on one day.
