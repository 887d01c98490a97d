//! A kernel that does not do everything it is asked to, or does it otherwise.

use drydock_core::Result;
use drydock_core::id::ContainerId;
use drydock_core::io::Attach;
use drydock_core::kernel::{
    Attachment, Device, Entry, Facts, Guard, Ingested, Kernel, Launch, OpenTree, Process, Request, Signal, Step, Task, Tree,
};
use drydock_core::observe::Snapshot;
use std::sync::Arc;
use std::time::Duration;

/// What is wrong with a kernel.
#[derive(Clone, Copy, Default)]
pub struct Bugs {
    /// Steps that are said to be done, and are not.
    pub skip: Option<fn(&Step) -> bool>,
    /// What becomes of a step.
    pub change: Option<fn(&mut Step)>,
    /// What becomes of a process that is to be made.
    pub launch: Option<fn(&mut Launch)>,
    /// What becomes of a request to a supervisor.
    pub request: Option<fn(&mut Request)>,
}

/// A kernel with bugs.
pub struct BrokenKernel {
    /// The kernel underneath.
    pub kernel: Arc<dyn Kernel>,
    /// What is wrong with it.
    pub bugs: Bugs,
}

impl Kernel for BrokenKernel {
    fn perform(&self, step: &Step, child: Option<&Process>) -> Result<()> {
        if self.bugs.skip.is_some_and(|skip| skip(step)) {
            return Ok(());
        }
        let mut step = step.clone();
        if let Some(change) = self.bugs.change {
            change(&mut step);
        }
        self.kernel.perform(&step, child)
    }

    fn launch(&self, launch: &Launch) -> Result<Process> {
        let mut launch = launch.clone();
        if let Some(change) = self.bugs.launch {
            change(&mut launch);
        }
        self.kernel.launch(&launch)
    }

    fn request(&self, id: &ContainerId, request: &Request) -> Result<()> {
        let mut request = request.clone();
        if let Some(change) = self.bugs.request {
            change(&mut request);
        }
        self.kernel.request(id, &request)
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
