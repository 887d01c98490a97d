//! `drydock load`

use super::Definition;
use super::progress::Watched;
use crate::environment::Standard;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};

/// `load`
pub const DEFINITION: Definition = Definition {
    name: "load",
    group: "image",
    in_group: &["load"],
    about: "Load an image from a tar archive or STDIN",
    usage: "[OPTIONS]",
    arity: (0, Some(0)),
    flags: LoadArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct LoadArgs {
    /// Read from tar archive file, instead of STDIN
    #[arg(short, long, value_name = "string")]
    input: Option<String>,
    /// Suppress the load output
    #[arg(short, long)]
    quiet: bool,
}

fn run(matches: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let args = LoadArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    if args.input.is_none() && session.environment.is_terminal(Standard::Input) {
        return Err(Failure::said("requested load from stdin, but stdin is empty"));
    }
    let engine = session.engine()?;
    let source = session.environment.source(args.input.as_deref().unwrap_or("-"))?;
    let mut archive = if args.quiet { Watched::silent(source) } else { Watched::new(session, source, "Loading") };
    let loaded = engine.load(&mut archive);
    archive.finish();
    for name in loaded? {
        let what = if name.starts_with("sha256:") { "Loaded image ID" } else { "Loaded image" };
        session.say(&format!("{what}: {name}"))?;
    }
    Ok(0)
}
