//! `drydock info`

use super::Definition;
use super::version::FormatArgs;
use crate::failure::{Failure, Outcome};
use crate::format::size;
use crate::inspect::print_structure;
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::engine::EngineInfo;
use drydock_core::id::Digest;
use drydock_core::limits::CgroupMode;
use drydock_core::time::Timestamp;
use serde_json::{Value, json};

/// `info`
pub const DEFINITION: Definition = Definition {
    name: "info",
    group: "system",
    in_group: &["info"],
    about: "Display system-wide information",
    usage: "[OPTIONS]",
    common: true,
    flags: FormatArgs::augment_args,
    run,
    ..Definition::PLAIN
};

fn run(matches: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let args = FormatArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let engine = session.engine()?;
    let info = engine.info()?;
    let object = object(&info, engine.now(), session.host.debug);
    if let Some(format) = args.format.filter(|f| !f.is_empty()) {
        return print_structure(session, &object, &format, "system.dockerInfo");
    }
    for line in text(&info, &object, session.host.debug) {
        session.say(&line)?;
    }
    session.environment.out().flush()?;
    for warning in &info.warnings {
        session.complain(&format!("WARNING: {}", warning.trim_start_matches("WARNING: ")));
    }
    Ok(0)
}

/// The lines that people read, in the order Docker's users know.
fn text(info: &EngineInfo, object: &Value, debug: bool) -> Vec<String> {
    let facts = &info.facts;
    let version = env!("CARGO_PKG_VERSION");
    let field = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut lines = vec!["Client:".to_owned(), format!(" Version:    {version}"), " Context:    default".to_owned()];
    lines.push(format!(" Debug Mode: {debug}"));
    lines.extend([String::new(), "Server:".to_owned()]);
    for (name, value) in [
        ("Containers", info.containers.to_string()),
        (" Running", info.running.to_string()),
        (" Paused", info.paused.to_string()),
        (" Stopped", info.stopped.to_string()),
        ("Images", info.images.to_string()),
        ("Server Version", version.to_owned()),
        ("Host", facts.host.clone()),
        ("Storage Driver", "overlay2".to_owned()),
        ("Logging Driver", field("LoggingDriver")),
        ("Cgroup Driver", "cgroupfs".to_owned()),
        ("Cgroup Version", cgroup_version(facts.cgroup).to_owned()),
        ("Cgroup Controllers", facts.controllers.join(" ")),
    ] {
        lines.push(format!(" {name}: {value}"));
    }
    lines.push(" Plugins:".to_owned());
    for (name, all) in PLUGINS {
        lines.push(format!("  {name}: {}", all.join(" ")));
    }
    lines.extend([" Swarm: inactive".to_owned(), " Runtimes: drydock".to_owned(), " Default Runtime: drydock".to_owned()]);
    lines.push(" Security Options:".to_owned());
    if facts.seccomp {
        lines.extend(["  seccomp".to_owned(), "   Profile: builtin".to_owned()]);
    }
    for (name, value) in [
        ("Kernel Version", facts.release.clone()),
        ("Operating System", facts.system.clone()),
        ("OSType", "linux".to_owned()),
        ("Architecture", machine(&facts.architecture).to_owned()),
        ("CPUs", facts.cpus.to_string()),
        ("Total Memory", size::binary(facts.memory)),
        ("Name", facts.hostname.clone()),
        ("ID", field("ID")),
        ("Drydock Root Dir", facts.data_root.clone()),
        ("Drydock Run Dir", facts.run_root.clone()),
        ("Debug Mode", debug.to_string()),
        ("Experimental", "false".to_owned()),
    ] {
        lines.push(format!(" {name}: {value}"));
    }
    lines.extend([" Insecure Registries:".to_owned(), "  127.0.0.0/8".to_owned(), " Live Restore Enabled: true".to_owned()]);
    lines
}

/// What there is of each kind of thing that Docker has plugins for.
const PLUGINS: [(&str, &[&str]); 3] =
    [("Volume", &["local"]), ("Network", &["bridge", "host", "none"]), ("Log", &["json-file", "local", "none"])];

/// The machine in the kernel's word, as Docker's `info` has it.
fn machine(architecture: &str) -> &str {
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

fn cgroup_version(mode: CgroupMode) -> &'static str {
    match mode {
        CgroupMode::V2 => "2",
        CgroupMode::V1 | CgroupMode::Hybrid => "1",
    }
}

/// The object of Docker's `/info`, as far as there is something true to say.
fn object(info: &EngineInfo, now: Timestamp, debug: bool) -> Value {
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
        "ClientInfo": {
            "Debug": debug, "Version": version, "Os": "linux", "Arch": facts.architecture, "Context": "default", "Plugins": [],
            "Warnings": null,
        },
    });
    if let (Value::Object(fields), Value::Object(more)) = (&mut object, rest) {
        fields.extend(more);
    }
    object
}
