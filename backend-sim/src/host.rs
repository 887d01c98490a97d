//! A simulated machine with the processes of Drydock on it: the engine that asks, and supervisors.
//!
//! Drydock's own processes are actors: they have a pid, locks and children, and what they do is done by the real engine and the
//! real supervisor machine. No lock of this crate is held while those run.

use crate::clock::SimClock;
use crate::command::Ran;
use crate::fault::Fault;
use crate::kernel::{SimKernel, interrupted};
use crate::motion::Motion;
use crate::registry::{self, SimTransport};
use crate::store::{MemoryStore, Records};
use crate::supervisor::Supervised;
use crate::sys::WaitStatus;
use crate::world::{Shared, SimConfig, World};
use drydock_core::Result;
use drydock_core::engine::{Host, LocalEngine};
use drydock_core::id::ContainerId;
use drydock_core::kernel::{Guard, Signal};
use drydock_core::supervise::{Event, Reaction, Settings, Supervisor};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// What decides for a container: the supervisor of `core`, or a stand-in in tests.
pub trait Decide: Send {
    /// Says what to do about an event.
    fn handle(&mut self, event: Event) -> Reaction;

    /// What whoever serves the container's streams needs to know.
    fn settings(&self) -> Settings;
}

impl Decide for Supervisor {
    fn handle(&mut self, event: Event) -> Reaction {
        Supervisor::handle(self, event)
    }

    fn settings(&self) -> Settings {
        Supervisor::settings(self)
    }
}

/// Makes what decides for a container.
pub type Decider = Arc<dyn Fn(&ContainerId) -> Result<Box<dyn Decide>> + Send + Sync>;

/// Drydock's processes on the machine.
#[derive(Default)]
pub(crate) struct Actors {
    /// Who acts now instead of the engine: pids, the innermost last, each on the thread on which it decides.
    stack: Vec<(ThreadId, u32)>,
    /// The engine's pid.
    pub engine: u32,
    /// Supervisors by container.
    pub supervisors: BTreeMap<ContainerId, Supervised>,
    /// Containers by their supervisors' pids.
    pub by_pid: BTreeMap<u32, ContainerId>,
    /// Containers by the processes that their supervisors watch.
    pub watching: BTreeMap<u32, ContainerId>,
    /// Locks by name: their holders' pids, and a number that tells a lock from a later one of the same name.
    pub locks: BTreeMap<String, (u32, u64)>,
    /// Locks taken so far.
    pub taken: u64,
    /// Makes what decides.
    pub decider: Option<Decider>,
}

impl Actors {
    /// The engine of another machine that is as this one is.
    pub fn copy(&self) -> Self {
        Self { engine: self.engine, taken: self.taken, ..Self::default() }
    }

    /// None of them does anything, and what they have done is recorded.
    pub fn are_at_rest(&self) -> bool {
        self.stack.is_empty() && self.supervisors.is_empty() && self.watching.is_empty() && self.locks.is_empty()
    }
}

/// A simulated machine.
pub struct Machine {
    /// Its kernel's state.
    pub(crate) shared: Shared,
    /// What its store keeps.
    pub(crate) records: Arc<Records>,
    /// Registries elsewhere.
    pub(crate) remotes: registry::Shared,
    /// Whose turn it is to let things happen.
    pub(crate) motion: Motion,
    pub(crate) actors: Mutex<Actors>,
}

/// A lock that is held.
pub(crate) struct SimGuard {
    machine: Arc<Machine>,
    name: String,
    number: u64,
}

impl Guard for SimGuard {}

impl Drop for SimGuard {
    fn drop(&mut self) {
        let mut actors = self.machine.actors();
        if actors.locks.get(&self.name).is_some_and(|(_, number)| *number == self.number) {
            actors.locks.remove(&self.name);
        }
    }
}

impl Machine {
    fn new(config: SimConfig) -> Arc<Self> {
        let world = World::new(config);
        let records = Arc::clone(&world.records);
        let machine = Arc::new(Self {
            shared: Shared(Arc::new(Mutex::new(world))),
            records,
            remotes: registry::Shared::default(),
            motion: Motion::default(),
            actors: Mutex::default(),
        });
        machine.decide_by_engine();
        machine.boot_engine();
        if machine.shared.lock().config.forgetful {
            machine.records.forgetful();
        }
        machine
    }

    /// A supervisor opens the engine for itself, as a process of its own does.
    pub(crate) fn decide_by_engine(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        self.actors().decider = Some(Arc::new(move |id| {
            let machine = weak.upgrade().ok_or_else(interrupted)?;
            let supervisor = Supervisor::new(Arc::new(LocalEngine::open_to_supervise(machine.host())?), id)?;
            Ok(Box::new(supervisor) as Box<dyn Decide>)
        }));
    }

