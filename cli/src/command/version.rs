//! `drydock version`

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::inspect::print_one;
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::engine::VersionInfo;
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
    let plain = args.format.as_deref().is_none_or(str::is_empty);
    if plain {
        // What this program is can be told even if no host can be opened.
        session.say(&format!("Drydock:          {}", env!("CARGO_PKG_VERSION")))?;
    }
    let facts = session.engine()?.facts();
    let version = VersionInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: facts.host,
        kernel: facts.release,
        architecture: facts.architecture,
    };
    if let Some(format) = args.format.filter(|f| !f.is_empty()) {
        let half = |version: &VersionInfo| {
            json!({
                "Version": version.version,
                "Os": "linux",
                "Arch": version.architecture,
                "KernelVersion": version.kernel,
                "Host": version.host,
            })
        };
        return print_one(session, &json!({ "Client": half(&version), "Server": half(&version) }), &format);
    }
    for line in [
        format!(" Host:            {}", version.host),
        format!(" OS/Arch:         linux/{}", version.architecture),
        format!(" Kernel Version:  {}", version.kernel),
    ] {
        session.say(&line)?;
    }
    Ok(0)
}
