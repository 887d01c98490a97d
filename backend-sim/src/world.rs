//! Everything the simulated kernel holds, and the lock around it.

use crate::cgroup::Cgroups;
use crate::copy::Left;
use crate::fault::Faults;
use crate::file::OpenFile;
use crate::net::Net;
use crate::process::cpu::Cpus;
use crate::process::pipe::Pipe;
use crate::process::sched::Sched;
use crate::process::tty::Tty;
use crate::process::{Namespaces, Proc};
use crate::trace::Trace;
use crate::vfs::{Ctx, Loc, Vfs};
use drydock_core::limits::CgroupMode;
use drydock_core::time::{Moment, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a simulated host is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimConfig {
    /// What everything random is drawn from.
    pub seed: u64,
    /// How control groups are mounted.
    pub cgroup: CgroupMode,
    /// Processors.
    pub cpus: u32,
    /// Memory in bytes.
    pub memory: u64,
    /// Size of the disk in bytes.
    pub disk: u64,
    /// The host's name.
    pub hostname: String,
    /// Whether every step and system call is written to the trace.
    pub trace: bool,
    /// Whether a power cut takes back what nobody synced, as much as chance says. Without it the disk keeps everything.
    pub forgetful: bool,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            cgroup: CgroupMode::V2,
            cpus: 4,
            memory: 8 << 30,
            disk: 64 << 30,
            hostname: "simhost".to_owned(),
            trace: false,
            forgetful: false,
        }
    }
}

/// The moment every simulated host boots: 2026-01-01T00:00:00Z.
pub const BOOT: u64 = 1_767_225_600_000_000_000;

/// Everything the simulated kernel holds.
#[derive(Clone)]
pub struct World {
    /// What the engine's store keeps: the name server of containers reads it.
    pub(crate) records: std::sync::Arc<crate::store::Records>,
    /// Peer groups of binds of the process that is being launched, by their targets.
    pub peers: BTreeMap<String, u32>,
    /// How it was made.
    pub config: SimConfig,
    /// The virtual time, in nanoseconds since 1970.
    pub now: u64,
    /// How far the time of day has been set away from the virtual time, in nanoseconds. Timers do not know it.
    pub away: i64,
    /// When it booted.
    pub booted: u64,
    /// How often it booted.
    pub boots: u64,
    /// What everything random is drawn from.
    pub rng: ChaCha8Rng,
    /// Processes by host pid.
    pub procs: BTreeMap<u32, Proc>,
    /// The next host pid, and the next process's birth number.
    pub next_pid: u32,
    /// Counts processes, so that a reused pid is told apart.
    pub births: u64,
    /// Who runs next, and who waits for what.
    pub sched: Sched,
    /// Processor time.
    pub cpus: Cpus,
    /// File systems.
    pub fs: Vfs,
    /// The largest file, in bytes.
    pub largest_file: u64,
    /// Open files by number.
    pub files: BTreeMap<u32, OpenFile>,
    /// The next open file's number.
    pub next_file: u32,
    /// Pipes by number.
    pub pipes: BTreeMap<u32, Pipe>,
    /// The next pipe's number.
    pub next_pipe: u32,
    /// Terminals by number.
    pub ttys: BTreeMap<u32, Tty>,
    /// The next terminal's number.
    pub next_tty: u32,
    /// Namespaces.
    pub ns: Namespaces,
    /// Networks.
    pub net: Net,
    /// The network namespace of the world outside the host.
    pub outside_ns: u32,
    /// Control groups.
    pub cgroups: Cgroups,
    /// What happened.
    pub trace: Trace,
    /// What is to go wrong.
    pub faults: Faults,
    /// Sysctls that were written, by namespace (0 for all) and path.
    pub sysctls: BTreeMap<(u32, String), String>,
    /// What programs asked for and the simulator does not model.
    pub not_modelled: Option<String>,
    /// How far it may go on by itself: to a moment, and so many turns of processes. `None` is for ever.
    pub bound: Option<(u64, u64)>,
    /// It came to its bound.
    pub bounded: bool,
    /// Supervisors and clients in whose streams something changed.
    pub stirred: BTreeSet<u32>,
    /// Processes of supervisors and clients that ended: pid to exit code, control group and whether the kernel killed for memory.
    pub ended: BTreeMap<u32, drydock_core::kernel::Exit>,
    /// Those of them that nobody has heard of yet.
    pub just_ended: Vec<u32>,
    /// Ends of processes' standard streams that are with whoever launched them.
    pub ends: BTreeMap<u32, crate::kernel::Ends>,
    /// Processes whose end goes into `ended`.
    pub watched: BTreeSet<u32>,
    /// The kernel's own rights: all.
    pub kernel_creds: Arc<crate::sys::Credentials>,
    /// The host's root.
    pub root: Loc,
    /// Futures of processes that died, to be dropped outside the lock.
    pub graveyard: Left<Vec<crate::programs::Running>>,
}

