//! Word expansion (POSIX 2.6): tilde, parameters, command substitution, arithmetic, then field splitting and pathnames.

use super::syntax::{Op, Parameter, Piece, Word};
use super::{Done, Flow, Shell, arithmetic, glob, pattern};
use futures_util::future::{BoxFuture, FutureExt};

/// A stretch of expanded text.
#[derive(Debug)]
pub(super) enum Segment {
    /// Text, and how it came about.
    Text(String, Kind),
    /// Here one field ends and the next begins, whatever IFS is (`"$@"`).
    Break,
}

/// How a stretch of text came about, which decides what is still done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Written as it is, unquoted: pathname expansion only.
    Literal,
    /// From an unquoted expansion: field splitting and pathname expansion.
    Expanded,
    /// Quoted: nothing.
    Quoted,
}

impl Shell {
    /// Words to fields.
    pub(super) fn fields<'a>(&'a mut self, words: &'a [Word]) -> BoxFuture<'a, Result<Vec<String>, Flow>> {
        async move {
            let mut fields = Vec::new();
            for word in words {
                // The commonest word needs no more than this.
                if let [Piece::Text(text)] = word.as_slice()
                    && !text.contains(['*', '?', '['])
                {
                    fields.push(text.clone());
                    continue;
                }
                let mut segments = Vec::new();
                self.segments(word, false, Kind::Literal, &mut segments).await?;
                let ifs = self.vars.get("IFS").unwrap_or_else(|| " \t\n".to_owned());
                for field in glob::split(&segments, &ifs) {
                    if self.options.noglob || !pattern::is_active(&field.pattern) {
                        fields.push(field.text);
                    } else {
                        let found = glob::paths(&self.sys, &field.pattern);
                        if found.is_empty() { fields.push(field.text) } else { fields.extend(found) }
                    }
                }
            }
            Ok(fields)
        }
        .boxed()
    }

    /// A word to one text, without splitting or pathnames: assignments, here-documents, `case`, redirections.
    pub(super) fn text<'a>(&'a mut self, word: &'a Word) -> BoxFuture<'a, Result<String, Flow>> {
        async move {
            let mut segments = Vec::new();
            self.segments(word, false, Kind::Quoted, &mut segments).await?;
            let mut text = String::new();
            for segment in segments {
                match segment {
                    Segment::Text(piece, _) => text.push_str(&piece),
                    Segment::Break => text.push(' '),
                }
            }
            Ok(text)
        }
        .boxed()
    }

    /// A word to a pattern, in which quoted characters are escaped.
    pub(super) async fn pattern(&mut self, word: &Word) -> Result<String, Flow> {
        let mut segments = Vec::new();
        self.segments(word, false, Kind::Literal, &mut segments).await?;
        let mut out = String::new();
        for segment in segments {
            match segment {
                Segment::Text(piece, Kind::Quoted) => out.push_str(&pattern::escape(&piece)),
                Segment::Text(piece, _) => out.push_str(&piece),
                Segment::Break => out.push(' '),
            }
        }
        Ok(out)
    }

