//! `HostConfig`: what of a container's configuration concerns its host.

use super::container::is_anonymous;
use crate::container::{
    ContainerConfig, DeviceRequest, MountKind, MountRequest, NamespaceMode, NetworkMode, RestartPolicy, defaults, ulimit,
};
use crate::network::ports::name as port_name;
use serde_json::{Map, Value, json};

/// Docker's default for /dev/shm.
const SHM_SIZE: u64 = 64 << 20;

pub(super) fn network_mode(mode: &NetworkMode) -> String {
    match mode {
        NetworkMode::Named(name) => name.clone(),
        NetworkMode::None => "none".to_owned(),
        NetworkMode::Host => "host".to_owned(),
        NetworkMode::Container(name) => format!("container:{name}"),
    }
}

fn namespace(mode: &NamespaceMode, private: &str) -> String {
    match mode {
        NamespaceMode::Private => private.to_owned(),
        NamespaceMode::Host => "host".to_owned(),
        NamespaceMode::Shareable => "shareable".to_owned(),
        NamespaceMode::None => "none".to_owned(),
        NamespaceMode::Container(name) => format!("container:{name}"),
    }
}

fn restart(policy: RestartPolicy) -> Value {
    let (name, most) = match policy {
        RestartPolicy::No => ("no", 0),
        RestartPolicy::OnFailure(most) => ("on-failure", most.unwrap_or(0)),
        RestartPolicy::Always => ("always", 0),
        RestartPolicy::UnlessStopped => ("unless-stopped", 0),
    };
    json!({ "Name": name, "MaximumRetryCount": most })
}

fn device(d: &DeviceRequest) -> Value {
    json!({ "PathOnHost": d.host, "PathInContainer": d.container, "CgroupPermissions": d.access })
}

/// A list, or null for an empty one, as Docker has it.
fn list(items: &[String]) -> Value {
    if items.is_empty() { Value::Null } else { json!(items) }
}

fn bind(m: &MountRequest) -> String {
    let mode = if m.read_only { ":ro" } else { "" };
    if m.source.is_empty() { m.target.clone() } else { format!("{}:{}{mode}", m.source, m.target) }
}

/// Whether it was asked for by `--mount`: `-v` makes what is missing, `--tmpfs` says its options.
fn by_mount(m: &MountRequest) -> bool {
    !m.create_source && m.kind != MountKind::Tmpfs && !is_anonymous(&m.source)
}

fn mount(m: &MountRequest) -> Value {
    let mut object = json!({ "Type": m.kind.name(), "Source": m.source, "Target": m.target });
    if let Value::Object(fields) = &mut object {
        if m.read_only {
            fields.insert("ReadOnly".to_owned(), Value::Bool(true));
        }
        if !m.propagation.is_empty() {
            fields.insert("BindOptions".to_owned(), json!({ "Propagation": m.propagation }));
        }
        if let Some(sub) = m.words("image-subpath").last() {
            fields.insert("ImageOptions".to_owned(), json!({ "Subpath": sub }));
        }
    }
    object
}

