//! An environment in memory, and an engine whose containers and images stand still.

#![allow(dead_code, reason = "each test file uses a part")]

pub mod world;

use drydock::{Environment, HostOptions, Sink, Source, Standard, StreamOptions};
use drydock_core::build::ignore::Ignore;
use drydock_core::build::request::{BuildRequest, Built, Surface};
use drydock_core::container::volume::VolumeRequest;
use drydock_core::container::{ContainerConfig, ContainerRecord, ExecConfig, ExecRecord, ExecStart};
use drydock_core::engine::{
    ArchiveFormat, CommitOptions, ContainerStats, ContainerSummary, ContainerUpdate, DiskUsage, Engine, EngineInfo, EventEntry,
    HistoryEntry, ImageSummary, ListRequest, LogLine, LogsRequest, PathStat, ProcessTable, PruneFilters, Pruned, RemoveOptions, Sizes,
    VolumeSummary, WaitCondition, filter,
};
use drydock_core::host::Capabilities;
use drydock_core::id::{ContainerId, Digest, ImageId};
use drydock_core::image::ImageRecord;
use drydock_core::image::changeset::PathChange;
use drydock_core::io::{Attach, Ended, Io, Size};
use drydock_core::kernel::{Facts, Signal, Task};
use drydock_core::limits::{CgroupMode, Usage};
use drydock_core::observe::Snapshot;
use drydock_core::plan::Explanation;
use drydock_core::registry::{Access, Found, Progress, PullRequest, Pulled, PushRequest, RemoteManifest, SearchRequest};
use drydock_core::time::Timestamp;
use drydock_core::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to be in the world of a test.
#[derive(Default)]
pub struct StillLife {
    pub containers: Vec<ContainerSummary>,
    pub records: Vec<ContainerRecord>,
    pub images: Vec<ImageSummary>,
    pub image_records: Vec<ImageRecord>,
    pub logs: Vec<LogLine>,
    pub now: Timestamp,
    pub stats: Vec<ContainerStats>,
    pub events: Vec<EventEntry>,
    /// What was asked to be changed.
    pub updates: Mutex<Vec<ContainerUpdate>>,
    /// What was asked to be created.
    pub created: Mutex<Vec<ContainerConfig>>,
}

fn moved<T>() -> Result<T> {
    Err(Error::unsupported("anything that moves"))
}

