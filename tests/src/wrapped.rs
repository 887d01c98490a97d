//! A kernel with somebody between it and the engine: who sees what is to be done, and may do otherwise.
//!
//! The suite's mutants are made with it, and so is the judge of the Rust labs.

use drydock_core::Result;
use drydock_core::id::ContainerId;
use drydock_core::io::Attach;
use drydock_core::kernel::{
    Attachment, Device, Entry, Facts, Guard, Ingested, Kernel, Launch, OpenTree, Process, Request, Signal, Step, Task, Tree,
};
use drydock_core::observe::Snapshot;
use std::sync::Arc;
use std::time::Duration;

/// Who stands between an engine and its kernel. Without a method of its own each passes on what it is given.
pub trait Between: Send + Sync {
    /// Carries out a step.
    ///
    /// # Errors
    /// The kernel's, or its own.
    fn perform(&self, kernel: &dyn Kernel, step: &Step, child: Option<&Process>) -> Result<()> {
        kernel.perform(step, child)
    }

    /// Makes a process.
    ///
    /// # Errors
    /// The kernel's, or its own.
    fn launch(&self, kernel: &dyn Kernel, launch: &Launch) -> Result<Process> {
        kernel.launch(launch)
    }

    /// Asks a supervisor.
    ///
    /// # Errors
    /// The kernel's, or its own.
    fn request(&self, kernel: &dyn Kernel, id: &ContainerId, request: &Request) -> Result<()> {
        kernel.request(id, request)
    }
}

/// The kernel with somebody before it.
pub struct Wrapped<B> {
    /// The kernel underneath.
    pub kernel: Arc<dyn Kernel>,
    /// Who stands before it.
    pub between: B,
}

impl<B: Between> Kernel for Wrapped<B> {
    fn perform(&self, step: &Step, child: Option<&Process>) -> Result<()> {
        self.between.perform(&*self.kernel, step, child)
    }

    fn launch(&self, launch: &Launch) -> Result<Process> {
        self.between.launch(&*self.kernel, launch)
    }

    fn request(&self, id: &ContainerId, request: &Request) -> Result<()> {
        self.between.request(&*self.kernel, id, request)
    }

    fn facts(&self) -> &Facts {
        self.kernel.facts()
    }

    fn release(&self, process: &Process) -> Result<()> {
        self.kernel.release(process)
    }

    fn signal(&self, process: &Process, signal: Signal) -> Result<()> {
        self.kernel.signal(process, signal)
    }

    fn alive(&self, process: &Process) -> Result<bool> {
        self.kernel.alive(process)
    }

    fn destroy(&self, process: &Process) -> Result<()> {
        self.kernel.destroy(process)
    }

    fn tasks(&self, cgroup: &str) -> Result<Vec<Task>> {
        self.kernel.tasks(cgroup)
    }

    fn read(&self, path: &str, offset: u64, limit: usize) -> Result<Vec<u8>> {
        self.kernel.read(path, offset, limit)
    }

    fn size(&self, path: &str) -> Result<u64> {
        self.kernel.size(path)
    }

    fn tree_size(&self, path: &str) -> Result<u64> {
        self.kernel.tree_size(path)
    }

    fn entry(&self, path: &str) -> Result<Entry> {
        self.kernel.entry(path)
    }

    fn devices(&self, path: &str) -> Result<Vec<Device>> {
        self.kernel.devices(path)
    }

    fn ingest(
        &self,
        reader: &mut dyn std::io::Read,
        limit: u64,
        ahead: &mut dyn FnMut() -> Result<Option<String>>,
        accept: &mut dyn FnMut(&Ingested) -> Result<()>,
    ) -> Result<Ingested> {
        self.kernel.ingest(reader, limit, ahead, accept)
    }

    fn tree(&self, tree: &Tree) -> Result<Box<dyn OpenTree>> {
        self.kernel.tree(tree)
    }

    fn observe(&self) -> Result<Snapshot> {
        self.kernel.observe()
    }

    fn lock(&self, name: &str) -> Result<Option<Box<dyn Guard>>> {
        self.kernel.lock(name)
    }

    fn supervise(&self, id: &ContainerId) -> Result<()> {
        self.kernel.supervise(id)
    }

    fn attach(&self, id: &ContainerId, attach: &Attach) -> Result<Box<dyn Attachment>> {
        self.kernel.attach(id, attach)
    }

    fn wait(&self, id: &ContainerId, timeout: Option<Duration>) -> Result<bool> {
        self.kernel.wait(id, timeout)
    }

    fn attach_exec(&self, id: &ContainerId, exec: &str, attach: &Attach) -> Result<Box<dyn Attachment>> {
        self.kernel.attach_exec(id, exec, attach)
    }
}
