//! [`Engine`] for [`LocalEngine`]: every operation, and where it is done.

use super::{
    ArchiveFormat, CommitOptions, ContainerStats, ContainerSummary, ContainerUpdate, DiskUsage, Engine, EngineInfo, EventEntry,
    HistoryEntry, ImageSummary, ListRequest, LocalEngine, LogLine, LogsRequest, PathStat, ProcessTable, PruneFilters, Pruned,
    RemoveOptions, Sizes, VolumeSummary, WaitCondition,
};
use crate::container::lifecycle::Event;
use crate::container::volume::VolumeRequest;
use crate::container::{ContainerConfig, ContainerRecord, ContainerState, ExecConfig, ExecRecord, ExecStart};
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
use crate::plan::Explanation;
use crate::registry::{Access, Found, Progress, PullRequest, Pulled, PushRequest, RemoteManifest, SearchRequest};
use crate::time::Timestamp;
use std::time::Duration;

impl Engine for LocalEngine {
    fn capabilities(&self) -> Capabilities {
        self.host.planning.capabilities()
    }

    fn facts(&self) -> Facts {
        self.kernel().facts().clone()
    }

    fn info(&self) -> Result<EngineInfo> {
        self.counts()
    }

    fn inspect(&self, what: crate::docker::Object, name: &str) -> Result<serde_json::Value> {
        crate::docker::shown(self, what, name)
    }

    fn now(&self) -> Timestamp {
        self.time()
    }

    fn observe(&self) -> Result<Snapshot> {
        self.kernel().observe()
    }

    fn doctor(&self, checkup: super::Checkup) -> Result<Vec<super::Finding>> {
        self.examine(checkup)
    }

    fn import(&self, archive: &mut dyn std::io::Read, request: &super::ImportRequest) -> Result<ImageId> {
        self.import_image(archive, request)
    }

    fn load(&self, archive: &mut dyn std::io::Read) -> Result<Vec<String>> {
        self.load_images(archive)
    }

    fn build(
        &self,
        request: &crate::build::request::BuildRequest,
        surface: crate::build::request::Surface<'_>,
    ) -> Result<crate::build::request::Built> {
        self.build_image(request, surface)
    }

    fn build_cache(&self) -> Result<Vec<super::CacheEntry>> {
        self.cache_list()
    }

    fn prune_build_cache(&self, which: &super::PruneCache) -> Result<(Vec<super::CacheEntry>, u64)> {
        self.prune_cache(which)
    }

    fn images(&self) -> Result<Vec<ImageSummary>> {
        self.image_list()
    }

    fn image(&self, name: &str) -> Result<ImageRecord> {
        self.find_image(name)
    }

    fn tag(&self, source: &str, target: &str) -> Result<()> {
        self.tag_image(source, target)
    }

    fn history(&self, name: &str) -> Result<Vec<HistoryEntry>> {
        self.history_of(name)
    }

    fn save(&self, names: &[String], format: ArchiveFormat, into: &mut dyn std::io::Write) -> Result<()> {
        self.save_images(names, format, into)
    }

    fn remove_image(&self, name: &str, force: bool, prune: bool) -> Result<Vec<String>> {
        self.untag_and_remove(name, force, prune)
    }

    fn prune_images(&self, all: bool, filters: &PruneFilters) -> Result<Pruned> {
        self.prune_unused_images(all, filters)
    }