impl Engine for StillLife {
    fn networks(&self) -> Result<Vec<drydock_core::network::NetworkRecord>> {
        Ok(Vec::new())
    }
    fn network(&self, name: &str) -> Result<drydock_core::network::NetworkRecord> {
        Err(Error::not_found(format!("network {name} not found")))
    }
    fn create_network(&self, _: &drydock_core::network::NetworkRequest) -> Result<drydock_core::id::NetworkId> {
        moved()
    }
    fn remove_network(&self, _: &str) -> Result<()> {
        moved()
    }
    fn connect(&self, _: &str, _: &str, _: &drydock_core::network::Place) -> Result<()> {
        moved()
    }
    fn disconnect(&self, _: &str, _: &str, _: bool) -> Result<()> {
        moved()
    }
    fn prune_networks(&self, _: &PruneFilters) -> Result<Pruned> {
        moved()
    }
    fn inspect(&self, what: drydock_core::docker::Object, name: &str) -> Result<serde_json::Value> {
        drydock_core::docker::shown(self, what, name)
    }
    fn doctor(&self, _: drydock_core::engine::Checkup) -> Result<Vec<drydock_core::engine::Finding>> {
        Ok(Vec::new())
    }
    fn capabilities(&self) -> Capabilities {
        BTreeSet::new()
    }
    fn facts(&self) -> Facts {
        serde_json::from_value(serde_json::json!({
            "host": "sim", "release": "6.1.0", "system": "Simulated Linux", "hostname": "dock", "architecture": "amd64", "cpus": 4,
            "memory": 8_344_000_000_u64, "cgroup": CgroupMode::V2, "controllers": ["cpu", "memory", "pids"], "capabilities": 0,
            "max_open_files": 1024, "seccomp": true, "data_root": "/var/lib/drydock", "run_root": "/run/drydock", "boot_id": "b",
            "cgroup_roots": {}, "idmapped_mounts": true,
        }))
        .unwrap()
    }
    fn info(&self) -> Result<EngineInfo> {
        let count = self.containers.len() as u64;
        Ok(EngineInfo {
            containers: count,
            running: 1,
            paused: 0,
            stopped: count - 1,
            images: 2,
            facts: self.facts(),
            warnings: vec!["No swap limit support".to_owned()],
        })
    }
    fn now(&self) -> Timestamp {
        self.now
    }
    fn observe(&self) -> Result<Snapshot> {
        Ok(Snapshot::default())
    }
    fn import(&self, _: &mut dyn std::io::Read, _: &drydock_core::engine::ImportRequest) -> Result<ImageId> {
        moved()
    }
    fn load(&self, _: &mut dyn std::io::Read) -> Result<Vec<String>> {
        moved()
    }
    fn pull(&self, _: &PullRequest, _: &mut dyn FnMut(Progress)) -> Result<Vec<Pulled>> {
        moved()
    }
    fn push(&self, _: &PushRequest, _: &mut dyn FnMut(Progress)) -> Result<Vec<Digest>> {
        moved()
    }
    fn login(&self, _: &str, _: &Access) -> Result<()> {
        moved()
    }
    fn search(&self, _: &SearchRequest) -> Result<Vec<Found>> {
        moved()
    }
    fn remote_manifest(&self, _: &str, _: &Access) -> Result<RemoteManifest> {
        moved()
    }
    fn images(&self) -> Result<Vec<ImageSummary>> {
        Ok(self.images.clone())
    }
    fn image(&self, name: &str) -> Result<ImageRecord> {
        let fits = |i: &&ImageRecord| i.id.as_str() == name || i.tags.iter().any(|t| t.contains(name));
        self.image_records.iter().find(fits).cloned().ok_or_else(|| Error::not_found(format!("No such image: {name}")))
    }
    fn tag(&self, _: &str, _: &str) -> Result<()> {
        moved()
    }
    fn history(&self, _: &str) -> Result<Vec<HistoryEntry>> {
        moved()
    }
    fn save(&self, _: &[String], _: ArchiveFormat, _: &mut dyn std::io::Write) -> Result<()> {
        moved()
    }
    fn prune_images(&self, _: bool, _: &PruneFilters) -> Result<Pruned> {
        moved()
    }
    fn volume_create(&self, _: &VolumeRequest) -> Result<VolumeSummary> {
        moved()
    }
    fn volumes(&self, _: &[(String, String)]) -> Result<Vec<VolumeSummary>> {
        Ok(Vec::new())
    }
    fn volume(&self, name: &str) -> Result<VolumeSummary> {
        Err(Error::not_found(format!("get {name}: no such volume")))
    }
    fn volume_remove(&self, _: &str, _: bool) -> Result<()> {
        moved()
    }
    fn prune_volumes(&self, _: bool, _: &PruneFilters) -> Result<Pruned> {
        moved()
    }
    fn disk_usage(&self) -> Result<DiskUsage> {
        moved()
    }
    fn remove_image(&self, name: &str, _: bool, _: bool) -> Result<Vec<String>> {
        Ok(vec![format!("Untagged: {name}:latest"), "Deleted: sha256:1".to_owned()])
    }
    fn commit(&self, _: &str, _: &CommitOptions) -> Result<ImageId> {
        moved()
    }
    fn diff(&self, _: &str) -> Result<Vec<PathChange>> {
        moved()
    }
    fn export(&self, _: &str, _: &mut dyn std::io::Write) -> Result<()> {
        moved()
    }
    fn stat_path(&self, _: &str, _: &str, _: bool) -> Result<PathStat> {
        moved()
    }
    fn copy_out(&self, _: &str, _: &str, _: bool, _: Option<&str>) -> Result<Box<dyn std::io::Read>> {
        moved()
    }
    fn copy_in(&self, _: &str, _: &str, _: &mut dyn std::io::Read, _: bool) -> Result<()> {
        moved()
    }
    fn build(&self, _: &BuildRequest, _: Surface<'_>) -> Result<Built> {
        moved()
    }
    fn build_cache(&self) -> Result<Vec<drydock_core::engine::CacheEntry>> {
        Ok(Vec::new())
    }
    fn prune_build_cache(&self, _: &drydock_core::engine::PruneCache) -> Result<(Vec<drydock_core::engine::CacheEntry>, u64)> {
        moved()
    }
    fn create(&self, config: &ContainerConfig) -> Result<ContainerId> {
        if config.image == "missing" {
            return Err(Error::not_found("No such image: missing:latest"));
        }
        self.created.lock().unwrap().push(config.clone());
        Ok(ContainerId::new("c".repeat(64)))
    }
    fn start(&self, name: &str) -> Result<()> {
        if name == "nope" { Err(Error::not_found("No such container: nope")) } else { Ok(()) }
    }
    fn start_attached(&self, _: &str, _: &Attach, _: &mut dyn Io) -> Result<Ended> {
        Ok(Ended::Exited(7))
    }
    fn start_joined(&self, _: &str, _: &[Attach]) -> Result<Option<Vec<Box<dyn drydock_core::kernel::Attachment>>>> {
        moved()
    }
    fn attach(&self, _: &str, _: &Attach, _: &mut dyn Io) -> Result<Ended> {
        moved()
    }
    fn stop(&self, _: &str, _: Option<Signal>, _: Option<i64>) -> Result<()> {
        moved()
    }
    fn restart(&self, _: &str, _: Option<Signal>, _: Option<i64>) -> Result<()> {
        moved()
    }
    fn kill(&self, _: &str, _: Signal) -> Result<()> {
        moved()
    }
    fn pause(&self, _: &str) -> Result<()> {
        moved()
    }
    fn unpause(&self, _: &str) -> Result<()> {
        moved()
    }
    fn wait(&self, _: &str, _: Option<Duration>) -> Result<i32> {
        moved()
    }
    fn wait_for(&self, _: &str, _: WaitCondition, _: Option<Duration>) -> Result<i32> {
        moved()
    }
    fn resize(&self, _: &str, _: Size) -> Result<()> {
        moved()
    }
    fn remove(&self, name: &str, _: RemoveOptions) -> Result<()> {
        self.start(name)
    }
    fn rename(&self, _: &str, _: &str) -> Result<()> {
        moved()
    }
    fn update(&self, name: &str, change: &ContainerUpdate) -> Result<()> {
        self.start(name)?;
        self.updates.lock().unwrap().push(change.clone());
        Ok(())
    }
    fn prune_containers(&self, _: &PruneFilters) -> Result<Pruned> {
        moved()
    }
    fn containers(&self, all: bool) -> Result<Vec<ContainerSummary>> {
        use drydock_core::container::Status::{Paused, Restarting, Running};
        Ok(self.containers.iter().filter(|c| all || matches!(c.status, Running | Paused | Restarting)).cloned().collect())
    }
    fn list(&self, request: &ListRequest) -> Result<Vec<ContainerSummary>> {
        filter::select(request, &mut |all| self.containers(all), self)
    }
    fn process_table(&self, _: &str, _: &[String]) -> Result<ProcessTable> {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        Ok(ProcessTable { titles: row(["UID", "PID", "CMD"]), processes: vec![row(["root", "7", "sleep\u{1b}[2J\t1000"])] })
    }
    fn container(&self, name: &str) -> Result<ContainerRecord> {
        let fits = |c: &&ContainerRecord| c.name == name || c.id.as_str().starts_with(name);
        self.records.iter().find(fits).cloned().ok_or_else(|| Error::not_found(format!("No such container: {name}")))
    }
    fn logs(&self, _: &str, _: &LogsRequest, each: &mut dyn FnMut(LogLine) -> bool) -> Result<()> {
        for line in &self.logs {
            if !each(line.clone()) {
                break;
            }
        }
        Ok(())
    }
    fn exec(&self, _: &str, _: &ExecConfig, _: &Attach, _: &mut dyn Io) -> Result<Ended> {
        moved()
    }
    fn exec_create(&self, _: &str, _: &ExecConfig) -> Result<String> {
        moved()
    }
    fn exec_start(&self, _: &str, _: &ExecStart, _: &Attach, _: &mut dyn Io) -> Result<Ended> {
        moved()
    }
    fn exec_inspect(&self, _: &str) -> Result<ExecRecord> {
        moved()
    }
    fn exec_resize(&self, _: &str, _: Size) -> Result<()> {
        moved()
    }
    fn execs(&self, _: &str) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
    fn top(&self, _: &str) -> Result<Vec<Task>> {
        moved()
    }
    fn usage(&self, _: &str) -> Result<Usage> {
        moved()
    }
    fn stats(&self, name: &str) -> Result<ContainerStats> {
        let fits = |s: &&ContainerStats| s.name == name || s.id.as_str().starts_with(name);
        self.stats.iter().find(fits).cloned().ok_or_else(|| Error::not_found(format!("No such container: {name}")))
    }
    fn sizes(&self, _: &str) -> Result<Sizes> {
        Ok(Sizes { writable: 1_234, root: 141_001_234 })
    }
    fn last_event(&self) -> Result<u64> {
        Ok(self.events.last().map_or(0, |e| e.number))
    }
    fn follow_events(&self, after: u64, limit: usize, _: Duration) -> Result<Vec<EventEntry>> {
        self.events(after, limit)
    }
    fn sleep(&self, _: Duration) {}
    fn events(&self, after: u64, limit: usize) -> Result<Vec<EventEntry>> {
        Ok(self.events.iter().filter(|e| e.number > after).take(limit).cloned().collect())
    }
    fn explain(&self, _: &ContainerConfig) -> Result<Explanation> {
        moved()
    }
}

