//! Shell patterns (POSIX 2.13): `*`, `?`, `[…]`, and `\` before a character that stands for itself.

/// Whether the whole of `text` matches `pattern`.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    matches_chars(&pattern, &text)
}

/// [`matches`] over characters. Backtracks only to the last `*`, so it takes at most length times length steps.
pub fn matches_chars(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    loop {
        if t == text.len() && pattern[p..].iter().all(|&c| c == '*') {
            return true;
        }
        match step(pattern, p, text.get(t).copied()) {
            Step::Star => {
                star = Some((p + 1, t));
                p += 1;
            }
            Step::Match(next) => {
                p = next;
                t += 1;
            }
            Step::Mismatch => match star {
                Some((after, from)) if from < text.len() => {
                    star = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                _ => return false,
            },
        }
    }
}

enum Step {
    Star,
    Match(usize),
    Mismatch,
}

fn step(pattern: &[char], p: usize, c: Option<char>) -> Step {
    let found = |yes: bool, next: usize| if yes { Step::Match(next) } else { Step::Mismatch };
    match (pattern.get(p), c) {
        (Some('*'), _) => Step::Star,
        (None, _) | (_, None) => Step::Mismatch,
        (Some('?'), Some(_)) => Step::Match(p + 1),
        (Some('['), Some(c)) => match bracket(pattern, p + 1, c) {
            Some((yes, next)) => found(yes, next),
            None => found(c == '[', p + 1), // no closing bracket: a plain character
        },
        (Some('\\'), Some(c)) if p + 1 < pattern.len() => found(pattern[p + 1] == c, p + 2),
        (Some(&literal), Some(c)) => found(literal == c, p + 1),
    }
}

/// A bracket expression from just after its `[`: whether it matches, and where the pattern goes on; `None` if it never ends.
fn bracket(pattern: &[char], mut p: usize, c: char) -> Option<(bool, usize)> {
    let negate = matches!(pattern.get(p)?, '!' | '^');
    p += usize::from(negate);
    let mut yes = false;
    let mut first = true;
    loop {
        let mut low = *pattern.get(p)?;
        if low == ']' && !first {
            return Some((yes != negate, p + 1));
        }
        first = false;
        if low == '[' && pattern.get(p + 1) == Some(&':') {
            let end = (p + 2..pattern.len().saturating_sub(1)).find(|&i| pattern[i] == ':' && pattern[i + 1] == ']');
            if let Some(end) = end {
                yes |= class(&pattern[p + 2..end].iter().collect::<String>(), c);
                p = end + 2;
                continue;
            }
        }
        if low == '\\' {
            p += 1;
            low = *pattern.get(p)?;
        }
        if pattern.get(p + 1) == Some(&'-') && !matches!(pattern.get(p + 2), None | Some(']')) {
            let mut at = p + 2;
            if pattern[at] == '\\' {
                at += 1;
            }
            yes |= low <= c && c <= *pattern.get(at)?;
            p = at + 1;
        } else {
            yes |= low == c;
            p += 1;
        }
    }
}

/// A character class of the POSIX locale.
pub fn class(name: &str, c: char) -> bool {
    match name {
        "alnum" => c.is_ascii_alphanumeric(),
        "alpha" => c.is_ascii_alphabetic(),
        "blank" => c == ' ' || c == '\t',
        "cntrl" => c.is_ascii_control(),
        "digit" => c.is_ascii_digit(),
        "graph" => c.is_ascii_graphic(),
        "lower" => c.is_ascii_lowercase(),
        "print" => c.is_ascii_graphic() || c == ' ',
        "punct" => c.is_ascii_punctuation(),
        "space" => c.is_ascii_whitespace() || c == '\x0b',
        "upper" => c.is_ascii_uppercase(),
        "xdigit" => c.is_ascii_hexdigit(),
        _ => false,
    }
}

/// A pattern that matches exactly this text.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '-' | '!' | '^') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Whether any character of an (escaped) pattern is active.
pub fn is_active(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '*' | '?' => return true,
            '[' if chars.as_str().contains(']') => return true,
            _ => {}
        }
    }
    false
}

/// An (escaped) pattern's text with the escapes taken away.
pub fn unescape(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_posix_says() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("*.tar.*", "x.tar.gz", true),
            ("?", "", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[[:digit:]]*", "7up", true),
            ("[a", "[a", true),
            (r"\*", "*", true),
            (r"\*", "x", false),
            ("a*b*c*d", "aXbXcXcXd", true),
            ("*a", "aaab", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} against {text}");
        }
    }

    #[test]
    fn an_escaped_text_matches_only_itself() {
        let odd = r"a*b?[c]\-!^";
        assert!(matches(&escape(odd), odd));
        assert!(!is_active(&escape(odd)));
        assert_eq!(unescape(&escape(odd)), odd);
    }
}
