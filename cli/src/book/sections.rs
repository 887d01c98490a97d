//! Sections of a chapter: what stands from one heading to the next, under a name that is the same in every language.

use drydock_core::id::Digest;
use std::collections::BTreeMap;

/// A section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its anchor: what `{#…}` says, or what mdBook makes of the heading.
    pub id: String,
    /// The heading without its marks.
    pub title: String,
    /// The line of the heading, from 1 on.
    pub number: usize,
    /// Everything from the heading on, without comments and without empty lines at the end.
    pub text: String,
    /// Its comments.
    pub comments: Vec<String>,
}

impl Section {
    /// What its text is, in eight digits: another text has others.
    pub fn digest(&self) -> String {
        Digest::of(self.text.as_bytes()).hex().chars().take(8).collect()
    }

    /// The line after the last one of its text, from 1 on.
    pub fn end(&self) -> usize {
        self.number + self.text.lines().count() + self.comments.len()
    }
}

/// Lines of a chapter with whether each is inside a fenced block, or is a fence.
pub fn lines(chapter: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let mut open = 0;
    chapter.lines().enumerate().map(move |(at, line)| {
        let fence = line.len() - line.trim_start_matches('`').len();
        let closes = open > 0 && fence >= open && line.trim_end().len() == fence;
        let opens = open == 0 && fence >= 3;
        let inside = open > 0 || opens;
        match (opens, closes) {
            (true, _) => open = fence,
            (_, true) => open = 0,
            _ => {}
        }
        (at + 1, line, inside)
    })
}

/// The sections of a chapter. What stands before the first heading belongs to none.
pub fn sections(chapter: &str) -> Vec<Section> {
    let mut all: Vec<Section> = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (number, line, inside) in lines(chapter) {
        if let Some(heading) = (!inside).then(|| heading(line)).flatten() {
            let (title, id) = heading;
            let id = id.unwrap_or_else(|| {
                let made = anchor(&title);
                let before = seen.entry(made.clone()).or_default();
                *before += 1;
                if *before == 1 { made } else { format!("{made}-{}", *before - 1) }
            });
            all.push(Section { id, title, number, text: line.to_owned(), comments: Vec::new() });
            continue;
        }
        let Some(section) = all.last_mut() else { continue };
        match line.strip_prefix("<!-- ").and_then(|rest| rest.trim_end().strip_suffix(" -->")) {
            Some(comment) if !inside => section.comments.push(comment.to_owned()),
            _ => {
                section.text.push('\n');
                section.text.push_str(line.trim_end());
            }
        }
    }
    for section in &mut all {
        section.text.truncate(section.text.trim_end().len());
    }
    all
}

/// A heading's words, and the anchor that it names.
fn heading(line: &str) -> Option<(String, Option<String>)> {
    let marks = line.len() - line.trim_start_matches('#').len();
    let words = line.get(marks..)?.strip_prefix(' ')?.trim();
    if !(1..=6).contains(&marks) {
        return None;
    }
    match words.strip_suffix('}').and_then(|rest| rest.rsplit_once(" {#")) {
        Some((words, id)) => Some((plain(words), Some(id.to_owned()))),
        None => Some((plain(words), None)),
    }
}

/// The anchor that mdBook makes of a heading.
fn anchor(title: &str) -> String {
    let kept = title.trim().chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c.to_lowercase().next().unwrap_or(c)),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    });
    kept.collect()
}

/// Words of Markdown without what marks them: code, weight, and where links lead.
pub fn plain(markdown: &str) -> String {
    let mut text = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '`' | '*' | '[' => {}
            ']' if rest.starts_with('(') => rest = rest.split_once(')').map_or("", |(_, after)| after),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAPTER: &str = "<!-- carries S-001 -->\n# What is `it`\n\nOne.\n\n## See\n<!-- en 12345678 -->\n\n```console\n# no heading\n<!-- no comment -->\n```\n\n## See\n\n## 看 {#look}\n二\n\n";

    #[test]
    fn a_chapter_is_cut_at_its_headings() {
        let all = sections(CHAPTER);
        let ids: Vec<&str> = all.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids, ["what-is-it", "see", "see-1", "look"]);
        assert_eq!((all[0].title.as_str(), all[0].text.as_str()), ("What is it", "# What is `it`\n\nOne."));
        assert_eq!((all[1].comments.as_slice(), all[1].number), (["en 12345678".to_owned()].as_slice(), 6));
        assert!(all[1].text.contains("# no heading\n<!-- no comment -->"), "{:?}", all[1]);
        assert_eq!((all[3].title.as_str(), all[3].text.as_str()), ("看", "## 看 {#look}\n二"));
    }

    #[test]
    fn a_digest_changes_with_the_text_and_not_with_comments_or_empty_ends() {
        let digest = |text: &str| sections(text)[0].digest();
        assert_eq!(digest("# A\nx\n"), digest("# A\n<!-- en 1 -->\nx\n\n\n"));
        assert_ne!(digest("# A\nx\n"), digest("# A\ny\n"));
        assert_eq!(digest("# A\n").len(), 8);
    }

    #[test]
    fn words_lose_their_marks() {
        assert_eq!(plain("**a** `b` [c d](e.md#f) g[0] *h*"), "a b c d g0] h");
    }
}
