//! `drydock explain run …`

use super::container_options::{self, ContainerArgs};
use super::{Definition, run};
use crate::failure::{Failure, Outcome};
use crate::flags::{self, Canonical};
use crate::session::Session;
use clap::{ArgMatches, FromArgMatches};

/// `explain`
pub const DEFINITION: Definition = Definition {
    name: "explain",
    about: "Print every step that a command would take, as a commented shell script",
    usage: "run [OPTIONS] IMAGE [COMMAND] [ARG...]",
    arity: (1, None),
    stops: true,
    makes: true,
    run: explain,
    ..Definition::PLAIN
};

fn explain(_: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let said = words.join(" ");
    let rest = match words.split_first() {
        Some((first, rest)) if first == "run" || first == "create" => rest,
        Some((first, _)) => return Err(Failure::said(format!("drydock: explain knows 'run' and 'create', not '{first}'"))),
        None => return Ok(1),
    };
    let command = run::DEFINITION.clap();
    let (given, words) = match flags::canonical(&command, rest, false).map_err(|m| Failure::Flag(m.0))? {
        Canonical::Help => {
            let help = flags::command_help(&run::DEFINITION, "explain run", &command, session.width().saturating_sub(1));
            write!(session.environment.out(), "{help}")?;
            return Ok(0);
        }
        Canonical::Args { flags, positional } => (flags, positional),
    };
    if words.is_empty() {
        return Err(Failure::Flag("'drydock explain run' requires at least 1 argument".to_owned()));
    }
    let line = std::iter::once("drydock".to_owned()).chain(given);
    let matches = command.clone().try_get_matches_from(line).map_err(|e| Failure::Flag(flags::invalid_value(&command, &e)))?;
    let args = ContainerArgs::from_arg_matches(&matches).map_err(|e| Failure::Flag(e.to_string()))?;
    let mut config = container_options::config(session.environment, &args, &words)?;
    config.user_range = session.host.user_range;
    let engine = session.engine()?;
    let explanation = engine.explain(&config)?;
    write!(session.environment.out(), "{}", explanation.script(&format!("drydock {}", said), &engine.facts()))?;
    Ok(0)
}
