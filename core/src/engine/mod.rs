//! The engine seam: everything a user of containers can ask for, as one object-safe trait.

mod address;
mod attach;
mod build;
mod commit;
mod connect;
mod copy;
mod create;
mod doctor;
mod event_filter;
mod events;
mod exec;
pub mod filter;
mod health;
mod history;
mod host_files;
mod image_mounts;
mod images;
pub(crate) mod import;
mod import_request;
mod join;
mod lease;
mod list;
mod live_mounts;
mod load;
mod local;
mod logs;
mod names;
mod network;
mod network_config;
mod networks;
mod operations;
mod pack;
mod ports;
mod prune;
mod prune_images;
mod pull;
mod push;
mod reconcile;
mod registries;
mod remove;
mod remove_image;
mod rename;
mod resolve;
mod restart;
mod save;
mod start;
mod stats;
mod stop;
mod top;
mod update;
mod view;
mod volume_records;
mod volumes;
mod wait;

pub use build::{CacheEntry, PruneCache};
pub use commit::CommitOptions;
pub use copy::PathStat;
pub use create::DEFAULT_PATH;
pub use doctor::{Ailment, Checkup, Finding};
pub use event_filter::event_passes;
pub use events::{Entry as EventEntry, KEPT as EVENTS_KEPT};
pub use filter::ListRequest;
pub use history::HistoryEntry;
pub use import_request::ImportRequest;
pub use local::{Host, LocalEngine};
pub use names::answer_name;
pub use prune::{PruneFilters, Pruned, prune_filters};
pub use prune_images::{DiskUsage, ImageUsage, VolumeUsage};
pub use save::ArchiveFormat;
pub(crate) use start::Ending;
pub use stats::{ContainerStats, Sizes};
pub use top::ProcessTable;
pub use update::ContainerUpdate;
pub use volume_records::VolumeSummary;
pub use wait::WaitCondition;

pub use view::{ContainerSummary, EngineInfo, ImageSummary, LogLine, LogsRequest, RemoveOptions};

use crate::container::volume::VolumeRequest;
use crate::container::{ContainerConfig, ContainerRecord, ExecConfig, ExecRecord, ExecStart};
use crate::error::Result;
use crate::host::Capabilities;
use crate::id::{ContainerId, Digest, ImageId, NetworkId};
use crate::image::ImageRecord;
use crate::image::changeset::PathChange;
use crate::io::{Attach, Ended, Io, Size};
use crate::kernel::{Attachment, Facts, Signal, Task};
use crate::limits::Usage;
use crate::network::{NetworkRecord, NetworkRequest, Place};
use crate::observe::Snapshot;
use crate::registry::{Access, Found, Progress, PullRequest, Pulled, PushRequest, RemoteManifest, SearchRequest};
use crate::time::Timestamp;
use std::time::Duration;

/// A container engine. Names in arguments are names, full ids or unambiguous prefixes of ids.
///
/// Messages of errors are Docker's, word for word, where clients match on them.
pub trait Engine: Send + Sync {
    /// What the host can do.
    fn capabilities(&self) -> Capabilities;
    /// What the kernel is.
    fn facts(&self) -> Facts;
    /// Counts and settings (`info`).
    fn info(&self) -> Result<EngineInfo>;
    /// An object as Docker's API shows it. An engine that is reached through that API shows what it was told, whole.
    fn inspect(&self, what: crate::docker::Object, name: &str) -> Result<serde_json::Value>;
    /// The engine's time now.
    fn now(&self) -> Timestamp;
    /// Everything on the host that Drydock could leave behind.
    fn observe(&self) -> Result<Snapshot>;
    /// Everything that is wrong with records and host: what nothing owns, what is missing, damaged or untrue; put right if asked to.
    fn doctor(&self, checkup: Checkup) -> Result<Vec<Finding>>;

