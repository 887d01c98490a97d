//! The kernel seam: the steps, the processes they make, and the trait of what carries them out.
//!
//! Two implementations: `drydock_linux::LinuxKernel` and `drydock_sim::SimKernel`. Neither decides anything; what to do, in
//! which order, and how to undo it is in [`crate::plan`].

mod ingest;
mod process;
mod signal;
mod step;
mod tree;

pub use ingest::{Compression, Ingested};
pub use process::{Launch, Namespace, NamespaceFrom, NamespaceKind, Process, Streams};
pub use signal::Signal;
pub use step::{Firewall, Hidden, MountFlags, Protocol, Step, Where, tmpfs_has_mode};
pub use tree::{Binding, Extract, Found, OpenTree, Tree};

use crate::engine::ContainerUpdate;
use crate::error::Result;
use crate::id::ContainerId;
use crate::io::{Attach, Ended, Io, Size};
use crate::limits::CgroupMode;
use crate::network::Place;
use crate::observe::Snapshot;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a kernel is and can do, asked once when the engine opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// `linux` or `sim`.
    pub host: String,
    /// The kernel's release, as `uname -r`.
    pub release: String,
    /// The operating system's pretty name.
    pub system: String,
    /// The host's name.
    pub hostname: String,
    /// The machine, in the OCI's word: `amd64`, `arm64`.
    pub architecture: String,
    /// Usable processors.
    pub cpus: u32,
    /// Memory in bytes.
    pub memory: u64,
    /// How control groups are mounted.
    pub cgroup: CgroupMode,
    /// Controllers that can be used, sorted: `cpu`, `memory`, `pids`…
    pub controllers: Vec<String>,
    /// Where each usable controller's hierarchy is mounted: on v2 the same place for all, `/sys/fs/cgroup`.
    pub cgroup_roots: std::collections::BTreeMap<String, String>,
    /// Capabilities that the engine's own bounding set has, as a bit mask; containers cannot get more.
    pub capabilities: u64,
    /// Hard limit of open files of the engine; containers cannot get more without CAP_SYS_RESOURCE.
    pub max_open_files: u64,
    /// Whether seccomp filters can be installed.
    pub seccomp: bool,
    /// Whether mounts can be given other ids than their files have (mount_setattr(2), MOUNT_ATTR_IDMAP), overlays' layers too.
    pub idmapped_mounts: bool,
    /// Where durable state lives: `/var/lib/drydock`.
    pub data_root: String,
    /// Where state of this boot lives: `/run/drydock`.
    pub run_root: String,
    /// Changes with every boot: state of running things from another boot is void.
    pub boot_id: String,
}

/// What a process that has ended left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// 0 to 255: the exit status, or 128 and the signal's number.
    pub code: i32,
    /// The kernel killed something in its control group for want of memory.
    pub oom_killed: bool,
}

/// One process as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its id on the host.
    pub pid: u32,
    /// Its id in the innermost pid namespace.
    pub inner_pid: u32,
    /// Its parent on the host.
    pub parent: u32,
    /// The user on the host.
    pub uid: u32,
    /// Its arguments.
    pub command: Vec<String>,
}

/// What a path leads to, as overlayfs looks at its layers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A regular file.
    File,
    /// A directory.
    Directory {
        /// Nothing of the layers below shines through.
        opaque: bool,
    },
    /// A symbolic link, with where it leads.
    Link(String),
    /// What is below is removed here: a character device 0:0.
    Whiteout,
    /// Anything else: a device, a pipe, a socket.
    Other,
}

/// A device node of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Where it is.
    pub path: String,
    /// `c` or `b`.
    pub kind: char,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// Entries of a /dev that are no devices of the host's: a container has its own (moby `devices.HostDevices`).
pub const OWN_DEVICES: [&str; 5] = ["pts", "shm", "fd", "mqueue", "console"];