impl filter::Lookup for StillLife {
    fn created(&self, name: &str) -> Result<Timestamp> {
        let found = self.containers.iter().find(|c| c.name == name || c.id.as_str().starts_with(name));
        found.map(|c| c.created).ok_or_else(|| Error::not_found(name))
    }
    fn image(&self, name: &str) -> Option<ImageId> {
        Engine::image(self, name).ok().map(|i| i.id)
    }
    fn sizes(&self, _: &ContainerSummary) -> Result<Sizes> {
        Ok(Sizes { writable: 1_234, root: 141_001_234 })
    }
}

/// Streams, files and variables in memory.
pub struct Memory {
    pub engine: Arc<StillLife>,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
    pub terminal: bool,
    pub files: BTreeMap<String, Vec<u8>>,
    pub variables: BTreeMap<String, String>,
}

impl Memory {
    pub fn new(engine: Arc<StillLife>) -> Self {
        Self { engine, out: Vec::new(), err: Vec::new(), terminal: false, files: BTreeMap::new(), variables: BTreeMap::new() }
    }

    /// Runs a command line, its words divided by blanks. Answers exit code, standard output and standard error.
    pub fn run(&mut self, line: &str) -> (i32, String, String) {
        let words: Vec<String> = line.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect();
        self.run_words(&words)
    }

