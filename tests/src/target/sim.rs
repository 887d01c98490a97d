//! The simulated host as a target.

use super::{Subject, Target};
use crate::fixture;
use crate::outcome::Output;
use drydock_core::Result;
use drydock_core::engine::Engine;
use drydock_sim::{SimConfig, SimHost};
use std::sync::Arc;
use std::time::Duration;

/// Where clauses make files.
const SCRATCH: &str = "/tmp/scratch";

/// A fresh simulated host for every clause.
#[derive(Debug)]
pub struct SimTarget {
    seed: u64,
    busybox: Arc<Vec<u8>>,
}

struct SimSubject {
    host: SimHost,
    engine: Arc<dyn Engine>,
    busybox: Arc<Vec<u8>>,
}

impl SimTarget {
    /// Hosts that draw their chance from this seed.
    pub fn new(seed: u64) -> Self {
        let (program, applets) = drydock_sim::image::multi_call();
        Self { seed, busybox: Arc::new(fixture::busybox(&program, &applets)) }
    }
}

impl Target for SimTarget {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn subject(&mut self) -> Result<Arc<dyn Subject>> {
        let host = SimHost::new(SimConfig { seed: self.seed, ..SimConfig::default() });
        let engine = host.engine()?;
        engine.import(&mut self.busybox.as_slice(), fixture::BUSYBOX, &[], "")?;
        host.shell(&format!("mkdir -p {SCRATCH}"));
        Ok(Arc::new(SimSubject { host, engine, busybox: Arc::clone(&self.busybox) }))
    }

    fn patience(&self) -> Option<Duration> {
        None
    }
}

impl Subject for SimSubject {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::clone(&self.engine)
    }

    fn reopened(&self) -> Result<Arc<dyn Engine>> {
        Ok(self.host.engine()?)
    }

    fn scratch(&self) -> String {
        SCRATCH.to_owned()
    }

    fn host(&self, script: &str) -> Result<Output> {
        let ran = self.host.shell(script);
        Ok(Output { code: ran.code, stdout: ran.stdout, stderr: ran.stderr })
    }

    fn sleep(&self, time: Duration) {
        self.host.advance(time);
    }

    fn busybox(&self) -> &[u8] {
        &self.busybox
    }
}