    /// Makes an image with one layer from a tar archive (`import`): a stream, or what is at the request's address.
    fn import(&self, archive: &mut dyn std::io::Read, request: &ImportRequest) -> Result<ImageId>;
    /// Loads images from a Docker archive or an OCI layout in a tar (`load`). Answers what was loaded, references first.
    fn load(&self, archive: &mut dyn std::io::Read) -> Result<Vec<String>>;
    /// Builds an image (`build`).
    fn build(
        &self,
        request: &crate::build::request::BuildRequest,
        surface: crate::build::request::Surface<'_>,
    ) -> Result<crate::build::request::Built>;
    /// What the build cache holds (`builder du`).
    fn build_cache(&self) -> Result<Vec<CacheEntry>>;
    /// Removes entries of the build cache (`builder prune`). Answers those that went, and how many bytes that frees.
    fn prune_build_cache(&self, which: &PruneCache) -> Result<(Vec<CacheEntry>, u64)>;
    /// All images, newest first.
    fn images(&self) -> Result<Vec<ImageSummary>>;
    /// One image.
    fn image(&self, name: &str) -> Result<ImageRecord>;
    /// Pulls an image, or every tag of a repository, from its registry; `tell` hears what happens, in Docker's words. After an error
    /// nothing of what failed is left.
    fn pull(&self, request: &PullRequest, tell: &mut dyn FnMut(Progress)) -> Result<Vec<Pulled>>;
    /// Pushes a tag, or every tag of a repository, to its registry. Answers the manifests' digests.
    fn push(&self, request: &PushRequest, tell: &mut dyn FnMut(Progress)) -> Result<Vec<Digest>>;
    /// Asks a registry whether it knows somebody. Not knowing is [`crate::ErrorKind::Denied`].
    fn login(&self, server: &str, access: &Access) -> Result<()>;
    /// Looks for repositories.
    fn search(&self, request: &SearchRequest) -> Result<Vec<Found>>;
    /// A manifest or index as its registry has it.
    fn remote_manifest(&self, name: &str, access: &Access) -> Result<RemoteManifest>;
    /// Gives an image one more reference (`tag`), taking it from the one that has it.
    fn tag(&self, source: &str, target: &str) -> Result<()>;
    /// How an image was made, newest step first (`history`).
    fn history(&self, name: &str) -> Result<Vec<HistoryEntry>>;
    /// Writes images as one archive (`save`). A name without a tag means every tag of the repository.
    fn save(&self, names: &[String], format: ArchiveFormat, into: &mut dyn std::io::Write) -> Result<()>;
    /// Untags, and removes what is not tagged or used any more (`rmi`); with `prune` also what it was made from, where nothing names
    /// that. Answers lines as Docker prints them: `Untagged: …`, `Deleted: …`.
    fn remove_image(&self, name: &str, force: bool, prune: bool) -> Result<Vec<String>>;
    /// Removes images that no container uses and the filters mean: those without a reference, or `all`. Answers lines as Docker
    /// prints them: `untagged: …`, `deleted: …`.
    fn prune_images(&self, all: bool, filters: &PruneFilters) -> Result<Pruned>;
    /// Networks: the predefined ones, then those that were made, by age.
    fn networks(&self) -> Result<Vec<NetworkRecord>>;
    /// One network.
    fn network(&self, name: &str) -> Result<NetworkRecord>;
    /// Makes a network (`network create`). Its bridge is on the host while a container is.
    fn create_network(&self, request: &NetworkRequest) -> Result<NetworkId>;
    /// Removes a network that no container is on (`network rm`).
    fn remove_network(&self, name: &str) -> Result<()>;
    /// Removes every network that no container is on and that the filters mean.
    fn prune_networks(&self, filters: &PruneFilters) -> Result<Pruned>;
    /// Puts a container on one more network (`network connect`), while it runs too.
    fn connect(&self, network: &str, container: &str, place: &Place) -> Result<()>;
    /// Takes it off a network (`network disconnect`); with `force` also where something of it is missing.
    fn disconnect(&self, network: &str, container: &str, force: bool) -> Result<()>;
    /// Makes a volume (`volume create`). One of that name that is there already is answered as it is.
    fn volume_create(&self, request: &VolumeRequest) -> Result<VolumeSummary>;
    /// Every volume that the filters let through, by name: `driver`, `label`, `name`, `dangling`.
    fn volumes(&self, filters: &[(String, String)]) -> Result<Vec<VolumeSummary>>;
    /// One volume, by its whole name.
    fn volume(&self, name: &str) -> Result<VolumeSummary>;
    /// Removes a volume that no container has; with `force` one that is not there is no error. In use is [`crate::ErrorKind::InUse`].
    fn volume_remove(&self, name: &str, force: bool) -> Result<()>;
    /// Removes volumes that no container has and the filters mean: those that nobody named, or `all`.
    fn prune_volumes(&self, all: bool, filters: &PruneFilters) -> Result<Pruned>;
    /// What everything takes on disk.
    fn disk_usage(&self) -> Result<DiskUsage>;

