//! `drydock completion` and `drydock man`, written from the same definitions that read the command line.

use super::{Definition, root};
use crate::failure::{Failure, Outcome};
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
