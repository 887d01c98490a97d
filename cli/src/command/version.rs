//! `drydock version`

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::inspect::print_structure;
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
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

/// The version of Docker's Engine API whose words and objects this program speaks.
const API: &str = "1.50";
/// The oldest that its clients may speak.
const OLDEST_API: &str = "1.24";

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
    let facts = session.environment.facts(&session.host)?;
    if let Some(format) = args.format.filter(|f| !f.is_empty()) {
        let object = json!({
            "Client": {
                "Version": version,
                "ApiVersion": API,
                "DefaultAPIVersion": API,
                "GitCommit": "",
                "GoVersion": "",
                "Os": "linux",
                "Arch": facts.architecture,
                "BuildTime": "",
                "Context": "default",
            },
            "Server": {
                "Platform": { "Name": "Drydock" },
                "Components": [{
                    "Name": "Engine",
                    "Version": version,
                    "Details": {
                        "ApiVersion": API, "Arch": facts.architecture, "Host": facts.host, "KernelVersion": facts.release,
                        "MinAPIVersion": OLDEST_API, "Os": "linux",
                    },
                }],
                "Version": version,
                "ApiVersion": API,
                "MinAPIVersion": OLDEST_API,
                "GitCommit": "",
                "GoVersion": "",
                "Os": "linux",
                "Arch": facts.architecture,
                "KernelVersion": facts.release,
                "Experimental": false,
                "BuildTime": "",
                "Host": facts.host,
            },
        });
        return print_structure(session, &object, &format, "system.versionInfo");
    }
    for line in [
        String::new(),
        "Server: Drydock".to_owned(),
        " Engine:".to_owned(),
        format!("  Version:          {version}"),
        format!("  API version:      {API} (minimum version {OLDEST_API})"),
        format!("  Host:             {}", facts.host),
        format!("  OS/Arch:          linux/{}", facts.architecture),
        format!("  Kernel Version:   {}", facts.release),
        "  Experimental:     false".to_owned(),
    ] {
        session.say(&line)?;
    }
    Ok(0)
}