/// A change of a running container, sent to its supervisor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Begin: the container's first start. Answered when its program runs, or with the error that kept it from running.
    Start,
    /// Stop for good: this signal, then SIGKILL after the grace period. Answered at once; wait for the end with [`Kernel::wait`].
    Stop {
        /// The first signal.
        signal: Signal,
        /// How long to wait before SIGKILL; `None` waits for ever.
        grace: Option<Duration>,
        /// It is to be started again in a moment: even one that is to be removed at its end stays.
        #[serde(default)]
        keep: bool,
    },
    /// Send one signal; the restart policy still holds, unless the signal is one a person stops a container with.
    Signal(Signal),
    /// Give the terminal this size.
    Resize(Size),
    /// Start a program that is recorded as running in the container, with its streams leading nowhere; or else see
    /// [`Kernel::attach_exec`]. Answered when it runs, or with the error that kept it from running.
    Exec {
        /// Its id.
        exec: String,
    },
    /// Give the terminal of such a program this size. One that has none, or has ended, is [`crate::ErrorKind::NotRunning`].
    ResizeExec {
        /// Its id.
        exec: String,
        /// The size.
        size: Size,
    },
    /// Change limits, restart policy or published ports. Answered when all of it is changed, or with the error that kept it from that.
    Update(Box<ContainerUpdate>),
    /// Put the running container on this network too. Answered when it is on it.
    Connect(Box<Place>),
    /// Take it off this network, by id. Answered when it is off it.
    Disconnect(String),
    /// Say what keeps the end of the program from being recorded: the answer is an error where something does.
    Trouble,
}

impl Request {
    /// How long a supervisor may take to answer; after that [`Kernel::request`] fails with [`no_answer`]. A stop is answered before the
    /// container has ended, so only a start takes any time at all.
    pub fn patience(&self) -> Duration {
        match self {
            Self::Start => Duration::from_secs(300),
            _ => Duration::from_secs(20),
        }
    }
}

/// What is said of a supervisor that lives and does not answer: it was stopped by a signal, or hangs in a system call.
pub fn no_answer(id: &ContainerId) -> crate::Error {
    crate::Error::new(crate::ErrorKind::TimedOut, format!("the supervisor of container {} does not answer", id.short()))
        .op("supervise")
        .subject(id.as_str())
        .hint("see with ps whether it was stopped by a signal (state T); kill -CONT lets it go on, kill -9 ends it and its container")
}

/// Carries out steps. One implementation is the real Linux, one is the simulated one.
///
/// Calls are synchronous. All are safe to repeat after a crash: making what is there and removing what is not there succeed
/// where the step's documentation says so.
pub trait Kernel: Send + Sync {
    /// What this kernel is and can do.
    fn facts(&self) -> &Facts;

    /// Carries out one step in the host. `child` is the process a [`Where::Child`] in the step means.
    fn perform(&self, step: &Step, child: Option<&Process>) -> Result<()>;

    /// Clones a process, carries out its `inside` steps in it, and leaves it waiting before its `last` steps.
    ///
    /// If a step fails, the process is gone and the error names the step.
    fn launch(&self, launch: &Launch) -> Result<Process>;

    /// Lets a launched process carry out its `last` steps and execute its program. Returns when the program runs, or with the
    /// error that kept it from running ([`crate::ErrorKind::CommandNotFound`], [`crate::ErrorKind::CommandNotExecutable`]).
    fn release(&self, process: &Process) -> Result<()>;

    /// Sends a signal. A process that is gone, or whose pid now belongs to another, is [`crate::ErrorKind::NotRunning`].
    fn signal(&self, process: &Process, signal: Signal) -> Result<()>;

    /// Whether this very process is alive (not a zombie, and not another with the same pid).
    fn alive(&self, process: &Process) -> Result<bool>;

    /// Kills and reaps a process and everything in its pid namespace. Nothing there is no error.
    fn destroy(&self, process: &Process) -> Result<()>;

    /// Processes in a control group and those below it.
    fn tasks(&self, cgroup: &str) -> Result<Vec<Task>>;

    /// At most `limit` bytes of a file of the host from `offset`. A file that is not there is [`crate::ErrorKind::NotFound`].
    fn read(&self, path: &str, offset: u64, limit: usize) -> Result<Vec<u8>>;

    /// The length of a file of the host in bytes. A file that is not there is [`crate::ErrorKind::NotFound`].
    fn size(&self, path: &str) -> Result<u64>;

