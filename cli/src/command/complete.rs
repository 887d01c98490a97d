//! `drydock completion` and `drydock man`, written from the same definitions that read the command line.

use super::{Definition, root};
use crate::failure::{Failure, Outcome};
use crate::flags::{self, Canonical};
use crate::session::Session;
use clap::ArgMatches;
use clap_complete::Shell;

/// `completion`
pub const COMPLETION: Definition = Definition {
    name: "completion",
    about: "Generate the autocompletion script for the specified shell (bash|zsh|fish)",
    usage: "SHELL",
    arity: (1, Some(1)),
    run: completion,
    ..Definition::PLAIN
};

/// `man`
pub const MAN: Definition = Definition {
    name: "man",
    about: "Write the manual pages into a directory",
    usage: "DIRECTORY",
    arity: (1, Some(1)),
    run: manual,
    ..Definition::PLAIN
};

fn completion(_: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let shell = match words.first().map(String::as_str) {
        Some("bash") => Shell::Bash,
        Some("zsh") => Shell::Zsh,
        Some("fish") => Shell::Fish,
        other => {
            let name = other.unwrap_or_default().escape_debug();
            return Err(Failure::said(format!("Error: no completions for \"{name}\": bash, zsh and fish have them")));
        }
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut root::tree(session.environment.own_commands()), "drydock", &mut script);
    session.environment.out().write_all(&script)?;
    session.environment.out().write_all(dynamic(shell).as_bytes())?;
    Ok(0)
}

/// What a shell adds to the words that never change: the names of what there is now, asked for with a hidden command.
fn dynamic(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => BASH,
        Shell::Zsh => ZSH,
        _ => FISH,
    }
}

const BASH: &str = r#"
_drydock_with_names() {
    _drydock "$@"
    local current="${COMP_WORDS[COMP_CWORD]}" names
    [[ "$current" == -* ]] && return 0
    names=$(drydock __names "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null) || return 0
    [[ -n "$names" ]] && COMPREPLY=($(compgen -W "$names" -- "$current"))
    return 0
}
complete -F _drydock_with_names -o bashdefault -o default drydock
"#;

const ZSH: &str = r#"
_drydock_with_names() {
    local -a names
    names=(${(f)"$(drydock __names ${words[2,CURRENT-1]} 2>/dev/null)"})
    _drydock "$@"
    if (( ${#names} )) && [[ "${words[CURRENT]}" != -* ]]; then
        compadd -a names
    fi
}
compdef _drydock_with_names drydock
"#;

const FISH: &str = r#"
complete -c drydock -f -a '(drydock __names (commandline -opc)[2..-1] 2>/dev/null)'
"#;

/// `__names`: what could stand after these words. Whatever goes wrong, a shell that completes wants to hear nothing of it.
pub const NAMES: Definition = Definition {
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

fn manual(_: &ArgMatches, words: &[String], session: &mut Session<'_>) -> Outcome {
    let Some(directory) = words.first() else { return Ok(1) };
    let mut tree = root::tree(session.environment.own_commands());
    tree.build();
    pages(&tree, "drydock", directory, session)?;
    Ok(0)
}

fn pages(command: &clap::Command, name: &str, directory: &str, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    session.environment.write_file(&format!("{directory}/{name}.1"), &page)?;
    for child in command.get_subcommands() {
        pages(child, &format!("{name}-{}", child.get_name()), directory, session)?;
    }
    Ok(())
}