    pub fn run_words(&mut self, words: &[String]) -> (i32, String, String) {
        let code = drydock::run(words, self);
        let text = |bytes: &mut Vec<u8>| String::from_utf8(std::mem::take(bytes)).unwrap();
        (code, text(&mut self.out), text(&mut self.err))
    }
}

impl Environment for Memory {
    fn open(&mut self, _: &HostOptions) -> Result<Arc<dyn Engine>> {
        Ok(Arc::clone(&self.engine) as Arc<dyn Engine>)
    }
    fn own_commands(&self) -> &'static [(&'static str, &'static str)] {
        &[("conform", "Run the conformance suite against a host")]
    }
    fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }
    fn err(&mut self) -> &mut dyn Write {
        &mut self.err
    }
    fn is_terminal(&self, _: Standard) -> bool {
        self.terminal
    }
    fn size(&self) -> Option<Size> {
        None
    }
    fn streams(&mut self, _: StreamOptions) -> Result<Box<dyn Io>> {
        Ok(Box::new(Silent))
    }
    fn source(&mut self, path: &str) -> Result<Source> {
        let bytes = self
            .files
            .get(path)
            .cloned()
            .ok_or_else(|| Error::not_found(format!("open {path}: no such file or directory")).op(drydock::environment::CLIENT))?;
        Ok(Source { size: Some(bytes.len() as u64), reader: Box::new(std::io::Cursor::new(bytes)) })
    }
    fn create_file(&mut self, path: &str, content: &[u8]) -> Result<()> {
        self.write_file(path, content)
    }
    fn write_file(&mut self, path: &str, content: &[u8]) -> Result<()> {
        self.files.insert(path.to_owned(), content.to_vec());
        Ok(())
    }
    fn sink(&mut self, path: &str) -> Result<Box<dyn Sink>> {
        Err(Error::unsupported(path))
    }
    fn look(&mut self, _: &str, _: bool) -> Result<Option<PathStat>> {
        Ok(None)
    }
    fn pack(&mut self, path: &str, _: bool, _: &str) -> Result<Source> {
        self.source(path)
    }
    fn context(&mut self, path: &str, _: &Ignore) -> Result<Source> {
        self.source(path)
    }
    fn make_directory(&mut self, _: &str) -> Result<()> {
        Ok(())
    }
    fn unpack(&mut self, path: &str, _: &mut dyn std::io::Read, _: bool) -> Result<()> {
        Err(Error::unsupported(path))
    }
    fn exists(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
    fn directory(&self) -> Result<String> {
        Ok("/home/me".to_owned())
    }
}

