//! The host's half of the kernel: steps that change the host, and questions about what is there.
//!
//! One method of [`Host`] a question of [`Kernel`](drydock_core::kernel::Kernel); each delegates to the module of its noun.

use crate::cgroup::Hierarchies;
use crate::{facts, files, lock};
use drydock_core::error::{Error, Result};
use drydock_core::kernel::{Facts, Guard, Ingested, Process, Step, Task};
use drydock_core::observe::Snapshot;

/// The host as it was found when the engine was opened.
#[derive(Debug)]
pub struct Host {
    facts: Facts,
    hierarchies: Hierarchies,
}

impl Host {
    /// Looks at the host, and makes the two roots if they are not there, for their owner alone.
    pub fn open(data_root: &str, run_root: &str) -> Result<Self> {
        for root in [data_root, run_root] {
            if !std::path::Path::new(root).is_dir() {
                files::make_dir(root, 0o700)?;
            }
        }
        let hierarchies = Hierarchies::detect();
        Ok(Self { facts: facts::gather(data_root, run_root, &hierarchies)?, hierarchies })
    }

    /// The control group hierarchies.
    pub fn hierarchies(&self) -> &Hierarchies {
        &self.hierarchies
    }

    /// What this kernel is and can do.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Carries out one step of the host. Steps of a new process are [`crate::process`]'s.
    pub fn perform(&self, step: &Step, _child: Option<&Process>) -> Result<()> {
        match step {
            Step::MakeDir { path, mode } => files::make_dir(path, *mode),
            Step::WriteFile { path, mode, content } => files::write(path, *mode, content.as_bytes()),
            Step::RemoveTree { path } => files::remove_tree(path),

            Step::MakeCgroup { path } => self.hierarchies.make(path),
            Step::WriteCgroup { path, controller, file, value } => self.hierarchies.write(path, controller, file, value),
            Step::DeviceRules { path, rules } => self.hierarchies.device_rules(path, rules),
            Step::RemoveCgroup { path } => self.hierarchies.remove(path),
            Step::Freeze { path, frozen } => self.hierarchies.freeze(path, *frozen),

            inside => Err(Error::unsupported(format!("a step of a new process, in the host: {inside:?}"))),
        }
    }

    /// Every directory into which a process writes its pid to join a control group: one a v1 hierarchy, one for v2.
    pub fn cgroup_directories(&self, cgroup: &str) -> Result<Vec<String>> {
        Ok(self.hierarchies.directories(cgroup)?.into_iter().map(|d| d.to_string_lossy().into_owned()).collect())
    }

    /// Processes in a control group and those below it.
    pub fn tasks(&self, cgroup: &str) -> Result<Vec<Task>> {
        self.hierarchies.tasks(cgroup)
    }

    /// At most `limit` bytes of a file from `offset`.
    pub fn read(&self, path: &str, offset: u64, limit: usize) -> Result<Vec<u8>> {
        files::read(&self.facts.data_root, path, offset, limit)
    }

    /// The length of a file in bytes.
    pub fn size(&self, path: &str) -> Result<u64> {
        files::size(path)
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
    pub fn lock(&self, name: &str) -> Result<Option<Box<dyn Guard>>> {
        lock::take(&self.facts.run_root, name)
    }
}
