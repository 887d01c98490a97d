//! The simulated kernel behind the seam that the planner uses: every step, every question.

mod blobs;
mod carry;
mod devices;
mod errors;
mod host;
mod init;
mod inside;
mod launch;
mod network;
mod observe;
mod tree;
mod unpack;
pub(crate) use unpack::LARGEST_FILE;
mod volume;

pub use errors::{Named, kind};
pub use launch::Ends;

use crate::exec::ExecAttachment;
use crate::fault::What;
use crate::host::Machine;
use crate::supervisor::SimAttachment;
use crate::world::World;
use drydock_core::id::ContainerId;
use drydock_core::io::Attach;
use drydock_core::kernel::{
    Attachment, Device, Entry, Exit, Facts, Guard, Ingested, Kernel, Launch, OpenTree, Process, Request, Signal, Step, Task, Tree,
};
use drydock_core::limits::CgroupMode;
use drydock_core::observe::Snapshot;
use drydock_core::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::time::Duration;

/// What uname(2) says as the release.
pub const RELEASE: &str = "6.1.0-drydock";
/// What uname(2) says as the version.
pub const VERSION: &str = "#1 SMP PREEMPT_DYNAMIC Drydock simulated kernel";
/// Nanoseconds that a step takes.
const STEP: u64 = 1000;
/// Where durable state lives.
pub const DATA_ROOT: &str = "/var/lib/drydock";
/// Where state of this boot lives.
pub const RUN_ROOT: &str = "/run/drydock";

/// Limits of processes: name, title and unit in /proc/PID/limits.
pub const RLIMITS: &[(&str, &str, &str)] = &[
    ("cpu", "Max cpu time", "seconds"),
    ("fsize", "Max file size", "bytes"),
    ("data", "Max data size", "bytes"),
    ("stack", "Max stack size", "bytes"),
    ("core", "Max core file size", "bytes"),
    ("rss", "Max resident set", "bytes"),
    ("nproc", "Max processes", "processes"),
    ("nofile", "Max open files", "files"),
    ("memlock", "Max locked memory", "bytes"),
    ("as", "Max address space", "bytes"),
    ("locks", "Max file locks", "locks"),
    ("sigpending", "Max pending signals", "signals"),
    ("msgqueue", "Max msgqueue size", "bytes"),
    ("nice", "Max nice priority", ""),
    ("rtprio", "Max realtime priority", ""),
    ("rttime", "Max realtime timeout", "us"),
];

/// Soft and hard limit of a process that nobody gave another.
pub fn default_rlimit(name: &str) -> Option<(u64, u64)> {
    RLIMITS.iter().find(|(n, _, _)| *n == name)?;
    Some(match name {
        "nofile" => (1024, 1 << 20),
        "nproc" | "sigpending" => (31391, 31391),
        "stack" => (8 << 20, u64::MAX),
        "core" => (0, u64::MAX),
        "memlock" => (8 << 20, 8 << 20),
        "msgqueue" => (819_200, 819_200),
        "nice" | "rtprio" => (0, 0),
        _ => (u64::MAX, u64::MAX),
    })
}

/// The simulated kernel.
#[derive(Clone)]
pub struct SimKernel {
    pub(crate) machine: Arc<Machine>,
    facts: Facts,
}

impl SimKernel {
    /// The kernel of a simulated machine.
    pub(crate) fn new(machine: Arc<Machine>) -> Self {
        let facts = facts(&machine.shared.lock());
        Self { machine, facts }
    }

    /// Counts a request, and lets it fail or be the last of its process, if that was asked for. Answers whether to crash after it.
    fn strike(&self, name: impl FnOnce() -> String) -> Result<bool> {
        self.machine.check_alive()?;
        let mut world = self.machine.shared.lock();
        let name = if world.faults.watching() || world.trace.is_on() { name() } else { String::new() };
        // Nothing that is asked of a kernel takes no time: what is made later is younger.
        world.now += STEP;
        let now = world.now;
        world.trace.note(now, || format!("request {name}"));
        let what = world.faults.strike(&name);
        drop(world);
        match what {
            None => Ok(false),
            Some(What::Fail) => Err(Error::new(ErrorKind::System, format!("{name}: Input/output error")).op("fault").subject(name)),
            Some(What::Errno(errno)) => Err(Error::new(kind(errno), format!("{name}: {}", errno.text())).op("fault").subject(name)),
            Some(What::CrashBefore) => {
                self.machine.crash();
                Err(interrupted())
            }
            Some(What::CrashAfter) => Ok(true),
            Some(What::Stall(time)) => {
                self.machine.advance(time);
                Ok(false)
            }
            Some(What::PowerLoss) => Err(interrupted()),
        }
    }