struct Silent;

impl Io for Silent {
    fn output(&mut self, _: drydock_core::io::Stream, _: &[u8]) -> Result<()> {
        Ok(())
    }
    fn input(&mut self, _: bool) -> Result<drydock_core::io::Input> {
        Ok(drydock_core::io::Input::Closed)
    }
    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}

/// 2026-01-31T12:00:00Z
pub const NOON: Timestamp = Timestamp(1_769_860_800_000_000_000);

/// A moment so many seconds before noon.
pub fn ago(seconds: u64) -> Timestamp {
    Timestamp(NOON.0 - seconds * 1_000_000_000)
}

/// A container that runs, with a port.
pub fn web() -> ContainerSummary {
    use drydock_core::kernel::Protocol;
    use drydock_core::network::Publish;
    ContainerSummary {
        id: ContainerId::new("0123456789abcdef".repeat(4)),
        name: "web".to_owned(),
        image: "nginx".to_owned(),
        image_id: ImageId::new(format!("sha256:{}", "a".repeat(64))),
        args: ["nginx", "-g", "daemon off; \"x\""].map(str::to_owned).to_vec(),
        created: ago(70),
        status: drydock_core::container::Status::Running,
        health: None,
        exit_code: 0,
        started: ago(69),
        finished: Timestamp::NEVER,
        published: vec![Publish {
            protocol: Protocol::Tcp,
            host_ip: std::net::Ipv4Addr::UNSPECIFIED.into(),
            host_port: 8080,
            container_port: 80,
        }],
        exposed: vec!["80/tcp".to_owned(), "443/tcp".to_owned()],
        labels: BTreeMap::from([("tier".to_owned(), "front".to_owned()), ("a.b".to_owned(), "c".to_owned())]),
        networks: vec!["bridge".to_owned()],
        network_ids: Vec::new(),
        mounts: vec!["/srv/a/long/path".to_owned(), "data".to_owned()],
        mount_targets: vec!["/srv".to_owned(), "/data".to_owned()],
        network: drydock_core::container::NetworkMode::default(),
        endpoints: Vec::new(),
        places: Vec::new(),
        points: Vec::new(),
        sizes: None,
        reachable: true,
    }
}

/// Three containers: one runs, one failed, one never ran.
pub fn three() -> Vec<ContainerSummary> {
    use drydock_core::container::Status;
    let failed = ContainerSummary {
        id: ContainerId::new("fedcba9876543210".repeat(4)),
        name: "job\u{1b}[2J".to_owned(),
        image: "busybox".to_owned(),
        args: vec!["false".to_owned()],
        created: ago(7200),
        health: None,
        status: Status::Exited,
        exit_code: 137,
        started: ago(7199),
        finished: ago(3600),
        published: Vec::new(),
        exposed: Vec::new(),
        labels: BTreeMap::new(),
        mounts: Vec::new(),
        ..web()
    };
    let fresh = ContainerSummary {
        id: ContainerId::new("1".repeat(64)),
        name: "fresh".to_owned(),
        health: None,
        status: Status::Created,
        started: Timestamp::NEVER,
        finished: Timestamp::NEVER,
        created: ago(86_400 * 3),
        ..failed.clone()
    };
    vec![web(), failed, fresh]
}

/// What each line of words prints on this world, one after the other. A tilde stands for a blank within a word.
pub fn told(world: StillLife, lines: &[&str]) -> String {
    use std::fmt::Write as _;
    let mut memory = Memory::new(Arc::new(world));
    lines.iter().fold(String::new(), |mut text, line| {
        let words: Vec<String> = line.split(' ').map(|w| w.replace('~', " ")).collect();
        let (code, out, err) = memory.run_words(&words);
        let _ = writeln!(text, "$ drydock {}\n{out}{err}[{code}]\n", words.join(" "));
        text
    })
}
