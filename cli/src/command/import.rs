//! `drydock import`

use super::Definition;
use super::progress::Watched;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::engine::ImportRequest;

/// `import`
pub const DEFINITION: Definition = Definition {
    name: "import",
    group: "image",
    in_group: &["import"],
    about: "Import the contents from a tarball to create a filesystem image",
    usage: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
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
    /// Set platform if server is multi-platform capable
    #[arg(long, value_name = "string")]
    platform: Option<String>,
}

fn run(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = ImportArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let Some(path) = words.first() else { return Ok(1) };
    let engine = session.engine()?;
    let mut request = ImportRequest {
        reference: words.get(1).cloned().unwrap_or_default(),
        changes: args.change,
        message: args.message.unwrap_or_default(),
        platform: args.platform,
        address: String::new(),
    };
    if path.starts_with("http://") || path.starts_with("https://") {
        session.say(&format!("Downloading from {path}"))?;
        request.address.clone_from(path);
        session.say(engine.import(&mut std::io::empty(), &request)?.as_str())?;
        return Ok(0);
    }
    let source = session.environment.source(path)?;
    let mut archive = Watched::new(session, source, "Importing");
    let made = engine.import(&mut archive, &request);
    archive.finish();
    session.say(made?.as_str())?;
    Ok(0)
}
