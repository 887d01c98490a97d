//! POSIX regular expressions, basic and extended, on the regex-lite crate.
//!
//! One difference is left: where alternatives match at one place, POSIX takes the longest and regex-lite the first.

use regex_lite::{Regex, RegexBuilder};

/// Which of POSIX's two grammars a pattern is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// `\(`, `\|` (GNU), `\{`
    Basic,
    /// `(`, `|`, `{`
    Extended,
    /// No pattern at all (`grep -F`).
    Fixed,
}

/// Why a pattern cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub enum BadPattern {
    /// It is wrong.
    Wrong(String),
    /// It is right, and not modelled.
    NotModelled(&'static str),
}

/// Compiles a pattern.
pub fn compile(pattern: &str, grammar: Grammar, ignore_case: bool) -> Result<Regex, BadPattern> {
    let text = match grammar {
        Grammar::Fixed => regex_lite::escape(pattern),
        _ => translate(pattern, grammar == Grammar::Extended)?,
    };
    let mut builder = RegexBuilder::new(&text);
    builder.case_insensitive(ignore_case).dot_matches_new_line(true);
    builder.build().map_err(|_| BadPattern::Wrong(format!("bad regex '{pattern}'")))
}

/// A POSIX pattern in regex-lite's grammar.
fn translate(pattern: &str, extended: bool) -> Result<String, BadPattern> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = String::new();
    let mut i = 0;
    // At the start of an expression `*` is itself, and in basic patterns `^` is an anchor only there.
    let mut start = true;
    while i < chars.len() {
        let c = chars[i];
        let was_start = std::mem::take(&mut start);
        match c {
            '\\' => {
                let Some(&next) = chars.get(i + 1) else { return Err(BadPattern::Wrong("Trailing backslash".to_owned())) };
                i += 1;
                match next {
                    '(' | '|' if !extended => {
                        out.push(next);
                        start = true;
                    }
                    ')' | '{' | '}' | '+' | '?' if !extended => out.push(next),
                    '1'..='9' => return Err(BadPattern::NotModelled("back references in a pattern")),
                    'w' | 'W' | 's' | 'S' | 'b' | 'B' => out.extend(['\\', next]),
                    '<' | '>' => out.push_str(r"\b"),
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    '`' => out.push_str(r"\A"),
                    '\'' => out.push_str(r"\z"),
                    other => escape(other, &mut out),
                }
            }
            '[' => {
                let end = bracket_end(&chars, i).ok_or_else(|| BadPattern::Wrong("Unmatched [, [^, [:, [., or [=".to_owned()))?;
                bracket(&chars[i + 1..end], &mut out);
                i = end;
            }
            '*' if was_start => out.push_str(r"\*"),
            '*' | '.' => out.push(c),
            '^' if extended || was_start => {
                out.push('^');
                start = true;
            }
            '$' if extended || ends_expression(&chars, i + 1) => out.push('$'),
            '(' | '|' if extended => {
                out.push(c);
                start = true;
            }
            ')' | '+' | '?' | '}' if extended => out.push(c),
            '{' if extended => out.push(c),
            other => escape(other, &mut out),
        }
        i += 1;
    }
    Ok(out)
}

fn ends_expression(chars: &[char], i: usize) -> bool {
    i == chars.len() || (chars[i] == '\\' && matches!(chars.get(i + 1), Some(')' | '|')))
}

fn escape(c: char, out: &mut String) {
    out.push_str(&regex_lite::escape(c.encode_utf8(&mut [0; 4])));
}

fn bracket_end(chars: &[char], open: usize) -> Option<usize> {
    let mut i = open + 1;
    i += usize::from(chars.get(i) == Some(&'^'));
    i += usize::from(chars.get(i) == Some(&']'));
    while i < chars.len() {
        if chars[i] == '[' && matches!(chars.get(i + 1), Some(':' | '.' | '=')) {
            let kind = chars[i + 1];
            i = (i + 2..chars.len().saturating_sub(1)).find(|&j| chars[j] == kind && chars[j + 1] == ']')? + 2;
        } else if chars[i] == ']' {
            return Some(i);
        } else {
            i += 1;
        }
    }
    None
}

/// The inside of `[…]`: there a backslash is itself, and so are regex-lite's own special characters.
fn bracket(inside: &[char], out: &mut String) {
    out.push('[');
    let mut i = 0;
    if inside.first() == Some(&'^') {
        out.push('^');
        i = 1;
    }
    while i < inside.len() {
        if inside[i] == '[' && inside.get(i + 1) == Some(&':') {
            let end = (i + 2..inside.len()).find(|&j| inside[j] == ']').unwrap_or(inside.len() - 1);
            out.extend(&inside[i..=end]);
            i = end + 1;
            continue;
        }
        // A hyphen between two characters is a range, at either end it is itself.
        let range = inside[i] == '-' && i > usize::from(inside[0] == '^') && i + 1 < inside.len();
        match inside[i] {
            '-' if range => out.push('-'),
            c @ ('\\' | '[' | ']' | '&' | '~' | '-' | '^') => out.extend(['\\', c]),
            c => out.push(c),
        }
        i += 1;
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_grammars_mean_what_posix_says() {
        use Grammar::{Basic, Extended, Fixed};
        for (grammar, pattern, text, expected) in [
            (Basic, "a+b", "a+b", true),
            (Basic, "a\\+b", "aab", true),
            (Extended, "a+b", "aab", true),
            (Basic, "(a)", "(a)", true),
            (Basic, r"\(a\|b\)c", "bc", true),
            (Extended, "(a|b)c", "bc", true),
            (Basic, "*a", "*a", true),
            (Basic, "a^b$c", "a^b$c", true),
            (Basic, "^[0-9]*$", "123", true),
            (Basic, r"[\.]", "\\", true),
            (Basic, "[]a]", "]", true),
            (Basic, "[^]]", "]", false),
            (Basic, "[[:digit:]x-]", "-", true),
            (Basic, r"a\{2\}", "aa", true),
            (Extended, "a{2,3}$", "aaa", true),
            (Fixed, "a.b", "axb", false),
            (Extended, r"\<word\>", "a word b", true),
        ] {
            assert_eq!(compile(pattern, grammar, false).expect(pattern).is_match(text), expected, "{pattern} in {text}");
        }
        assert!(compile("ABC", Basic, true).expect("valid").is_match("xabcx"));
        assert_eq!(compile(r"\(a\)\1", Basic, false).err(), Some(BadPattern::NotModelled("back references in a pattern")));
        assert!(matches!(compile("[a", Basic, false), Err(BadPattern::Wrong(_))));
    }
}