    /// The engine over this machine, opened as by a process that has just started.
    fn engine(self: &Arc<Self>) -> Result<Arc<LocalEngine>> {
        LocalEngine::open(self.host()).map(Arc::new)
    }

    fn host(self: &Arc<Self>) -> Host {
        let kernel = Arc::new(SimKernel::new(Arc::clone(self)));
        let store = Arc::new(MemoryStore::new(Arc::clone(self)));
        let clock = Arc::new(SimClock::new(Arc::clone(self)));
        Host::planned(kernel, store, clock).reaching(self.transport())
    }

    fn transport(self: &Arc<Self>) -> Arc<SimTransport> {
        Arc::new(SimTransport::new(Arc::clone(&self.remotes), SimClock::new(Arc::clone(self))))
    }

    /// Drydock's processes.
    pub(crate) fn actors(&self) -> MutexGuard<'_, Actors> {
        self.actors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pid of whoever acts now.
    pub(crate) fn actor(&self) -> u32 {
        let actors = self.actors();
        let me = thread::current().id();
        actors.stack.iter().rev().find(|(thread, _)| *thread == me).map_or(actors.engine, |(_, pid)| *pid)
    }

    /// Lets one of Drydock's processes act on this thread.
    pub(crate) fn act_as<T>(&self, pid: u32, act: impl FnOnce() -> T) -> T {
        self.actors().stack.push((thread::current().id(), pid));
        let done = act();
        self.actors().stack.retain(|(_, p)| *p != pid);
        done
    }

    /// A new process of Drydock's, for the table.
    pub(crate) fn add_actor(&self, parent: u32, args: Vec<String>) -> Result<u32> {
        use crate::kernel::Named;
        let mut world = self.shared.lock();
        let pid = world.fork_process(parent).named("fork", "drydock")?;
        let p = world.proc_mut(pid).named("fork", "drydock")?;
        p.actor = true;
        p.name = "drydock".to_owned();
        p.args = args;
        (p.session, p.group) = (pid, pid);
        Ok(pid)
    }

    fn boot_engine(&self) {
        let pid = self.add_actor(1, vec!["drydock".to_owned()]).unwrap_or(1);
        self.actors().engine = pid;
    }

    /// An error if whoever acts now has been cut off.
    pub(crate) fn check_alive(&self) -> Result<()> {
        let pid = self.actor();
        let world = self.shared.lock();
        if !world.faults.dark && world.procs.get(&pid).is_some_and(crate::process::Proc::alive) { Ok(()) } else { Err(interrupted()) }
    }

    /// Whoever acts now dies, as by SIGKILL: its locks are free, and a supervisor's container dies with it.
    pub(crate) fn crash(&self) {
        self.kill_actor(self.actor());
    }

    /// One of Drydock's processes dies.
    pub(crate) fn kill_actor(&self, pid: u32) {
        let lost = {
            let mut actors = self.actors();
            actors.locks.retain(|_, (holder, _)| *holder != pid);
            let id = actors.by_pid.remove(&pid);
            id.and_then(|id| actors.supervisors.remove(&id))
        };
        // What decided may hold guards, which take the lock that was just let go.
        drop(lost);
        let mut world = self.shared.lock();
        let children: Vec<u32> = world.procs.get(&pid).map(|p| p.children.iter().copied().collect()).unwrap_or_default();
        world.exit_process(pid, WaitStatus::Signaled(Signal::KILL));
        for child in children {
            world.drop_ends(child);
            world.ended.remove(&child);
        }
        drop(world);
        self.bury();
    }

    /// Drops what processes that died were about to do, outside the lock.
    pub(crate) fn bury(&self) {
        let graves = std::mem::take(&mut *self.shared.lock().graveyard);
        drop(graves);
    }

    /// Takes a lock until its guard is dropped; `None` if somebody has it.
    pub(crate) fn take_lock(self: &Arc<Self>, name: &str) -> Option<SimGuard> {
        let number = self.hold(name)?;
        Some(SimGuard { machine: Arc::clone(self), name: name.to_owned(), number })
    }

    /// Takes a lock until its holder dies.
    pub(crate) fn hold(&self, name: &str) -> Option<u64> {
        let holder = self.actor();
        let mut actors = self.actors();
        if actors.locks.contains_key(name) {
            return None;
        }
        actors.taken += 1;
        let number = actors.taken;
        actors.locks.insert(name.to_owned(), (holder, number));
        Some(number)
    }
}

/// A simulated host: a machine, its disk's store, its clock, and the engine over them.
pub struct SimHost {
    machine: Arc<Machine>,
}

impl std::fmt::Debug for SimHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimHost").finish_non_exhaustive()
    }
}