    fn after<T>(&self, crash: bool, answer: Result<T>) -> Result<T> {
        // A fault inside a launch strikes whoever launched, now that the kernel has let go of it.
        let cut = self.machine.shared.lock().faults.cut.take();
        if matches!(cut, Some(What::PowerLoss)) {
            return Err(interrupted());
        }
        if crash || cut.is_some() {
            self.machine.crash();
            return Err(interrupted());
        }
        answer
    }
}

/// What a process that was cut off would have been told, had it lived.
pub(crate) fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "the process was cut off")
}

fn facts(world: &World) -> Facts {
    let mode = world.cgroups.mode;
    let controllers: &[&str] = match mode {
        // Device rules are a program of the group on v2, and as usable as a controller.
        CgroupMode::V2 => &["cpu", "cpuset", "devices", "memory", "pids"],
        CgroupMode::V1 | CgroupMode::Hybrid => &["cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids"],
    };
    let root_of = |controller: &str| {
        let dir = crate::cgroup::V1.iter().find(|d| d.split(',').any(|c| c == controller)).unwrap_or(&"");
        if mode == CgroupMode::V2 { "/sys/fs/cgroup".to_owned() } else { format!("/sys/fs/cgroup/{dir}") }
    };
    Facts {
        host: "sim".to_owned(),
        release: RELEASE.to_owned(),
        system: "Drydock simulated Linux".to_owned(),
        hostname: world.config.hostname.clone(),
        architecture: "amd64".to_owned(),
        cpus: world.config.cpus,
        memory: world.config.memory,
        cgroup: mode,
        controllers: controllers.iter().map(|c| (*c).to_owned()).collect(),
        cgroup_roots: controllers.iter().map(|c| ((*c).to_owned(), root_of(c))).collect(),
        capabilities: crate::vfs::cap::ALL,
        max_open_files: 1 << 20,
        seccomp: true,
        // Ids are the host's everywhere here: user namespaces are listed in [`crate::gaps`].
        idmapped_mounts: false,
        data_root: DATA_ROOT.to_owned(),
        run_root: RUN_ROOT.to_owned(),
        boot_id: world.boot_id(),
    }
}

impl Kernel for SimKernel {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn perform(&self, step: &Step, child: Option<&Process>) -> Result<()> {
        let crash = self.strike(|| step.name().to_owned())?;
        let answer = {
            let mut world = self.machine.shared.lock();
            let now = world.now;
            world.trace.note(now, || format!("step {}", serde_json::to_string(step).unwrap_or_default()));
            let ctx = world.kernel_ctx();
            let child = child.map(|c| world.living(c)).transpose()?;
            world.carry_out(&ctx, &self.machine.shared, step, child)
        };
        self.machine.bury();
        self.after(crash, answer)
    }

    fn launch(&self, launch: &Launch) -> Result<Process> {
        let crash = self.strike(|| "launch".to_owned())?;
        let parent = self.machine.actor();
        let answer = self.machine.shared.lock().launch(&self.machine.shared, parent, launch);
        self.machine.bury();
        self.after(crash, answer)
    }

    fn release(&self, process: &Process) -> Result<()> {
        let crash = self.strike(|| "release".to_owned())?;
        let answer = self.machine.shared.lock().release(&self.machine.shared, process);
        self.machine.bury();
        self.after(crash, answer)
    }

    fn signal(&self, process: &Process, signal: Signal) -> Result<()> {
        let crash = self.strike(|| "signal".to_owned())?;
        {
            let mut world = self.machine.shared.lock();
            let pid = world.living(process)?;
            world.deliver(pid, signal, true);
        }
        self.machine.bury();
        self.after(crash, Ok(()))
    }

    fn alive(&self, process: &Process) -> Result<bool> {
        self.machine.check_alive()?;
        Ok(self.machine.shared.lock().living(process).is_ok())
    }

    fn destroy(&self, process: &Process) -> Result<()> {
        let crash = self.strike(|| "destroy".to_owned())?;
        {
            let mut world = self.machine.shared.lock();
            if let Ok(pid) = world.living(process) {
                world.exit_process(pid, crate::sys::WaitStatus::Signaled(Signal::KILL));
            }
        }
        self.machine.bury();
        self.after(crash, Ok(()))
    }

    fn tasks(&self, cgroup: &str) -> Result<Vec<Task>> {
        self.machine.check_alive()?;
        let world = self.machine.shared.lock();
        let Some(group) = world.cgroups.find(cgroup) else { return Ok(Vec::new()) };
        let task = |pid: u32| {
            let p = world.procs.get(&pid)?;
            let inner_pid = p.pids.first().map_or(pid, |(_, inner)| *inner);
            Some(Task { pid, inner_pid, parent: p.parent, uid: p.creds.uid, command: p.args.clone() })
        };
        Ok(world.cgroups.members_below(group).into_iter().filter_map(task).collect())
    }

