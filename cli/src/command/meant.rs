//! What was meant by a command line that cannot be run, where one mistake is far likelier than the others. These lines come besides
//! the words of Docker's client, which says nothing.

use super::Definition;

/// What to say of a flag that the command does not have; empty for nothing.
pub(super) fn flag(definition: &Definition, text: &str) -> String {
    // Before Docker 1.10 one dash was enough for long names: `-name x` reads as `-n ame` today.
    let command = definition.clap();
    let long = |name: &str| command.get_arguments().any(|a| a.get_long() == Some(name) && !a.is_hide_set());
    if let Some((_, letters)) = text.strip_prefix("unknown shorthand flag: ").and_then(|rest| rest.split_once(" in -")) {
        let name = letters.split('=').next().unwrap_or_default();
        if name.len() > 1 && long(name) {
            return format!("Did you mean --{name}? Long names have two dashes\n");
        }
    }
    match (definition.name, text) {
        ("search", "unknown shorthand flag: 's' in -s" | "unknown flag: --stars") => "Did you mean --filter stars=NUMBER?\n".to_owned(),
        ("exec", "unknown flag: --name") => {
            "Did you mean 'drydock run'? exec runs a program in a container that is there already\n".to_owned()
        }
        _ => String::new(),
    }
}

/// What to say of words that are too many or too few; empty for nothing.
pub(super) fn words(definition: &Definition, called: &str, words: &[String]) -> String {
    match words {
        // A name before the directory is what people forget the -t of.
        [name, directory] if definition.name == "build" => format!("Did you mean 'drydock {called} -t {name} ./{directory}'?\n"),
        _ => String::new(),
    }
}