    /// Makes an image of what a container is now (`commit`).
    fn commit(&self, name: &str, options: &CommitOptions) -> Result<ImageId>;
    /// What a container changed of its image, sorted by path (`diff`).
    fn diff(&self, name: &str) -> Result<Vec<PathChange>>;
    /// Writes a container's whole file system as a tar archive (`export`); volumes are not in it.
    fn export(&self, name: &str, into: &mut dyn std::io::Write) -> Result<()>;
    /// What is at a path of a container, which may run or not. Links on the way are followed; the last one only if asked.
    fn stat_path(&self, name: &str, path: &str, follow: bool) -> Result<PathStat>;
    /// What is at a path of a container as a tar archive: below this name, or below the path's last one. The container does not start
    /// while the answer of one that does not run is read.
    fn copy_out(&self, name: &str, path: &str, follow: bool, called: Option<&str>) -> Result<Box<dyn std::io::Read>>;
    /// Puts a tar archive into a directory of a container; with `as_user`, everything belongs to the container's user.
    fn copy_in(&self, name: &str, directory: &str, archive: &mut dyn std::io::Read, as_user: bool) -> Result<()>;

    /// Makes a container; nothing runs.
    fn create(&self, config: &ContainerConfig) -> Result<ContainerId>;
    /// Starts it in the background. Running already is no error.
    fn start(&self, name: &str) -> Result<()>;
    /// Attaches, starts it, and serves its streams until it ends or the person leaves.
    fn start_attached(&self, name: &str, attach: &Attach, io: &mut dyn Io) -> Result<Ended>;
    /// Starts it in the background with these attached from its first byte on. Answers a connection for each, to be carried on by
    /// whoever asked; `None` where it runs already.
    fn start_joined(&self, name: &str, attaches: &[Attach]) -> Result<Option<Vec<Box<dyn Attachment>>>>;
    /// Attaches to a running container.
    fn attach(&self, name: &str, attach: &Attach, io: &mut dyn Io) -> Result<Ended>;
    /// Stops it: its stop signal (or this one), then SIGKILL after the grace period. Not running is no error. Returns when it has ended.
    fn stop(&self, name: &str, signal: Option<Signal>, grace: Option<i64>) -> Result<()>;
    /// Stops it if it runs, and starts it.
    fn restart(&self, name: &str, signal: Option<Signal>, grace: Option<i64>) -> Result<()>;
    /// Sends a signal. Not running is [`crate::ErrorKind::Conflict`] with Docker's words.
    fn kill(&self, name: &str, signal: Signal) -> Result<()>;
    /// Freezes it.
    fn pause(&self, name: &str) -> Result<()>;
    /// Thaws it.
    fn unpause(&self, name: &str) -> Result<()>;
    /// Waits for its end, at most this long, and answers its exit code. One that does not run answers at once.
    fn wait(&self, name: &str, timeout: Option<Duration>) -> Result<i32>;
    /// Waits for this to happen, at most this long, and answers the exit code.
    fn wait_for(&self, name: &str, condition: WaitCondition, timeout: Option<Duration>) -> Result<i32>;
    /// Gives its terminal a size.
    fn resize(&self, name: &str, size: Size) -> Result<()>;
    /// Removes it, with its anonymous volumes if asked.
    fn remove(&self, name: &str, options: RemoveOptions) -> Result<()>;
    /// Gives it another name.
    fn rename(&self, name: &str, new: &str) -> Result<()>;
    /// Changes its limits, restart policy or published ports, while it runs too; all of it or nothing.
    fn update(&self, name: &str, change: &ContainerUpdate) -> Result<()>;
    /// Removes every container that does not run and that the filters mean.
    fn prune_containers(&self, filters: &PruneFilters) -> Result<Pruned>;
    /// Containers, newest first; running ones only unless `all`.
    fn containers(&self, all: bool) -> Result<Vec<ContainerSummary>>;
    /// The containers that a request means, newest first.
    fn list(&self, request: &ListRequest) -> Result<Vec<ContainerSummary>>;
    /// One container, its state true at the time of asking.
    fn container(&self, name: &str) -> Result<ContainerRecord>;
    /// Its log, line by line, to `each` until that answers `false`. With `follow` until the container ends.
    fn logs(&self, name: &str, request: &LogsRequest, each: &mut dyn FnMut(LogLine) -> bool) -> Result<()>;
    /// Runs another program in it and serves its streams; with `detach` returns at once.
    fn exec(&self, name: &str, exec: &ExecConfig, attach: &Attach, io: &mut dyn Io) -> Result<Ended>;
    /// Records that another program is wanted in it, and answers that one's id. One that ended is known until the
    /// container is removed; if there are many, at least for five minutes. One that did not is forgotten when the container ends.
    fn exec_create(&self, name: &str, exec: &ExecConfig) -> Result<String>;
    /// Starts a program that was created and serves its streams; to be done once. With `detach` returns when it runs.
    fn exec_start(&self, exec: &str, start: &ExecStart, attach: &Attach, io: &mut dyn Io) -> Result<Ended>;
    /// A program that was created: its state, its process and its exit code.
    fn exec_inspect(&self, exec: &str) -> Result<ExecRecord>;
    /// Gives the terminal of a running one a size.
    fn exec_resize(&self, exec: &str, size: Size) -> Result<()>;
    /// The ids of those in a container that have not ended.
    fn execs(&self, name: &str) -> Result<Vec<String>>;
    /// Its processes.
    fn top(&self, name: &str) -> Result<Vec<Task>>;
    /// Its processes as ps(1) lists them with these options; without any, as `ps -ef` does.
    fn process_table(&self, name: &str, options: &[String]) -> Result<ProcessTable>;
    /// What it uses now. Not running is [`crate::ErrorKind::NotRunning`].
    fn usage(&self, name: &str) -> Result<Usage>;
    /// What it uses now, with what went through its links. One that does not run uses nothing, and that is no error.
    fn stats(&self, name: &str) -> Result<ContainerStats>;
    /// What it takes on disk.
    fn sizes(&self, name: &str) -> Result<Sizes>;
    /// Events with a number greater than this, oldest first, at most so many. The last [`EVENTS_KEPT`] are kept.
    fn events(&self, after: u64, limit: usize) -> Result<Vec<EventEntry>>;
    /// The number of the last event; 0 before the first.
    fn last_event(&self) -> Result<u64>;
    /// The same as [`Engine::events`], and where there are none waits for some, at most this long.
    fn follow_events(&self, after: u64, limit: usize, patience: Duration) -> Result<Vec<EventEntry>>;
    /// Lets time pass.
    fn sleep(&self, time: Duration);
    /// Every step that creating and starting such a container would take, in order, without taking any.
    fn explain(&self, config: &ContainerConfig) -> Result<crate::plan::Explanation>;
}
