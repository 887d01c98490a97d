//! A sed script taken apart.

use crate::programs::text::regex::{BadPattern, Grammar, compile};
use regex_lite::Regex;
use std::str::Chars;

/// Where a command applies.
#[derive(Clone, Debug)]
pub(super) enum Address {
    Line(usize),
    Last,
    Match(Option<Regex>),
    /// `first~step`
    Step(usize, usize),
    /// `addr,+n`
    Plus(usize),
}

/// A command with its addresses.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub from: Option<Address>,
    pub to: Option<Address>,
    pub negate: bool,
    pub what: What,
}

/// What a command does.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A block: the index after its end.
    Block(usize),
    End,
    Substitute {
        regex: Option<Regex>,
        with: Vec<Part>,
        global: bool,
        nth: usize,
        print: bool,
        write: Option<String>,
    },
    Translate(Vec<(char, char)>),
    Print,
    PrintFirst,
    Delete,
    DeleteFirst,
    Next,
    NextAppend,
    Get,
    GetAppend,
    Hold,
    HoldAppend,
    Exchange,
    Quit(i32),
    Insert(String),
    Append(String),
    Change(String),
    Number,
    Read(String),
    Write(String),
    Branch(Option<usize>),
    BranchIfChanged(Option<usize>),
    Label,
}

/// A part of a replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Group(usize),
}

/// Why a script cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadScript {
    Wrong(String),
    NotModelled(String),
}

fn wrong(message: impl Into<String>) -> BadScript {
    BadScript::Wrong(message.into())
}

/// Parses a script.
pub(super) fn script(text: &str, extended: bool) -> Result<Vec<Command>, BadScript> {
    let mut parser = Parser { rest: text.chars(), extended, commands: Vec::new(), open: Vec::new(), labels: Vec::new(), jumps: Vec::new() };
    while parser.command()? {}
    if !parser.open.is_empty() {
        return Err(wrong("unmatched '{'"));
    }
    for (index, label) in std::mem::take(&mut parser.jumps) {
        let Some((_, target)) = parser.labels.iter().find(|(name, _)| *name == label) else {
            return Err(wrong(format!("can't find label for jump to '{label}'")));
        };
        if let What::Branch(to) | What::BranchIfChanged(to) = &mut parser.commands[index].what {
            *to = Some(*target);
        }
    }
    Ok(parser.commands)
}

