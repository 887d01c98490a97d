//! The object of `GET /info`.

use crate::engine::EngineInfo;
use crate::id::Digest;
use crate::limits::CgroupMode;
use crate::time::Timestamp;
use serde_json::{Value, json};

/// What there is of each kind of thing that Docker has plugins for.
pub const PLUGINS: [(&str, &[&str]); 3] =
    [("Volume", &["local"]), ("Network", &["bridge", "host", "none"]), ("Log", &["json-file", "local", "none"])];

/// The machine in the kernel's word, as Docker's `info` has it.
pub fn machine(architecture: &str) -> &str {
    match architecture {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    }
}

/// What makes an engine one: its host and its data root. In the shape of a number that Docker makes up once.
fn identity(info: &EngineInfo) -> String {
    let digest = Digest::of(format!("{}:{}", info.facts.hostname, info.facts.data_root).as_bytes());
    let hex = digest.hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// Docker's name of the cgroup hierarchies' version.
pub fn cgroup_version(mode: CgroupMode) -> &'static str {
    match mode {
        CgroupMode::V2 => "2",
        CgroupMode::V1 | CgroupMode::Hybrid => "1",
    }
}

/// The object of Docker's `/info`, as far as there is something true to say.
pub fn info(info: &EngineInfo, now: Timestamp, debug: bool) -> Value {
    let facts = &info.facts;
    let has = |controller: &str| facts.controllers.iter().any(|c| c == controller);
    let version = env!("CARGO_PKG_VERSION");
    let plugins: serde_json::Map<String, Value> = PLUGINS.iter().map(|(name, all)| ((*name).to_owned(), json!(all))).collect();
    let mut object = json!({
        "ID": identity(info),
        "Containers": info.containers,
        "ContainersRunning": info.running,
        "ContainersPaused": info.paused,
        "ContainersStopped": info.stopped,
        "Images": info.images,
        "Driver": "overlay2",
        "DriverStatus": [["Supports d_type", "true"], ["Native Overlay Diff", "true"]],
        "Plugins": plugins,
        "MemoryLimit": has("memory"),
        "SwapLimit": has("memory"),
        "CpuCfsPeriod": has("cpu"),
        "CpuCfsQuota": has("cpu"),
        "CPUShares": has("cpu"),
        "CPUSet": has("cpuset"),
        "PidsLimit": has("pids"),
        "IPv4Forwarding": true,
        "Debug": debug,
        "NFd": 0,
        "OomKillDisable": has("memory") && facts.cgroup != CgroupMode::V2,
        "NGoroutines": 0,
        "SystemTime": now.rfc3339(),
        "LoggingDriver": "json-file",
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": cgroup_version(facts.cgroup),
        "NEventsListener": 0,
    });
    let rest = json!({
        "KernelVersion": facts.release,
        "OperatingSystem": facts.system,
        "OSVersion": "",
        "OSType": "linux",
        "Architecture": machine(&facts.architecture),
        "IndexServerAddress": "https://index.docker.io/v1/",
        "RegistryConfig": {
            "IndexConfigs": { "docker.io": { "Mirrors": [], "Name": "docker.io", "Official": true, "Secure": true } },
            "InsecureRegistryCIDRs": ["127.0.0.0/8"],
            "Mirrors": null,
        },
        "NCPU": facts.cpus,
        "MemTotal": facts.memory,
        "GenericResources": null,
        "DockerRootDir": facts.data_root,
        "HttpProxy": "",
        "HttpsProxy": "",
        "NoProxy": "",
        "Name": facts.hostname,
        "Labels": [],
        "ExperimentalBuild": false,
        "ServerVersion": version,
        "Runtimes": { "drydock": { "path": "drydock" } },
        "DefaultRuntime": "drydock",
        "Swarm": {
            "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": false, "Error": "", "RemoteManagers": null,
        },
        "LiveRestoreEnabled": true,
        "Isolation": "",
        "InitBinary": "drydock",
        "ContainerdCommit": { "ID": "" },
        "RuncCommit": { "ID": "" },
        "InitCommit": { "ID": "" },
        "SecurityOptions": if facts.seccomp { vec!["name=seccomp,profile=builtin"] } else { Vec::new() },
        "Warnings": info.warnings,
    });
    if let (Value::Object(fields), Value::Object(more)) = (&mut object, rest) {
        fields.extend(more);
    }
    object
}
