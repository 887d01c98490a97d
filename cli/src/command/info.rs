//! `drydock info`

use super::Definition;
use super::version::FormatArgs;
use crate::failure::{Failure, Outcome};
use crate::format::size;
use crate::inspect::print_structure;
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::docker::{self, PLUGINS, cgroup_version, machine};
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
    let mut object = docker::info(&info, engine.now(), session.host.debug);
    if let Value::Object(fields) = &mut object {
        let (debug, version) = (session.host.debug, env!("CARGO_PKG_VERSION"));
        let client = json!({
            "Debug": debug, "Version": version, "Os": "linux", "Arch": info.facts.architecture, "Context": "default", "Plugins": [],
            "Warnings": null,
        });
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
