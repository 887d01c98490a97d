//! `drydock version`

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::inspect::print_structure;
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::docker::{self, API};
use serde_json::json;

/// `version`
pub const DEFINITION: Definition = Definition {
    name: "version",
    about: "Show the Drydock version information",
    usage: "[OPTIONS]",
    common: true,
    flags: FormatArgs::augment_args,
    run,
    ..Definition::PLAIN
};

/// `--format` of commands that print one object.
#[derive(Args)]
pub(crate) struct FormatArgs {
    /// Format output using a custom template: 'json': Print in JSON format 'TEMPLATE': Print output using the given Go template.
    #[arg(short, long, value_name = "string")]
    pub format: Option<String>,
}

fn run(matches: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let args = FormatArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let version = env!("CARGO_PKG_VERSION");
    let plain = args.format.as_deref().is_none_or(str::is_empty);
    if plain {
        // What this program is can be told even if no host can be opened.
        for line in ["Client: Drydock".to_owned(), format!(" Version:           {version}"), format!(" API version:       {API}")] {
            session.say(&line)?;
        }
        session.say(" Context:           default")?;
        session.environment.out().flush()?;
    }
    let remote = session.host.host.as_deref().is_some_and(|host| host.contains("://"));
    let server = if remote {
        session.engine()?.inspect(docker::Object::Version, "")?
    } else {
        docker::version(&session.environment.facts(&session.host)?)
    };
    let field = |name: &str| server.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    if let Some(format) = args.format.filter(|f| !f.is_empty()) {
        let object = json!({
            "Client": {
                "Version": version,
                "ApiVersion": API,
                "DefaultAPIVersion": API,
                "GitCommit": "",
                "GoVersion": "",
                "Os": "linux",
                "Arch": field("Arch"),
                "BuildTime": "",
                "Context": "default",
            },
            "Server": server,
        });
        return print_structure(session, &object, &format, "system.versionInfo");
    }
    let platform = server.pointer("/Platform/Name").and_then(serde_json::Value::as_str).unwrap_or_default();
    // What an engine does not say, is not printed.
    let platform = if platform.is_empty() { "Docker Engine" } else { platform };
    let experimental = server.get("Experimental").and_then(serde_json::Value::as_bool).unwrap_or(false);
    let mut lines = vec![String::new(), format!("Server: {platform}"), " Engine:".to_owned()];
    lines.push(format!("  Version:          {}", field("Version")));
    lines.push(format!("  API version:      {} (minimum version {})", field("ApiVersion"), field("MinAPIVersion")));
    lines.extend(Some(field("Host")).filter(|host| !host.is_empty()).map(|host| format!("  Host:             {host}")));
    lines.push(format!("  OS/Arch:          {}/{}", field("Os"), field("Arch")));
    lines.push(format!("  Kernel Version:   {}", field("KernelVersion")));
    lines.push(format!("  Experimental:     {experimental}"));
    for line in &lines {
        session.say(line)?;
    }
    Ok(0)
}
