//! The simulated host as a target.

use super::{Subject, Target};
use crate::outcome::Output;
use crate::{fixture, registry};
use drydock_core::container::lifecycle::{self, Machine};
use drydock_core::engine::{Engine, Host, ImportRequest, LocalEngine};
use drydock_core::kernel::Kernel;
use drydock_core::store::Store;
use drydock_core::supervise::{Event, Reaction, Settings, Supervisor};
use drydock_core::time::Clock;
use drydock_core::{Error, Result};
use drydock_sim::host::Decide;
use drydock_sim::registry::{Shared, SimTransport};
use drydock_sim::{SimConfig, SimHost};
use std::sync::Arc;
use std::time::Duration;

/// Where clauses make files.
const SCRATCH: &str = "/tmp/scratch";

/// What an engine on a simulated host stands on.
pub struct Parts {
    /// Carries out steps.
    pub kernel: Arc<dyn Kernel>,
    /// Keeps records.
    pub store: Arc<dyn Store>,
    /// Virtual time.
    pub clock: Arc<dyn Clock>,
    /// What may be done to a container in each of its states.
    pub machine: Arc<dyn Machine>,
}

/// Puts a fault of its own into an engine's parts: the suite is judged by what it catches.
pub type Breakage = fn(Parts) -> Parts;

/// A fresh simulated host for every clause.
pub struct SimTarget {
    seed: u64,
    busybox: Arc<Vec<u8>>,
    breakage: Option<Arc<dyn Fn(Parts) -> Parts + Send + Sync>>,
    /// What every clause's host is a copy of.
    prepared: Option<SimHost>,
}

/// core's supervisor, as the simulated host asks it.
struct Mind(Supervisor);

impl Decide for Mind {
    fn handle(&mut self, event: Event) -> Reaction {
        self.0.handle(event)
    }

    fn settings(&self) -> Settings {
        self.0.settings()
    }
}

/// An engine whose parts went through a breakage, as its supervisors' engines do.
fn broken(host: &SimHost, breakage: &(dyn Fn(Parts) -> Parts + Send + Sync)) -> Result<Arc<LocalEngine>> {
    let parts = Parts {
        kernel: Arc::new(host.kernel()),
        store: Arc::new(host.store()),
        clock: Arc::new(host.clock()),
        machine: Arc::new(lifecycle::next),
    };
    let Parts { kernel, store, clock, machine } = breakage(parts);
    let transport: Arc<SimTransport> = host.transport();
    let host_of = move || Host::planned(kernel.clone(), store.clone(), clock.clone()).reaching(transport.clone()).living(machine.clone());
    let its = host_of.clone();
    host.set_decider(Arc::new(move |id| {
        let engine = LocalEngine::open_to_supervise(its())?;
        Ok(Box::new(Mind(Supervisor::new(Arc::new(engine), id)?)) as Box<dyn Decide>)
    }));
    Ok(Arc::new(LocalEngine::open(host_of())?))
}

struct SimSubject {
    host: SimHost,
    engine: Arc<dyn Engine>,
    busybox: Arc<Vec<u8>>,
}

/// Brings what clauses count on: an image and a directory.
fn furnish(host: &SimHost, engine: &dyn Engine, mut busybox: &[u8]) -> Result<()> {
    engine.import(&mut busybox, &ImportRequest::of(fixture::BUSYBOX, &[], ""))?;
    host.shell(&format!("mkdir -p {SCRATCH}"));
    Ok(())
}

impl SimTarget {
    /// Hosts that draw their chance from this seed.
    pub fn new(seed: u64) -> Self {
        let (program, applets) = drydock_sim::image::multi_call();
        Self { seed, busybox: Arc::new(fixture::busybox(&program, &applets)), breakage: None, prepared: None }
    }

    /// Hosts whose engines are broken, or stand on somebody else's work.
    pub fn broken(seed: u64, breakage: impl Fn(Parts) -> Parts + Send + Sync + 'static) -> Self {
        Self { breakage: Some(Arc::new(breakage)), ..Self::new(seed) }
    }
}

impl Target for SimTarget {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn subject(&mut self) -> Result<Arc<dyn Subject>> {
        let (host, engine): (SimHost, Arc<dyn Engine>) = match &self.breakage {
            None => {
                // What all begin with is made once.
                let prepared = match &mut self.prepared {
                    Some(prepared) => prepared,
                    none => {
                        let host = SimHost::new(SimConfig { seed: self.seed, ..SimConfig::default() });
                        furnish(&host, &*host.engine()?, &self.busybox)?;
                        none.insert(host)
                    }
                };
                let host = prepared.copy().ok_or_else(|| Error::conflict("something runs on the host that all clauses begin with"))?;
                let engine = host.engine()?;
                // From its first plan on an engine holds a lock: clauses find it as it is between two of them.
                let empty = engine.import(&mut [0; 1024].as_slice(), &ImportRequest::default())?;
                engine.remove_image(empty.as_str(), false, true)?;
                (host, engine)
            }
            Some(breakage) => {
                let host = SimHost::new(SimConfig { seed: self.seed, ..SimConfig::default() });
                // As systemd leaves it: what is mounted is seen in every copy of this namespace that is not made private.
                host.shell("mount --make-rshared /");
                let engine = broken(&host, &**breakage)?;
                furnish(&host, &*engine, &self.busybox)?;
                (host, engine)
            }
        };
        Ok(Arc::new(SimSubject { host, engine, busybox: Arc::clone(&self.busybox) }))
    }

    fn patience(&self) -> Option<Duration> {
        None
    }

    fn twin(&self) -> Option<Box<dyn Target + Send>> {
        Some(Box::new(Self { seed: self.seed, busybox: Arc::clone(&self.busybox), breakage: self.breakage.clone(), prepared: None }))
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

    fn remotes(&self) -> Shared {
        self.host.remotes()
    }

    fn is_elsewhere(&self) -> bool {
        false
    }

    fn registries(&self) -> Vec<String> {
        (0..registry::COUNT).map(|i| format!("127.0.0.1:{}", 5000 + i)).collect()
    }

    fn busybox(&self) -> &[u8] {
        &self.busybox
    }
}
