//! The host seam: what containers, images, networks and limits mean, as four small traits.
//!
//! No method has a default. [`crate::plan::Planner`] implements all four over a [`crate::kernel::Kernel`]; an OCI runtime's
//! command line can stand in for [`Containers`] and [`Limits`]; a student writes one as an exercise. What a host does not
//! declare in its [`Capabilities`] it answers with [`crate::ErrorKind::Unsupported`], and changes nothing.

use crate::container::{ContainerConfig, ContainerRecord, ExecConfig};
use crate::error::Result;
use crate::id::{ChainId, ContainerId};
use crate::image::changeset::{Packer, PathChange};
use crate::image::{ImageRecord, LayerSource};
use crate::kernel::{Binding, Exit, OpenTree, Process, Signal, Streams, Task};
use crate::limits::{Capacity, Resources, Usage};
use crate::network::{Endpoint, LinkCounters, NetworkRecord, Publish};
use crate::plan::Explanation;
use oci_spec::runtime::Spec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;

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
    /// Builds as BuildKit does them: its instructions and flags, stages that do not matter left out, a cache by content.
    BuildKit,
    /// User namespaces with ids of their own, over layers that are mapped as they are mounted.
    UserNamespaces,
}

/// What a host declares that it can do.
pub type Capabilities = BTreeSet<Capability>;

/// Layers and root file systems.
pub trait Images: Send + Sync {
    /// Unpacks a layer on top of its parents and names it by its chain id. One that is there already is not unpacked again.
    ///
    /// # Behaviour
    /// - IMG-LAYER-1: A layer is there whole after a success, and nothing of it after an error.
    /// - IMG-LAYER-2: No entry writes outside the layer: not by an absolute path, not by dots, not through a link.
    /// - IMG-LAYER-3: An entry behind a symbolic link that leads out of the layer does not get there.
    /// - IMG-LAYER-4: A hard link to what is outside the layer is refused.
    /// - IMG-LAYER-5: A whiteout hides the entry of the layers below, and is not seen itself.
    /// - IMG-LAYER-6: An opaque whiteout hides everything below in its directory, and nothing of its own layer.
    /// - IMG-LAYER-7: An entry of a higher layer replaces that of a lower one, a file a directory too.
    /// - IMG-LAYER-10: Hard links of a layer are one file.
    /// - IMG-LAYER-12: Modes are kept, set-user-id and sticky too.
    /// - IMG-LAYER-13: Directories that the archive leaves out are made.
    /// # Errors
    /// [`crate::ErrorKind::InvalidInput`]: the archive is hostile, cut off, or not what its digest says.
    /// # Kernel
    /// openat2(2) with RESOLVE_IN_ROOT; whiteouts as overlayfs has them.
    fn apply(&self, layer: &LayerSource) -> Result<ChainId>;
    /// Prepares a writable root for a container over these layers, lowest first.
    ///
    /// # Behaviour
    /// - CTR-FILES-1: The root is an overlay that can be written.
    /// - CTR-LIFE-18: What a container writes to its root is gone with it, and no other container sees it.
    /// - IMG-LAYER-16: What one container changes of an image's file, another does not see.
    /// # Errors
    /// [`crate::ErrorKind::NotFound`]: a layer is not unpacked.
    /// # Kernel
    /// mkdir(2) for overlayfs's upper and work directories; the overlay itself is mounted in the container.
    fn stack(&self, id: &ContainerId, layers: &[ChainId]) -> Result<()>;
    /// What a container changed of its image: the upper directory against these layers, lowest first. Sorted by path.
    ///
    /// # Behaviour
    /// - IMG-DIFF-1: Diff tells what was added, changed and deleted, and each directory in which that was.
    /// - IMG-DIFF-2: A container that changed nothing shows nothing, whatever its start made to mount on.
    /// # Kernel
    /// overlayfs's whiteouts and `trusted.overlay.opaque`.
    fn changes(&self, id: &ContainerId, layers: &[ChainId]) -> Result<Vec<PathChange>>;
    /// The same as a layer: a tar archive with the image specification's whiteouts. Times after `epoch` (seconds since 1970) become that.
    ///
    /// # Behaviour
    /// - IMG-COMMIT-1: A commit is an image whose top layer is what the container changed.
    /// - IMG-COMMIT-4: What a container deleted is not in the image of it.
    /// # Errors
    /// [`crate::ErrorKind::InvalidInput`]: a name in it cannot be in a layer.
    fn produce(&self, id: &ContainerId, layers: &[ChainId], epoch: Option<i64>) -> Result<Packer>;
    /// A container's root without the container, with these things of the host in it; only to look at unless `write`.
    ///
    /// # Behaviour
    /// - IMG-CP-1: What is copied into a container that does not run is there when it does.
    /// - IMG-EXPORT-1: An export is the container's whole file system in one archive.
    /// # Kernel
    /// fsopen(2), fsmount(2): an overlay that is attached nowhere.
    fn open(&self, id: &ContainerId, layers: &[ChainId], binds: &[Binding], write: bool) -> Result<Box<dyn OpenTree>>;
    /// Removes a container's writable root.
    ///
    /// # Behaviour
    /// - CTR-LIFE-9: Removing with force kills a running container and removes it.
    /// # Kernel
    /// unlinkat(2), never across a mount.
    fn unstack(&self, id: &ContainerId) -> Result<()>;
    /// Removes an unpacked layer.
    ///
    /// # Behaviour
    /// - IMG-RM-8: A layer that another image has too stays.
    /// # Kernel
    /// unlinkat(2)
    fn remove(&self, layer: &ChainId) -> Result<()>;
}