pub(super) fn bindings(c: &ContainerConfig) -> Map<String, Value> {
    let mut all = Map::new();
    for port in &c.ports {
        let range = |(first, last): (u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
        let host_port = port.host_ports.map(range).unwrap_or_default();
        let entry = json!({ "HostIp": port.host_ip.map(|ip| ip.to_string()).unwrap_or_default(), "HostPort": host_port });
        if let Value::Array(entries) = all.entry(port_name(port.container_port, port.protocol)).or_insert_with(|| json!([])) {
            entries.push(entry);
        }
    }
    all
}

/// The options of a `--tmpfs`, with the size in the largest unit that leaves it whole.
fn tmpfs_options(m: &MountRequest) -> String {
    let size = m.size.map(|bytes| match bytes.trailing_zeros() {
        _ if bytes == 0 => "size=0".to_owned(),
        30.. => format!("size={}G", bytes >> 30),
        20.. => format!("size={}M", bytes >> 20),
        10.. => format!("size={}k", bytes >> 10),
        _ => format!("size={bytes}"),
    });
    let mode = m.mode.map(|mode| format!("mode={mode:o}"));
    m.options.iter().cloned().chain(size).chain(mode).collect::<Vec<_>>().join(",")
}

fn ulimits(list: &[String]) -> Value {
    let one = |text: &String| {
        let name = text.split_once('=').map_or(text.as_str(), |(name, _)| name);
        // No limit is -1 there: the numbers have a sign.
        let number = |n: u64| i64::try_from(n).unwrap_or(-1);
        ulimit::parse(text).ok().map(|l| json!({ "Name": name, "Hard": number(l.hard()), "Soft": number(l.soft()) }))
    };
    list.iter().filter_map(one).collect()
}

pub(super) fn host_config(c: &ContainerConfig) -> Value {
    let r = &c.resources;
    let binds: Vec<String> = c.mounts.iter().filter(|m| m.create_source && m.kind != MountKind::Tmpfs).map(bind).collect();
    let mut object = json!({
        "Binds": list(&binds),
        "ContainerIDFile": "",
        "LogConfig": { "Type": c.log.name(), "Config": c.log.options },
        "NetworkMode": network_mode(&c.network),
        "PortBindings": bindings(c),
        "RestartPolicy": restart(c.restart),
        "AutoRemove": c.auto_remove,
        "VolumeDriver": "",
        "VolumesFrom": list(&c.volumes_from),
        "ConsoleSize": c.console_size.map_or([0, 0], |s| [s.rows, s.cols]),
        "CapAdd": list(&c.cap_add),
        "CapDrop": list(&c.cap_drop),
        "CgroupnsMode": namespace(&c.cgroupns, "private"),
        "Dns": c.dns,
        "DnsOptions": c.dns_options,
        "DnsSearch": c.dns_search,
        "ExtraHosts": list(&c.extra_hosts),
        "GroupAdd": list(&c.groups),
        "IpcMode": namespace(&c.ipc, "private"),
        "Cgroup": "",
        "Links": null,
        "OomScoreAdj": r.oom_score_adj.unwrap_or(0),
        "PidMode": namespace(&c.pid, ""),
        "Privileged": c.privileged,
        "PublishAllPorts": c.publish_all,
        "ReadonlyRootfs": c.read_only,
        "SecurityOpt": list(&c.security_opt),
        "UTSMode": namespace(&c.uts, ""),
        "UsernsMode": namespace(&c.userns, ""),
        "ShmSize": c.shm_size.unwrap_or(SHM_SIZE),
        "Sysctls": c.sysctls,
        "Runtime": "drydock",
        "Isolation": c.isolation,
    });
    if let (Value::Object(fields), Value::Object(limits)) = (&mut object, resources(c)) {
        fields.extend(limits);
        if c.init {
            fields.insert("Init".to_owned(), Value::Bool(true));
        }
        let tmpfs = |m: &MountRequest| (m.target.clone(), Value::from(tmpfs_options(m)));
        let tmpfs: Map<String, Value> = c.mounts.iter().filter(|m| m.kind == MountKind::Tmpfs).map(tmpfs).collect();
        let mounts: Vec<Value> = c.mounts.iter().filter(|m| by_mount(m)).map(mount).collect();
        if !mounts.is_empty() {
            fields.insert("Mounts".to_owned(), Value::Array(mounts));
        }
        if !c.annotations.is_empty() {
            fields.insert("Annotations".to_owned(), json!(c.annotations));
        }
        // A privileged container has everything in its sight.
        let open = c.security_opt.iter().any(|word| word == super::request::ALL_PATHS);
        let paths = |chosen: &Option<Vec<String>>, own: &[&str]| match chosen {
            _ if open => json!([]),
            Some(chosen) => json!(chosen),
            None if c.privileged => Value::Null,
            None => json!(own),
        };
        fields.insert("MaskedPaths".to_owned(), paths(&c.masked_paths, &defaults::MASKED_PATHS));
        fields.insert("ReadonlyPaths".to_owned(), paths(&c.readonly_paths, &defaults::READ_ONLY_PATHS));
        if !tmpfs.is_empty() {
            fields.insert("Tmpfs".to_owned(), Value::Object(tmpfs));
        }
        if c.sysctls.is_empty() {
            fields.shift_remove("Sysctls");
        }
    }
    object
}

/// The part that Docker calls resources, which `HostConfig` holds in itself.
fn resources(c: &ContainerConfig) -> Value {
    let r = &c.resources;
    let memory = r.memory.unwrap_or(0);
    let swap = r.memory_swap.unwrap_or_else(|| i64::try_from(memory.saturating_mul(2)).unwrap_or(i64::MAX));
    json!({
        "CpuShares": r.cpu_shares.unwrap_or(0),
        "Memory": memory,
        "NanoCpus": r.nano_cpus.unwrap_or(0),
        "CgroupParent": r.cgroup_parent.as_ref().map(|p| format!("/{p}")).unwrap_or_default(),
        "BlkioWeight": r.blkio_weight.unwrap_or(0),
        "BlkioWeightDevice": [],
        "BlkioDeviceReadBps": [],
        "BlkioDeviceWriteBps": [],
        "BlkioDeviceReadIOps": [],
        "BlkioDeviceWriteIOps": [],
        "CpuPeriod": r.cpu_period.unwrap_or(0),
        "CpuQuota": r.cpu_quota.unwrap_or(0),
        "CpuRealtimePeriod": 0,
        "CpuRealtimeRuntime": 0,
        "CpusetCpus": r.cpuset_cpus.clone().unwrap_or_default(),
        "CpusetMems": r.cpuset_mems.clone().unwrap_or_default(),
        "Devices": c.devices.iter().map(device).collect::<Vec<_>>(),
        "DeviceCgroupRules": list(&c.device_rules),
        "DeviceRequests": null,
        "MemoryReservation": r.memory_reservation.unwrap_or(0),
        "MemorySwap": swap,
        "MemorySwappiness": r.memory_swappiness,
        "OomKillDisable": r.oom_kill_disable,
        // No limit is a zero, whatever it was written as.
        "PidsLimit": r.pids.map(|most| most.max(0)),
        "Ulimits": ulimits(&c.ulimits),
        "CpuCount": 0,
        "CpuPercent": 0,
        "IOMaximumIOps": 0,
        "IOMaximumBandwidth": 0,
    })
}
