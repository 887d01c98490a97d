//! [`LinuxKernel`]: the kernel seam over the real Linux. Nothing here decides; every method names who carries it out.

use crate::host::Host;
use crate::process::{self, Child, Children};
use crate::supervisor::{self, Spawned};
use drydock_core::error::Result;
use drydock_core::id::ContainerId;
use drydock_core::io::Attach;
use drydock_core::kernel::{
    Attachment, Device, Entry, Facts, Guard, Ingested, Kernel, Launch, OpenTree, Process, Request, Signal, Step, Task, Tree,
};
use drydock_core::observe::Snapshot;
use std::time::Duration;

/// The real kernel.
#[derive(Debug)]
pub struct LinuxKernel {
    host: Host,
    children: Children,
    spawned: Spawned,
}

impl LinuxKernel {
    /// Opens the host over these two roots.
    pub fn open(data_root: &str, run_root: &str) -> Result<Self> {
        Ok(Self { host: Host::open(data_root, run_root)?, children: Children::default(), spawned: Spawned::default() })
    }

    /// Begins the supervisor that will be asked for next, so that it is ready by then. Only a hint: nothing is made, and if it is not
    /// asked for it ends with this.
    pub fn begin_supervisor(&self) {
        self.spawned.begin(self.host.facts());
    }

    /// Hands a launched process over to the caller, who looks after it from then on.
    pub fn take(&self, process: &Process) -> Result<Child> {
        self.children.take(process).map(|(_, child)| child)
    }

    /// The host's half.
    pub fn host(&self) -> &Host {
        &self.host
    }
}

impl Kernel for LinuxKernel {
    fn facts(&self) -> &Facts {
        self.host.facts()
    }

    fn perform(&self, step: &Step, child: Option<&Process>) -> Result<()> {
        self.host.perform(step, child)
    }

    fn launch(&self, launch: &Launch) -> Result<Process> {
        self.children.launch(&self.host, launch)
    }

    fn release(&self, process: &Process) -> Result<()> {
        self.children.release(process)
    }

    fn signal(&self, process: &Process, signal: Signal) -> Result<()> {
        process::signal(process, signal)
    }

    fn alive(&self, process: &Process) -> Result<bool> {
        process::alive(process)
    }

    fn destroy(&self, process: &Process) -> Result<()> {
        self.children.destroy(process)
    }

    fn tasks(&self, cgroup: &str) -> Result<Vec<Task>> {
        self.host.tasks(cgroup)
    }

    fn read(&self, path: &str, offset: u64, limit: usize) -> Result<Vec<u8>> {
        self.host.read(path, offset, limit)
    }

    fn size(&self, path: &str) -> Result<u64> {
        self.host.size(path)
    }

    fn tree_size(&self, path: &str) -> Result<u64> {
        crate::tree_size::of(path)
    }

    fn entry(&self, path: &str) -> Result<Entry> {
        crate::files::entry(&self.host.facts().data_root, path)
    }

    fn devices(&self, path: &str) -> Result<Vec<Device>> {
        crate::devices::list(path)
    }

    fn ingest(
        &self,
        reader: &mut dyn std::io::Read,
        limit: u64,
        ahead: &mut dyn FnMut() -> Result<Option<String>>,
        accept: &mut dyn FnMut(&Ingested) -> Result<()>,
    ) -> Result<Ingested> {
        self.host.ingest(reader, limit, ahead, accept)
    }

    fn tree(&self, tree: &Tree) -> Result<Box<dyn OpenTree>> {
        crate::tree::open(tree)
    }

    fn observe(&self) -> Result<Snapshot> {
        self.host.observe()
    }

    fn lock(&self, name: &str) -> Result<Option<Box<dyn Guard>>> {
        self.host.lock(name)
    }

    fn supervise(&self, id: &ContainerId) -> Result<()> {
        self.spawned.supervise(self, id)
    }

    fn request(&self, id: &ContainerId, request: &Request) -> Result<()> {
        supervisor::request(self, id, request)
    }

    fn attach(&self, id: &ContainerId, attach: &Attach) -> Result<Box<dyn Attachment>> {
        supervisor::attach(self, id, attach)
    }

    fn wait(&self, id: &ContainerId, timeout: Option<Duration>) -> Result<bool> {
        supervisor::wait(self, id, timeout)
    }

    fn attach_exec(&self, id: &ContainerId, exec: &str, attach: &Attach) -> Result<Box<dyn Attachment>> {
        supervisor::attach_exec(self, id, exec, attach)
    }
}