/// Isolated processes.
pub trait Containers: Send + Sync {
    /// Makes everything and runs nothing: the process exists in its namespaces and its control group, with its root and its
    /// devices, and waits (runtime-spec runtime.md, "create").
    ///
    /// # Behaviour
    /// - CTR-ISO-1: The program is process 1 of its own pid namespace.
    /// - CTR-ISO-3: A container has pid, mount, network, ipc and uts namespaces that are not the host's.
    /// - CTR-ISO-6: The program has descriptors 0, 1 and 2, and no others.
    /// - CTR-ISO-8: A container's mounts are not the host's: none of them is seen there.
    /// - CTR-SEC-1: Root in a container has fourteen capabilities, and none can be inherited.
    /// - CTR-FILES-5: /dev is a tmpfs with the standard devices and links, and nothing of the host's.
    /// # Errors
    /// The first step that failed, named; nothing is left of the process.
    /// # Kernel
    /// clone3(2), mount(2), pivot_root(2), capset(2), seccomp(2).
    fn create(&self, id: &ContainerId, spec: &Spec, streams: Streams) -> Result<Process>;
    /// Lets the created process execute its program (runtime-spec runtime.md, "start").
    ///
    /// # Behaviour
    /// - CTR-EXIT-4: A program that does not exist gives 127, and a message that names it.
    /// - CTR-EXIT-5: A directory as the program gives 126.
    /// - CTR-EXIT-6: A file that may not be executed gives 126.
    /// - CTR-EXIT-10: A program without a slash is looked up in the PATH the container has, not in the engine's.
    /// # Errors
    /// [`crate::ErrorKind::CommandNotFound`], [`crate::ErrorKind::CommandNotExecutable`]: the program cannot be executed.
    /// # Kernel
    /// execve(2)
    fn start(&self, id: &ContainerId, process: &Process) -> Result<()>;
    /// Sends a signal to the container's first process.
    ///
    /// # Behaviour
    /// - CTR-SIG-4: Kill delivers the signal it is given, and the container may go on.
    /// - CTR-SIG-9: Process 1 cannot kill itself: a signal from inside its namespace has no effect without a handler.
    /// # Errors
    /// [`crate::ErrorKind::NotRunning`]: the process has ended.
    /// # Kernel
    /// pidfd_send_signal(2)
    fn signal(&self, id: &ContainerId, process: &Process, signal: Signal) -> Result<()>;
    /// Freezes every process of the container. Frozen already is no error.
    ///
    /// # Behaviour
    /// - CTR-PAUSE-1: No process of a paused container runs until it is unpaused; then all go on.
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] without [`Capability::Freeze`].
    /// # Kernel
    /// cgroup.freeze, or the v1 freezer.
    fn freeze(&self, id: &ContainerId) -> Result<()>;
    /// Lets a frozen container go on. Not frozen is no error.
    ///
    /// # Behaviour
    /// - CTR-PAUSE-1: No process of a paused container runs until it is unpaused; then all go on.
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] without [`Capability::Freeze`].
    /// # Kernel
    /// cgroup.freeze, or the v1 freezer.
    fn thaw(&self, id: &ContainerId) -> Result<()>;
    /// Starts another process in a running container, ready to be served.
    ///
    /// # Behaviour
    /// - CTR-EXEC-7: A program that does not exist, or may not be executed, is refused with its name; the container goes on.
    /// - CTR-EXEC-9: Exec joins every namespace of the container, and is not its process 1.
    /// - CTR-EXEC-10: Exec has the container's capabilities and its system call filter.
    /// - CTR-EXEC-13: What exec started ends with the container.
    /// # Errors
    /// [`crate::ErrorKind::NotRunning`]: the container has ended.
    /// [`crate::ErrorKind::Unsupported`] without [`Capability::Exec`].
    /// # Kernel
    /// setns(2), clone3(2), execve(2).
    fn exec(&self, id: &ContainerId, of: &Process, spec: &Spec, exec: &ExecConfig, streams: Streams) -> Result<Process>;
    /// The processes of the container.
    ///
    /// # Behaviour
    /// - LIM-GROUP-2: Every process of a container is in its groups, an exec's too.
    /// - LIM-GROUP-3: The list of a container's processes has their arguments, users and numbers on the host.
    /// # Kernel
    /// cgroup.procs; proc_pid_stat(5).
    fn processes(&self, id: &ContainerId) -> Result<Vec<Task>>;
    /// Whether this very process lives.
    ///
    /// # Behaviour
    /// - CTR-RESTART-9: A restart gives the same container a new process.
    /// # Kernel
    /// pidfd_open(2), and the start time in proc_pid_stat(5).
    fn alive(&self, process: &Process) -> Result<bool>;
    /// Kills everything in the container and removes what [`Containers::create`] made on the host. Nothing there is no error.
    ///
    /// # Behaviour
    /// - CTR-SIG-12: When process 1 ends, the kernel kills every other process of the container.
    /// # Kernel
    /// kill(2) of the pid namespace's first process, rmdir(2) of its group.
    fn delete(&self, id: &ContainerId, process: Option<&Process>) -> Result<()>;
}

