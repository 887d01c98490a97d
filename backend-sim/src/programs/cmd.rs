//! What every utility needs: its arguments taken apart as getopt(3) does, output that is buffered, errors in busybox's words.

use crate::sys::{Errno, STDERR, STDIN, STDOUT, Sys};
use std::collections::BTreeMap;

/// How a utility ends: `Err` is an exit status too, after the reason has been printed, so that `?` works.
pub type Exit = Result<i32, i32>;

/// A running utility: its process, its name and its arguments without the name.
pub struct Cmd {
    /// The process.
    pub sys: Sys,
    /// What it was called as, without directories.
    pub name: String,
    /// Its arguments.
    pub args: Vec<String>,
    out: String,
}

/// Options and operands, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    given: BTreeMap<char, Vec<String>>,
    /// What is not an option.
    pub operands: Vec<String>,
}

/// What options a utility has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spec {
    /// As getopt(3): letters, `:` after those that take a value; a leading `+` stops at the first operand.
    pub short: &'static str,
    /// Long names and the letter each is the same as.
    pub long: &'static [(&'static str, char)],
    /// Letters that busybox has and the simulator has not.
    pub not_modelled: &'static str,
    /// What comes after `Usage: NAME `.
    pub usage: &'static str,
}

impl Options {
    /// Whether an option was given.
    pub fn has(&self, letter: char) -> bool {
        self.given.contains_key(&letter)
    }

    /// The last value of an option.
    pub fn value(&self, letter: char) -> Option<&str> {
        self.given.get(&letter).and_then(|values| values.last()).map(String::as_str)
    }

    /// Every value of an option, in order.
    pub fn values(&self, letter: char) -> &[String] {
        self.given.get(&letter).map_or(&[], Vec::as_slice)
    }
}

/// What is wrong with options.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// No such option; the text is what getopt(3) prints after the name.
    Invalid(String),
    /// busybox has it, the simulator does not model it.
    NotModelled(String),
}

/// Takes arguments apart.
pub fn getopt(spec: &Spec, args: &[String]) -> Result<Options, Wrong> {
    let in_order = spec.short.starts_with('+');
    let takes_value = |letter: char| {
        let mut letters = spec.short.trim_start_matches('+').chars().peekable();
        while let Some(c) = letters.next() {
            let value = letters.next_if_eq(&':').is_some();
            if c == letter {
                return Some(value);
            }
        }
        None
    };
    let mut options = Options::default();
    let mut rest = args.iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            options.operands.extend(rest.cloned());
            break;
        }
        if let Some(long) = argument.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v.to_owned())));
            let letter = spec.long.iter().find(|(n, _)| *n == name).or_else(|| {
                let mut fits = spec.long.iter().filter(|(n, _)| n.starts_with(name));
                fits.next().filter(|_| fits.next().is_none() && !name.is_empty())
            });
            let Some(&(_, letter)) = letter else {
                return Err(Wrong::Invalid(format!("unrecognized option '--{name}'")));
            };
            let value = match (takes_value(letter), value) {
                (Some(true), Some(value)) => value,
                (Some(true), None) => {
                    rest.next().cloned().ok_or_else(|| Wrong::Invalid(format!("option '--{name}' requires an argument")))?
                }
                (_, value) => value.unwrap_or_default(),
            };
            options.given.entry(letter).or_default().push(value);
            continue;
        }
        let Some(letters) = argument.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            options.operands.push(argument.clone());
            if in_order {
                options.operands.extend(rest.cloned());
                break;
            }
            continue;
        };
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            let value = match takes_value(letter).filter(|_| letter != ':' && letter != '+') {
                None if spec.not_modelled.contains(letter) => return Err(Wrong::NotModelled(format!("-{letter}"))),
                None => return Err(Wrong::Invalid(format!("invalid option -- '{letter}'"))),
                Some(false) => String::new(),
                Some(true) if !letters.as_str().is_empty() => std::mem::replace(&mut letters, "".chars()).as_str().to_owned(),
                Some(true) => rest.next().cloned().ok_or_else(|| Wrong::Invalid(format!("option requires an argument -- '{letter}'")))?,
            };
            options.given.entry(letter).or_default().push(value);
        }
    }
    Ok(options)
}

/// Bytes that are kept back before they are written.
const BUFFER: usize = 16 * 1024;

impl Cmd {
    /// A utility of this process.
    pub fn new(sys: Sys, mut args: Vec<String>) -> Self {
        let name = if args.is_empty() { String::new() } else { args.remove(0) };
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        Self { sys, name, args, out: String::new() }
    }

    /// Its options. What is wrong with them has been printed.
    pub async fn options(&mut self, spec: &Spec) -> Result<Options, i32> {
        match getopt(spec, &self.args) {
            Ok(options) => Ok(options),
            Err(Wrong::NotModelled(option)) => Err(self.not_modelled(&option).await),
            Err(Wrong::Invalid(message)) => Err(self.usage(spec, &message).await),
        }
    }