struct Parser<'a> {
    rest: Chars<'a>,
    extended: bool,
    commands: Vec<Command>,
    open: Vec<usize>,
    labels: Vec<(String, usize)>,
    jumps: Vec<(usize, String)>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn skip(&mut self, which: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&which) {
            self.rest.next();
        }
    }

    fn number(&mut self) -> usize {
        let mut n = 0;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            n = n * 10 + digit as usize;
            self.rest.next();
        }
        n
    }

    fn command(&mut self) -> Result<bool, BadScript> {
        self.skip(|c| c.is_whitespace() || c == ';');
        if self.peek().is_none() {
            return Ok(false);
        }
        let from = self.address()?;
        let mut to = None;
        if from.is_some() && self.peek() == Some(',') {
            self.rest.next();
            self.skip(|c| c == ' ');
            to = self.address()?;
            if to.is_none() {
                return Err(wrong("unexpected ','"));
            }
        }
        self.skip(|c| c == ' ');
        let negate = self.peek() == Some('!');
        if negate {
            self.rest.next();
            self.skip(|c| c == ' ' || c == '!');
        }
        let Some(letter) = self.rest.next() else { return Err(wrong("missing command")) };
        if letter == '#' {
            self.skip(|c| c != '\n');
            return Ok(true);
        }
        let what = self.what(letter)?;
        self.commands.push(Command { from, to, negate, what });
        Ok(true)
    }

    fn address(&mut self) -> Result<Option<Address>, BadScript> {
        Ok(match self.peek() {
            Some('$') => {
                self.rest.next();
                Some(Address::Last)
            }
            Some('+') => {
                self.rest.next();
                Some(Address::Plus(self.number()))
            }
            Some(c) if c.is_ascii_digit() => {
                let line = self.number();
                if self.peek() == Some('~') {
                    self.rest.next();
                    return Ok(Some(Address::Step(line, self.number())));
                }
                Some(Address::Line(line))
            }
            Some(c @ ('/' | '\\')) => {
                self.rest.next();
                let delimiter = if c == '\\' { self.rest.next().unwrap_or('/') } else { '/' };
                let pattern = self.delimited(delimiter, true)?;
                let ignore_case = self.peek() == Some('I');
                if ignore_case {
                    self.rest.next();
                }
                Some(Address::Match(self.regex(&pattern, ignore_case)?))
            }
            _ => None,
        })
    }

    /// An empty pattern is the last one used.
    fn regex(&self, pattern: &str, ignore_case: bool) -> Result<Option<Regex>, BadScript> {
        if pattern.is_empty() {
            return Ok(None);
        }
        let grammar = if self.extended { Grammar::Extended } else { Grammar::Basic };
        compile(pattern, grammar, ignore_case).map(Some).map_err(|error| match error {
            BadPattern::Wrong(message) => BadScript::Wrong(message),
            BadPattern::NotModelled(what) => BadScript::NotModelled(what.to_owned()),
        })
    }

    /// Text up to a delimiter. An escaped delimiter is itself; in a bracket expression it does not end the text.
    fn delimited(&mut self, delimiter: char, regex: bool) -> Result<String, BadScript> {
        let mut out = String::new();
        let mut bracket = false;
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => match self.rest.next() {
                    Some(next) if next == delimiter && !bracket => out.push(next),
                    Some('n') if regex && !bracket => out.push('\n'),
                    Some(next) => out.extend(['\\', next]),
                    None => break,
                },
                c if c == delimiter && !bracket => return Ok(out),
                '[' if regex && !bracket => {
                    bracket = true;
                    out.push(c);
                    for first in ['^', ']'] {
                        if self.peek() == Some(first) {
                            out.extend(self.rest.next());
                        }
                    }
                }
                ']' if bracket => {
                    bracket = out.ends_with(':') && out.rfind("[:").is_some_and(|i| i + 2 < out.len() && !out[i..].contains(']'));
                    out.push(c);
                }
                '\n' if regex => break,
                c => out.push(c),
            }
        }
        Err(wrong(format!("unterminated {}", if regex { "regular expression" } else { "string" })))
    }

    fn word(&mut self) -> String {
        self.skip(|c| c == ' ' || c == '\t');
        let mut out = String::new();
        while let Some(c) = self.peek().filter(|c| *c != '\n' && *c != ';' && *c != '}') {
            out.push(c);
            self.rest.next();
        }
        out.trim_end().to_owned()
    }

    fn file(&mut self) -> String {
        self.skip(|c| c == ' ' || c == '\t');
        let text: String = self.rest.clone().take_while(|c| *c != '\n').collect();
        self.skip(|c| c != '\n');
        text
    }

    /// The text of `a`, `i`, `c`: the rest of the line, or the next lines after a backslash.
    fn text(&mut self) -> String {
        self.skip(|c| c == ' ' || c == '\t');
        if self.peek() == Some('\\') {
            self.rest.next();
            self.skip(|c| c == ' ' || c == '\t');
            if self.peek() == Some('\n') {
                self.rest.next();
            }
        }
        let mut out = String::new();
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => out.extend(self.rest.next()),
                '\n' => break,
                c => out.push(c),
            }
        }
        out.push('\n');
        out
    }

    fn what(&mut self, letter: char) -> Result<What, BadScript> {
        let index = self.commands.len();
        Ok(match letter {
            '{' => {
                self.open.push(index);
                What::Block(0)
            }
            '}' => {
                let Some(open) = self.open.pop() else { return Err(wrong("unexpected '}'")) };
                self.commands[open].what = What::Block(index + 1);
                What::End
            }
            's' => self.substitute()?,
            'y' => {
                let Some(delimiter) = self.rest.next() else { return Err(wrong("bad format in substitution expression")) };
                let (from, to) = (self.delimited(delimiter, false)?, self.delimited(delimiter, false)?);
                let plain = |text: String| text.replace("\\n", "\n").replace("\\\\", "\\").chars().collect::<Vec<_>>();
                What::Translate(plain(from).into_iter().zip(plain(to)).collect())
            }
            'p' => What::Print,
            'P' => What::PrintFirst,
            'd' => What::Delete,
            'D' => What::DeleteFirst,
            'n' => What::Next,
            'N' => What::NextAppend,
            'g' => What::Get,
            'G' => What::GetAppend,
            'h' => What::Hold,
            'H' => What::HoldAppend,
            'x' => What::Exchange,
            '=' => What::Number,
            'q' => What::Quit(self.word().parse().unwrap_or(0)),
            'i' => What::Insert(self.text()),
            'a' => What::Append(self.text()),
            'c' => What::Change(self.text()),
            'r' => What::Read(self.file()),
            'w' => What::Write(self.file()),
            ':' => {
                let label = self.word();
                self.labels.push((label, index));
                What::Label
            }
            'b' | 't' => {
                let label = self.word();
                if !label.is_empty() {
                    self.jumps.push((index, label));
                }
                if letter == 'b' { What::Branch(None) } else { What::BranchIfChanged(None) }
            }
            'l' | 'T' | 'Q' | 'R' | 'W' | 'e' | 'F' => return Err(BadScript::NotModelled(format!("the command {letter}"))),
            other => return Err(wrong(format!("unsupported command {other}"))),
        })
    }

    fn substitute(&mut self) -> Result<What, BadScript> {
        let Some(delimiter) = self.rest.next() else { return Err(wrong("bad format in substitution expression")) };
        let pattern = self.delimited(delimiter, true)?;
        let with = replacement(&self.delimited(delimiter, false)?);
        let (mut global, mut nth, mut print, mut ignore_case, mut write) = (false, 1, false, false, None);
        loop {
            match self.peek() {
                Some('g') => global = true,
                Some('p') => print = true,
                Some('i' | 'I') => ignore_case = true,
                Some(c) if c.is_ascii_digit() => {
                    nth = self.number();
                    continue;
                }
                Some('w') => {
                    self.rest.next();
                    write = Some(self.file());
                    break;
                }
                Some('m' | 'M' | 'e') => return Err(BadScript::NotModelled("the flags m and e of s".to_owned())),
                Some(c) if !c.is_whitespace() && c != ';' && c != '}' && c != '#' => return Err(wrong("unknown option to s command")),
                _ => break,
            }
            self.rest.next();
        }
        Ok(What::Substitute { regex: self.regex(&pattern, ignore_case)?, with, global, nth, print, write })
    }
}