impl SimHost {
    /// A host that has just booted for the first time.
    pub fn new(config: SimConfig) -> Self {
        Self { machine: Machine::new(config) }
    }

    /// A second host in the same state, from which each goes its own way. `None` while a program or a supervisor runs on this one. Who
    /// decides for containers is the copy's own engine, whoever [`set_decider`](Self::set_decider) put in its place here.
    pub fn copy(&self) -> Option<Self> {
        self.machine.copy().map(|machine| Self { machine })
    }

    /// Its kernel.
    pub fn kernel(&self) -> SimKernel {
        SimKernel::new(Arc::clone(&self.machine))
    }

    /// The engine, opened: what a dead one or an earlier boot left half done is finished or undone first.
    pub fn engine(&self) -> Result<Arc<LocalEngine>> {
        self.machine.engine()
    }

    /// Runs a script in a shell on the host, as root, until the shell ends or nothing can happen any more.
    pub fn shell(&self, script: &str) -> Ran {
        self.run(&["sh", "-c", script])
    }

    /// Runs a program of the host. One that is not there ends with 127.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.machine.run_on_host(args)
    }

    /// Its way to registries.
    pub fn transport(&self) -> Arc<SimTransport> {
        self.machine.transport()
    }

    /// The registries of its world, to look at and to change.
    pub fn remotes(&self) -> registry::Shared {
        Arc::clone(&self.machine.remotes)
    }

    /// Its store of records.
    pub fn store(&self) -> MemoryStore {
        MemoryStore::new(Arc::clone(&self.machine))
    }

    /// Its clock.
    pub fn clock(&self) -> SimClock {
        SimClock::new(Arc::clone(&self.machine))
    }

    /// Says who decides for containers.
    pub fn set_decider(&self, decider: Decider) {
        self.machine.actors().decider = Some(decider);
    }

    /// Its kernel's state, to look at.
    pub fn look<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.machine.shared.lock())
    }

    /// Everything that happened, if the trace is written.
    pub fn trace(&self) -> String {
        self.machine.shared.lock().trace.text().to_owned()
    }

    /// Arms a fault.
    pub fn inject(&self, fault: Fault) {
        self.machine.shared.lock().faults.arm(fault);
    }

    /// Lets everything run that can without the clock going on.
    pub fn settle(&self) {
        self.machine.settle();
    }

    /// From now on it goes on by itself for so long, and for so many turns of its processes; then it stands still, as if nothing could happen any
    /// more. For whoever cannot wait for a program that never ends.
    pub fn bind(&self, time: std::time::Duration, turns: u64) {
        self.look(|world| {
            let moment = world.now.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
            world.bound = Some((moment, world.sched.polls.saturating_add(turns)));
            world.bounded = false;
        });
    }

    /// Takes the bound away. Answers whether it was reached.
    pub fn unbind(&self) -> bool {
        self.look(|world| {
            world.bound = None;
            std::mem::take(&mut world.bounded)
        })
    }

    /// Lets virtual time pass.
    pub fn advance(&self, time: std::time::Duration) {
        self.machine.advance(time);
    }

    /// Sets the time of day away from the virtual time by so many seconds, forward or back, as a person or a time server does.
    pub fn set_clock_away(&self, seconds: i64) {
        self.look(|world| world.away = seconds.saturating_mul(1_000_000_000));
    }

    /// The engine's process dies, wherever it is.
    pub fn crash_engine(&self) {
        let engine = self.machine.actors().engine;
        self.machine.kill_actor(engine);
    }

    /// A container's supervisor dies.
    pub fn crash_supervisor(&self, id: &ContainerId) {
        let pid = self.machine.actors().supervisors.get(id).map(|s| s.pid);
        if let Some(pid) = pid {
            self.machine.kill_actor(pid);
        }
    }

    /// Disarms faults, and starts another engine process if the last one died.
    pub fn reboot_engine(&self) {
        self.machine.shared.lock().faults.clear();
        if self.machine.check_alive().is_err() {
            self.machine.boot_engine();
        }
    }

    /// The power goes and comes back: processes, namespaces, mounts, links, rules and groups are gone, the disk and the records are left.
    /// On a forgetful host what was not synced is gone too, as much of it as chance says.
    pub fn power_loss(&self) {
        let lost = {
            let mut actors = self.machine.actors();
            let fresh = Actors { decider: actors.decider.clone(), ..Actors::default() };
            std::mem::replace(&mut *actors, fresh)
        };
        drop(lost);
        // The log of the database and the directories are different files: chance cuts each by itself.
        let batches = self.machine.records.unsynced() as u64 + 1;
        let keep = self.machine.shared.lock().power_cycle(batches);
        self.machine.records.cut(usize::try_from(keep).unwrap_or(usize::MAX));
        self.machine.bury();
        self.machine.boot_engine();
    }
}
