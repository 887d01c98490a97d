//! `drydock tag`

use super::Definition;
use crate::environment::CLIENT;
use crate::failure::Outcome;
use crate::session::Session;
use clap::ArgMatches;
use drydock_core::Error;
use drydock_core::image::reference::Reference;

/// `tag`
pub const DEFINITION: Definition = Definition {
    name: "tag",
    group: "image",
    in_group: &["tag"],
    about: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    arity: (2, Some(2)),
    run,
    ..Definition::PLAIN
};

fn run(_: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    if let [source, target] = words {
        // Docker's client reads the target itself, before it asks anybody.
        let wrong = |e: Error| {
            let message = format!("Error parsing reference: \"{}\" is not a valid repository/tag: {}", target.escape_debug(), e.message());
            Error::invalid(message).op(CLIENT)
        };
        Reference::parse(target).map_err(wrong)?;
        session.engine()?.tag(source, target)?;
    }
    Ok(0)
}
