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
    split_raw(text, escape).iter().filter_map(read).collect()
}

/// Reads one word: a number or nothing, `<<`, a dash or nothing, the name with or without quotes.
pub(super) fn read(word: &Word) -> Option<Heredoc> {
    let digits = word.text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = word.text.split_at(digits);
    let rest = rest.strip_prefix("<<")?;
    let (chomp, quoted) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
    if quoted.is_empty() || quoted.contains('<') {
        return None;
    }
    let name: String = quoted.chars().filter(|c| !matches!(c, '"' | '\'')).collect();
    let plain = name.len() == quoted.len();
    let paired = [('"', '"'), ('\'', '\'')].iter().any(|(a, b)| quoted.len() > 2 && quoted.starts_with(*a) && quoted.ends_with(*b));
    if name.is_empty() || (!plain && !paired) {
        return None;
    }
    let descriptor = if number.is_empty() { None } else { Some(number.parse().ok()?) };
    Some(Heredoc { name, expand: plain, chomp, descriptor, range: word.range, ..Heredoc::default() })
}

/// Whether a command is a here-document and nothing else: then its content is the script.
pub fn is_alone(text: &str) -> bool {
    let word = Word { text: text.to_owned(), range: (0, text.len()) };
    !text.contains(char::is_whitespace) && read(&word).is_some()
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
        for none in ["RUN <<", "RUN <<<EOF", "RUN a<<EOF", "RUN '<<EOF'", "RUN <<-", "RUN <<'EOF"] {
            assert_eq!(one(none), None, "{none}");
        }
    }

    #[test]
    fn several_on_a_line() {
        let names: Vec<String> = find("COPY <<a <<b /d/", '\\').into_iter().map(|h| h.name).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
