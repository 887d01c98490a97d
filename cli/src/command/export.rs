//! `drydock export`

use super::Definition;
use crate::environment::Standard;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};

/// `export`
pub const DEFINITION: Definition = Definition {
    name: "export",
    group: "container",
    in_group: &["export"],
    about: "Export a container's filesystem as a tar archive",
    usage: "[OPTIONS] CONTAINER",
    arity: (1, Some(1)),
    flags: ExportArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct ExportArgs {
    /// Write to a file, instead of STDOUT
    #[arg(short, long, value_name = "string")]
    output: Option<String>,
}

fn run(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = ExportArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let Some(container) = words.first() else { return Ok(1) };
    let output = args.output.filter(|path| !path.is_empty());
    if output.is_none() && session.environment.is_terminal(Standard::Output) {
        return Err(Failure::said("cowardly refusing to save to a terminal. Use the -o flag or redirect"));
    }
    let engine = session.engine()?;
    match output {
        None => engine.export(container, session.environment.out())?,
        Some(path) => {
            let wrong = |e: drydock_core::Error| Failure::said(format!("failed to export container: {e}"));
            let mut file = session.environment.sink(&path).map_err(wrong)?;
            engine.export(container, &mut file)?;
            file.finish()?;
        }
    }
    Ok(0)
}
