//! The part of `HostConfig` that Docker calls resources; an update has it too.

use crate::container::{DeviceRequest, ulimit};
use crate::error::{Error, Result};
use crate::limits::{Resources, Throttle, ThrottleKind};
use serde::Deserialize;
use serde_json::Value;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Limits {
    cpu_shares: i64,
    memory: i64,
    nano_cpus: i64,
    blkio_weight: u16,
    blkio_device_read_bps: Vec<Rate>,
    blkio_device_write_bps: Vec<Rate>,
    #[serde(rename = "BlkioDeviceReadIOps")]
    blkio_device_read_iops: Vec<Rate>,
    #[serde(rename = "BlkioDeviceWriteIOps")]
    blkio_device_write_iops: Vec<Rate>,
    cpu_period: i64,
    cpu_quota: i64,
    cpuset_cpus: String,
    cpuset_mems: String,
    devices: Vec<Device>,
    pub(super) device_cgroup_rules: Vec<String>,
    device_requests: Vec<Value>,
    memory_reservation: i64,
    memory_swap: i64,
    memory_swappiness: Option<i64>,
    oom_kill_disable: bool,
    oom_score_adj: i64,
    pids_limit: Option<i64>,
    ulimits: Vec<Ulimit>,
    cgroup_parent: String,
    cpu_realtime_period: i64,
    cpu_realtime_runtime: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Rate {
    path: String,
    rate: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Device {
    path_on_host: String,
    path_in_container: String,
    cgroup_permissions: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Ulimit {
    name: String,
    soft: i64,
    hard: i64,
}

/// A number that zero leaves open.
fn some(number: i64, what: &str) -> Result<Option<u64>> {
    match number {
        0 => Ok(None),
        n => u64::try_from(n).map(Some).map_err(|_| Error::invalid(format!("invalid {what}: {n}"))),
    }
}

impl Limits {
    /// The limits.
    pub fn resources(&self) -> Result<Resources> {
        if let Some(wrong) = self.memory_swappiness.filter(|s| !(-1..=100).contains(s)) {
            return Err(Error::invalid(format!("Invalid value: {wrong}, valid memory swappiness range is 0-100")));
        }
        let score = i32::try_from(self.oom_score_adj).ok().filter(|s| (-1000..=1000).contains(s));
        let score = score
            .ok_or_else(|| Error::invalid(format!("Invalid value {}, range for oom score adj is [-1000, 1000]", self.oom_score_adj)))?;
        let text = |text: &String| Some(text.clone()).filter(|t| !t.is_empty());
        Ok(Resources {
            memory: some(self.memory, "memory limit")?,
            memory_swap: Some(self.memory_swap).filter(|s| *s != 0),
            memory_reservation: some(self.memory_reservation, "memory reservation")?,
            nano_cpus: match self.nano_cpus {
                n if n < 0 => return Err(Error::invalid("NanoCPUs must not be negative")),
                n => some(n, "NanoCPUs")?,
            },
            cpu_quota: Some(self.cpu_quota).filter(|q| *q != 0),
            cpu_period: some(self.cpu_period, "CPU cfs period")?,
            cpu_shares: match self.cpu_shares {
                n if n < 0 => {
                    return Err(Error::invalid(format!("invalid CPU shares ({n}): value must be a positive integer")));
                }
                n => some(n, "CPU shares")?,
            },
            cpuset_cpus: text(&self.cpuset_cpus),
            cpuset_mems: text(&self.cpuset_mems),
            memory_swappiness: self.memory_swappiness.filter(|s| *s != -1),
            blkio_weight: Some(self.blkio_weight).filter(|w| *w > 0),
            throttles: self.throttles(),
            // Every number below one is no limit.
            pids: self.pids_limit.filter(|p| *p != 0).map(|p| p.max(-1)),
            oom_kill_disable: self.oom_kill_disable,
            oom_score_adj: Some(score).filter(|s| *s != 0),
            cgroup_parent: text(&self.cgroup_parent.trim_matches('/').to_owned()),
        })
    }

    fn throttles(&self) -> Vec<Throttle> {
        [
            (ThrottleKind::ReadBps, &self.blkio_device_read_bps),
            (ThrottleKind::WriteBps, &self.blkio_device_write_bps),
            (ThrottleKind::ReadIops, &self.blkio_device_read_iops),
            (ThrottleKind::WriteIops, &self.blkio_device_write_iops),
        ]
        .into_iter()
        .flat_map(|(kind, rates)| rates.iter().map(move |r| Throttle { kind, device: r.path.clone(), rate: r.rate }))
        .collect()
    }

    /// `name=soft:hard` each.
    pub fn ulimits(&self) -> Result<Vec<String>> {
        let one = |u: &Ulimit| {
            let text = format!("{}={}:{}", u.name, u.soft, u.hard);
            ulimit::parse(&text).map(|_| text)
        };
        self.ulimits.iter().map(one).collect()
    }

    /// Devices of the host.
    pub fn devices(&self) -> Vec<DeviceRequest> {
        let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
        let one = |d: &Device| DeviceRequest {
            host: d.path_on_host.clone(),
            container: or(&d.path_in_container, &d.path_on_host),
            access: or(&d.cgroup_permissions, "rwm"),
        };
        self.devices.iter().map(one).collect()
    }

    /// Refuses what there is no way to give.
    pub fn refuse_unknown(&self) -> Result<()> {
        if !self.device_requests.is_empty() {
            return Err(Error::unsupported("device requests").hint("name devices of the host by their paths"));
        }
        if self.cpu_realtime_period != 0 || self.cpu_realtime_runtime != 0 {
            return Err(Error::invalid("Your kernel does not support cgroup cpu real-time period"));
        }
        Ok(())
    }
}
