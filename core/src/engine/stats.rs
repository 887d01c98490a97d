//! What containers use, and how much they take on disk.

use super::LocalEngine;
use crate::container::{ContainerRecord, Status};
use crate::error::{ErrorKind, Result};
use crate::id::ContainerId;
use crate::kernel::Entry;
use crate::limits::Usage;
use crate::network::LinkCounters;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a container used up to one moment. Two of them make a rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerStats {
    /// Whose.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// Whether it runs. One that does not uses nothing, and all figures are zero.
    pub running: bool,
    /// When they were read.
    pub time: Timestamp,
    /// Processor time, memory, processes, block devices.
    pub usage: Usage,
    /// What went through each of its links, by the name inside.
    pub networks: BTreeMap<String, LinkCounters>,
    /// Processors of the host.
    pub cpus: u32,
    /// Memory of the host in bytes: the limit where the container has none.
    pub host_memory: u64,
}

/// What a container takes on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Bytes of its own layer: what it wrote.
    pub writable: u64,
    /// Bytes of its whole root: its own layer and its image.
    pub root: u64,
}

/// Where a container's /etc/mtab leads.
const MTAB: &str = "/proc/mounts";

impl LocalEngine {
    /// What a container uses now.
    pub(super) fn container_stats(&self, asked: &str) -> Result<ContainerStats> {
        let record = self.settled(asked)?;
        let facts = self.kernel().facts();
        let mut stats = ContainerStats {
            id: record.id.clone(),
            name: record.name.clone(),
            running: false,
            time: self.time(),
            usage: Usage::default(),
            networks: BTreeMap::new(),
            cpus: facts.cpus,
            host_memory: facts.memory,
        };
        if !matches!(record.state.status, Status::Running | Status::Paused) {
            return Ok(stats);
        }
        match self.host.limits.usage(&record.id) {
            Ok(usage) => (stats.usage, stats.running) = (usage, true),
            // It has just ended, and its control group with it.
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(stats),
            Err(e) => return Err(e),
        }
        stats.time = self.time();
        for endpoint in &record.endpoints {
            match self.host.networks.counters(endpoint) {
                Ok(counters) => drop(stats.networks.insert(endpoint.link.clone(), counters)),
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(stats)
    }

    /// What a container takes on disk.
    pub(super) fn container_sizes(&self, asked: &str) -> Result<Sizes> {
        let record = self.settled(asked)?;
        self.sizes_of(&record)
    }

    pub(super) fn sizes_of(&self, record: &ContainerRecord) -> Result<Sizes> {
        let upper = self.layout().upper(&record.id);
        let mut writable = self.kernel().tree_size(&upper)?;
        if matches!(self.kernel().entry(&format!("{upper}/etc/mtab")), Ok(Entry::Link(to)) if to == MTAB) {
            // Made by its start, and nothing that the container wrote.
            writable = writable.saturating_sub(MTAB.len() as u64);
        }
        let image = self.image_record(&record.image)?.map_or(0, |image| image.size);
        Ok(Sizes { writable, root: writable.saturating_add(image) })
    }
}
