//! The options of an instruction: `--name=value` before its arguments.

use super::instruction::{Flag, Text};
use super::lines::Logical;
use super::source::{Fault, Source};
use super::words::split_at;
use std::time::Duration;

/// The options at the beginning of `text[from..]`, and the byte where the arguments begin.
pub(super) fn take(logical: &Logical, source: &Source, from: usize, escape: char) -> (Vec<Flag>, usize) {
    let mut flags = Vec::new();
    let mut at = from;
    loop {
        let rest = &logical.text[at..];
        let skip = rest.len() - rest.trim_start().len();
        if !rest[skip..].starts_with("--") {
            return (flags, at + skip);
        }
        let Some(word) = split_at(&rest[skip..], escape, at + skip).into_iter().next() else { return (flags, at + skip) };
        at = word.range.1;
        if word.text == "--" {
            let rest = &logical.text[at..];
            return (flags, at + rest.len() - rest.trim_start().len());
        }
        let bare = word.text.trim_start_matches("--");
        let (name, value) = match bare.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (bare, None),
        };
        flags.push(Flag { name: name.to_owned(), value, span: logical.span(source, word.range.0, word.range.1) });
    }
}

/// What an instruction takes out of its options; what is left in the end is unknown.
pub(super) struct Taken<'a> {
    flags: Vec<Flag>,
    keyword: &'a str,
    known: Vec<&'static str>,
}

impl<'a> Taken<'a> {
    pub(super) fn of(flags: Vec<Flag>, keyword: &'a str) -> Self {
        Self { flags, keyword, known: Vec::new() }
    }

    /// Every value of an option that may be given several times.
    pub(super) fn each(&mut self, name: &'static str) -> Result<Vec<Text>, Fault> {
        self.known.push(name);
        let mut all = Vec::new();
        let mut left = Vec::new();
        for flag in std::mem::take(&mut self.flags) {
            if flag.name != name {
                left.push(flag);
                continue;
            }
            let Some(value) = flag.value.filter(|v| !v.is_empty()) else {
                return Err(Fault::new(flag.span, format!("missing a value on flag: {name}")).help(format!("write --{name}=VALUE")));
            };
            all.push(Text { text: value, span: flag.span });
        }
        self.flags = left;
        Ok(all)
    }

    /// The value of an option that may be given once.
    pub(super) fn one(&mut self, name: &'static str) -> Result<Option<Text>, Fault> {
        let mut all = self.each(name)?;
        match all.len() {
            0 => Ok(None),
            1 => Ok(all.pop()),
            _ => Err(Fault::new(all[1].span, format!("duplicate flag specified: {name}")).help("give it once")),
        }
    }

    /// An option that is on by being there, or says `true` or `false`.
    pub(super) fn switch(&mut self, name: &'static str) -> Result<Option<bool>, Fault> {
        self.known.push(name);
        let Some(at) = self.flags.iter().position(|f| f.name == name) else { return Ok(None) };
        let flag = self.flags.remove(at);
        match flag.value.as_deref() {
            None | Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(other) => Err(Fault::new(flag.span, format!("expecting boolean value for flag {name}, not: {}", other.escape_debug()))
                .help(format!("write --{name} or --{name}=false"))),
        }
    }

    /// A duration as Go writes it.
    pub(super) fn duration(&mut self, name: &'static str) -> Result<Option<Duration>, Fault> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let Some(time) = duration(&text.text) else {
            return Err(Fault::new(text.span, format!("time: invalid duration {:?}", text.text)).help("write it as 30s, 1m30s or 500ms"));
        };
        if time > Duration::ZERO && time < Duration::from_millis(1) {
            return Err(Fault::new(text.span, format!("{name} {:?} cannot be less than 1ms", text.text)));
        }
        Ok(Some(time))
    }

    /// No option may be left.
    pub(super) fn done(self) -> Result<(), Fault> {
        let Some(flag) = self.flags.into_iter().next() else { return Ok(()) };
        let near = self.known.iter().filter(|known| near(known, &flag.name)).map(|k| format!("--{k}")).next();
        let help = match near {
            Some(known) => format!("did you mean {known}?"),
            None if self.known.is_empty() => format!("{} has no options", self.keyword),
            None => {
                let all: Vec<String> = self.known.iter().map(|k| format!("--{k}")).collect();
                format!("{} has {}", self.keyword, all.join(", "))
            }
        };
        Err(Fault::new(flag.span, format!("unknown flag: --{}", flag.name.escape_debug())).help(help))
    }
}

/// A duration: numbers with units, without a sign.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0f64;
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let units = [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
        let (unit, seconds) = units.iter().filter(|(unit, _)| rest.starts_with(unit)).max_by_key(|(unit, _)| unit.len())?;
        rest = &rest[unit.len()..];
        total += number * seconds;
    }
    // The largest that Go's 64 bits of nanoseconds hold.
    (total < 9.2e9).then(|| Duration::from_secs_f64(total))
}

/// Whether two words differ by little: one letter more, less, other or swapped.
pub(crate) fn near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    if a == b {
        return true;
    }
    let most = if a.len().max(b.len()) > 4 { 2 } else { 1 };
    if a.len().abs_diff(b.len()) > most {
        return false;
    }
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()] <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        assert_eq!(duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(duration("1.5h"), Some(Duration::from_secs(5400)));
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        for bad in ["", "1", "s", "-1s", "1x", "1e3s", "99999999999h"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn words_that_are_near() {
        for (a, b) in [("FORM", "FROM"), ("RN", "RUN"), ("CPOY", "COPY"), ("EXPOS", "EXPOSE"), ("ENTRYPONT", "ENTRYPOINT")] {
            assert!(near(a, b), "{a} {b}");
        }
        assert!(!near("THIS", "RUN"));
    }
}
