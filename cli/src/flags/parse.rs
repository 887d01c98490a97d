//! From Docker's flag grammar to clap's.

use clap::{Arg, ArgAction, Command};
use std::collections::BTreeMap;

/// What a command line comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Canonical {
    /// `--help` was asked for.
    Help,
    /// Flags as `--name=value`, and the arguments.
    Args {
        /// In the order given; a switch appears only if it is on.
        flags: Vec<String>,
        /// What is not a flag.
        positional: Vec<String>,
    },
}

/// A mistake in the flags: the sentence to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake(pub String);

/// A truth value as Go's `strconv.ParseBool` reads it.
pub fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {}: invalid syntax", quote(text))),
    }
}

/// Text in double quotes with Go's escapes.
fn quote(text: &str) -> String {
    format!("\"{}\"", text.escape_debug().to_string().replace("\\'", "'"))
}

/// How a flag takes its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// On or off; off unless given.
    Switch,
    /// May be given without a value.
    Optional,
    /// Must have a value.
    Value,
}

fn kind(arg: &Arg) -> Kind {
    match arg.get_action() {
        ArgAction::SetTrue => Kind::Switch,
        _ if arg.get_num_args().is_some_and(|n| n.min_values() == 0) => Kind::Optional,
        _ => Kind::Value,
    }
}

/// How a flag is named in messages: `-m, --memory`.
pub(crate) fn display(arg: &Arg) -> String {
    let long = arg.get_long().unwrap_or_default();
    arg.get_short().map_or_else(|| format!("--{long}"), |short| format!("-{short}, --{long}"))
}

struct Reader<'a> {
    command: &'a Command,
    flags: Vec<String>,
    switches: BTreeMap<String, bool>,
}

impl<'a> Reader<'a> {
    fn long(&self, name: &str) -> Option<&'a Arg> {
        let named = |a: &&Arg| a.get_long() == Some(name) || a.get_all_aliases().is_some_and(|all| all.contains(&name));
        self.command.get_arguments().find(named)
    }

    fn short(&self, letter: char) -> Option<&'a Arg> {
        self.command.get_arguments().find(|a| a.get_short() == Some(letter))
    }

    fn set(&mut self, arg: &Arg, value: &str) -> Result<(), Mistake> {
        let long = arg.get_long().unwrap_or_default();
        if kind(arg) != Kind::Value {
            let on = parse_bool(value)
                .map_err(|why| Mistake(format!("invalid argument {} for {} flag: {why}", quote(value), quote(&display(arg)))))?;
            if kind(arg) == Kind::Switch {
                self.switches.insert(long.to_owned(), on);
                return Ok(());
            }
        }
        self.flags.push(format!("--{long}={value}"));
        Ok(())
    }
}

/// Reads `args` by the flags of `command`. Without `interspersed`, everything from the first argument on is an argument.
///
/// # Errors
/// The sentences of Docker's client: `unknown flag: --x`, `unknown shorthand flag: 'x' in -x`, `flag needs an argument: --x`,
/// `invalid argument "maybe" for "--rm" flag: …`.
pub fn canonical(command: &Command, args: &[String], interspersed: bool) -> Result<Canonical, Mistake> {
    let mut reader = Reader { command, flags: Vec::new(), switches: BTreeMap::new() };
    let mut positional = Vec::new();
    let mut rest = args.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            positional.extend(rest.by_ref().cloned());
        } else if let Some(body) = word.strip_prefix("--") {
            let (name, value) = body.split_once('=').map_or((body, None), |(n, v)| (n, Some(v)));
            if name.is_empty() || name.starts_with('-') {
                return Err(Mistake(format!("bad flag syntax: {word}")));
            }
            let Some(arg) = reader.long(name) else {
                if name == "help" {
                    return Ok(Canonical::Help);
                }
                return Err(Mistake(format!("unknown flag: --{name}")));
            };
            match (value, kind(arg)) {
                (Some(value), _) => reader.set(arg, value)?,
                (None, Kind::Switch | Kind::Optional) => reader.set(arg, "true")?,
                (None, Kind::Value) => {
                    let value = rest.next().ok_or_else(|| Mistake(format!("flag needs an argument: --{name}")))?;
                    reader.set(arg, value)?;
                }
            }
        } else if word.len() > 1 && word.starts_with('-') {
            if shorthands(&mut reader, word, &mut rest)? {
                return Ok(Canonical::Help);
            }
        } else {
            positional.push(word.clone());
            if !interspersed {
                positional.extend(rest.by_ref().cloned());
            }
        }
    }
    let Reader { mut flags, switches, .. } = reader;
    flags.extend(switches.into_iter().filter(|(_, on)| *on).map(|(name, _)| format!("--{name}")));
    Ok(Canonical::Args { flags, positional })
}

