//! The hidden command that a shell or a page asks for the names that could come next.

use super::{Definition, root};
use crate::flags::{self, Canonical};
use crate::session::Session;

/// `__names`: what could stand after these words. Whatever goes wrong, a shell that completes wants to hear nothing of it.
pub const DEFINITION: Definition = Definition {
    name: "__names",
    about: "Names of containers or images that could follow these words",
    usage: "[WORD...]",
    arity: (0, None),
    stops: true,
    hidden: true,
    run: |_, words, session| {
        for name in names(words, session).unwrap_or_default() {
            session.say(&name)?;
        }
        Ok(0)
    },
    ..Definition::PLAIN
};

fn names(words: &[String], session: &mut Session<'_>) -> Option<Vec<String>> {
    let (host, rest) = match root::globals(words, session.environment).ok()? {
        root::Globals::Command(host, rest) => (host, rest),
        root::Globals::Done(_) => return None,
    };
    let (first, mut after) = rest.split_first()?;
    let definition = match super::COMMANDS.iter().find(|d| !d.name.is_empty() && d.name == first) {
        Some(definition) => definition,
        None => {
            let (member, more) = after.split_first()?;
            after = more;
            super::COMMANDS.iter().find(|d| d.group == first && d.in_group.contains(&member.as_str()))?
        }
    };
    let Ok(Canonical::Args { positional, .. }) = flags::canonical(&definition.clap(), after, !definition.stops) else { return None };
    let mut places = definition.usage.split_whitespace().filter(|w| *w != "[OPTIONS]");
    let place = match places.clone().nth(positional.len()) {
        Some(place) => place,
        // `CONTAINER [CONTAINER...]`: the last one says what goes on.
        None => places.next_back().filter(|w| w.ends_with("...]"))?,
    };
    session.host = host;
    let engine = session.engine().ok()?;
    let running = ["attach", "exec", "kill", "pause", "stats", "stop", "top"].contains(&definition.name);
    let containers = || Some(engine.containers(!running).ok()?.into_iter().map(|c| c.name).collect::<Vec<_>>());
    let images = || Some(engine.images().ok()?.into_iter().flat_map(|i| i.tags).collect::<Vec<_>>());
    match place.trim_start_matches('[').trim_end_matches(['.', ']']) {
        "CONTAINER" => containers(),
        "IMAGE" | "SOURCE_IMAGE[:TAG" | "NAME[:TAG" => images(),
        "NAME|ID" => Some(containers()?.into_iter().chain(images()?).collect()),
        _ => None,
    }
}
