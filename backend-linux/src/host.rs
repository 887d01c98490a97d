//! The host's half of the kernel: steps that change the host, and questions about what is there.
//!
//! One method of [`Host`] a question of [`Kernel`](drydock_core::kernel::Kernel); each delegates to the module of its noun.

use drydock_core::error::{Error, Result};
use drydock_core::kernel::{Facts, Guard, Ingested, Process, Step, Task};
use drydock_core::limits::CgroupMode;
use drydock_core::observe::Snapshot;

/// The host as it was found when the engine was opened.
#[derive(Debug)]
pub struct Host {
    facts: Facts,
}

impl Host {
    /// Looks at the host, and makes the two roots if they are not there.
    pub fn open(data_root: &str, run_root: &str) -> Result<Self> {
        let facts = Facts {
            host: "linux".to_owned(),
            release: String::new(),
            system: String::new(),
            hostname: String::new(),
            architecture: "amd64".to_owned(),
            cpus: 1,
            memory: 0,
            cgroup: CgroupMode::V1,
            controllers: Vec::new(),
            capabilities: u64::MAX,
            max_open_files: 1024,
            seccomp: true,
            data_root: data_root.to_owned(),
            run_root: run_root.to_owned(),
            boot_id: String::new(),
        };
        Ok(Self { facts })
    }

    /// What this kernel is and can do.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Carries out one step of the host. Steps of a new process are [`crate::process`]'s.
    pub fn perform(&self, step: &Step, _child: Option<&Process>) -> Result<()> {
        Err(Error::unsupported(format!("{step:?} in the host")))
    }

    /// Every directory into which a process writes its pid to join a control group: one a v1 hierarchy, one for v2.
    pub fn cgroup_directories(&self, _cgroup: &str) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Processes in a control group and those below it.
    pub fn tasks(&self, _cgroup: &str) -> Result<Vec<Task>> {
        Err(Error::unsupported("listing processes"))
    }

    /// At most `limit` bytes of a file from `offset`.
    pub fn read(&self, path: &str, _offset: u64, _limit: usize) -> Result<Vec<u8>> {
        Err(Error::unsupported(format!("reading {path}")))
    }

    /// The length of a file in bytes.
    pub fn size(&self, path: &str) -> Result<u64> {
        Err(Error::unsupported(format!("measuring {path}")))
    }

    /// Reads a stream to its end and keeps it as a blob.
    pub fn ingest(
        &self,
        _reader: &mut dyn std::io::Read,
        _limit: u64,
        _accept: &mut dyn FnMut(&Ingested) -> Result<()>,
    ) -> Result<Ingested> {
        Err(Error::unsupported("taking in content"))
    }

    /// Everything on the host that Drydock could leave behind.
    pub fn observe(&self) -> Result<Snapshot> {
        Err(Error::unsupported("observing"))
    }

    /// Takes a named lock without waiting.
    pub fn lock(&self, _name: &str) -> Result<Option<Box<dyn Guard>>> {
        Err(Error::unsupported("locks"))
    }
}
