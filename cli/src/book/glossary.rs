//! The glossary: one table, in which a term has one translation, and the book is held to it.
//!
//! It is a chapter of the translation, for readers too: rows `| English | 中文 | not |`, where the last cell has what is not to be said
//! instead. Several words of a cell are separated by `、`.

use super::block::Mistake;
use super::sections;

/// A term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// In the original; another form of it after another `、`.
    pub english: Vec<String>,
    /// In the translation.
    pub said: Vec<String>,
    /// What is not said for it.
    pub not: Vec<String>,
}

/// The terms of a table.
pub fn terms(chapter: &str) -> Vec<Term> {
    let words = |cell: &str| cell.split('、').map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect::<Vec<_>>();
    let rows = chapter.lines().filter_map(|line| line.trim().strip_prefix('|')?.strip_suffix('|'));
    let rows = rows.filter(|row| !row.contains("---")).skip(1).filter_map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        let (english, said, not) = (cells.first()?, cells.get(1)?, cells.get(2)?);
        Some(Term { english: words(english), said: words(said), not: words(not) })
    });
    rows.filter(|term| !term.english.is_empty() && !term.said.is_empty()).collect()
}

/// Where a translation says something else than the table: a word that is not to be said, or none of those that are in a section whose
/// original has the term.
pub fn mistakes(terms: &[Term], translation: &str, original: &str) -> Vec<Mistake> {
    let mut all = Vec::new();
    for (number, line, inside) in sections::lines(translation) {
        for term in terms.iter().filter(|_| !inside) {
            let wrong = term.not.iter().find(|not| line.contains(not.as_str()));
            let said = term.said.first().map(String::as_str).unwrap_or_default();
            all.extend(wrong.map(|wrong| Mistake::new(number, format!("{wrong}: the glossary says {said}"))));
        }
    }
    let of = sections::sections(original);
    for section in sections::sections(translation) {
        let Some(original) = of.iter().find(|other| other.id == section.id) else { continue };
        let prose = prose(&original.text);
        for term in terms {
            let asked = term.english.iter().find(|word| has(&prose, word));
            let said = term.said.iter().any(|said| section.text.contains(said.as_str()));
            if let (Some(asked), false) = (asked, said) {
                let said = term.said.join("、");
                all.push(Mistake::new(section.number, format!("the original has '{asked}', the section has no {said}")));
            }
        }
    }
    all.sort_by_key(|mistake| mistake.number);
    all
}

/// What is prose: no code, and no names of what a shell or a page reads.
fn prose(text: &str) -> String {
    let mut prose = String::new();
    for (_, line, _) in sections::lines(text).filter(|(.., inside)| !inside) {
        let mut code = false;
        for part in line.split('`') {
            if !code {
                prose.push_str(&sections::plain(part).to_lowercase());
            }
            code = !code;
        }
        prose.push('\n');
    }
    prose
}

/// Whether a word stands there, also as more than one of it.
fn has(prose: &str, word: &str) -> bool {
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '_');
    prose.match_indices(word).any(|(at, _)| {
        let before = prose.get(..at).and_then(|text| text.chars().next_back());
        let rest = prose.get(at + word.len()..).unwrap_or_default();
        let rest = rest.strip_prefix("es").or_else(|| rest.strip_prefix('s')).filter(|rest| !letter(rest.chars().next())).unwrap_or(rest);
        !letter(before) && !letter(rest.chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# 术语\n\n| English | 中文 | 不说 |\n| --- | --- | --- |\n| namespace | 命名空间 | 名字空间、名称空间 |\n| image | 镜像 | |\n| daemon、background process | 守护进程 | |\n";

    #[test]
    fn the_table_is_read() {
        let terms = terms(TABLE);
        assert_eq!(terms.len(), 3);
        assert_eq!((terms[0].not.len(), terms[1].not.len(), terms[2].english.len()), (2, 0, 2));
    }

    #[test]
    fn other_words_are_found() {
        let terms = terms(TABLE);
        let said = |zh: &str, en: &str| mistakes(&terms, zh, en).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(said("# 甲 {#a}\n命名空间和镜像\n", "# A\nNamespaces, and an image.\n"), [""; 0]);
        assert_eq!(said("# 甲 {#a}\n名字空间\n", "# A\n"), ["line 2: 名字空间: the glossary says 命名空间"]);
        assert_eq!(said("# 甲 {#a}\n影像\n", "# A\nAn image.\n"), ["line 1: the original has 'image', the section has no 镜像"]);
        assert_eq!(said("# 甲 {#a}\n无\n", "# A\n`image` imagery re-image\n```text\nimage\n```\n"), [""; 0]);
        assert_eq!(said("# 甲 {#a}\n无\n", "# A\nBackground processes.\n").len(), 1);
    }
}
