//! `drydock info`

use super::Definition;
use super::version::FormatArgs;
use crate::failure::{Failure, Outcome};
use crate::format::size;
use crate::inspect::print_structure;
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::docker::{Object, PLUGINS};
use drydock_core::engine::EngineInfo;
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
    let mut object = engine.inspect(Object::Info, "")?;
    if let Value::Object(fields) = &mut object {
        let (debug, version) = (session.host.debug, env!("CARGO_PKG_VERSION"));
        let client = json!({
            "Debug": debug, "Version": version, "Os": "linux", "Arch": info.facts.architecture, "Context": "default", "Plugins": [],
            "Warnings": null,
        });
        if info.facts.host != "docker" {
            fields.insert("Debug".to_owned(), debug.into());
        }
        fields.insert("ClientInfo".to_owned(), client);
    }
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
    let own = facts.host != "docker";
    let field = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let flag = |name: &str| object.get(name).and_then(Value::as_bool).unwrap_or(false).to_string();
    let words = |path: &str| -> Vec<&str> {
        object.pointer(path).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let mut lines = vec!["Client:".to_owned(), format!(" Version:    {version}"), " Context:    default".to_owned()];
    lines.push(format!(" Debug Mode: {debug}"));
    lines.extend([String::new(), "Server:".to_owned()]);
    for (name, value) in [
        ("Containers", info.containers.to_string()),
        (" Running", info.running.to_string()),
        (" Paused", info.paused.to_string()),
        (" Stopped", info.stopped.to_string()),
        ("Images", info.images.to_string()),
        ("Server Version", field("ServerVersion")),
        ("Host", facts.host.clone()),
        ("Storage Driver", field("Driver")),
        ("Logging Driver", field("LoggingDriver")),
        ("Cgroup Driver", field("CgroupDriver")),
        ("Cgroup Version", field("CgroupVersion")),
        ("Cgroup Controllers", facts.controllers.join(" ")),
    ] {
        lines.push(format!(" {name}: {value}"));
    }
    lines.push(" Plugins:".to_owned());
    for (name, _) in PLUGINS {
        lines.push(format!("  {name}: {}", words(&format!("/Plugins/{name}")).join(" ")));
    }
    let runtimes = object.get("Runtimes").and_then(Value::as_object).map(|all| all.keys().cloned().collect::<Vec<_>>());
    let swarm = object.pointer("/Swarm/LocalNodeState").and_then(Value::as_str).unwrap_or("inactive");
    lines.push(format!(" Swarm: {swarm}"));
    lines.push(format!(" Runtimes: {}", runtimes.unwrap_or_default().join(" ")));
    lines.push(format!(" Default Runtime: {}", field("DefaultRuntime")));
    lines.push(" Security Options:".to_owned());
    for option in words("/SecurityOptions") {
        for (i, part) in option.split(',').enumerate() {
            let (key, value) = part.split_once('=').unwrap_or(("", part));
            lines.push(if i == 0 { format!("  {value}") } else { format!("   {}: {value}", capital(key)) });
        }
    }
    for (name, value) in [
        ("Kernel Version", field("KernelVersion")),
        ("Operating System", field("OperatingSystem")),
        ("OSType", "linux".to_owned()),
        ("Architecture", field("Architecture")),
        ("CPUs", facts.cpus.to_string()),
        ("Total Memory", size::binary(facts.memory)),
        ("Name", facts.hostname.clone()),
        ("ID", field("ID")),
        (if own { "Drydock Root Dir" } else { "Docker Root Dir" }, facts.data_root.clone()),
        ("Drydock Run Dir", facts.run_root.clone()),
        ("Debug Mode", if own { debug.to_string() } else { flag("Debug") }),
        ("Experimental", flag("ExperimentalBuild")),
    ] {
        if name != "Drydock Run Dir" || !value.is_empty() {
            lines.push(format!(" {name}: {value}"));
        }
    }
    lines.push(" Insecure Registries:".to_owned());
    lines.extend(words("/RegistryConfig/InsecureRegistryCIDRs").into_iter().map(|cidr| format!("  {cidr}")));
    lines.push(format!(" Live Restore Enabled: {}", flag("LiveRestoreEnabled")));
    lines
}

/// With a capital letter.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
