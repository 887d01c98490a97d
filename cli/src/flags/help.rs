//! Help pages in the shape that Docker's users know, written from clap's definitions.

use crate::command::{Definition, GROUPS};
use clap::{Arg, Command};
use std::fmt::Write as _;

/// Columns at the end of a line that a word may reach into rather than start a new line.
const SLOP: usize = 5;
/// A description is never squeezed into fewer columns than this.
const NARROWEST: usize = 24;

/// `drydock COMMAND --help`.
pub fn command_help(definition: &Definition, called: &str, command: &Command, width: usize) -> String {
    let mut text = format!("Usage:  {}\n\n{}\n", usage(definition, called), definition.about);
    let aliases = definition.aliases();
    if aliases.len() > 1 {
        let _ = write!(text, "\nAliases:\n  {}\n", aliases.join(", "));
    }
    let options = options(command, width);
    if !options.is_empty() {
        let _ = write!(text, "\nOptions:\n{options}");
    }
    text
}

/// `drydock run [OPTIONS] IMAGE [COMMAND] [ARG...]`
pub(crate) fn usage(definition: &Definition, called: &str) -> String {
    format!("drydock {called} {}", definition.usage).trim_end().to_owned()
}

/// `drydock container --help`.
pub fn group_help(group: &str, about: &str, definitions: &[&Definition]) -> String {
    let mut text = format!("Usage:  drydock {group} COMMAND\n\n{about}\n\nCommands:\n");
    let mut lines: Vec<(&str, &str)> = definitions.iter().filter_map(|d| d.in_group.first().map(|name| (*name, d.about))).collect();
    lines.sort_unstable();
    columns(&mut text, &lines);
    let _ = write!(text, "\nRun 'drydock {group} COMMAND --help' for more information on a command.\n");
    text
}

/// `drydock --help`.
pub fn root_help(root: &Command, definitions: &[Definition], own: &[(&str, &str)], width: usize) -> String {
    let mut text = "Usage:  drydock [OPTIONS] COMMAND\n\nContainers for learning, verifying and running\n\nCommon Commands:\n".to_owned();
    let line = |d: &Definition| (d.name, d.about);
    columns(&mut text, &definitions.iter().filter(|d| d.common).map(line).collect::<Vec<_>>());
    text.push_str("\nManagement Commands:\n");
    columns(&mut text, &GROUPS);
    text.push_str("\nCommands:\n");
    let mut others: Vec<_> =
        definitions.iter().filter(|d| !d.common && !d.hidden && !d.name.is_empty()).map(line).chain(own.iter().copied()).collect();
    others.sort_unstable();
    columns(&mut text, &others);
    let _ = write!(text, "\nGlobal Options:\n{}", options(root, width));
    text.push_str("\nRun 'drydock COMMAND --help' for more information on a command.\n");
    text
}

fn columns(text: &mut String, lines: &[(&str, &str)]) {
    let widest = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(11);
    for (name, about) in lines {
        let _ = writeln!(text, "  {name:widest$} {about}");
    }
}

/// The table of options: names, type, description, wrapped at `width` columns.
fn options(command: &Command, width: usize) -> String {
    let mut args: Vec<&Arg> = command.get_arguments().filter(|a| a.get_long().is_some() && !a.is_hide_set()).collect();
    args.sort_by_key(|a| a.get_long().unwrap_or_default());
    let lines: Vec<(String, String)> = args.iter().map(|a| (left(a), a.get_help().map(ToString::to_string).unwrap_or_default())).collect();
    let indent = lines.iter().map(|(l, _)| l.len()).max().unwrap_or(0) + 3;
    lines.into_iter().fold(String::new(), |mut text, (left, right)| {
        let _ = writeln!(text, "{left:indent$}{}", wrap(indent, width, &right));
        text
    })
}

fn left(arg: &Arg) -> String {
    let long = arg.get_long().unwrap_or_default();
    let names = arg.get_short().map_or_else(|| format!("      --{long}"), |short| format!("  -{short}, --{long}"));
    match arg.get_value_names() {
        Some([kind, ..]) if arg.get_action().takes_values() && arg.get_num_args().is_none_or(|n| n.min_values() > 0) => {
            format!("{names} {kind}")
        }
        _ => names,
    }
}

/// Breaks `text` at blanks so that, starting at column `indent`, lines end before column `width`.
fn wrap(indent: usize, width: usize, text: &str) -> String {
    let room = width.saturating_sub(indent);
    if room < NARROWEST {
        return text.replace('\n', &format!("\n{:indent$}", ""));
    }
    let room = room - SLOP;
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut rest = paragraph;
        while rest.chars().count() > room + SLOP {
            let limit = rest.char_indices().nth(room).map_or(rest.len(), |(i, _)| i);
            let Some(blank) = rest.get(..limit).and_then(|head| head.rfind(' ')).filter(|b| *b > 0) else { break };
            lines.push(rest.get(..blank).unwrap_or_default().trim_end());
            rest = rest.get(blank + 1..).unwrap_or_default();
        }
        lines.push(rest);
    }
    lines.join(&format!("\n{:indent$}", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_break_at_blanks_and_keep_their_own_line_ends() {
        assert_eq!(wrap(4, 40, "short"), "short");
        let wrapped = wrap(4, 40, "one two three four five six seven eight nine ten");
        assert!(wrapped.lines().all(|l| l.trim_start().len() <= 36), "{wrapped}");
        assert_eq!(wrapped.split_whitespace().count(), 10);
        assert_eq!(wrap(2, 60, "a\nb"), "a\n  b");
    }
}
