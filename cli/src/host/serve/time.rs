//! Time on a simulated host that is served.
//!
//! It passes where somebody waits for something, and then as fast as it likes. Clients that ask again and again whether a container
//! is healthy wait too, and only they know: for them it passes at least as fast as outside.

use drydock_core::engine::Engine;
use drydock_core::{Error, ErrorKind, Result};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often the host's time is brought up.
const TICK: Duration = Duration::from_millis(100);

/// Lets time pass on the host as long as the engine is there.
///
/// # Errors
/// [`ErrorKind::System`] where there can be no further thread.
pub fn flows(engine: &Arc<dyn Engine>) -> Result<()> {
    let engine = Arc::downgrade(engine);
    let keep = move || keep(&engine);
    let started = std::thread::Builder::new().name("time".to_owned()).spawn(keep);
    started.map(drop).map_err(|e| Error::new(ErrorKind::System, "the simulated host's time cannot flow").op("clone").source(e))
}

fn keep(engine: &Weak<dyn Engine>) {
    let mut last = Instant::now();
    loop {
        std::thread::sleep(TICK);
        let Some(engine) = engine.upgrade() else { return };
        let now = Instant::now();
        engine.sleep(now.duration_since(last));
        last = now;
    }
}