    fn read(&self, path: &str, offset: u64, limit: usize) -> Result<Vec<u8>> {
        self.machine.check_alive()?;
        let mut world = self.machine.shared.lock();
        let ctx = world.kernel_ctx();
        let at = world.walk(&ctx, path, true).named("open", path)?;
        if let crate::vfs::Node::Plain(ino) = at.node {
            return world.read_at(ino, offset, limit).named("read", path);
        }
        let bytes = world.file_content(&ctx, at).named("read", path)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes.get(start..start.saturating_add(limit).min(bytes.len())).unwrap_or_default().to_vec())
    }

    fn size(&self, path: &str) -> Result<u64> {
        self.machine.check_alive()?;
        let mut world = self.machine.shared.lock();
        let ctx = world.kernel_ctx();
        let at = world.walk(&ctx, path, true).named("stat", path)?;
        Ok(world.attributes(at.node).named("stat", path)?.size)
    }

    fn tree_size(&self, path: &str) -> Result<u64> {
        self.machine.check_alive()?;
        let mut world = self.machine.shared.lock();
        let ctx = world.kernel_ctx();
        world.tree_size(&ctx, path).named("read", path)
    }

    fn entry(&self, path: &str) -> Result<Entry> {
        self.machine.check_alive()?;
        self.machine.shared.lock().entry(path)
    }

    fn devices(&self, path: &str) -> Result<Vec<Device>> {
        self.machine.check_alive()?;
        self.machine.shared.lock().devices(path)
    }

    fn ingest(
        &self,
        reader: &mut dyn std::io::Read,
        limit: u64,
        // Here it takes no time to unpack a layer later.
        _: &mut dyn FnMut() -> Result<Option<String>>,
        accept: &mut dyn FnMut(&Ingested) -> Result<()>,
    ) -> Result<Ingested> {
        let crash = self.strike(|| "ingest".to_owned())?;
        let answer = self.take_in(reader, limit, accept);
        self.after(crash, answer)
    }

    fn tree(&self, tree: &Tree) -> Result<Box<dyn OpenTree>> {
        let crash = self.strike(|| "tree".to_owned())?;
        let answer = self.open_tree(tree);
        self.after(crash, answer)
    }

    fn observe(&self) -> Result<Snapshot> {
        self.machine.check_alive()?;
        Ok(self.machine.snapshot())
    }

    fn lock(&self, name: &str) -> Result<Option<Box<dyn Guard>>> {
        self.machine.check_alive()?;
        Ok(self.machine.take_lock(name).map(|g| Box::new(g) as Box<dyn Guard>))
    }

    fn supervise(&self, id: &ContainerId) -> Result<()> {
        let crash = self.strike(|| "supervise".to_owned())?;
        let answer = self.machine.start_supervisor(id);
        self.after(crash, answer)
    }

    fn request(&self, id: &ContainerId, request: &Request) -> Result<()> {
        let asked = self.machine.shared.lock().moment();
        let crash = self.strike(|| "request".to_owned())?;
        // A stalled one is not heard of any more once nobody waits for its answer.
        if self.machine.shared.lock().moment().since(asked) > request.patience() {
            return Err(drydock_core::kernel::no_answer(id));
        }
        let answer = self.machine.ask_supervisor(id, request);
        self.after(crash, answer)
    }

    fn attach(&self, id: &ContainerId, attach: &Attach) -> Result<Box<dyn Attachment>> {
        self.machine.check_alive()?;
        Ok(Box::new(SimAttachment::open(&self.machine, id, attach)?))
    }

    fn wait(&self, id: &ContainerId, timeout: Option<Duration>) -> Result<bool> {
        self.machine.check_alive()?;
        self.machine.wait_supervisor(id, timeout)
    }

    fn attach_exec(&self, id: &ContainerId, exec: &str, attach: &Attach) -> Result<Box<dyn Attachment>> {
        let crash = self.strike(|| "attach_exec".to_owned())?;
        let answer = ExecAttachment::open(&self.machine, id, exec, attach).map(|a| Box::new(a) as Box<dyn Attachment>);
        self.after(crash, answer)
    }
}

impl World {
    /// The pid of this very process, if it lives.
    pub(crate) fn living(&self, process: &Process) -> Result<u32> {
        match self.procs.get(&process.pid) {
            Some(p) if p.born == process.born && p.alive() => Ok(p.pid),
            _ => Err(Error::new(ErrorKind::NotRunning, format!("process {} has ended", process.pid)).op("pidfd_open")),
        }
    }

    /// How a process ended that an engine or supervisor waits for.
    pub(crate) fn take_end(&mut self, pid: u32) -> Option<Exit> {
        self.ended.remove(&pid)
    }
}