/// Links between containers.
pub trait Networks: Send + Sync {
    /// Makes a network: its bridge, its address, its rules. There already is no error.
    ///
    /// # Behaviour
    /// - NET-BRIDGE-1: The default network's bridge has the gateway's address while a container is on it, and is gone with the last.
    /// # Kernel
    /// rtnetlink(7), nftables.
    fn add(&self, network: &NetworkRecord) -> Result<()>;
    /// Removes a network. Not there is no error.
    ///
    /// # Behaviour
    /// - NET-BRIDGE-1: The default network's bridge has the gateway's address while a container is on it, and is gone with the last.
    /// # Kernel
    /// rtnetlink(7), nftables.
    fn remove(&self, network: &NetworkRecord) -> Result<()>;
    /// Links a created process to a network.
    ///
    /// # Behaviour
    /// - NET-ADDR-1: On the default network a container has loopback and eth0, with the address and prefix of its record.
    /// - NET-ADDR-2: The default route leads to the bridge's address, the first of the subnet.
    /// - NET-ADDR-3: The hardware address is 02:42 and the address in hexadecimal.
    /// - NET-BRIDGE-4: A start that fails after the network was made takes it all back.
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] without [`Capability::Bridge`].
    /// # Kernel
    /// veth(4), rtnetlink(7), setns(2).
    fn connect(&self, network: &NetworkRecord, endpoint: &Endpoint, process: &Process) -> Result<()>;
    /// Takes the link away. Not there is no error.
    ///
    /// # Behaviour
    /// - NET-BRIDGE-2: Each container has one link on the host, on the bridge, which goes with it.
    /// - NET-BRIDGE-3: A link goes too when its container dies by itself.
    /// # Kernel
    /// rtnetlink(7); a veth's other end goes with it.
    fn disconnect(&self, network: &NetworkRecord, endpoint: &Endpoint) -> Result<()>;
    /// Publishes ports of an endpoint on the host.
    ///
    /// # Behaviour
    /// - NET-PORT-1: A published port answers on the host's addresses, on 127.0.0.1 too.
    /// - NET-PORT-5: A port published on one address answers on that one only.
    /// - NET-PORT-10: One port can be published on several ports of the host, and several ports at once.
    /// - NET-PORT-11: A start that a taken port refuses leaves nothing of itself.
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] without [`Capability::Publish`].
    /// # Kernel
    /// nftables: destination NAT; a listening socket keeps the port from others.
    fn publish(&self, network: &NetworkRecord, endpoint: &Endpoint, ports: &[Publish]) -> Result<()>;
    /// Takes every published port of an endpoint back. None is no error.
    ///
    /// # Behaviour
    /// - NET-PORT-4: A port is free again when its container stops, and its own when it starts again.
    /// # Kernel
    /// nftables
    fn unpublish(&self, endpoint: &Endpoint) -> Result<()>;
    /// Leads what is in no subnet of a running container over this endpoint's network, in the place of whatever led there before.
    ///
    /// # Behaviour
    /// - NET-MANY-2: The default route leads over the network whose name comes first, and over another when that one is left.
    /// # Kernel
    /// rtnetlink(7), RTM_NEWROUTE.
    fn route(&self, endpoint: &Endpoint, process: &Process) -> Result<()>;
    /// Answers the names of containers in this one's network namespace, and passes on what is none of theirs to these servers.
    ///
    /// # Behaviour
    /// - NET-DNS-1: On a network of one's own a container is found by its name, its short id and its aliases.
    /// # Kernel
    /// setns(2), bind(2): UDP and TCP port 53 of 127.0.0.11.
    fn serve_names(&self, id: &ContainerId, servers: &[IpAddr], process: &Process) -> Result<()>;
    /// Ends what [`Networks::serve_names`] began. Nothing there is no error.
    ///
    /// # Behaviour
    /// - NET-DNS-1: On a network of one's own a container is found by its name, its short id and its aliases.
    /// # Kernel
    /// kill(2)
    fn stop_names(&self, id: &ContainerId) -> Result<()>;
    /// What went through an endpoint's link.
    ///
    /// # Behaviour
    /// - LIM-USAGE-5: What goes through a container's link is counted for it.
    /// # Kernel
    /// /sys/class/net/LINK/statistics of the host's end.
    fn counters(&self, endpoint: &Endpoint) -> Result<LinkCounters>;
}