/// Reads one word of shorthands: `-dit`, `-p80:80`, `-d=false`. Answers whether help was asked for.
fn shorthands<'w>(reader: &mut Reader<'_>, word: &str, rest: &mut impl Iterator<Item = &'w String>) -> Result<bool, Mistake> {
    let mut letters = word.get(1..).unwrap_or_default();
    while let Some(letter) = letters.chars().next() {
        let after = letters.get(letter.len_utf8()..).unwrap_or_default();
        let Some(arg) = reader.short(letter) else {
            if letter == 'h' {
                return Ok(true);
            }
            return Err(Mistake(format!("unknown shorthand flag: '{}' in -{letters}", letter.escape_debug())));
        };
        if let Some(value) = after.strip_prefix('=') {
            reader.set(arg, value)?;
            return Ok(false);
        }
        if kind(arg) != Kind::Value {
            reader.set(arg, "true")?;
            letters = after;
            continue;
        }
        if !after.is_empty() {
            reader.set(arg, after)?;
            return Ok(false);
        }
        let value = rest.next().ok_or_else(|| Mistake(format!("flag needs an argument: '{letter}' in -{letters}")))?;
        reader.set(arg, value)?;
        return Ok(false);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        let switch = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
        Command::new("run")
            .arg(switch("detach").short('d'))
            .arg(switch("interactive").short('i'))
            .arg(switch("tty").short('t'))
            .arg(switch("rm"))
            .arg(Arg::new("sig-proxy").long("sig-proxy").num_args(0..=1))
            .arg(Arg::new("publish").long("publish").short('p').action(ArgAction::Append))
            .arg(Arg::new("network").long("network").alias("net"))
    }

    fn read(line: &str, interspersed: bool) -> Result<Canonical, Mistake> {
        let words: Vec<String> = line.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect();
        canonical(&command(), &words, interspersed)
    }

    fn good(line: &str) -> String {
        match read(line, false) {
            Ok(Canonical::Args { flags, positional }) => format!("{} | {}", flags.join(" "), positional.join(" ")),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn every_way_to_write_the_same_switches_is_the_same() {
        for line in ["-dit x", "-itd x", "-it -d x", "-d=true -i -t x", "--detach -ti x", "-i --tty=1 --detach=T x"] {
            assert_eq!(good(line), "--detach --interactive --tty | x", "{line}");
        }
        assert_eq!(good("-d -d=false x"), " | x");
        assert_eq!(good("--rm=false --rm x"), "--rm | x");
    }

    #[test]
    fn values_may_stick_to_their_flag_or_follow_it() {
        for line in ["-p80:80 x", "-p 80:80 x", "-p=80:80 x", "--publish 80:80 x", "--publish=80:80 x"] {
            assert_eq!(good(line), "--publish=80:80 | x", "{line}");
        }
        assert_eq!(good("-dp80:80 x"), "--publish=80:80 --detach | x");
        assert_eq!(good("--net none x"), "--network=none | x");
        assert_eq!(good("--sig-proxy x"), "--sig-proxy=true | x");
        assert_eq!(good("--sig-proxy=false x"), "--sig-proxy=false | x");
    }

    #[test]
    fn options_end_at_the_image() {
        assert_eq!(good("--rm img sh -c -d --nope"), "--rm | img sh -c -d --nope");
        assert_eq!(good("-- img -d"), " | img -d");
        assert_eq!(good("- -d"), " | - -d");
        let interspersed = read("a -d b", true);
        assert_eq!(
            interspersed,
            Ok(Canonical::Args { flags: vec!["--detach".to_owned()], positional: vec!["a".to_owned(), "b".to_owned()] })
        );
    }

    #[test]
    fn mistakes_are_told_in_dockers_words() {
        for (line, said) in [
            ("--nope x", "unknown flag: --nope"),
            ("--detac x", "unknown flag: --detac"),
            ("-Z x", "unknown shorthand flag: 'Z' in -Z"),
            ("-dZ x", "unknown shorthand flag: 'Z' in -Z"),
            ("-p", "flag needs an argument: 'p' in -p"),
            ("--publish", "flag needs an argument: --publish"),
            ("--rm=maybe x", "invalid argument \"maybe\" for \"--rm\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax"),
            ("-d=x y", "invalid argument \"x\" for \"-d, --detach\" flag: strconv.ParseBool: parsing \"x\": invalid syntax"),
        ] {
            assert_eq!(read(line, false), Err(Mistake(said.to_owned())), "{line}");
        }
        assert_eq!(read("--help x", false), Ok(Canonical::Help));
        assert_eq!(read("-h", false), Ok(Canonical::Help));
    }

    proptest::proptest! {
        #[test]
        fn no_command_line_panics_and_arguments_come_through(words in proptest::collection::vec("[-a-z=é0]{0,6}", 0..8), interspersed: bool) {
            let _ = canonical(&command(), &words, interspersed);
            let mut behind = vec!["--".to_owned()];
            behind.extend(words.iter().cloned());
            let all = canonical(&command(), &behind, interspersed);
            proptest::prop_assert_eq!(all, Ok(Canonical::Args { flags: Vec::new(), positional: words }));
        }
    }
}
