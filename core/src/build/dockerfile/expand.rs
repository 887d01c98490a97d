//! Variables: `$a`, `${a}`, `${a:-b}` and the rest, with quotes and escapes taken off (Dockerfile reference, "Environment replacement").

use super::pattern::Pattern;
use std::collections::BTreeSet;

/// How deep `${a:-${b:-…}}` may go.
const DEEPEST: usize = 100;

/// Looks a variable up.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// What a text became.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The text.
    pub text: String,
    /// Variables that were asked for, and are set.
    pub used: BTreeSet<String>,
    /// Variables that were asked for, are not set, and had nothing to stand in for them.
    pub unset: BTreeSet<String>,
}

/// Expands one word: variables are replaced, quotes and escapes taken off.
///
/// # Errors
/// What is wrong with it, in Docker's words.
pub fn word(text: &str, escape: char, lookup: &Lookup<'_>) -> Result<Expanded, String> {
    run(text, escape, lookup, false)
}

/// Expands variables and keeps every other character: what a here-document does.
///
/// # Errors
/// As [`word`].
pub fn document(text: &str, escape: char, lookup: &Lookup<'_>) -> Result<Expanded, String> {
    run(text, escape, lookup, true)
}

fn run(text: &str, escape: char, lookup: &Lookup<'_>, raw: bool) -> Result<Expanded, String> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0, escape, lookup, raw, depth: 0, out: Expanded::default() };
    let whole = lexer.until(None)?;
    lexer.out.text = whole;
    Ok(lexer.out)
}

