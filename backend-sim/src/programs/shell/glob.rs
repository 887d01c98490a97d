//! Field splitting (POSIX 2.6.5) and pathname expansion (2.6.6).

use super::expand::{Kind, Segment};
use super::pattern;
use crate::sys::Sys;

/// A field: its text, and the same as a pattern in which what was quoted is escaped.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    /// The text.
    pub text: String,
    /// The pattern.
    pub pattern: String,
}

/// Splits expanded text into fields.
pub(super) fn split(segments: &[Segment], ifs: &str) -> Vec<Field> {
    let mut splitter = Splitter { fields: Vec::new(), open: None, after_blank: false };
    for segment in segments {
        match segment {
            Segment::Break => splitter.end(),
            Segment::Text(text, Kind::Quoted) => splitter.add(text, &pattern::escape(text)),
            Segment::Text(text, Kind::Literal) => splitter.add(text, text),
            Segment::Text(text, Kind::Expanded) => {
                for c in text.chars() {
                    splitter.character(c, ifs);
                }
            }
        }
    }
    splitter.end();
    splitter.fields
}

struct Splitter {
    fields: Vec<Field>,
    open: Option<Field>,
    // A field has just been ended by white space: one other separator may follow without an empty field between.
    after_blank: bool,
}

impl Splitter {
    fn add(&mut self, text: &str, pattern: &str) {
        let field = self.open.get_or_insert_default();
        field.text.push_str(text);
        field.pattern.push_str(pattern);
        self.after_blank = false;
    }

    fn end(&mut self) {
        self.fields.extend(self.open.take());
    }

    fn character(&mut self, c: char, ifs: &str) {
        let mut buffer = [0; 4];
        if !ifs.contains(c) {
            let text = c.encode_utf8(&mut buffer);
            if text == "\\" { self.add(text, r"\\") } else { self.add(text, text) }
        } else if c.is_ascii_whitespace() {
            self.after_blank |= self.open.is_some();
            self.end();
        } else {
            if self.open.is_none() && !self.after_blank {
                self.open = Some(Field::default());
            }
            self.end();
            self.after_blank = false;
        }
    }
}

/// Paths that match a pattern, sorted; none if there is none.
pub(super) fn paths(sys: &Sys, pattern: &str) -> Vec<String> {
    let (start, rest) = match pattern.strip_prefix('/') {
        Some(rest) => ("/".to_owned(), rest.trim_start_matches('/')),
        None => (String::new(), pattern),
    };
    let mut found = vec![start];
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len();
        found = found.iter().flat_map(|base| step(sys, base, part, last)).collect();
    }
    if rest.ends_with('/') {
        found.iter_mut().for_each(|path| path.push('/'));
    }
    found
}

fn step(sys: &Sys, base: &str, part: &str, last: bool) -> Vec<String> {
    let join = |name: &str| if base.is_empty() || base.ends_with('/') { format!("{base}{name}") } else { format!("{base}/{name}") };
    if !pattern::is_active(part) {
        let path = join(&pattern::unescape(part));
        return if sys.lstat(&path).is_ok() { vec![path] } else { Vec::new() };
    }
    let directory = if base.is_empty() { "." } else { base };
    let Ok(mut entries) = sys.readdir(directory) else { return Vec::new() };
    entries.sort();
    let mut names: Vec<String> = entries.into_iter().map(|entry| entry.name).collect();
    if part.starts_with('.') {
        names.splice(0..0, [".".to_owned(), "..".to_owned()]);
    }
    let hidden = part.starts_with('.');
    names.retain(|name| name.starts_with('.') == hidden && pattern::matches(part, name));
    let is_directory = |path: &String| sys.stat(path).is_ok_and(|stat| stat.kind == crate::sys::FileType::Directory);
    names.iter().map(|name| join(name)).filter(|path| last || is_directory(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str, ifs: &str) -> Vec<String> {
        split(&[Segment::Text(text.to_owned(), Kind::Expanded)], ifs).into_iter().map(|f| f.text).collect()
    }

    #[test]
    fn white_space_separates_once_and_others_each_time() {
        assert_eq!(fields("  a  b ", " \t\n"), ["a", "b"]);
        assert_eq!(fields("a::b:", ":"), ["a", "", "b"]);
        assert_eq!(fields("a : b", " :"), ["a", "b"]);
        assert_eq!(fields(":a", ":"), ["", "a"]);
        assert_eq!(fields("a b", ""), ["a b"]);
        assert_eq!(fields("", " "), Vec::<String>::new());
    }

    #[test]
    fn quoted_text_joins_its_neighbours_and_is_not_split() {
        let segments = [
            Segment::Text("a b".to_owned(), Kind::Expanded),
            Segment::Text(" *".to_owned(), Kind::Quoted),
            Segment::Text("*".to_owned(), Kind::Literal),
        ];
        let split = split(&segments, " ");
        assert_eq!(split[1], Field { text: "b **".to_owned(), pattern: r"b \**".to_owned() });
    }
}
