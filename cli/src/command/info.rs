//! `drydock info`

use super::Definition;
use super::version::FormatArgs;
use crate::failure::{Failure, Outcome};
use crate::format::size;
use crate::inspect::print_one;
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::engine::EngineInfo;
use drydock_core::limits::CgroupMode;
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
    let info = session.engine()?.info()?;
    if let Some(format) = args.format.filter(|f| !f.is_empty()) {
        return print_one(session, &object(&info), &format);
    }
    let facts = &info.facts;
    for (name, value) in [
        ("Containers", info.containers.to_string()),
        (" Running", info.running.to_string()),
        (" Paused", info.paused.to_string()),
        (" Stopped", info.stopped.to_string()),
        ("Images", info.images.to_string()),
        ("Drydock Version", env!("CARGO_PKG_VERSION").to_owned()),
        ("Host", facts.host.clone()),
        ("Storage Driver", "overlay2".to_owned()),
        ("Logging Driver", "json-file".to_owned()),
        ("Cgroup Driver", "cgroupfs".to_owned()),
        ("Cgroup Version", cgroup_version(facts.cgroup).to_owned()),
        ("Cgroup Controllers", facts.controllers.join(" ")),
        ("Seccomp", if facts.seccomp { "builtin" } else { "unavailable" }.to_owned()),
        ("Kernel Version", facts.release.clone()),
        ("Operating System", facts.system.clone()),
        ("OSType", "linux".to_owned()),
        ("Architecture", facts.architecture.clone()),
        ("CPUs", facts.cpus.to_string()),
        ("Total Memory", size::binary(facts.memory)),
        ("Name", facts.hostname.clone()),
        ("Drydock Root Dir", facts.data_root.clone()),
        ("Drydock Run Dir", facts.run_root.clone()),
    ] {
        session.say(&format!("{name}: {value}"))?;
    }
    for warning in &info.warnings {
        session.complain(&format!("WARNING: {warning}"));
    }
    Ok(0)
}

fn cgroup_version(mode: CgroupMode) -> &'static str {
    match mode {
        CgroupMode::V2 => "2",
        CgroupMode::V1 | CgroupMode::Hybrid => "1",
    }
}

/// The object of Docker's `/info`, as far as there is something true to say.
fn object(info: &EngineInfo) -> Value {
    let facts = &info.facts;
    let has = |controller: &str| facts.controllers.iter().any(|c| c == controller);
    json!({
        "Containers": info.containers,
        "ContainersRunning": info.running,
        "ContainersPaused": info.paused,
        "ContainersStopped": info.stopped,
        "Images": info.images,
        "Driver": "overlay2",
        "DockerRootDir": facts.data_root,
        "MemoryLimit": has("memory"),
        "CpuCfsPeriod": has("cpu"),
        "CpuCfsQuota": has("cpu"),
        "CPUShares": has("cpu"),
        "CPUSet": has("cpuset"),
        "PidsLimit": has("pids"),
        "LoggingDriver": "json-file",
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": cgroup_version(facts.cgroup),
        "KernelVersion": facts.release,
        "OperatingSystem": facts.system,
        "OSType": "linux",
        "Architecture": facts.architecture,
        "NCPU": facts.cpus,
        "MemTotal": facts.memory,
        "Name": facts.hostname,
        "ServerVersion": env!("CARGO_PKG_VERSION"),
        "SecurityOptions": if facts.seccomp { vec!["name=seccomp,profile=builtin"] } else { Vec::new() },
        "Warnings": info.warnings,
    })
}