/// How much containers may use.
pub trait Limits: Send + Sync {
    /// Makes the container's control group and applies its limits, before anything runs in it.
    ///
    /// # Behaviour
    /// - LIM-MEM-4: The limit is the one the kernel has, and is seen in the container.
    /// - LIM-CPU-1: --cpus is a quota of each period of 100 ms.
    /// - LIM-CPU-4: The weight is 1024 without an option, and --cpu-shares with it.
    /// - LIM-CPU-6: --cpuset-cpus is the set of processors the program may run on.
    /// - LIM-PIDS-1: --pids-limit is the number the kernel has; -1 is none.
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`]: a controller that a limit needs is not declared.
    /// # Kernel
    /// cgroups(7)
    fn apply(&self, id: &ContainerId, limits: &Resources) -> Result<()>;
    /// Changes the limits of a running container. If one cannot be changed, none is.
    ///
    /// # Behaviour
    /// - LIM-CHANGE-1: A limit of a running container is changed in the kernel and in its record.
    /// - LIM-CHANGE-2: Memory can be given more and less, and swap follows within what was asked.
    /// - LIM-CHANGE-3: If one limit cannot be changed, none is.
    /// # Kernel
    /// cgroups(7)
    fn change(&self, id: &ContainerId, limits: &Resources) -> Result<()>;
    /// What it uses now.
    ///
    /// # Behaviour
    /// - LIM-USAGE-1: The number of processes in use is counted, threads and those of exec too.
    /// - LIM-USAGE-2: Processor time grows while a program computes, and not while it sleeps.
    /// - LIM-USAGE-3: Memory in use is counted, and the limit in force is said with it.
    /// - LIM-USAGE-4: Without a limit there is none in the figures.
    /// # Kernel
    /// cgroups(7)
    fn usage(&self, id: &ContainerId) -> Result<Usage>;
    /// Whether the kernel has killed something in it for want of memory.
    ///
    /// # Behaviour
    /// - LIM-MEM-1: A program that takes more than its container may is killed: 137, and the record says why.
    /// - LIM-MEM-3: When a child is killed for want of memory the container lives, and the record says that it happened.
    /// # Kernel
    /// memory.events, or memory.oom_control on v1.
    fn oom_killed(&self, id: &ContainerId) -> Result<bool>;
    /// What the host can give.
    fn capacity(&self) -> Result<Capacity>;
    /// Kills what is left in the group and removes it. Not there is no error.
    ///
    /// # Behaviour
    /// - LIM-GROUP-1: Each running container has control groups of its own, which go when it ends.
    /// # Kernel
    /// cgroup.kill or kill(2), then rmdir(2).
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