    /// Says what is wrong and how the utility is used; the status is 1.
    pub async fn usage(&mut self, spec: &Spec, message: &str) -> i32 {
        let message = if message.is_empty() { String::new() } else { format!("{}: {message}\n", self.name) };
        let text = format!("{message}BusyBox v1.36.1 multi-call binary.\n\nUsage: {} {}\n", self.name, spec.usage);
        self.flush().await.err();
        self.sys.eprint(&text).await;
        1
    }

    /// Says that the simulator does not model this.
    pub async fn not_modelled(&mut self, what: &str) -> i32 {
        self.flush().await.err();
        let what = format!("{} {what}", self.name);
        self.sys.eprint(&format!("not modelled: {what}\n")).await;
        self.sys.not_modelled(&what)
    }

    /// `NAME: message` on standard error; the status is 1.
    pub async fn fail(&mut self, message: impl AsRef<str> + Send) -> i32 {
        self.flush().await.err();
        let text = format!("{}: {}\n", self.name, message.as_ref());
        self.sys.eprint(&text).await;
        1
    }

    /// `NAME: path: reason`; the status is 1.
    pub async fn fail_at(&mut self, path: &str, error: Errno) -> i32 {
        self.fail(format!("{path}: {error}")).await
    }

    /// `NAME: can't open 'path': reason`; the status is 1.
    pub async fn cannot(&mut self, what: &str, path: &str, error: Errno) -> i32 {
        self.fail(format!("can't {what} '{path}': {error}")).await
    }

    /// Adds to the output, which is written when there is enough of it and at [`Cmd::flush`].
    pub async fn print(&mut self, text: impl AsRef<str>) -> Result<(), i32> {
        self.out.push_str(text.as_ref());
        if self.out.len() >= BUFFER { self.flush().await } else { Ok(()) }
    }

    /// [`Cmd::print`] and a line feed.
    pub async fn line(&mut self, text: impl AsRef<str>) -> Result<(), i32> {
        self.out.push_str(text.as_ref());
        self.print("\n").await
    }

    /// Writes bytes after what was printed before.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), i32> {
        self.flush().await?;
        match self.sys.write_all(STDOUT, bytes).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.write_error(error).await),
        }
    }

    /// Writes what was printed.
    pub async fn flush(&mut self) -> Result<(), i32> {
        let text = std::mem::take(&mut self.out);
        if text.is_empty() {
            return Ok(());
        }
        match self.sys.write_all(STDOUT, text.as_bytes()).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.write_error(error).await),
        }
    }

    async fn write_error(&self, error: Errno) -> i32 {
        let text = format!("{}: write error: {error}\n", self.name);
        let _ = self.sys.write_all(STDERR, text.as_bytes()).await;
        1
    }

    /// The content of a file; `-` is standard input. An error has been printed.
    pub async fn read(&mut self, path: &str) -> Result<Vec<u8>, i32> {
        let content = if path == "-" { self.sys.read_to_end(STDIN).await } else { self.sys.read_file(path).await };
        match content {
            Ok(content) => Ok(content),
            Err(error @ Errno::EISDIR) => Err(self.fail(format!("read error: {error}")).await),
            Err(error) => Err(self.fail_at(path, error).await),
        }
    }

    /// Runs a utility's body, then writes what is left to write.
    pub async fn finish(&mut self, exit: Exit) -> i32 {
        let code = exit.unwrap_or_else(|code| code);
        match self.flush().await {
            Err(status) if code == 0 => status,
            _ => code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str]) -> Result<Options, Wrong> {
        let spec = Spec { short: "an:f:", long: &[("all", 'a'), ("lines", 'n')], not_modelled: "Z", usage: "" };
        getopt(&spec, &args.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_taken_apart_as_getopt_does() {
        let options = run(&["x", "-an5", "y", "--lines=7", "-f", "-", "-", "--", "-a"]).expect("valid");
        assert!(options.has('a') && !options.has('Z'));
        assert_eq!(options.values('n'), ["5", "7"]);
        assert_eq!(options.value('f'), Some("-"));
        assert_eq!(options.operands, ["x", "y", "-", "-a"]);
        assert_eq!(run(&["-q"]), Err(Wrong::Invalid("invalid option -- 'q'".to_owned())));
        assert_eq!(run(&["-n"]), Err(Wrong::Invalid("option requires an argument -- 'n'".to_owned())));
        assert_eq!(run(&["--nope"]), Err(Wrong::Invalid("unrecognized option '--nope'".to_owned())));
        assert_eq!(run(&["-Z"]), Err(Wrong::NotModelled("-Z".to_owned())));
        assert!(run(&["--al"]).expect("a unique prefix").has('a'));
    }
}