/// A replacement: `&` and `\1` to `\9` are groups.
fn replacement(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let group = match c {
            '&' => Some(0),
            '\\' => match chars.next() {
                Some(d) if d.is_ascii_digit() => d.to_digit(10).map(|d| d as usize),
                Some('n') => {
                    plain.push('\n');
                    None
                }
                Some('t') => {
                    plain.push('\t');
                    None
                }
                other => {
                    plain.extend(other);
                    None
                }
            },
            c => {
                plain.push(c);
                None
            }
        };
        if let Some(group) = group {
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Group(group));
        }
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_taken_apart() {
        assert_eq!(script("2,$d;s/a/b/g\n/x/{p;q}", false).expect("valid").len(), 6);
        assert_eq!(replacement(r"a&\1\n"), [Part::Text("a".to_owned()), Part::Group(0), Part::Group(1), Part::Text("\n".to_owned())]);
        assert!(script("s|a/b|c|", false).is_ok());
        assert!(script("s/[/]/x/", false).is_ok());
        for (text, message) in [
            ("z", "unsupported command z"),
            ("s/a/b/k", "unknown option to s command"),
            ("b nowhere", "can't find label for jump to 'nowhere'"),
        ] {
            assert_eq!(script(text, false).err(), Some(wrong(message)));
        }
    }
}