    fn networks(&self) -> Result<Vec<NetworkRecord>> {
        self.network_list()
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

    fn prune_networks(&self, filters: &PruneFilters) -> Result<Pruned> {
        self.prune_unused_networks(filters)
    }

    fn connect(&self, network: &str, container: &str, place: &Place) -> Result<()> {
        self.connect_to(network, container, place)
    }

    fn disconnect(&self, network: &str, container: &str, force: bool) -> Result<()> {
        self.disconnect_from(network, container, force)
    }

    fn volume_create(&self, request: &VolumeRequest) -> Result<VolumeSummary> {
        self.create_volume(request)
    }

    fn volumes(&self, filters: &[(String, String)]) -> Result<Vec<VolumeSummary>> {
        self.list_volumes(filters)
    }

    fn volume(&self, name: &str) -> Result<VolumeSummary> {
        self.look_at_volume(name)
    }

    fn volume_remove(&self, name: &str, force: bool) -> Result<()> {
        self.delete_volume(name, force)
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
        self.changes_of(name)
    }

    fn export(&self, name: &str, into: &mut dyn std::io::Write) -> Result<()> {
        self.export_container(name, into)
    }

    fn stat_path(&self, name: &str, path: &str, follow: bool) -> Result<PathStat> {
        self.stat_in(name, path, follow)
    }

    fn copy_out(&self, name: &str, path: &str, follow: bool, called: Option<&str>) -> Result<Box<dyn std::io::Read>> {
        self.copy_from(name, path, follow, called)
    }

    fn copy_in(&self, name: &str, directory: &str, archive: &mut dyn std::io::Read, as_user: bool) -> Result<()> {
        self.copy_to(name, directory, archive, as_user)
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

    fn remote_manifest(&self, name: &str, access: &Access) -> Result<RemoteManifest> {
        self.fetch_manifest(name, access)
    }

    fn create(&self, config: &ContainerConfig) -> Result<ContainerId> {
        self.create_container(config)
    }

    fn start(&self, name: &str) -> Result<()> {
        self.start_detached(name)
    }

    fn start_attached(&self, name: &str, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        self.start_and_serve(name, attach, io)
    }

    fn start_joined(&self, name: &str, attaches: &[Attach]) -> Result<Option<Vec<Box<dyn Attachment>>>> {
        self.start_with(name, attaches)
    }

    fn attach(&self, name: &str, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        self.attach_to(name, attach, io)
    }

    fn stop(&self, name: &str, signal: Option<Signal>, grace: Option<i64>) -> Result<()> {
        self.stop_container(name, signal, grace)
    }

    fn restart(&self, name: &str, signal: Option<Signal>, grace: Option<i64>) -> Result<()> {
        self.restart_container(name, signal, grace)
    }

    fn kill(&self, name: &str, signal: Signal) -> Result<()> {
        self.kill_container(name, signal)
    }

    fn pause(&self, name: &str) -> Result<()> {
        self.set_paused(name, true)
    }

    fn unpause(&self, name: &str) -> Result<()> {
        self.set_paused(name, false)
    }

    fn wait(&self, name: &str, timeout: Option<Duration>) -> Result<i32> {
        self.await_end(name, timeout)
    }

    fn wait_for(&self, name: &str, condition: WaitCondition, timeout: Option<Duration>) -> Result<i32> {
        self.await_condition(name, condition, timeout)
    }

    fn resize(&self, name: &str, size: Size) -> Result<()> {
        self.set_size(name, size)
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
        self.container_list(all)
    }

    fn list(&self, request: &ListRequest) -> Result<Vec<ContainerSummary>> {
        self.list_containers(request)
    }

    fn container(&self, name: &str) -> Result<ContainerRecord> {
        self.looked_at(name)
    }

    fn logs(&self, name: &str, request: &LogsRequest, each: &mut dyn FnMut(LogLine) -> bool) -> Result<()> {
        self.read_logs(name, request, each)
    }

    fn exec(&self, name: &str, exec: &ExecConfig, attach: &Attach, io: &mut dyn Io) -> Result<Ended> {
        self.run_inside(name, exec, attach, io)
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
        self.resize_exec(exec, size)
    }

    fn execs(&self, name: &str) -> Result<Vec<String>> {
        self.execs_of(name)
    }

    fn top(&self, name: &str) -> Result<Vec<Task>> {
        self.processes_of(name)
    }

    fn process_table(&self, name: &str, options: &[String]) -> Result<ProcessTable> {
        self.process_table_of(name, options)
    }

    fn usage(&self, name: &str) -> Result<Usage> {
        let record = self.settled(name)?;
        self.host.machine.allow(record.state.status, Event::Top, &record.id, name)?;
        self.host.limits.usage(&record.id)
    }

    fn stats(&self, name: &str) -> Result<ContainerStats> {
        self.container_stats(name)
    }

    fn sizes(&self, name: &str) -> Result<Sizes> {
        self.container_sizes(name)
    }

    fn last_event(&self) -> Result<u64> {
        self.last_number()
    }

    fn follow_events(&self, after: u64, limit: usize, patience: Duration) -> Result<Vec<EventEntry>> {
        self.await_events(after, limit, patience)
    }

    fn sleep(&self, time: Duration) {
        self.host.clock.sleep(time);
    }

    fn events(&self, after: u64, limit: usize) -> Result<Vec<EventEntry>> {
        self.events_after(after, limit)
    }

    fn explain(&self, config: &ContainerConfig) -> Result<Explanation> {
        let (image, record) = self.imagine(config)?;
        let network = record.endpoints.first().map(|e| self.network(e.network.as_str())).transpose()?;
        self.host.planning.explain(&record, &image, network.as_ref(), &self.joined(&record)?)
    }
}

impl LocalEngine {
    /// The record that a container would have, were it created and about to start.
    fn imagine(&self, config: &ContainerConfig) -> Result<(ImageRecord, ContainerRecord)> {
        let image = self.find_image(&config.image)?;
        let mut record = self.new_record(config, &image)?;
        record.name = config.name.clone().unwrap_or_else(|| "explained".to_owned());
        record.state = ContainerState::default();
        self.place(&mut record)?;
        Ok((image, record))
    }
}