    fn segments<'a>(
        &'a mut self,
        word: &'a [Piece],
        quoted: bool,
        literal: Kind,
        out: &'a mut Vec<Segment>,
    ) -> BoxFuture<'a, Result<(), Flow>> {
        async move {
            let literal = if quoted { Kind::Quoted } else { literal };
            let expanded = if quoted { Kind::Quoted } else { Kind::Expanded };
            for piece in word {
                match piece {
                    Piece::Text(text) => out.push(Segment::Text(text.clone(), literal)),
                    Piece::Quoted(text) => out.push(Segment::Text(text.clone(), Kind::Quoted)),
                    Piece::Double(inner) => {
                        let before = out.len();
                        self.segments(inner, true, Kind::Quoted, out).await?;
                        let nothing_at_all = inner.iter().any(|p| matches!(p, Piece::Parameter(p) if p.name == "@"));
                        if out.len() == before && !nothing_at_all {
                            out.push(Segment::Text(String::new(), Kind::Quoted));
                        }
                    }
                    Piece::Tilde(user) => out.push(Segment::Text(self.tilde(user.as_deref()).await, Kind::Quoted)),
                    Piece::Parameter(parameter) => self.parameter(parameter, quoted, expanded, out).await?,
                    Piece::Command(list) => out.push(Segment::Text(self.substitute(list.clone()).await?, expanded)),
                    Piece::Arithmetic(word) => {
                        let value = self.arithmetic(word).await?;
                        out.push(Segment::Text(value.to_string(), expanded));
                    }
                }
            }
            Ok(())
        }
        .boxed()
    }

    /// Evaluates an arithmetic expression after expanding it.
    pub(super) async fn arithmetic(&mut self, word: &Word) -> Result<i64, Flow> {
        let text = self.text(word).await?;
        match arithmetic::evaluate(&text, &mut self.vars) {
            Ok(value) => Ok(value),
            Err(message) => Err(self.error(&message).await),
        }
    }

    async fn tilde(&self, user: Option<&str>) -> String {
        match user {
            None => self.vars.get("HOME").unwrap_or_else(|| "~".to_owned()),
            Some(user) => match crate::programs::users::Passwd::read(&self.sys).await.by_name(user) {
                Some(entry) => entry.home.clone(),
                None => format!("~{user}"),
            },
        }
    }

    async fn parameter(&mut self, parameter: &Parameter, quoted: bool, kind: Kind, out: &mut Vec<Segment>) -> Result<(), Flow> {
        let name = parameter.name.as_str();
        if matches!(name, "@" | "*") && self.positional(parameter, quoted, kind, out) {
            return Ok(());
        }
        let value = self.value(name);
        let missing = |colon: bool| value.as_ref().is_none_or(|v| colon && v.is_empty());
        match &parameter.op {
            Op::Default { colon, word } if missing(*colon) => return self.segments(word, quoted, kind, out).await,
            Op::Assign { colon, word } if missing(*colon) => {
                let text = self.text(word).await?;
                if let Err(message) = self.vars.set(name, text.clone()) {
                    return Err(self.error(&message).await);
                }
                out.push(Segment::Text(text, kind));
                return Ok(());
            }
            Op::Error { colon, word } if missing(*colon) => {
                let message = match word {
                    Some(word) => self.text(word).await?,
                    None if *colon => "parameter not set or null".to_owned(),
                    None => "parameter not set".to_owned(),
                };
                return Err(self.error(&format!("{name}: {message}")).await);
            }
            Op::Alternative { colon, word } => {
                return if missing(*colon) { Ok(()) } else { self.segments(word, quoted, kind, out).await };
            }
            _ => {}
        }
        let value = match value {
            Some(value) => value,
            None if self.options.nounset && !matches!(parameter.op, Op::Default { .. } | Op::Assign { .. } | Op::Error { .. }) => {
                return Err(self.error(&format!("{name}: parameter not set")).await);
            }
            None => String::new(),
        };
        let text = match &parameter.op {
            Op::Length => value.chars().count().to_string(),
            Op::Strip { prefix, longest, pattern } => {
                let pattern = self.pattern(pattern).await?;
                strip(&value, &pattern, *prefix, *longest)
            }
            Op::Slice { offset, length } => {
                let offset = self.arithmetic(offset).await?;
                let length = match length {
                    Some(length) => Some(self.arithmetic(length).await?),
                    None => None,
                };
                slice(&value, offset, length)
            }
            Op::Replace { all, pattern, with } => {
                let (pattern, with) = (self.pattern(pattern).await?, self.text(with).await?);
                replace(&value, &pattern, &with, *all)
            }
            _ => value,
        };
        // An unquoted expansion to nothing makes no field.
        if kind == Kind::Quoted || !text.is_empty() {
            out.push(Segment::Text(text, kind));
        }
        Ok(())
    }

    /// `$@` and `$*`; `false` where an operator needs their joined text instead.
    fn positional(&self, parameter: &Parameter, quoted: bool, kind: Kind, out: &mut Vec<Segment>) -> bool {
        let empty = self.args.iter().all(String::is_empty);
        match &parameter.op {
            Op::Value => {}
            Op::Length => {
                out.push(Segment::Text(self.args.len().to_string(), kind));
                return true;
            }
            Op::Default { colon, .. } | Op::Assign { colon, .. } | Op::Error { colon, .. } => {
                if self.args.is_empty() || (*colon && empty) {
                    return false;
                }
            }
            _ => return false,
        }
        if quoted && parameter.name == "*" {
            let separator = self.vars.get("IFS").map_or(" ".to_owned(), |ifs| ifs.chars().take(1).collect());
            out.push(Segment::Text(self.args.join(&separator), kind));
            return true;
        }
        for (i, argument) in self.args.iter().enumerate() {
            if i > 0 {
                out.push(Segment::Break);
            }
            if quoted || !argument.is_empty() {
                out.push(Segment::Text(argument.clone(), kind));
            }
        }
        true
    }

    /// The value of a variable or parameter.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        match name {
            "?" => Some(self.status.to_string()),
            "#" => Some(self.args.len().to_string()),
            "$" => Some(self.pid.to_string()),
            "!" => self.last_background.map(|pid| pid.to_string()),
            "-" => Some(self.options.letters()),
            "0" => Some(self.name.clone()),
            "@" | "*" if self.args.is_empty() => None,
            "@" | "*" => Some(self.args.join(" ")),
            "LINENO" => Some(self.line.to_string()),
            "PPID" => Some(self.parent.to_string()),
            "RANDOM" => {
                let bytes = self.sys.random(2);
                Some((bytes.iter().fold(0u32, |n, &b| n << 8 | u32::from(b)) & 0x7fff).to_string())
            }
            _ => match name.parse::<usize>() {
                Ok(n) => self.args.get(n.wrapping_sub(1)).cloned(),
                Err(_) => self.vars.get(name),
            },
        }
    }

    /// Says what is wrong with an expansion. A shell that is not interactive ends with status 2.
    pub(super) async fn error(&mut self, message: &str) -> Flow {
        self.complain(message).await;
        self.status = 2;
        Flow::Error(2)
    }

    /// `Err` for a builtin that must end the shell.
    pub(super) async fn fatal(&mut self, message: &str) -> Done {
        Err(self.error(message).await)
    }
}

