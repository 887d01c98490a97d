//! A kernel that remembers what is there, and fails or crashes at the step that a test names; a store and a clock to go with it.

use crate::container::oci::tests::facts;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::io::Attach;
use crate::kernel::{
    Attachment, Device, Entry, Facts, Guard, Ingested, Kernel, Launch, OpenTree, Process, Request, Signal, Step, Task, Tree,
};
use crate::observe::Snapshot;
use crate::store::{Change, Store, Table};
use crate::time::{Clock, Moment, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It fails, and nothing of it is there.
    Fails,
    /// It is done, and with it the whole engine ends.
    Crashes,
}

#[derive(Default)]
struct World {
    there: BTreeSet<String>,
    files: BTreeMap<String, String>,
    locks: BTreeSet<String>,
    performed: usize,
    trouble: Option<(usize, Trouble)>,
    down: bool,
    launched: Vec<Launch>,
    processes: BTreeSet<u32>,
}

/// The fake kernel. Clones are one.
#[derive(Clone)]
pub(super) struct FakeKernel {
    facts: Facts,
    world: Arc<Mutex<World>>,
}

struct Lock(Arc<Mutex<World>>, String);

impl Guard for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.lock().unwrap().locks.remove(&self.1);
    }
}

impl FakeKernel {
    pub(super) fn new() -> Self {
        let controllers = ["cpu", "cpuset", "devices", "memory", "pids"].map(str::to_owned).to_vec();
        let cgroup_roots = controllers.iter().map(|c| (c.clone(), "/sys/fs/cgroup".to_owned())).collect();
        Self { facts: Facts { controllers, cgroup_roots, ..facts() }, world: Arc::default() }
    }

    /// Everything that was made and not removed.
    pub(super) fn there(&self) -> BTreeSet<String> {
        self.world.lock().unwrap().there.clone()
    }

    pub(super) fn processes(&self) -> usize {
        self.world.lock().unwrap().processes.len()
    }

    pub(super) fn launched(&self) -> Vec<Launch> {
        self.world.lock().unwrap().launched.clone()
    }

    pub(super) fn put_file(&self, path: &str, content: &str) {
        self.world.lock().unwrap().files.insert(path.to_owned(), content.to_owned());
    }

    /// Counts steps from here on; at the one with this number there is trouble.
    pub(super) fn trouble(&self, at: Option<(usize, Trouble)>) {
        let mut world = self.world.lock().unwrap();
        world.performed = 0;
        world.trouble = at;
    }

    /// Starts the machine's engine again after a crash: its locks are free.
    pub(super) fn restart(&self) {
        let mut world = self.world.lock().unwrap();
        (world.down, world.trouble) = (false, None);
        world.locks.clear();
    }

    fn alive(&self) -> Result<()> {
        if self.world.lock().unwrap().down { Err(Error::new(ErrorKind::Interrupted, "crashed")) } else { Ok(()) }
    }
}

/// What a step makes or removes, by name; trees take what is below with them.
fn effect(world: &mut World, step: &Step) {
    let text = |x: &dyn std::fmt::Display| x.to_string();
    match step {
        Step::MakeDir { path, .. } | Step::UnpackLayer { into: path, .. } => drop(world.there.insert(text(path))),
        Step::WriteFile { path, content, .. } => {
            world.there.insert(path.clone());
            world.files.insert(path.clone(), content.clone());
        }
        Step::RemoveTree { path } => {
            let below = format!("{path}/");
            world.there.retain(|p| p != path && !p.starts_with(&below));
            world.files.retain(|p, _| p != path && !p.starts_with(&below));
        }
        Step::MakeCgroup { path } => drop(world.there.insert(format!("cgroup {path}"))),
        Step::RemoveCgroup { path } => drop(world.there.remove(&format!("cgroup {path}"))),
        Step::AddBridge { name, .. } | Step::AddVeth { name, .. } => drop(world.there.insert(format!("link {name}"))),
        Step::RemoveLink { name } => drop(world.there.remove(&format!("link {name}"))),
        Step::AddRule { owner, rule } => drop(world.there.insert(format!("rule {owner} {rule:?}"))),
        Step::RemoveRules { owner } => {
            let mine = format!("rule {owner} ");
            world.there.retain(|p| !p.starts_with(&mine));
        }
        _ => {}
    }
}

impl Kernel for FakeKernel {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn perform(&self, step: &Step, _child: Option<&Process>) -> Result<()> {
        self.alive()?;
        let mut world = self.world.lock().unwrap();
        world.performed += 1;
        let trouble = world.trouble.filter(|(at, _)| *at == world.performed).map(|(_, trouble)| trouble);
        if trouble == Some(Trouble::Fails) {
            return Err(Error::new(ErrorKind::System, format!("injected at {step:?}")));
        }
        effect(&mut world, step);
        if trouble == Some(Trouble::Crashes) {
            world.down = true;
            return Err(Error::new(ErrorKind::Interrupted, "crashed"));
        }
        Ok(())
    }

    fn launch(&self, launch: &Launch) -> Result<Process> {
        self.alive()?;
        let mut world = self.world.lock().unwrap();
        world.launched.push(launch.clone());
        let pid = 100 + u32::try_from(world.launched.len()).unwrap();
        world.processes.insert(pid);
        Ok(Process { pid, born: 1 })
    }

