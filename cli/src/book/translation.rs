//! A chapter in another language: its prose is its own, its blocks are those of the original.
//!
//! In the place of each `console` block stands a line `{{block}}`. Under each heading stands what the section of the original was when it was
//! translated: `<!-- en 1a2b3c4d -->`. A section of the original that has changed since is one to translate anew.

use super::block::{self, Mistake};
use super::sections::{self, Section};
use std::collections::BTreeSet;

/// What stands for a block.
const PLACE: &str = "{{block}}";

/// A translated chapter with the blocks of its original.
///
/// # Errors
/// Where it has more or fewer, or blocks of its own.
pub fn with_blocks(translation: &str, original: &str) -> Result<String, Mistake> {
    let blocks = block::blocks(original)?;
    let mut blocks = blocks.iter().filter_map(|block| original.get(block.at.clone()));
    let mut whole = String::with_capacity(original.len());
    let mut number = 0;
    for (at, line, inside) in sections::lines(translation) {
        number = at;
        if inside && line.strip_prefix("```console").is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')) {
            return Err(Mistake::new(at, format!("blocks stand in the original; here stands {PLACE}")));
        }
        match line == PLACE && !inside {
            true => whole.push_str(blocks.next().ok_or_else(|| Mistake::new(at, "the original has no more blocks"))?),
            false => whole.push_str(line),
        }
        whole.push('\n');
    }
    match blocks.count() {
        0 => Ok(whole),
        more => Err(Mistake::new(number, format!("{more} blocks of the original are missing: a line {PLACE} for each"))),
    }
}

/// Links to chapters that this language has not lead to the original, which is one directory up.
pub fn links(text: &str, has: &BTreeSet<String>) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut parts = text.split("](");
    whole.push_str(parts.next().unwrap_or_default());
    for part in parts {
        whole.push_str("](");
        let target: &str = part.split([')', '#']).next().unwrap_or_default();
        match target.strip_suffix(".md") {
            Some(name) if !target.contains('/') && !has.contains(target) => {
                whole.push_str(&format!("../{name}.html"));
                whole.push_str(part.get(target.len()..).unwrap_or_default());
            }
            _ => whole.push_str(part),
        }
    }
    whole
}

/// What a section needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The original has it, the translation has not.
    Missing,
    /// The original has changed since.
    Changed,
    /// The original has it no more, or elsewhere.
    Gone,
}

/// A section that is not as its original is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// The section of the original; of the translation, where the original has none.
    pub section: Section,
    /// What it needs.
    pub need: Need,
}

/// What is to be translated anew.
pub fn behind(translation: &str, original: &str) -> Vec<Behind> {
    let (of, to) = (sections::sections(original), sections::sections(translation));
    let mut behind: Vec<Behind> = Vec::new();
    for section in &of {
        let need = match to.iter().find(|other| other.id == section.id) {
            None => Some(Need::Missing),
            Some(other) => (mark(other) != Some(section.digest().as_str())).then_some(Need::Changed),
        };
        behind.extend(need.map(|need| Behind { section: section.clone(), need }));
    }
    let gone = to.iter().filter(|other| !of.iter().any(|section| section.id == other.id));
    behind.extend(gone.map(|section| Behind { section: section.clone(), need: Need::Gone }));
    let order = |all: &[Section]| all.iter().map(|s| s.id.clone()).collect::<Vec<_>>();
    if behind.is_empty() && order(&of) != order(&to) {
        behind.extend(to.first().map(|section| Behind { section: section.clone(), need: Need::Gone }));
    }
    behind
}

fn mark(section: &Section) -> Option<&str> {
    section.comments.iter().find_map(|comment| comment.strip_prefix("en "))
}

/// The translation with the mark of its original under every heading: it was read against it, all of it.
pub fn marked(translation: &str, original: &str) -> String {
    let (of, to) = (sections::sections(original), sections::sections(translation));
    let mut whole = String::with_capacity(translation.len());
    for (number, line, inside) in sections::lines(translation) {
        if !inside && line.starts_with("<!-- en ") {
            continue;
        }
        whole.push_str(line);
        whole.push('\n');
        let section = to.iter().find(|section| section.number == number);
        if let Some(section) = section.and_then(|section| of.iter().find(|other| other.id == section.id)) {
            whole.push_str(&format!("<!-- en {} -->\n", section.digest()));
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGINAL: &str = "# T\n\nOne.\n\n```console both\n$ true\n```\n\n## See\n\n```console\n$ false\n[1]\n```\nTwo.\n";

    fn translated() -> String {
        marked("# 题 {#t}\n\n一。\n\n{{block}}\n\n## 看 {#see}\n\n{{block}}\n二。\n", ORIGINAL)
    }

    #[test]
    fn blocks_are_those_of_the_original() {
        let whole = with_blocks(&translated(), ORIGINAL).expect("whole");
        assert!(whole.contains("一。\n\n```console both\n$ true\n```\n\n## 看"), "{whole}");
        assert_eq!(block::blocks(&whole).expect("blocks").len(), 2);
        let wrong = |text: &str| with_blocks(text, ORIGINAL).expect_err("wrong").to_string();
        assert_eq!(wrong("# 题\n{{block}}\n"), "line 2: 1 blocks of the original are missing: a line {{block}} for each");
        assert_eq!(wrong("{{block}}\n{{block}}\n{{block}}\n"), "line 3: the original has no more blocks");
        assert!(wrong("```console\n$ true\n```\n").starts_with("line 1: blocks stand in the original"));
    }

    #[test]
    fn what_changed_since_is_behind() {
        assert_eq!(behind(&translated(), ORIGINAL), []);
        let needs = |translation: &str, original: &str| {
            behind(translation, original).iter().map(|b| (b.section.id.clone(), b.need)).collect::<Vec<_>>()
        };
        let is = |id: &str, need| vec![(id.to_owned(), need)];
        assert_eq!(needs(&translated(), &ORIGINAL.replace("Two", "Three")), is("see", Need::Changed));
        assert_eq!(needs(&translated(), &ORIGINAL.replace("$ true", "$ echo")), is("t", Need::Changed));
        assert_eq!(needs(&translated(), &format!("{ORIGINAL}\n## More\n")), is("more", Need::Missing));
        assert_eq!(needs(&format!("{}\n## 多 {{#more}}\n", translated()), ORIGINAL), is("more", Need::Gone));
        assert_eq!(needs("# 题 {#t}\n", "# T\n"), is("t", Need::Changed));
        let turned = marked("## 看 {#see}\n# 题 {#t}\n", ORIGINAL);
        assert_eq!(needs(&turned, ORIGINAL).len(), 1);
        assert_eq!(marked(&translated(), ORIGINAL), translated());
    }

    #[test]
    fn links_to_what_is_not_translated_lead_to_the_original() {
        let has = BTreeSet::from(["a.md".to_owned()]);
        let text = "[甲](a.md#x) [乙](b.md#y)（[丙](https://c.example/d.md)）[丁](b.md)";
        assert_eq!(links(text, &has), "[甲](a.md#x) [乙](../b.html#y)（[丙](https://c.example/d.md)）[丁](../b.html)");
    }
}