struct Lexer<'a> {
    chars: Vec<char>,
    at: usize,
    escape: char,
    lookup: &'a Lookup<'a>,
    /// Quotes mean nothing, and escapes stay unless they are before a dollar sign.
    raw: bool,
    depth: usize,
    out: Expanded,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    /// Up to this character, which is taken, or to the end.
    fn until(&mut self, stop: Option<char>) -> Result<String, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("substitutions go deeper than {DEEPEST}"));
        }
        let mut text = String::new();
        loop {
            let Some(c) = self.take() else {
                if let Some(stop) = stop {
                    return Err(format!("unexpected end of statement while looking for matching {stop}"));
                }
                break;
            };
            match c {
                _ if Some(c) == stop => break,
                '\'' if !self.raw => self.single(&mut text)?,
                '"' if !self.raw => self.double(&mut text)?,
                '$' => {
                    let value = self.dollar()?;
                    text.push_str(&value);
                }
                _ if c == self.escape => match self.take() {
                    Some('$') if self.raw => text.push('$'),
                    Some(next) if self.raw => text.extend([c, next]),
                    Some(next) => text.push(next),
                    None if self.raw => text.push(c),
                    None => {}
                },
                _ => text.push(c),
            }
        }
        self.depth -= 1;
        Ok(text)
    }

    fn single(&mut self, text: &mut String) -> Result<(), String> {
        loop {
            match self.take() {
                Some('\'') => return Ok(()),
                Some(c) => text.push(c),
                None => return Err("unexpected end of statement while looking for matching single-quote".to_owned()),
            }
        }
    }

    fn double(&mut self, text: &mut String) -> Result<(), String> {
        loop {
            match self.take() {
                Some('"') => return Ok(()),
                Some('$') => {
                    let value = self.dollar()?;
                    text.push_str(&value);
                }
                Some(c) if c == self.escape => match self.take() {
                    Some(next) if next == '"' || next == '$' || next == self.escape => text.push(next),
                    Some(next) => text.extend([c, next]),
                    None => return Err("unexpected end of statement while looking for matching double-quote".to_owned()),
                },
                Some(c) => text.push(c),
                None => return Err("unexpected end of statement while looking for matching double-quote".to_owned()),
            }
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.peek() {
            let first = name.is_empty();
            if first && matches!(c, '@' | '*' | '#' | '?' | '-' | '$' | '!') {
                self.at += 1;
                return c.to_string();
            }
            if first && c.is_ascii_digit() {
                while let Some(c) = self.peek().filter(char::is_ascii_digit) {
                    name.push(c);
                    self.at += 1;
                }
                return name;
            }
            if c != '_' && !c.is_ascii_alphanumeric() {
                break;
            }
            name.push(c);
            self.at += 1;
        }
        name
    }

    fn value(&mut self, name: &str) -> Option<String> {
        let value = (self.lookup)(name);
        if value.is_some() {
            self.out.used.insert(name.to_owned());
        }
        value
    }

    fn plain(&mut self, name: &str) -> String {
        let value = self.value(name);
        if value.is_none() {
            self.out.unset.insert(name.to_owned());
        }
        value.unwrap_or_default()
    }

    fn dollar(&mut self) -> Result<String, String> {
        if self.peek() != Some('{') {
            let name = self.name();
            return Ok(if name.is_empty() { "$".to_owned() } else { self.plain(&name) });
        }
        self.at += 1;
        if matches!(self.peek(), None | Some('}' | ':')) {
            return Err("syntax error: bad substitution".to_owned());
        }
        let name = self.name();
        if name.is_empty() {
            return Err("syntax error: bad substitution".to_owned());
        }
        match self.take() {
            Some('}') => Ok(self.plain(&name)),
            Some(':') => match self.take() {
                Some(op @ ('+' | '-' | '?')) => self.choose(&name, op, true),
                Some(other) => Err(format!("unsupported modifier (:{other}) in substitution")),
                None => Err("syntax error: missing '}'".to_owned()),
            },
            Some(op @ ('+' | '-' | '?')) => self.choose(&name, op, false),
            Some(op @ ('#' | '%')) => {
                let greedy = self.peek() == Some(op);
                self.at += usize::from(greedy);
                let pattern = Pattern::read(&self.until(Some('}'))?, self.escape)?;
                let value = self.plain(&name);
                Ok(if op == '#' { pattern.without_start(&value, greedy) } else { pattern.without_end(&value, greedy) })
            }
            Some('/') => {
                let all = self.peek() == Some('/');
                self.at += usize::from(all);
                let pattern = Pattern::read(&self.until(Some('/'))?, self.escape)?;
                let replacement = self.until(Some('}'))?;
                let value = self.plain(&name);
                Ok(pattern.replace(&value, &replacement, all))
            }
            Some(other) => Err(format!("unsupported modifier ({other}) in substitution")),
            None => Err("syntax error: missing '}'".to_owned()),
        }
    }

    /// `+`, `-` and `?`; with a colon an empty value is as good as none.
    fn choose(&mut self, name: &str, op: char, colon: bool) -> Result<String, String> {
        // What stands in is expanded in any case, as its end must be found; what it asks for counts only if it is used.
        let before = (self.out.used.clone(), self.out.unset.clone());
        let other = self.until(Some('}'))?;
        let after = (std::mem::replace(&mut self.out.used, before.0), std::mem::replace(&mut self.out.unset, before.1));
        let value = self.value(name);
        let set = value.as_ref().is_some_and(|v| !colon || !v.is_empty());
        let takes_other = if op == '+' { set } else { !set };
        if takes_other {
            self.out.used.extend(after.0);
            self.out.unset.extend(after.1);
        }
        match (op, set) {
            ('+', true) | ('-', false) => Ok(other),
            ('+', false) => Ok(String::new()),
            ('?', false) if !other.is_empty() => Err(format!("{name}: {other}")),
            ('?', false) if value.is_none() => Err(format!("{name}: is not allowed to be unset")),
            ('?', false) => Err(format!("{name}: is not allowed to be empty")),
            _ => Ok(value.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "v" => Some("value".to_owned()),
            "empty" => Some(String::new()),
            "path" => Some("/usr/local/lib.tar.gz".to_owned()),
            "1" => Some("one".to_owned()),
            _ => None,
        }
    }

    fn of(text: &str) -> String {
        match word(text, '\\', &lookup) {
            Ok(expanded) => expanded.text,
            Err(e) => format!("error: {e}"),
        }
    }

    #[test]
    fn the_table_of_the_reference() {
        let table = [
            ("$v", "value"),
            ("${v}", "value"),
            ("$vx", ""),
            ("${v}x", "valuex"),
            ("$v.x", "value.x"),
            ("$u", ""),
            ("a$", "a$"),
            ("$ a", "$ a"),
            ("\\$v", "$v"),
            ("\\\\$v", "\\value"),
            ("'$v'", "$v"),
            ("\"$v\"", "value"),
            ("\"\\$v \\\" \\n\"", "$v \" \\n"),
            ("${u:-w}", "w"),
            ("${empty:-w}", "w"),
            ("${v:-w}", "value"),
            ("${u-w}", "w"),
            ("${empty-w}", ""),
            ("${v:+w}", "w"),
            ("${empty:+w}", ""),
            ("${empty+w}", "w"),
            ("${u+w}", ""),
            ("${u:-${v}}", "value"),
            ("${u:-${u:-$v}x}", "valuex"),
            ("${u:-a b}", "a b"),
            ("${v?no}", "value"),
            ("${u?no such thing}", "error: u: no such thing"),
            ("${u?}", "error: u: is not allowed to be unset"),
            ("${empty:?}", "error: empty: is not allowed to be empty"),
            ("${path#*/}", "usr/local/lib.tar.gz"),
            ("${path##*/}", "lib.tar.gz"),
            ("${path%.*}", "/usr/local/lib.tar"),
            ("${path%%.*}", "/usr/local/lib"),
            ("${path/l/L}", "/usr/Local/lib.tar.gz"),
            ("${path//l/L}", "/usr/LocaL/Lib.tar.gz"),
            ("$1", "one"),
            ("${}", "error: syntax error: bad substitution"),
            ("${:-x}", "error: syntax error: bad substitution"),
            ("${v:x}", "error: unsupported modifier (:x) in substitution"),
            ("${v", "error: syntax error: missing '}'"),
            ("${v:-", "error: unexpected end of statement while looking for matching }"),
            ("'a", "error: unexpected end of statement while looking for matching single-quote"),
            ("a\\", "a"),
        ];
        for (text, meaning) in table {
            assert_eq!(of(text), meaning, "{text}");
        }
    }

    #[test]
    fn what_is_not_set_is_told() {
        let told = word("$u ${w:-x} ${v} ${x:-$y}", '\\', &lookup).unwrap();
        assert_eq!(told.unset.into_iter().collect::<Vec<_>>(), ["u", "y"]);
        assert_eq!(told.used.into_iter().collect::<Vec<_>>(), ["v"]);
    }

    #[test]
    fn depth_has_a_bound_and_no_cost() {
        let deep = format!("{}x{}", "${a:-".repeat(10_000), "}".repeat(10_000));
        assert!(word(&deep, '\\', &lookup).unwrap_err().contains("deeper than"));
    }

    #[test]
    fn documents_keep_quotes() {
        assert_eq!(document("say \"$v\" '\\$v' \\n\\", '\\', &lookup).unwrap().text, "say \"value\" '$v' \\n\\");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[${}:+?#%/a-c'\"\\\\ *-]{0,40}") {
            let _ = word(&text, '\\', &lookup);
            let _ = document(&text, '`', &lookup);
        }
    }
}
