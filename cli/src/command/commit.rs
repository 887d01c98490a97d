//! `drydock commit`

use super::Definition;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};
use drydock_core::Error;
use drydock_core::engine::CommitOptions;

/// `commit`
pub const DEFINITION: Definition = Definition {
    name: "commit",
    group: "container",
    in_group: &["commit"],
    about: "Create a new image from a container's changes",
    usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    arity: (1, Some(2)),
    flags: CommitArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct CommitArgs {
    /// Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")
    #[arg(short, long, value_name = "string")]
    author: Option<String>,
    /// Apply Dockerfile instruction to the created image
    #[arg(short, long, value_name = "list")]
    change: Vec<String>,
    /// Commit message
    #[arg(short, long, value_name = "string")]
    message: Option<String>,
    /// Pause container during commit
    #[arg(short, long, num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set, default_value = "true", default_missing_value = "true", value_parser = crate::flags::parse_bool)]
    pause: bool,
}

fn run(matches: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let args = CommitArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let Some(container) = words.first() else { return Ok(1) };
    let options = CommitOptions {
        reference: words.get(1).cloned().unwrap_or_default(),
        author: args.author.unwrap_or_default(),
        message: args.message.unwrap_or_default(),
        changes: args.change,
        pause: args.pause,
        epoch: epoch(session)?,
    };
    let made = session.engine()?.commit(container, &options)?;
    session.say(made.as_str())?;
    Ok(0)
}

/// SOURCE_DATE_EPOCH, as reproducible-builds.org specifies it.
///
/// # Errors
/// It is set and no number of seconds.
pub(crate) fn epoch(session: &Session<'_>) -> drydock_core::Result<Option<i64>> {
    match session.environment.variable("SOURCE_DATE_EPOCH").filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(seconds) if seconds >= 0 => Ok(Some(seconds)),
            _ => Err(Error::invalid(format!("invalid SOURCE_DATE_EPOCH: {}", text.escape_debug()))),
        },
    }
}
