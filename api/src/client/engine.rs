//! The engine's trait over Docker's API: each method sends what is asked for to where it belongs.

use super::failure::no_operation;
use super::{DockerEngine, read};
use drydock_core::Result;
use drydock_core::build::request::{BuildRequest, Built, Surface};
use drydock_core::container::volume::VolumeRequest;
use drydock_core::container::{ContainerConfig, ContainerRecord, ExecConfig, ExecRecord, ExecStart};
use drydock_core::docker::Object;
use drydock_core::engine::{
    ArchiveFormat, CacheEntry, Checkup, CommitOptions, ContainerStats, ContainerSummary, ContainerUpdate, DiskUsage, Engine, EngineInfo,
    EventEntry, Finding, HistoryEntry, ImageSummary, ImportRequest, ListRequest, LogLine, LogsRequest, PathStat, ProcessTable, PruneCache,
    PruneFilters, Pruned, RemoveOptions, Sizes, VolumeSummary, WaitCondition,
};
use drydock_core::host::Capabilities;
use drydock_core::id::{ContainerId, Digest, ImageId, NetworkId};
use drydock_core::image::ImageRecord;
use drydock_core::image::changeset::PathChange;
use drydock_core::io::{Attach, Ended, Io, Size};
use drydock_core::kernel::{Attachment, Facts, Signal, Task};
use drydock_core::limits::Usage;
use drydock_core::network::{NetworkRecord, NetworkRequest, Place};
use drydock_core::observe::Snapshot;
use drydock_core::plan::Explanation;
use drydock_core::registry::{Access, Found, Progress, PullRequest, Pulled, PushRequest, RemoteManifest, SearchRequest};
use drydock_core::time::Timestamp;
use serde_json::Value;
use std::io::{Read, Write};
use std::time::Duration;

impl Engine for DockerEngine {
    fn capabilities(&self) -> Capabilities {
        self.declared()
    }

    fn facts(&self) -> Facts {
        self.known_facts()
    }

    fn info(&self) -> Result<EngineInfo> {
        self.counts()
    }

    fn inspect(&self, what: Object, name: &str) -> Result<Value> {
        match what {
            Object::Container { sizes } => self.inspect_container(name, sizes),
            Object::Image => self.inspect_image(name),
            Object::Volume => self.inspect_volume(name),
            Object::Network => self.inspect_network(name),
            Object::Info => self.about("/info"),
            Object::Version => self.about("/version"),
        }
    }

    fn now(&self) -> Timestamp {
        self.time()
    }

    fn observe(&self) -> Result<Snapshot> {
        Err(no_operation("say what is on the host"))
    }

    fn doctor(&self, _: Checkup) -> Result<Vec<Finding>> {
        Err(no_operation("examine an engine's records and host"))
    }

    fn import(&self, archive: &mut dyn Read, request: &ImportRequest) -> Result<ImageId> {
        self.import_image(archive, request)
    }

    fn load(&self, archive: &mut dyn Read) -> Result<Vec<String>> {
        self.load_images(archive)
    }

    fn build(&self, request: &BuildRequest, surface: Surface<'_>) -> Result<Built> {
        self.build_image(request, surface)
    }

    fn build_cache(&self) -> Result<Vec<CacheEntry>> {
        self.cache_list()
    }

    fn prune_build_cache(&self, which: &PruneCache) -> Result<(Vec<CacheEntry>, u64)> {
        self.prune_cache(which)
    }

    fn images(&self) -> Result<Vec<ImageSummary>> {
        self.list_images()
    }

    fn image(&self, name: &str) -> Result<ImageRecord> {
        self.inspect_image(name).map(|object| read::image(&object))
    }

    fn pull(&self, request: &PullRequest, tell: &mut dyn FnMut(Progress)) -> Result<Vec<Pulled>> {
        self.pull_images(request, tell)
    }

    fn push(&self, request: &PushRequest, tell: &mut dyn FnMut(Progress)) -> Result<Vec<Digest>> {
        self.push_images(request, tell)
    }

