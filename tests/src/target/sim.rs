//! The simulated host as a target.

use super::{Subject, Target};
use drydock_core::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

/// A fresh simulated host for every clause.
#[derive(Debug)]
pub struct SimTarget {
    seed: u64,
}

impl SimTarget {
    /// Hosts that draw their chance from this seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }
}

impl Target for SimTarget {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn subject(&mut self) -> Result<Arc<dyn Subject>> {
        Err(Error::unsupported(format!("an engine on the simulated host (seed {})", self.seed)))
    }

    fn patience(&self) -> Option<Duration> {
        None
    }
}
