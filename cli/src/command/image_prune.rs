//! `drydock image prune`

use super::Definition;
use super::prune::{PruneArgs, tell, tell_space};
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use clap::{ArgMatches, Args, FromArgMatches};

/// `image prune`
pub const DEFINITION: Definition = Definition {
    group: "image",
    in_group: &["prune"],
    about: "Remove unused images",
    usage: "[OPTIONS]",
    flags: ImagePruneArgs::augment_args,
    run,
    ..Definition::PLAIN
};

#[derive(Args)]
struct ImagePruneArgs {
    /// Remove all unused images, not just dangling ones
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    prune: PruneArgs,
}

fn run(matches: &ArgMatches, _: &[String], session: &mut Session<'_>) -> Outcome {
    let ImagePruneArgs { mut all, mut prune } = ImagePruneArgs::from_arg_matches(matches).map_err(|e| Failure::Flag(e.to_string()))?;
    // `--filter dangling=false` is what the API calls `--all`.
    for (_, value) in prune.filter.iter().filter(|(key, _)| key == "dangling") {
        all = !crate::flags::parse_bool(value)
            .map_err(|_| Failure::Engine(drydock_core::Error::invalid(format!("Invalid filter 'dangling=[{value}]'"))))?;
    }
    prune.filter.retain(|(key, _)| key != "dangling");
    let warning = if all {
        "This will remove all images without at least one container associated to them."
    } else {
        "This will remove all dangling images."
    };
    if !prune.confirmed(session, warning)? {
        return Ok(0);
    }
    let filters = prune.filters(session)?;
    let pruned = session.engine()?.prune_images(all, &filters)?;
    tell(session, "Images", &pruned, prune.dry_run)?;
    tell_space(session, pruned.reclaimed, prune.dry_run)
}