/// The world behind its lock. Single-threaded use; the lock is for the type system and for honest tests.
#[derive(Clone)]
pub struct Shared(pub Arc<Mutex<World>>);

impl Shared {
    /// The world.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        // A panic elsewhere is reported by itself; the state is still the state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// A host that has just booted, with its own file system, processes and links.
    pub fn new(config: SimConfig) -> Self {
        let mut world = Self {
            records: std::sync::Arc::default(),
            peers: BTreeMap::new(),
            now: BOOT,
            away: 0,
            booted: BOOT,
            boots: 1,
            rng: ChaCha8Rng::seed_from_u64(config.seed),
            procs: BTreeMap::new(),
            next_pid: 1,
            births: 0,
            sched: Sched::default(),
            cpus: Cpus::new(config.cpus),
            fs: Vfs::default(),
            largest_file: 1 << 32,
            files: BTreeMap::new(),
            next_file: 1,
            pipes: BTreeMap::new(),
            next_pipe: 1,
            ttys: BTreeMap::new(),
            next_tty: 0,
            ns: Namespaces::default(),
            net: Net::default(),
            outside_ns: 0,
            cgroups: Cgroups::new(config.cgroup),
            trace: Trace::new(config.trace),
            faults: Faults::default(),
            sysctls: BTreeMap::new(),
            not_modelled: None,
            bound: None,
            bounded: false,
            stirred: BTreeSet::new(),
            ended: BTreeMap::new(),
            just_ended: Vec::new(),
            ends: BTreeMap::new(),
            watched: BTreeSet::new(),
            kernel_creds: Arc::new(crate::sys::Credentials::root()),
            root: Loc { mount: 0, node: crate::vfs::Node::Plain(0) },
            graveyard: Left::default(),
            config,
        };
        world.make_disk();
        world.boot();
        if world.config.forgetful {
            world.fs.journal.disk = world.disk_system();
        }
        world
    }

    /// The time of day: the virtual time, unless it was set.
    pub fn timestamp(&self) -> Timestamp {
        Timestamp(self.now.saturating_add_signed(self.away))
    }

    /// The virtual time, as what is waited for is measured.
    pub fn moment(&self) -> Moment {
        Moment(self.now)
    }

    /// Random bytes.
    pub fn random(&mut self, buffer: &mut [u8]) {
        self.rng.fill_bytes(buffer);
    }

    /// The kernel's own view of paths: every right, the host's root.
    pub fn kernel_ctx(&self) -> Ctx {
        Ctx { root: self.root, cwd: self.root, creds: Arc::clone(&self.kernel_creds), pid: 0, umask: 0 }
    }

    /// A process's view of paths.
    pub fn ctx(&self, pid: u32) -> crate::sys::Res<Ctx> {
        let p = self.proc(pid)?;
        Ok(Ctx { root: p.root, cwd: p.cwd, creds: p.creds.clone(), pid, umask: p.umask })
    }
}
