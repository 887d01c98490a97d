//! The engine itself: what it is, what its host is, what is on disk.

use super::json::{flag, list, number, text, time};
use super::{DockerEngine, Parameters, read};
use drydock_core::docker::time::moment;
use drydock_core::engine::{CacheEntry, DiskUsage, EngineInfo, ImageUsage, Sizes, VolumeUsage};
use drydock_core::host::{Capabilities, Capability};
use drydock_core::kernel::Facts;
use drydock_core::limits::CgroupMode;
use drydock_core::time::Timestamp;
use drydock_core::{Error, ErrorKind, Result};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// The clock of this machine.
fn local() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl DockerEngine {
    pub(super) fn information(&self) -> Result<Value> {
        self.get("/info", Parameters::new())
    }

    /// The engine's clock less this one; half the way there and back counts for neither.
    pub(super) fn offset(&self) -> Option<i64> {
        let before = local();
        let theirs = self.engine_time()?;
        let here = before + local().saturating_sub(before) / 2;
        i64::try_from(i128::from(theirs.0) - i128::from(here)).ok()
    }

    fn engine_time(&self) -> Option<Timestamp> {
        moment(&text(&self.information().ok()?, "SystemTime"), Timestamp::NEVER).ok()
    }

    /// The engine's time.
    pub(super) fn time(&self) -> Timestamp {
        match self.ahead {
            Some(ahead) => Timestamp(local().saturating_add_signed(ahead)),
            None => self.engine_time().unwrap_or(Timestamp(local())),
        }
    }

    /// What is said of the host. What Docker's API does not say is empty.
    pub(super) fn known_facts(&self) -> Facts {
        self.facts.get_or_init(|| self.asked_facts().unwrap_or_else(|_| facts(&Value::Null, &Value::Null))).clone()
    }

    fn asked_facts(&self) -> Result<Facts> {
        Ok(facts(&self.information()?, &self.get("/version", Parameters::new())?))
    }

    pub(super) fn declared(&self) -> Capabilities {
        let Ok(info) = self.information() else { return Capabilities::new() };
        let mut all = Capabilities::from([Capability::Containers, Capability::Freeze, Capability::Exec, Capability::Images]);
        // Without a session, which this client has not, a Docker Engine builds with the classic builder; Drydock has one only.
        all.extend((self.known_facts().host != "docker").then_some(Capability::BuildKit));
        let mut when = |holds: bool, those: &[Capability]| all.extend(those.iter().filter(|_| holds));
        when(flag(&info, "MemoryLimit"), &[Capability::Memory]);
        when(flag(&info, "CpuCfsQuota") || flag(&info, "CPUShares"), &[Capability::Cpu]);
        when(flag(&info, "PidsLimit"), &[Capability::Pids]);
        when(list(&info, "SecurityOptions").iter().filter_map(Value::as_str).any(|o| o.contains("seccomp")), &[Capability::Seccomp]);
        when(self.network_named("bridge").is_ok(), &[Capability::Bridge, Capability::Publish]);
        all
    }

    pub(super) fn counts(&self) -> Result<EngineInfo> {
        let info = self.information()?;
        Ok(EngineInfo {
            containers: number(&info, "Containers"),
            running: number(&info, "ContainersRunning"),
            paused: number(&info, "ContainersPaused"),
            stopped: number(&info, "ContainersStopped"),
            images: number(&info, "Images"),
            facts: facts(&info, &self.get("/version", Parameters::new())?),
            warnings: super::json::texts(&info, "Warnings"),
        })
    }

    pub(super) fn usage_of_disk(&self) -> Result<DiskUsage> {
        let object = self.get("/system/df", Parameters::new())?;
        let now = self.time();
        let positive = |value: &Value, name: &str| u64::try_from(super::json::signed(value, name)).unwrap_or(0);
        let image = |i: &Value| {
            let (image, shared) = (read::listed_image(i), positive(i, "SharedSize"));
            ImageUsage { unique: image.size.saturating_sub(shared), image, shared, containers: positive(i, "Containers") }
        };
        let container = |c: &Value| {
            let sizes = Sizes { writable: number(c, "SizeRw"), root: number(c, "SizeRootFs") };
            (read::listed_container(c, now), sizes)
        };
        let volume = |v: &Value| {
            let data = v.get("UsageData").unwrap_or(&Value::Null);
            VolumeUsage { name: text(v, "Name"), links: positive(data, "RefCount"), size: positive(data, "Size") }
        };
        Ok(DiskUsage {
            images: list(&object, "Images").iter().map(image).collect(),
            layers: number(&object, "LayersSize"),
            containers: list(&object, "Containers").iter().map(container).collect(),
            volumes: list(&object, "Volumes").iter().map(volume).collect(),
        })
    }

    pub(super) fn cache_list(&self) -> Result<Vec<CacheEntry>> {
        let object = self.get("/system/df", Parameters::new())?;
        let entry = |e: &Value| CacheEntry {
            id: text(e, "ID"),
            kind: text(e, "Type"),
            size: number(e, "Size"),
            created: time(e, "CreatedAt"),
            used: time(e, "LastUsedAt"),
            description: text(e, "Description"),
            shared: flag(e, "Shared"),
        };
        Ok(list(&object, "BuildCache").iter().map(entry).collect())
    }

    /// The objects of `info` and `version`, as they come.
    pub(super) fn about(&self, what: &str) -> Result<Value> {
        match self.get(what, Parameters::new())? {
            object @ Value::Object(_) => Ok(object),
            _ => Err(Error::new(ErrorKind::System, "the engine's answer is no object")),
        }
    }
}

fn facts(info: &Value, version: &Value) -> Facts {
    let architecture = Some(text(version, "Arch")).filter(|a| !a.is_empty()).unwrap_or_else(|| "amd64".to_owned());
    let host = version.pointer("/Components/0/Details/Host").and_then(Value::as_str).unwrap_or("docker");
    let controllers = [("CpuCfsQuota", "cpu"), ("CPUSet", "cpuset"), ("MemoryLimit", "memory"), ("PidsLimit", "pids")];
    // Said only where it is not there.
    let warned = |words: &str| list(info, "Warnings").iter().filter_map(Value::as_str).any(|w| w.contains(words));
    let block = (!info.is_null() && !warned("blkio throttle.read_bps_device")).then(|| "blkio".to_owned());
    Facts {
        host: host.to_owned(),
        release: text(info, "KernelVersion"),
        system: text(info, "OperatingSystem"),
        hostname: text(info, "Name"),
        architecture,
        cpus: u32::try_from(number(info, "NCPU")).unwrap_or(0),
        memory: number(info, "MemTotal"),
        cgroup: if text(info, "CgroupVersion") == "2" { CgroupMode::V2 } else { CgroupMode::V1 },
        controllers: controllers.iter().filter(|(name, _)| flag(info, name)).map(|(_, c)| (*c).to_owned()).chain(block).collect(),
        cgroup_roots: std::collections::BTreeMap::new(),
        capabilities: 0,
        max_open_files: 0,
        seccomp: list(info, "SecurityOptions").iter().filter_map(Value::as_str).any(|o| o.contains("seccomp")),
        idmapped_mounts: false,
        data_root: text(info, "DockerRootDir"),
        run_root: String::new(),
        boot_id: String::new(),
    }
}
