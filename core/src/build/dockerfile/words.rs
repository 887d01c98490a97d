//! Words of an instruction: split at blanks, quotes and escapes kept for later.

/// A word, and where it stands in the joined text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// As it is written.
    pub text: String,
    /// From which byte to which.
    pub range: (usize, usize),
}

/// Splits at blanks that are not in quotes and not escaped. Nothing is taken off.
pub fn split_raw(text: &str, escape: char) -> Vec<Word> {
    split_at(text, escape, 0)
}

/// As [`split_raw`], for a text that begins at this byte of the joined one.
pub fn split_at(text: &str, escape: char, offset: usize) -> Vec<Word> {
    let mut all = Vec::new();
    let mut start: Option<usize> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.char_indices();
    let mut push = |from: usize, to: usize| {
        all.push(Word { text: text[from..to].to_owned(), range: (offset + from, offset + to) });
    };
    while let Some((at, c)) = chars.next() {
        if c == escape && quote != Some('\'') {
            start.get_or_insert(at);
            chars.next();
            continue;
        }
        match quote {
            Some(q) if q == c => quote = None,
            Some(_) => {}
            None if c.is_whitespace() => {
                if let Some(from) = start.take() {
                    push(from, at);
                }
                continue;
            }
            None if c == '"' || c == '\'' => {
                start.get_or_insert(at);
                quote = Some(c);
            }
            None => drop(start.get_or_insert(at)),
        }
    }
    if let Some(from) = start {
        push(from, text.len());
    }
    all
}

/// Splits at blanks and nothing else.
pub fn split_plain(text: &str, offset: usize) -> Vec<Word> {
    let mut all = Vec::new();
    let mut rest = text;
    let mut at = 0;
    loop {
        let skip = rest.len() - rest.trim_start().len();
        at += skip;
        rest = &rest[skip..];
        if rest.is_empty() {
            return all;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        all.push(Word { text: rest[..end].to_owned(), range: (offset + at, offset + at + end) });
        at += end;
        rest = &rest[end..];
    }
}

/// A JSON list of strings at the beginning of a text, and what comes after it. `None` where there is none: then the text is for
/// the shell.
pub fn json_list(text: &str) -> Option<(Vec<String>, &str)> {
    if !text.starts_with('[') {
        return None;
    }
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Vec<String>>();
    let list = stream.next()?.ok()?;
    Some((list, text.get(stream.byte_offset()..).unwrap_or("").trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: Vec<Word>) -> Vec<String> {
        words.into_iter().map(|w| w.text).collect()
    }

    #[test]
    fn quotes_and_escapes_hold_words_together() {
        assert_eq!(texts(split_raw(r#"a "b c" d\ e 'f\' g"#, '\\')), ["a", "\"b c\"", "d\\ e", "'f\\'", "g"]);
        assert_eq!(texts(split_raw("  ", '\\')), [] as [&str; 0]);
        assert_eq!(split_raw("x  yä z", '\\')[1].range, (3, 6));
    }

    #[test]
    fn a_list_is_json_or_none() {
        assert_eq!(json_list(r#"["a", "b"] # c"#), Some((vec!["a".to_owned(), "b".to_owned()], "# c")));
        assert_eq!(json_list("['a']"), None);
        assert_eq!(json_list(r#"["a", 1]"#), None);
        assert_eq!(json_list("[]"), Some((vec![], "")));
    }
}
