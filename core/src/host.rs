//! The host seam: what containers, images, networks and limits mean, as four small traits.
//!
//! No method has a default. [`crate::plan::Planner`] implements all four over a [`crate::kernel::Kernel`]; an OCI runtime's
//! command line can stand in for [`Containers`] and [`Limits`]; a student writes one as an exercise. What a host does not
//! declare in its [`Capabilities`] it answers with [`crate::ErrorKind::Unsupported`], and changes nothing.

use crate::container::{ContainerConfig, ContainerRecord, ExecConfig};
use crate::error::Result;
use crate::id::{ChainId, ContainerId};
use crate::image::{ImageRecord, LayerSource};
use crate::kernel::{Exit, Process, Signal, Streams, Task};
use crate::limits::{Capacity, Resources, Usage};
use crate::network::{Endpoint, LinkCounters, NetworkRecord, Publish};
use crate::plan::Explanation;
use oci_spec::runtime::Spec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Something a host may or may not be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Isolated processes at all.
    Containers,
    /// Freeze and thaw.
    Freeze,
    /// Exec in a running container.
    Exec,
    /// Layers and root file systems.
    Images,
    /// Bridge networks.
    Bridge,
    /// Published ports.
    Publish,
    /// Memory limits.
    Memory,
    /// CPU quotas and shares.
    Cpu,
    /// Limits on the number of processes.
    Pids,
    /// System call filters.
    Seccomp,
}

/// What a host declares that it can do.
pub type Capabilities = BTreeSet<Capability>;

/// Layers and root file systems.
pub trait Images: Send + Sync {
    /// Unpacks a layer on top of its parents and names it by its chain id. One that is there already is not unpacked again.
    ///
    /// # Behaviour
    /// - IMG-LAYER-1: after `Ok` the layer is there whole; after an error nothing of it is.
    /// - IMG-LAYER-2: no entry of the archive writes outside the layer.
    /// # Kernel
    /// openat2(2) with RESOLVE_IN_ROOT; whiteouts as overlayfs has them.
    fn apply(&self, layer: &LayerSource) -> Result<ChainId>;
    /// Prepares a writable root for a container over these layers, lowest first.
    fn stack(&self, id: &ContainerId, layers: &[ChainId]) -> Result<()>;
    /// Removes a container's writable root.
    fn unstack(&self, id: &ContainerId) -> Result<()>;
    /// Removes an unpacked layer.
    fn remove(&self, layer: &ChainId) -> Result<()>;
}

/// Isolated processes.
pub trait Containers: Send + Sync {
    /// Makes everything and runs nothing: the process exists in its namespaces and its control group, with its root and its
    /// devices, and waits (runtime-spec runtime.md, "create").
    fn create(&self, id: &ContainerId, spec: &Spec, streams: Streams) -> Result<Process>;
    /// Lets the created process execute its program (runtime-spec runtime.md, "start").
    fn start(&self, id: &ContainerId, process: &Process) -> Result<()>;
    /// Sends a signal to the container's first process.
    fn signal(&self, id: &ContainerId, process: &Process, signal: Signal) -> Result<()>;
    /// Freezes every process of the container. Frozen already is no error.
    fn freeze(&self, id: &ContainerId) -> Result<()>;
    /// Lets a frozen container go on. Not frozen is no error.
    fn thaw(&self, id: &ContainerId) -> Result<()>;
    /// Starts another process in a running container, ready to be served.
    fn exec(&self, id: &ContainerId, of: &Process, spec: &Spec, exec: &ExecConfig, streams: Streams) -> Result<Process>;
    /// The processes of the container.
    fn processes(&self, id: &ContainerId) -> Result<Vec<Task>>;
    /// Whether this very process lives.
    fn alive(&self, process: &Process) -> Result<bool>;
    /// Kills everything in the container and removes what [`Containers::create`] made on the host. Nothing there is no error.
    fn delete(&self, id: &ContainerId, process: Option<&Process>) -> Result<()>;
}

/// Links between containers.
pub trait Networks: Send + Sync {
    /// Makes a network: its bridge, its address, its rules. There already is no error.
    fn add(&self, network: &NetworkRecord) -> Result<()>;
    /// Removes a network. Not there is no error.
    fn remove(&self, network: &NetworkRecord) -> Result<()>;
    /// Links a created process to a network.
    fn connect(&self, network: &NetworkRecord, endpoint: &Endpoint, process: &Process) -> Result<()>;
    /// Takes the link away. Not there is no error.
    fn disconnect(&self, network: &NetworkRecord, endpoint: &Endpoint) -> Result<()>;
    /// Publishes ports of an endpoint on the host.
    fn publish(&self, network: &NetworkRecord, endpoint: &Endpoint, ports: &[Publish]) -> Result<()>;
    /// Takes every published port of an endpoint back. None is no error.
    fn unpublish(&self, endpoint: &Endpoint) -> Result<()>;
    /// What went through an endpoint's link.
    fn counters(&self, endpoint: &Endpoint) -> Result<LinkCounters>;
}

/// How much containers may use.
pub trait Limits: Send + Sync {
    /// Makes the container's control group and applies its limits, before anything runs in it.
    fn apply(&self, id: &ContainerId, limits: &Resources) -> Result<()>;
    /// Changes the limits of a running container. If one cannot be changed, none is.
    fn change(&self, id: &ContainerId, limits: &Resources) -> Result<()>;
    /// What it uses now.
    fn usage(&self, id: &ContainerId) -> Result<Usage>;
    /// Whether the kernel has killed something in it for want of memory.
    fn oom_killed(&self, id: &ContainerId) -> Result<bool>;
    /// What the host can give.
    fn capacity(&self) -> Result<Capacity>;
    /// Kills what is left in the group and removes it. Not there is no error.
    fn remove(&self, id: &ContainerId) -> Result<()>;
}

/// What else an engine needs of whoever plans for it: the configuration that a process is made from, what would be done, and the
/// undoing of what a dead process left.
pub trait Planning: Send + Sync {
    /// What the host can do.
    fn capabilities(&self) -> Capabilities;
    /// The OCI runtime configuration of a container, from its record, its image and what is known only at the start.
    fn specify(&self, record: &ContainerRecord, image: &ImageRecord, joined: &Joined) -> Result<Spec>;
    /// What creating and starting such a container would take, without doing any of it.
    fn explain(
        &self,
        record: &ContainerRecord,
        image: &ImageRecord,
        network: Option<&NetworkRecord>,
        joined: &Joined,
    ) -> Result<Explanation>;
    /// Refuses limits, capabilities, sysctls and other values that could never be applied on this host, before anything is made.
    fn check(&self, config: &ContainerConfig) -> Result<()>;
    /// Undoes every plan whose owner is dead. Costs little when there is none.
    fn recover(&self) -> Result<()>;
}

/// What is known of a container only when it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// Its host name.
    pub hostname: String,
    /// The process whose network namespace it shares.
    pub network: Option<Process>,
    /// The process whose pid namespace it shares.
    pub pid: Option<Process>,
    /// The process whose IPC namespace it shares.
    pub ipc: Option<Process>,
}

/// What an exit looks like to the engine: kept with the host seam, since every host reports it.
pub type ContainerExit = Exit;
