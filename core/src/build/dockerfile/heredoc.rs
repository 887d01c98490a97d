//! Here-documents: `RUN <<EOF`, `COPY <<-"EOF" /file`.

use super::source::Span;
use super::words::{Word, split_raw};

/// One here-document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it.
    pub name: String,
    /// Its lines, each with its end.
    pub content: String,
    /// Variables in it mean something: its name was written without quotes.
    pub expand: bool,
    /// Tabs at the beginning of its lines are taken off (`<<-`).
    pub chomp: bool,
    /// Which descriptor it is for, if that was written.
    pub descriptor: Option<u32>,
    /// Where `<<NAME` stands.
    pub span: Span,
    /// `<<NAME` in the joined text.
    pub range: (usize, usize),
    /// The lines it takes, its end included.
    pub lines: (u32, u32),
}

/// Whether an instruction's text may have here-documents: RUN, COPY and ADD do, and ONBUILD before these.
pub(super) fn may_have(text: &str) -> bool {
    if !text.contains("<<") {
        return false;
    }
    let mut words = text.split_ascii_whitespace();
    let takes = |word: Option<&str>| word.is_some_and(|w| ["RUN", "COPY", "ADD"].iter().any(|k| w.eq_ignore_ascii_case(k)));
    let first = words.next();
    if first.is_some_and(|w| w.eq_ignore_ascii_case("ONBUILD")) { takes(words.next()) } else { takes(first) }
}

/// The here-documents that a text begins, without their content.
pub(super) fn find(text: &str, escape: char) -> Vec<Heredoc> {
    let mut words = split_raw(text, escape).into_iter().peekable();
    let mut all = Vec::new();
    while let Some(mut word) = words.next() {
        // As in a shell, blanks may stand before the name: `<< EOF`.
        if opens(&word.text)
            && let Some(name) = words.next_if(|next| !next.text.starts_with('<'))
        {
            word = Word { text: text[word.range.0..name.range.1].to_owned(), range: (word.range.0, name.range.1) };
        }
        all.extend(read(&word));
    }
    all
}

/// Whether a word is the beginning of a here-document whose name has to follow.
fn opens(word: &str) -> bool {
    matches!(word.trim_start_matches(|c: char| c.is_ascii_digit()), "<<" | "<<-")
}

/// Reads a number or nothing, `<<`, a dash or nothing, the name with or without quotes.
fn read(word: &Word) -> Option<Heredoc> {
    let digits = word.text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = word.text.split_at(digits);
    let rest = rest.strip_prefix("<<")?;
    let (chomp, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
    let quoted = rest.trim_start();
    if quoted.is_empty() || quoted.contains('<') {
        return None;
    }
    let (name, expand) = unquote(quoted)?;
    if name.is_empty() {
        return None;
    }
    let descriptor = if number.is_empty() { None } else { Some(number.parse().ok()?) };
    Some(Heredoc { name, expand, chomp, descriptor, range: word.range, ..Heredoc::default() })
}

/// A name without its quotes and escapes, wherever in it they are, and whether there were no quotes. `None` where one does not end.
fn unquote(text: &str) -> Option<(String, bool)> {
    let mut name = String::new();
    let mut quote = None;
    let mut plain = true;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('"' | '\'', None) => (quote, plain) = (Some(c), false),
            (c, Some(q)) if c == q => quote = None,
            ('\\', None) => name.push(chars.next()?),
            (c, None) if c.is_whitespace() => return None,
            (c, _) => name.push(c),
        }
    }
    quote.is_none().then_some((name, plain))
}

/// Whether a command is a here-document and nothing else: then its content is the script.
pub fn is_alone(text: &str) -> bool {
    read(&Word { text: text.to_owned(), range: (0, text.len()) }).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Option<(String, bool, bool, Option<u32>)> {
        let found = find(text, '\\');
        assert!(found.len() < 2, "{found:?}");
        found.into_iter().next().map(|h| (h.name, h.expand, h.chomp, h.descriptor))
    }

    #[test]
    fn words_that_begin_one() {
        assert_eq!(one("RUN <<EOF"), Some(("EOF".to_owned(), true, false, None)));
        assert_eq!(one("RUN <<-EOF"), Some(("EOF".to_owned(), true, true, None)));
        assert_eq!(one("RUN <<'EOF'"), Some(("EOF".to_owned(), false, false, None)));
        assert_eq!(one("RUN 3<<\"E O\""), Some(("E O".to_owned(), false, false, Some(3))));
        // Blanks before the name; quotes around a part of it; an escaped quote, which is none; a dash that is of the name.
        assert_eq!(one("RUN << EOF"), Some(("EOF".to_owned(), true, false, None)));
        assert_eq!(one("RUN <<-  'EOF' >f"), Some(("EOF".to_owned(), false, true, None)));
        assert_eq!(one("RUN << -EOF"), Some(("-EOF".to_owned(), true, false, None)));
        assert_eq!(one("RUN <<eo'f'"), Some(("eof".to_owned(), false, false, None)));
        assert_eq!(one("RUN <<eo\\'f"), Some(("eo'f".to_owned(), true, false, None)));
        assert_eq!(one("RUN <<'e'o\\'f"), Some(("eo'f".to_owned(), false, false, None)));
        assert_eq!(one("RUN <<$EOF"), Some(("$EOF".to_owned(), true, false, None)));
        assert!(is_alone("<<EOF") && is_alone("<< EOF") && is_alone("<<'E O'"));
        assert!(!is_alone("<<EOF cat") && !is_alone("cat <<EOF"));
        for none in [
            "RUN <<",
            "RUN <<<EOF",
            "RUN << <EOF",
            "RUN a<<EOF",
            "RUN '<<EOF'",
            "RUN <<-",
            "RUN <<'EOF",
            "RUN <<EOF'",
            "RUN <<''",
            "RUN [\"<<EOF\"]",
        ] {
            assert_eq!(one(none), None, "{none}");
        }
    }

    #[test]
    fn several_on_a_line() {
        let names: Vec<String> = find("COPY <<a <<b /d/", '\\').into_iter().map(|h| h.name).collect();
        assert_eq!(names, ["a", "b"]);
        let names: Vec<String> = find("RUN cat << a <<-b 3<< 'c'", '\\').into_iter().map(|h| h.name).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}
