//! The engine struck at every step of an operation, and what must be true afterwards whatever the step was.

use super::{config, host_of};
use drydock_core::ErrorKind;
use drydock_core::Result;
use drydock_core::container::Status;
use drydock_core::engine::{Checkup, Engine, ImageSummary, PruneCache, RemoveOptions};
use drydock_core::kernel::Kernel as _;
use drydock_core::observe::Snapshot;
use drydock_sim::fault::{Fault, What};
use drydock_sim::{SimConfig, SimHost};
use std::time::Duration;

/// Doing something on a host.
pub type Act = fn(&dyn Engine, &SimHost) -> Result<()>;

/// An operation of the engine, and what has to be there before it.
pub struct Case {
    /// The method of the engine's trait, and after a space what is particular about this case.
    pub name: &'static str,
    /// Sets the stage; nothing is struck meanwhile.
    pub before: Act,
    /// The operation.
    pub act: Act,
}

impl Case {
    /// The method of the engine's trait.
    pub fn method(&self) -> &'static str {
        self.name.split(' ').next().unwrap_or(self.name)
    }

    fn stage(&self, config: SimConfig) -> SimHost {
        let host = host_of(config);
        let engine = host.engine().expect("the engine opens");
        (self.before)(engine.as_ref(), &host).unwrap_or_else(|e| panic!("{}: the stage cannot be set: {e}", self.name));
        host
    }

    fn perform(&self, host: &SimHost) -> Result<()> {
        let engine = host.engine()?;
        (self.act)(engine.as_ref(), host)
    }

    /// Steps and requests that the operation takes where nothing goes wrong.
    pub fn steps(&self) -> u64 {
        let host = self.stage(SimConfig::default());
        let count = host.look(|w| w.faults.count);
        self.perform(&host).unwrap_or_else(|e| panic!("{}: without faults it fails: {e}", self.name));
        host.look(|w| w.faults.count) - count
    }

    /// What is left on a host on which nothing went wrong and everything was removed.
    fn rest(&self) -> Snapshot {
        let host = self.stage(SimConfig::default());
        self.perform(&host).unwrap_or_else(|e| panic!("{}: without faults it fails: {e}", self.name));
        clear(&host, self.name);
        host.engine().and_then(|e| e.observe()).expect("the host can be looked at")
    }

    /// Strikes every step in turn, and looks after each. Answers how many steps there were. Without optimisation only every seventh is
    /// struck: the fast lane runs this with it.
    pub fn strike_every_step(&self, what: What) -> u64 {
        let rest = self.rest();
        for n in (0..).step_by(if cfg!(debug_assertions) { 7 } else { 1 }) {
            let cut = what == What::PowerLoss;
            let host = self.stage(SimConfig { forgetful: cut, seed: n + 1, ..SimConfig::default() });
            host.inject(Fault::nth(n, what));
            let done = self.perform(&host);
            if host.look(|w| w.faults.watching()) {
                assert!(done.is_ok(), "{}: no fault, and yet {done:?}", self.name);
                return n;
            }
            let said = format!("{} struck by {what:?} at {n}", self.name);
            if cut {
                host.power_loss();
            } else {
                host.reboot_engine();
            }
            truths(&host, &said);
            if self.method() == "doctor" {
                // What it was called for and did not come to do, another one does.
                let again = host.engine().and_then(|e| e.doctor(Checkup { repair: true, quick: false }));
                assert!(again.is_ok_and(|found| found.iter().all(|f| f.repaired)), "{said}");
            }
            healthy(&host, &said);
            clear(&host, &said);
            let after = host.engine().and_then(|e| e.observe()).unwrap_or_else(|e| panic!("{said}: {e}"));
            assert_eq!(rest.difference(&after), Vec::<String>::new(), "{said}");
            healthy(&host, &said);
        }
        unreachable!("the loop ends when a fault does not strike")
    }
}

