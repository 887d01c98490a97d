//! Targets: what clauses are run against.

pub mod docker;
pub mod linux;
pub mod sim;

use crate::outcome::Output;
use drydock_core::Result;
use drydock_core::engine::Engine;
use std::sync::Arc;
use std::time::Duration;

/// A kind of engine that enrols in the suite: nothing else is needed to have every clause run against it.
pub trait Target {
    /// What it is called: `sim`, `linux`; `dockerd`, and `served` for Drydock's own socket.
    fn name(&self) -> &'static str;
    /// A subject for the next clause, with the image `busybox` and nothing else. It may be the same one again, cleaned.
    fn subject(&mut self) -> Result<Arc<dyn Subject>>;
    /// How long a clause may take in real time before it counts as an error; `None` where time is virtual.
    fn patience(&self) -> Option<Duration>;
    /// Another of its kind whose subjects share nothing with this one's, so that clauses may run on both at once; `None` where there
    /// is only one host.
    fn twin(&self) -> Option<Box<dyn Target + Send>>;
}

/// One engine on one host, with what a clause needs beside the engine.
pub trait Subject: Send + Sync {
    /// The engine.
    fn engine(&self) -> Arc<dyn Engine>;
    /// The engine opened once more over the same state, as another process would.
    fn reopened(&self) -> Result<Arc<dyn Engine>>;
    /// A directory of the host where a clause may make files; gone before the residue is looked at.
    fn scratch(&self) -> String;
    /// Runs a script in a shell on the host, beside the containers.
    fn host(&self, script: &str) -> Result<Output>;
    /// Lets time pass: real or virtual.
    fn sleep(&self, time: Duration);
    /// The registries of the world around the host.
    fn remotes(&self) -> drydock_sim::registry::Shared;
    /// The hosts and ports of those that are for clauses: this machine, without TLS.
    fn registries(&self) -> Vec<String>;
    /// Whether the engine's host is another than the one that `scratch`, `host` and `registries` are of.
    fn is_elsewhere(&self) -> bool;
    /// The archive of the image `busybox`.
    fn busybox(&self) -> &[u8];
}