    fn release(&self, _process: &Process) -> Result<()> {
        self.alive()
    }

    fn signal(&self, _process: &Process, _signal: Signal) -> Result<()> {
        self.alive()
    }

    fn alive(&self, process: &Process) -> Result<bool> {
        Ok(self.world.lock().unwrap().processes.contains(&process.pid))
    }

    fn destroy(&self, process: &Process) -> Result<()> {
        self.alive()?;
        self.world.lock().unwrap().processes.remove(&process.pid);
        Ok(())
    }

    fn tasks(&self, _cgroup: &str) -> Result<Vec<Task>> {
        Ok(Vec::new())
    }

    fn read(&self, path: &str, _offset: u64, limit: usize) -> Result<Vec<u8>> {
        self.alive()?;
        let world = self.world.lock().unwrap();
        let text = world.files.get(path).ok_or_else(|| Error::not_found(format!("{path} does not exist")))?;
        Ok(text.bytes().take(limit).collect())
    }

    fn size(&self, path: &str) -> Result<u64> {
        self.alive()?;
        let world = self.world.lock().unwrap();
        if world.there.contains(path) || world.files.contains_key(path) { Ok(1) } else { Err(Error::not_found(path)) }
    }

    fn tree_size(&self, _path: &str) -> Result<u64> {
        Err(Error::not_modelled("tree_size"))
    }

    fn entry(&self, path: &str) -> Result<Entry> {
        self.alive()?;
        let world = self.world.lock().unwrap();
        let below = format!("{path}/");
        if world.files.contains_key(path) {
            Ok(Entry::File)
        } else if world.there.contains(path) || world.files.keys().any(|p| p.starts_with(&below)) {
            Ok(Entry::Directory { opaque: false })
        } else {
            Err(Error::not_found(path))
        }
    }

    fn devices(&self, path: &str) -> Result<Vec<Device>> {
        Err(Error::not_found(path))
    }

    fn lock(&self, name: &str) -> Result<Option<Box<dyn Guard>>> {
        self.alive()?;
        let fresh = self.world.lock().unwrap().locks.insert(name.to_owned());
        Ok(fresh.then(|| Box::new(Lock(self.world.clone(), name.to_owned())) as Box<dyn Guard>))
    }

    fn ingest(
        &self,
        _: &mut dyn std::io::Read,
        _: u64,
        _: &mut dyn FnMut() -> Result<Option<String>>,
        _: &mut dyn FnMut(&Ingested) -> Result<()>,
    ) -> Result<Ingested> {
        Err(Error::not_modelled("ingest"))
    }

    fn tree(&self, _: &Tree) -> Result<Box<dyn OpenTree>> {
        Err(Error::unsupported("trees of files"))
    }

    fn observe(&self) -> Result<Snapshot> {
        Err(Error::not_modelled("observe"))
    }

    fn supervise(&self, _: &ContainerId) -> Result<()> {
        Err(Error::not_modelled("supervise"))
    }

    fn request(&self, _: &ContainerId, _: &Request) -> Result<()> {
        Err(Error::not_modelled("request"))
    }

    fn attach(&self, _: &ContainerId, _: &Attach) -> Result<Box<dyn Attachment>> {
        Err(Error::not_modelled("attach"))
    }

    fn wait(&self, _: &ContainerId, _: Option<Duration>) -> Result<bool> {
        Err(Error::not_modelled("wait"))
    }

    fn attach_exec(&self, _: &ContainerId, _: &str, _: &Attach) -> Result<Box<dyn Attachment>> {
        Err(Error::not_modelled("attach_exec"))
    }
}

/// A store that survives the crash of its engine.
#[derive(Default)]
pub(super) struct FakeStore(Mutex<BTreeMap<(Table, String), Vec<u8>>>);

impl FakeStore {
    pub(super) fn plans(&self) -> usize {
        self.0.lock().unwrap().keys().filter(|(table, _)| *table == Table::Plans).count()
    }
}

impl Store for FakeStore {
    fn get(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap().get(&(table, key.to_owned())).cloned())
    }

    fn scan(&self, table: Table, prefix: &str, after: &str, limit: usize) -> Result<Vec<(String, Vec<u8>)>> {
        let all = self.0.lock().unwrap();
        let fits = all.iter().filter(|((t, k), _)| *t == table && k.starts_with(prefix) && k.as_str() > after);
        Ok(fits.take(limit).map(|((_, k), v)| (k.clone(), v.clone())).collect())
    }

    fn commit(&self, batch: &[Change]) -> Result<()> {
        let mut all = self.0.lock().unwrap();
        for change in batch {
            match change {
                Change::Put(table, key, value) => drop(all.insert((*table, key.clone()), value.clone())),
                Change::Delete(table, key) => drop(all.remove(&(*table, key.clone()))),
                Change::Expect(..) | Change::Flush => {}
            }
        }
        Ok(())
    }
}

/// A clock that stands still, whose chance counts.
#[derive(Default)]
pub(super) struct FakeClock(Mutex<u8>);

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp(1)
    }

    fn moment(&self) -> Moment {
        Moment(1)
    }

    fn sleep(&self, _: Duration) {}

    fn random(&self, buffer: &mut [u8]) {
        let mut next = self.0.lock().unwrap();
        *next += 1;
        buffer.fill(*next);
    }
}
