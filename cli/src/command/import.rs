//! `drydock import`

use super::Definition;
use super::progress::Watched;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};

/// `import`
pub const DEFINITION: Definition = Definition {
    name: "import",
    group: "image",
    in_group: &["import"],
    about: "Import the contents from a tarball to create a filesystem image",
    usage: "[OPTIONS] file|- [REPOSITORY[:TAG]]",
    arity: (1, Some(2)),
    flags: ImportArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct ImportArgs {
    /// Apply Dockerfile instruction to the created image
    #[arg(short, long, value_name = "list")]
    change: Vec<String>,
    /// Set commit message for imported image
    #[arg(short, long, value_name = "string")]
    message: Option<String>,
}

fn run(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = ImportArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let Some(path) = words.first() else { return Ok(1) };
    if path.starts_with("http://") || path.starts_with("https://") {
        return Err(Failure::said("Error: importing from a URL is not supported; fetch the archive and import the file"));
    }
    let engine = session.engine()?;
    let source = session.environment.source(path)?;
    let mut archive = Watched::new(session, source, "Importing");
    let reference = words.get(1).map(String::as_str).unwrap_or_default();
    let made = engine.import(&mut archive, reference, &args.change, args.message.as_deref().unwrap_or_default());
    archive.finish();
    session.say(made?.as_str())?;
    Ok(0)
}
