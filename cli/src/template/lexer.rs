//! Cuts a template into tokens.

use super::TemplateError;
use super::ast::Place;
use serde_json::Value;

/// A token with its place.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it starts.
    pub place: Place,
    /// Nothing stands between it and the token before.
    pub glued: bool,
    /// As it was written.
    pub text: String,
}

/// The kinds of token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// Text outside of actions.
    Text,
    /// `{{`
    Open,
    /// `}}`
    Close,
    /// `.`
    Dot,
    /// `.Name`
    Field(String),
    /// `$x`
    Variable(String),
    /// `name`
    Name(String),
    /// A string, number, character or truth value.
    Constant(Value),
    /// `|`
    Pipe,
    /// `(`
    Left,
    /// `)`
    Right,
    /// `:=`
    Declare,
    /// `=`
    Assign,
    /// `,`
    Comma,
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
    tokens: Vec<Token>,
}

/// Cuts the whole template.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, TemplateError> {
    let mut lexer = Lexer { text, at: 0, line: 1, line_start: 0, tokens: Vec::new() };
    let mut trim = false;
    while lexer.at < text.len() {
        let rest = lexer.rest();
        let open = rest.find("{{");
        let mut outside = rest.get(..open.unwrap_or(rest.len())).unwrap_or_default();
        let consumed = outside.len();
        let inside = open.and_then(|i| rest.get(i + 2..));
        let trims_before = inside.is_some_and(|i| i.strip_prefix('-').is_some_and(|r| r.starts_with(char::is_whitespace)));
        if trim {
            outside = outside.trim_start();
        }
        if trims_before {
            outside = outside.trim_end();
        }
        if !outside.is_empty() {
            lexer.push(Kind::Text, outside.to_owned(), false);
        }
        lexer.skip(consumed);
        trim = if inside.is_some() { lexer.action(trims_before)? } else { false };
    }
    Ok(lexer.tokens)
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn place(&self) -> Place {
        Place { line: self.line, column: self.at - self.line_start }
    }

    fn skip(&mut self, bytes: usize) {
        let end = (self.at + bytes).min(self.text.len());
        for (i, b) in self.text.as_bytes().iter().enumerate().take(end).skip(self.at) {
            if *b == b'\n' {
                self.line += 1;
                self.line_start = i + 1;
            }
        }
        self.at = end;
    }

    fn push(&mut self, kind: Kind, text: String, glued: bool) {
        let place = self.place();
        self.tokens.push(Token { kind, place, glued, text });
    }

    fn error<T>(&self, why: impl Into<String>) -> Result<T, TemplateError> {
        Err(TemplateError { line: self.line, at: None, why: why.into() })
    }

    /// One action, from `{{` to `}}`. Answers whether white space after it is trimmed.
    fn action(&mut self, trims_before: bool) -> Result<bool, TemplateError> {
        self.push(Kind::Open, "{{".to_owned(), false);
        self.skip(if trims_before { 3 } else { 2 });
        if self.rest().trim_start().starts_with("/*") {
            return self.comment();
        }
        let mut glued = false;
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            if blank > 0 {
                if rest.trim_start().starts_with("-}}") {
                    self.skip(blank);
                    self.push(Kind::Close, "}}".to_owned(), false);
                    self.skip(3);
                    return Ok(true);
                }
                self.skip(blank);
                glued = false;
                continue;
            }
            if rest.starts_with("}}") {
                self.push(Kind::Close, "}}".to_owned(), glued);
                self.skip(2);
                return Ok(false);
            }
            let Some(first) = rest.chars().next() else { return self.error("unclosed action") };
            let (kind, length) = self.token(first, rest)?;
            self.push(kind, rest.get(..length).unwrap_or_default().to_owned(), glued);
            self.skip(length);
            glued = true;
        }
    }

    fn comment(&mut self) -> Result<bool, TemplateError> {
        self.tokens.pop();
        let Some(end) = self.rest().find("*/") else { return self.error("unclosed comment") };
        self.skip(end + 2);
        let rest = self.rest();
        let trim = rest.starts_with(char::is_whitespace) && rest.trim_start().starts_with("-}}");
        let after = if trim { rest.trim_start().trim_start_matches('-') } else { rest };
        if !after.starts_with("}}") {
            return self.error("comment ends before closing delimiter");
        }
        self.skip(rest.len() - after.len() + 2);
        Ok(trim)
    }

    fn token(&self, first: char, rest: &str) -> Result<(Kind, usize), TemplateError> {
        let word = |from: usize| {
            let tail = rest.get(from..).unwrap_or_default();
            from + tail.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(tail.len())
        };
        let text = |from: usize, to: usize| rest.get(from..to).unwrap_or_default().to_owned();
        Ok(match first {
            '|' => (Kind::Pipe, 1),
            '(' => (Kind::Left, 1),
            ')' => (Kind::Right, 1),
            ',' => (Kind::Comma, 1),
            '=' => (Kind::Assign, 1),
            ':' if rest.starts_with(":=") => (Kind::Declare, 2),
            ':' => return self.error("expected :="),
            '"' => self.quoted(rest)?,
            '`' => {
                let Some(end) = rest.get(1..).and_then(|r| r.find('`')) else { return self.error("unterminated raw quoted string") };
                (Kind::Constant(Value::String(text(1, end + 1))), end + 2)
            }
            '\'' => self.character(rest)?,
            '.' if rest.get(1..).is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit())) => self.number(rest)?,
            '.' => match word(1) {
                1 => (Kind::Dot, 1),
                end => (Kind::Field(text(1, end)), end),
            },
            '$' => (Kind::Variable(text(0, word(1))), word(1)),
            '0'..='9' | '+' | '-' => self.number(rest)?,
            c if c.is_alphabetic() || c == '_' => {
                let name = text(0, word(0));
                let length = name.len();
                match name.as_str() {
                    "true" => (Kind::Constant(Value::Bool(true)), length),
                    "false" => (Kind::Constant(Value::Bool(false)), length),
                    "nil" => (Kind::Constant(Value::Null), length),
                    _ => (Kind::Name(name), length),
                }
            }
            c => return self.error(format!("unexpected {:?} in command", c.to_string())),
        })
    }

    fn quoted(&self, rest: &str) -> Result<(Kind, usize), TemplateError> {
        let mut escaped = false;
        for (i, c) in rest.char_indices().skip(1) {
            match c {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    let body = rest.get(1..i).unwrap_or_default();
                    let text = unescape(body).map_or_else(|| self.error("invalid syntax"), Ok)?;
                    return Ok((Kind::Constant(Value::String(text)), i + 1));
                }
                _ => {}
            }
        }
        self.error("unterminated quoted string")
    }

    fn character(&self, rest: &str) -> Result<(Kind, usize), TemplateError> {
        let body = rest.get(1..).unwrap_or_default();
        let end = body.char_indices().skip(1).find(|(i, c)| *c == '\'' && body.get(..*i).is_none_or(|b| b != "\\")).map(|(i, _)| i);
        let Some(end) = end else { return self.error("unterminated character constant") };
        let text = body.get(..end).and_then(unescape).unwrap_or_default();
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (Some(c), None) => Ok((Kind::Constant(Value::from(u32::from(c))), end + 2)),
            _ => self.error(format!("malformed character constant: {}", rest.get(..end + 2).unwrap_or_default())),
        }
    }

    fn number(&self, rest: &str) -> Result<(Kind, usize), TemplateError> {
        let tail = rest.get(1..).unwrap_or_default();
        let end = 1 + tail.find(|c: char| !(c.is_alphanumeric() || c == '.' || c == '_')).unwrap_or(tail.len());
        let written = rest.get(..end).unwrap_or_default();
        let plain = written.replace('_', "");
        let whole = match plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
            Some(hex) => i64::from_str_radix(hex, 16).ok(),
            None => plain.parse::<i64>().ok(),
        };
        let value = whole.map(Value::from).or_else(|| plain.parse::<f64>().ok().filter(|f| f.is_finite()).map(Value::from));
        value.map_or_else(|| self.error(format!("bad number syntax: {written:?}")), |v| Ok((Kind::Constant(v), end)))
    }
}

/// Go's escapes in a quoted string; `None` for one it does not have.
fn unescape(body: &str) -> Option<String> {
    let mut text = String::with_capacity(body.len());
    let mut letters = body.chars();
    while let Some(c) = letters.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        text.push(match letters.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            c @ ('\\' | '"' | '\'') => c,
            'x' => char::from_u32(digits(&mut letters, 2)?)?,
            'u' => char::from_u32(digits(&mut letters, 4)?)?,
            'U' => char::from_u32(digits(&mut letters, 8)?)?,
            _ => return None,
        });
    }
    Some(text)
}

fn digits(letters: &mut std::str::Chars<'_>, count: usize) -> Option<u32> {
    (0..count).try_fold(0u32, |n, _| Some(n.checked_mul(16)? + letters.next()?.to_digit(16)?))
}
