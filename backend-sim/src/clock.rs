//! The virtual clock, as the engine asks it.

use crate::host::Machine;
use drydock_core::time::{Clock, Moment, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// The clock of a simulated host. To wait is to let the world run.
#[derive(Clone)]
pub struct SimClock {
    machine: Arc<Machine>,
}

impl SimClock {
    pub(crate) fn new(machine: Arc<Machine>) -> Self {
        Self { machine }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.machine.shared.lock().timestamp()
    }

    fn moment(&self) -> Moment {
        self.machine.shared.lock().moment()
    }

    fn sleep(&self, time: Duration) {
        self.machine.advance(time);
    }

    fn random(&self, buffer: &mut [u8]) {
        self.machine.shared.lock().random(buffer);
    }
}
