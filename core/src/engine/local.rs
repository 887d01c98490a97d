//! [`LocalEngine`]: the engine over a host, and what its operations share: the record of a container and how it changes.

use super::events::{Entry, Happening};
use crate::container::ContainerRecord;
use crate::container::layout::Layout;
use crate::container::lifecycle;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Containers, Images, Limits, Networks, Planning};
use crate::id::{ContainerId, hex};
use crate::kernel::{Guard, Kernel};
use crate::plan::Planner;
use crate::registry::{NoNetwork, Transport};
use crate::store::{Change, Store, StoreExt as _, Table, decode, put};
use crate::time::{Clock, Moment, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// How long an operation waits for another one on the same thing before it says so.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it sleeps between two looks at a lock.
pub(super) const GLANCE: Duration = Duration::from_millis(2);

/// What an engine stands on.
#[derive(Clone)]
pub struct Host {
    /// Carries out steps, and answers what is.
    pub kernel: Arc<dyn Kernel>,
    /// Keeps records.
    pub store: Arc<dyn Store>,
    /// Time and chance.
    pub clock: Arc<dyn Clock>,
    /// Layers and root file systems.
    pub images: Arc<dyn Images>,
    /// Isolated processes.
    pub containers: Arc<dyn Containers>,
    /// Links.
    pub networks: Arc<dyn Networks>,
    /// Limits.
    pub limits: Arc<dyn Limits>,
    /// Plans.
    pub planning: Arc<dyn Planning>,
    /// Registries.
    pub transport: Arc<dyn Transport>,
    /// What may be done to a container in each of its states.
    pub machine: Arc<dyn lifecycle::Machine>,
}

impl Host {
    /// A host planned by [`Planner`].
    pub fn planned(kernel: Arc<dyn Kernel>, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        let planner = Arc::new(Planner::new(kernel.clone(), store.clone(), clock.clone()));
        Self::of(kernel, store, clock, planner)
    }

    /// The same host with a way to registries.
    #[must_use]
    pub fn reaching(self, transport: Arc<dyn Transport>) -> Self {
        Self { transport, ..self }
    }

    /// The same host with somebody else's life cycle.
    #[must_use]
    pub fn living(self, machine: Arc<dyn lifecycle::Machine>) -> Self {
        Self { machine, ..self }
    }

    /// A host whose traits are all answered by one: the planner.
    pub fn of<P>(kernel: Arc<dyn Kernel>, store: Arc<dyn Store>, clock: Arc<dyn Clock>, planner: Arc<P>) -> Self
    where
        P: Images + Containers + Networks + Limits + Planning + 'static,
    {
        let (images, containers, networks, limits) = (planner.clone(), planner.clone(), planner.clone(), planner.clone());
        // Reaching registries is added by [`Host::reaching`].
        let (transport, machine) = (Arc::new(NoNetwork), Arc::new(lifecycle::next));
        Self { kernel, store, clock, images, containers, networks, limits, planning: planner, transport, machine }
    }
}

/// The engine over a host: names, the life cycle, images, leases, logs and events. It keeps nothing in memory: several may be
/// open on one store at once, in one process or in many, and each may die at any moment.
#[derive(Clone)]
pub struct LocalEngine {
    pub(super) host: Host,
}

/// The mark of a container that something is under way with: the key in [`Table::Meta`].
pub(super) fn active_key(id: &ContainerId) -> String {
    format!("active/{id}")
}

impl LocalEngine {
    /// Opens the engine, after finishing or undoing what a dead process or an earlier boot left half done.
    pub fn open(host: Host) -> Result<Self> {
        let engine = Self { host };
        engine.recover()?;
        Ok(engine)
    }

    /// Opens the engine for a supervisor: plans of dead processes are undone, since one may be of its container; all else is left to
    /// those who come with a command. A supervisor that removed what a dead build left would wait for itself to end, where the
    /// container is its own.
    pub fn open_to_supervise(host: Host) -> Result<Self> {
        host.planning.recover()?;
        Ok(Self { host })
    }

    /// The engine as it is, with nothing finished or undone: for [`super::Engine::doctor`], where opening fails.
    pub fn as_found(host: Host) -> Self {
        Self { host }
    }

    /// What it stands on.
    pub fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn kernel(&self) -> &dyn Kernel {
        self.host.kernel.as_ref()
    }

    pub(super) fn store(&self) -> &dyn Store {
        self.host.store.as_ref()
    }

    pub(super) fn layout(&self) -> Layout {
        Layout::of(self.kernel().facts())
    }

    pub(super) fn time(&self) -> Timestamp {
        self.host.clock.now()
    }

    pub(super) fn moment(&self) -> Moment {
        self.host.clock.moment()
    }

    /// A new id: 64 hexadecimal digits of chance.
    pub(super) fn new_id(&self) -> String {
        let mut bytes = [0; 32];
        self.host.clock.random(&mut bytes);
        hex(&bytes)
    }

    /// Takes a lock, waiting for another operation to end.
    pub(super) fn lock(&self, name: &str) -> Result<Box<dyn Guard>> {
        let since = self.moment();
        loop {
            if let Some(guard) = self.kernel().lock(name)? {
                return Ok(guard);
            }
            if self.moment().since(since) > PATIENCE {
                return Err(Error::conflict(format!("another operation on {name} is still under way")).op("lock").subject(name));
            }
            self.host.clock.sleep(GLANCE);
        }
    }

    /// The lock of a container: held by whoever changes it while it has no supervisor.
    pub(super) fn lock_container(&self, id: &ContainerId) -> Result<Box<dyn Guard>> {
        self.lock(&format!("container-{id}"))
    }

    /// Whether a container's supervisor lives.
    pub(super) fn supervised(&self, id: &ContainerId) -> Result<bool> {
        Ok(!self.kernel().wait(id, Some(Duration::ZERO))?)
    }

    /// The record of a container as the store has it.
    pub(super) fn record(&self, id: &ContainerId) -> Result<ContainerRecord> {
        self.find_record(id)?.ok_or_else(|| super::resolve::no_such(id.as_str()))
    }

    /// The record of the container that a supervisor is for.
    pub(crate) fn supervised_record(&self, id: &ContainerId) -> Result<ContainerRecord> {
        self.record(id)
    }

    /// The record, if there still is one.
    pub(super) fn find_record(&self, id: &ContainerId) -> Result<Option<ContainerRecord>> {
        self.store().load(Table::Containers, id.as_str())
    }

    /// Changes a record, keeps the mark of what is under way true, adds what happened to the events, and makes further changes,
    /// all in one batch; again until no other process came between.
    pub(super) fn change(
        &self,
        id: &ContainerId,
        happenings: &[Happening<'_>],
        further: &[Change],
        edit: &mut dyn FnMut(&mut ContainerRecord) -> Result<()>,
    ) -> Result<ContainerRecord> {
        loop {
            let before = self.store().get(Table::Containers, id.as_str())?.ok_or_else(|| super::resolve::no_such(id.as_str()))?;
            let mut record: ContainerRecord = decode(Table::Containers, id.as_str(), &before)?;
            let was_under_way = record.state.under_way;
            edit(&mut record)?;
            let mut batch =
                vec![Change::Expect(Table::Containers, id.to_string(), Some(before)), put(Table::Containers, id.as_str(), &record)?];
            match (was_under_way, record.state.under_way) {
                (false, true) => batch.push(Change::Put(Table::Meta, active_key(id), Vec::new())),
                (true, false) => batch.push(Change::Delete(Table::Meta, active_key(id))),
                _ => {}
            }
            batch.extend_from_slice(further);
            let entries: Vec<Entry> = happenings.iter().map(|h| h.entry(&record, self.time())).collect();
            self.append_events(&mut batch, &entries)?;
            if self.commit(&batch)? {
                return Ok(record);
            }
        }
    }

    /// Applies a batch; `false` if another process came between and it must be thought over.
    pub(super) fn commit(&self, batch: &[Change]) -> Result<bool> {
        match self.store().commit(batch) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == ErrorKind::Stale => Ok(false),
            Err(e) => Err(e),
        }
    }
}