    fn login(&self, server: &str, access: &Access) -> Result<()> {
        self.check_login(server, access)
    }

    fn search(&self, request: &SearchRequest) -> Result<Vec<Found>> {
        self.search_registry(request)
    }

    fn remote_manifest(&self, _: &str, _: &Access) -> Result<RemoteManifest> {
        Err(no_operation("read a manifest of a registry"))
    }

    fn tag(&self, source: &str, target: &str) -> Result<()> {
        self.tag_image(source, target)
    }

    fn history(&self, name: &str) -> Result<Vec<HistoryEntry>> {
        self.past_of(name)
    }

    fn save(&self, names: &[String], format: ArchiveFormat, into: &mut dyn Write) -> Result<()> {
        self.save_images(names, format, into)
    }

    fn remove_image(&self, name: &str, force: bool, prune: bool) -> Result<Vec<String>> {
        self.remove_image_named(name, force, prune)
    }

    fn prune_images(&self, all: bool, filters: &PruneFilters) -> Result<Pruned> {
        self.prune_unused_images(all, filters)
    }

    fn networks(&self) -> Result<Vec<NetworkRecord>> {
        self.list_networks()
    }

    fn network(&self, name: &str) -> Result<NetworkRecord> {
        self.network_named(name)
    }

    fn create_network(&self, request: &NetworkRequest) -> Result<NetworkId> {
        self.make_network(request)
    }

    fn remove_network(&self, name: &str) -> Result<()> {
        self.delete_network(name)
    }

    fn connect(&self, network: &str, container: &str, place: &Place) -> Result<()> {
        self.connect_network(network, container, place)
    }

    fn disconnect(&self, network: &str, container: &str, force: bool) -> Result<()> {
        self.disconnect_network(network, container, force)
    }

    fn prune_networks(&self, filters: &PruneFilters) -> Result<Pruned> {
        self.prune_unused_networks(filters)
    }

    fn volume_create(&self, request: &VolumeRequest) -> Result<VolumeSummary> {
        self.create_volume(request)
    }

    fn volumes(&self, filters: &[(String, String)]) -> Result<Vec<VolumeSummary>> {
        self.list_volumes(filters)
    }

    fn volume(&self, name: &str) -> Result<VolumeSummary> {
        self.volume_named(name)
    }

    fn volume_remove(&self, name: &str, force: bool) -> Result<()> {
        self.remove_volume(name, force)
    }

    fn prune_volumes(&self, all: bool, filters: &PruneFilters) -> Result<Pruned> {
        self.prune_unused_volumes(all, filters)
    }

    fn disk_usage(&self) -> Result<DiskUsage> {
        self.usage_of_disk()
    }

    fn commit(&self, name: &str, options: &CommitOptions) -> Result<ImageId> {
        self.commit_container(name, options)
    }

    fn diff(&self, name: &str) -> Result<Vec<PathChange>> {
        self.changes(name)
    }

    fn export(&self, name: &str, into: &mut dyn Write) -> Result<()> {
        self.export_container(name, into)
    }

    fn stat_path(&self, name: &str, path: &str, follow: bool) -> Result<PathStat> {
        self.path_stat(name, path, follow)
    }

    fn copy_out(&self, name: &str, path: &str, follow: bool, called: Option<&str>) -> Result<Box<dyn Read>> {
        self.archive_out(name, path, follow, called)
    }

    fn copy_in(&self, name: &str, directory: &str, archive: &mut dyn Read, as_user: bool) -> Result<()> {
        self.archive_in(name, directory, archive, as_user)
    }

    fn create(&self, config: &ContainerConfig) -> Result<ContainerId> {
        self.create_container(config)
    }

    fn start(&self, name: &str) -> Result<()> {
        self.start_container(name)
    }

    fn start_attached(&self, name: &str, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        self.start_and_serve(name, attach, io)
    }

    fn start_joined(&self, _: &str, _: &[Attach]) -> Result<Option<Vec<Box<dyn Attachment>>>> {
        Err(no_operation("start a container with several attached at once"))
    }