/// Records say what is; what is listed is whole; what can be started starts.
pub fn truths(host: &SimHost, said: &str) {
    let engine = host.engine().unwrap_or_else(|e| panic!("{said}: the engine does not open again: {e}"));
    for summary in engine.containers(true).unwrap_or_else(|e| panic!("{said}: containers cannot be listed: {e}")) {
        let record = engine.container(summary.id.as_str()).unwrap_or_else(|e| panic!("{said}: a listed container is not there: {e}"));
        let alive = record.state.process.as_ref().map(|p| host.kernel().alive(p).expect("it can be asked for"));
        match record.state.status {
            Status::Running | Status::Paused => assert_eq!(alive, Some(true), "{said}: {record:?}"),
            _ => assert_eq!(alive, None, "{said}: {record:?}"),
        }
        if matches!(record.state.status, Status::Created | Status::Exited) {
            engine.start(record.id.as_str()).unwrap_or_else(|e| panic!("{said}: {} does not start: {e}", record.name));
        }
    }
    for image in engine.images().unwrap_or_else(|e| panic!("{said}: images cannot be listed: {e}")) {
        let record = engine.image(image.id.as_str()).unwrap_or_else(|e| panic!("{said}: a listed image is not there: {e}"));
        assert_eq!(record.layers.len(), record.diff_ids.len(), "{said}");
        // An image is whole if its program runs; those of two files have none, and are looked into by taking them apart.
        let mut config = config(&["sh", "-c", "exit 7"]);
        config.image = image.id.to_string();
        let id = engine.create(&config).unwrap_or_else(|e| panic!("{said}: {}: {e}", image.id));
        match engine.start(id.as_str()) {
            Ok(()) => assert_eq!(engine.wait(id.as_str(), Some(Duration::from_secs(60))).ok(), Some(7), "{said}: {}", image.id),
            Err(e) => assert_eq!((e.kind(), image.size < 100), (ErrorKind::CommandNotFound, true), "{said}: {}: {e}", image.id),
        }
        engine.remove(id.as_str(), RemoveOptions { force: true, volumes: true }).unwrap_or_else(|e| panic!("{said}: {e}"));
    }
}

/// The doctor finds nothing.
pub fn healthy(host: &SimHost, said: &str) {
    let engine = host.engine().unwrap_or_else(|e| panic!("{said}: the engine does not open again: {e}"));
    let found = engine.doctor(Checkup::default()).unwrap_or_else(|e| panic!("{said}: the doctor cannot look: {e}"));
    assert_eq!(found, Vec::new(), "{said}");
}

/// Removes everything that is listed; all of it can be.
pub fn clear(host: &SimHost, said: &str) {
    let engine = host.engine().unwrap_or_else(|e| panic!("{said}: the engine does not open again: {e}"));
    for summary in engine.containers(true).unwrap_or_else(|e| panic!("{said}: containers cannot be listed: {e}")) {
        let removed = engine.remove(summary.id.as_str(), RemoveOptions { force: true, volumes: true });
        if let Err(error) = removed {
            // One with `--rm` may have gone by itself.
            assert_eq!(error.kind(), ErrorKind::NotFound, "{said}: {error}");
        }
    }
    let everything = PruneCache { all: true, ..PruneCache::default() };
    engine.prune_volumes(true, &Default::default()).unwrap_or_else(|e| panic!("{said}: volumes cannot be removed: {e}"));
    engine.prune_build_cache(&everything).unwrap_or_else(|e| panic!("{said}: the build cache cannot be emptied: {e}"));
    let images = engine.images().unwrap_or_else(|e| panic!("{said}: images cannot be listed: {e}"));
    for image in ImageSummary::children_first(images) {
        if let Err(error) = engine.remove_image(image.id.as_str(), true, true) {
            // One without a name goes with the last image that was made from it.
            assert_eq!(error.kind(), ErrorKind::NotFound, "{said}: {error}");
        }
    }
    host.advance(Duration::from_secs(20));
}