fn strip(value: &str, pattern: &str, prefix: bool, longest: bool) -> String {
    let value: Vec<char> = value.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let cuts = 0..=value.len();
    let shortest_first: Vec<usize> = if prefix == longest { cuts.rev().collect() } else { cuts.collect() };
    for cut in shortest_first {
        let (head, tail) = value.split_at(cut);
        if pattern::matches_chars(&pattern, if prefix { head } else { tail }) {
            return (if prefix { tail } else { head }).iter().collect();
        }
    }
    value.into_iter().collect()
}

fn slice(value: &str, offset: i64, length: Option<i64>) -> String {
    let count = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
    let start = if offset < 0 { (count + offset).max(0) } else { offset.min(count) };
    let end = match length {
        None => count,
        Some(length) if length < 0 => count + length,
        Some(length) => start.saturating_add(length).min(count),
    };
    let (start, length) = (usize::try_from(start).unwrap_or(0), usize::try_from(end - start).unwrap_or(0));
    value.chars().skip(start).take(length).collect()
}

fn replace(value: &str, pattern: &str, with: &str, all: bool) -> String {
    let value: Vec<char> = value.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    let mut done = pattern.is_empty();
    while at < value.len() {
        let longest = if done { None } else { (at + 1..=value.len()).rev().find(|&end| pattern::matches_chars(&pattern, &value[at..end])) };
        match longest {
            Some(end) => {
                out.push_str(with);
                at = end;
                done = !all;
            }
            None => {
                out.push(value[at]);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_off_replaced_and_sliced() {
        assert_eq!(strip("a.tar.gz", ".*", false, false), "a.tar");
        assert_eq!(strip("a.tar.gz", ".*", false, true), "a");
        assert_eq!(strip("/usr/bin", "*/", true, false), "usr/bin");
        assert_eq!(strip("/usr/bin", "*/", true, true), "bin");
        assert_eq!(replace("a-b-c", "-", "::", false), "a::b-c");
        assert_eq!(replace("a-b-c", "[a-b]", "x", true), "x-x-c");
        assert_eq!(slice("abcdef", 2, Some(3)), "cde");
        assert_eq!(slice("abcdef", -2, None), "ef");
        assert_eq!(slice("abcdef", 1, Some(-1)), "bcde");
    }
}