    fn attach(&self, name: &str, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        self.attach_to(name, attach, io)
    }

    fn stop(&self, name: &str, signal: Option<Signal>, grace: Option<i64>) -> Result<()> {
        self.end_container(name, "stop", signal, grace)
    }

    fn restart(&self, name: &str, signal: Option<Signal>, grace: Option<i64>) -> Result<()> {
        self.end_container(name, "restart", signal, grace)
    }

    fn kill(&self, name: &str, signal: Signal) -> Result<()> {
        self.kill_container(name, signal)
    }

    fn pause(&self, name: &str) -> Result<()> {
        self.pause_container(name, "pause")
    }

    fn unpause(&self, name: &str) -> Result<()> {
        self.pause_container(name, "unpause")
    }

    fn wait(&self, name: &str, timeout: Option<Duration>) -> Result<i32> {
        self.wait_container(name, WaitCondition::NotRunning, timeout)
    }

    fn wait_for(&self, name: &str, condition: WaitCondition, timeout: Option<Duration>) -> Result<i32> {
        self.wait_container(name, condition, timeout)
    }

    fn resize(&self, name: &str, size: Size) -> Result<()> {
        self.resize_container(name, size)
    }

    fn remove(&self, name: &str, options: RemoveOptions) -> Result<()> {
        self.remove_container(name, options)
    }

    fn rename(&self, name: &str, new: &str) -> Result<()> {
        self.rename_container(name, new)
    }

    fn update(&self, name: &str, change: &ContainerUpdate) -> Result<()> {
        self.update_container(name, change)
    }

    fn prune_containers(&self, filters: &PruneFilters) -> Result<Pruned> {
        self.prune_stopped(filters)
    }

    fn containers(&self, all: bool) -> Result<Vec<ContainerSummary>> {
        self.list_containers(&ListRequest { all, ..ListRequest::default() })
    }

    fn list(&self, request: &ListRequest) -> Result<Vec<ContainerSummary>> {
        self.list_containers(request)
    }

    fn container(&self, name: &str) -> Result<ContainerRecord> {
        self.container_record(name)
    }

    fn logs(&self, name: &str, request: &LogsRequest, each: &mut dyn FnMut(LogLine) -> bool) -> Result<()> {
        self.read_logs(name, request, each)
    }

    fn exec(&self, name: &str, exec: &ExecConfig, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        self.run_exec(name, exec, attach, io)
    }

    fn exec_create(&self, name: &str, exec: &ExecConfig) -> Result<String> {
        self.create_exec(name, exec)
    }

    fn exec_start(&self, exec: &str, start: &ExecStart, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        self.start_exec(exec, start, attach, io)
    }

    fn exec_inspect(&self, exec: &str) -> Result<ExecRecord> {
        self.look_at_exec(exec)
    }

    fn exec_resize(&self, exec: &str, size: Size) -> Result<()> {
        self.resize_program(exec, size)
    }

    fn execs(&self, name: &str) -> Result<Vec<String>> {
        self.programs_of(name)
    }

    fn top(&self, name: &str) -> Result<Vec<Task>> {
        self.tasks(name)
    }

    fn process_table(&self, name: &str, options: &[String]) -> Result<ProcessTable> {
        self.table(name, options)
    }

    fn usage(&self, name: &str) -> Result<Usage> {
        self.usage_of(name)
    }

    fn stats(&self, name: &str) -> Result<ContainerStats> {
        self.container_stats(name)
    }

    fn sizes(&self, name: &str) -> Result<Sizes> {
        self.container_sizes(name)
    }

    fn events(&self, after: u64, limit: usize) -> Result<Vec<EventEntry>> {
        self.events_after(after, limit)
    }

    fn last_event(&self) -> Result<u64> {
        self.last_moment()
    }

    fn follow_events(&self, after: u64, limit: usize, patience: Duration) -> Result<Vec<EventEntry>> {
        self.await_events(after, limit, patience)
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn explain(&self, _: &ContainerConfig) -> Result<Explanation> {
        Err(no_operation("explain what it would do"))
    }
}