    /// How much the files below a path take: the lengths of everything in the tree that is no directory, a file with several names
    /// counted once. Nothing there takes nothing.
    fn tree_size(&self, path: &str) -> Result<u64>;
    /// What is at a path of the host, the last part of it not followed. Below the data root no other part may be a link either.
    /// Nothing there is [`crate::ErrorKind::NotFound`].
    fn entry(&self, path: &str) -> Result<Entry>;

    /// The device nodes at a path of the host, or below it where it is a directory, without those that a container has of its own
    /// (pts, shm, fd, mqueue, console). A file that is no device is [`crate::ErrorKind::InvalidInput`].
    fn devices(&self, path: &str) -> Result<Vec<Device>>;

    /// Reads a stream to its end and keeps it as a blob, `DATA_ROOT/blobs/sha256/HEX`, durable when this returns.
    ///
    /// A stream of more than `limit` bytes, or one that does not decompress, is refused. `accept` sees what was read before the
    /// blob gets its name, and records or refuses it: after its error, the reader's or this method's own, nothing is kept. A blob
    /// that is there already stays.
    ///
    /// `ahead` is asked, at most once, where what comes could be a layer that is worth unpacking while it comes; it answers a directory
    /// that does not exist yet, below the data root. Whether the layer is there when this returns, [`Ingested::ahead`] says; it has no
    /// name yet, and [`Step::UnpackLayer`] gives it one. A host may never ask.
    fn ingest(
        &self,
        reader: &mut dyn std::io::Read,
        limit: u64,
        ahead: &mut dyn FnMut() -> Result<Option<String>>,
        accept: &mut dyn FnMut(&Ingested) -> Result<()>,
    ) -> Result<Ingested>;

    /// Opens a tree of files: a layer, or a container's root.
    ///
    /// A process that is gone is [`crate::ErrorKind::NotRunning`]; a directory that is not there [`crate::ErrorKind::NotFound`].
    fn tree(&self, tree: &Tree) -> Result<Box<dyn OpenTree>>;

    /// Everything on the host that Drydock could leave behind.
    fn observe(&self) -> Result<Snapshot>;

    /// Takes a lock named for a container, network or image, without waiting; `None` if another process or thread holds it. It
    /// is freed when the guard is dropped, and when its holder dies.
    fn lock(&self, name: &str) -> Result<Option<Box<dyn Guard>>>;

    /// Starts a supervisor for a container: a process that owns its streams, records its exit and applies its restart policy,
    /// by [`crate::supervise::Supervisor`]. It waits for [`Request::Start`], and ends if none ever comes. When this returns, the
    /// supervisor can be asked and attached to.
    fn supervise(&self, id: &ContainerId) -> Result<()>;

    /// Asks a container's supervisor. No supervisor is [`crate::ErrorKind::NotRunning`]; one that does not answer in
    /// [`Request::patience`] is [`no_answer`].
    fn request(&self, id: &ContainerId, request: &Request) -> Result<()>;

    /// Connects to a container's streams through its supervisor. Bytes written after this returns are not lost.
    fn attach(&self, id: &ContainerId, attach: &Attach) -> Result<Box<dyn Attachment>>;

    /// Waits until the container's supervisor has ended, at most this long; `false` if it still runs then. A timeout of zero asks,
    /// and lets no time pass. No supervisor has ended.
    fn wait(&self, id: &ContainerId, timeout: Option<Duration>) -> Result<bool>;

    /// Lets a container's supervisor start a program that is recorded as running in it, and connects to that one's streams.
    ///
    /// It goes on if whoever is connected leaves or dies: then its output is read and dropped. The errors are those of
    /// [`Kernel::request`] and what kept it from running.
    fn attach_exec(&self, id: &ContainerId, exec: &str, attach: &Attach) -> Result<Box<dyn Attachment>>;
}

/// An open connection to a container's streams.
pub trait Attachment: Send {
    /// From when on it has what the container writes, if it was asked for with [`Attach::logs`]: the log has what was written before
    /// that, and nothing is in both or in neither. What then had no line end yet is in no log entry, and comes first.
    fn since(&self) -> Option<Timestamp>;

    /// Carries bytes both ways until the container ends or the person leaves.
    fn pump(&mut self, io: &mut dyn Io) -> Result<Ended>;
}

/// A lock that is held until this is dropped.
pub trait Guard: Send {}
