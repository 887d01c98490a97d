//! The book in its languages: the original in `src`, its translation beside it in `zh`, under the same names.

use super::wrong;
use drydock::book::block::Mistake;
use drydock::book::files::Files;
use drydock::book::search::{self, Chapter};
use drydock::book::{glossary, translation, typography};
use drydock::words::Language;
use drydock_core::{Error, Result};
use std::collections::BTreeSet;
use std::path::Path;

/// Where chapters of the original are, below the book.
pub(super) const ORIGINAL: &str = "src";
/// Where the translation is: below the book, and below the built book.
pub(super) const TRANSLATION: &str = "zh";
/// The chapter with the table of terms.
const GLOSSARY: &str = "glossary.md";
/// The table of contents.
const SUMMARY: &str = "SUMMARY.md";

/// The Markdown files of a directory, by name; none where it is not there.
pub(super) fn chapters(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    for entry in std::fs::read_dir(folder).map_err(|e| wrong("list", folder, e))? {
        let path = entry.map_err(|e| wrong("list", folder, e))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".md") && name != SUMMARY {
            files.insert(name, std::fs::read_to_string(&path).map_err(|e| wrong("read", &path, e))?);
        }
    }
    Ok(files)
}

/// For a book in this language: the chapters of the original, if it is none itself, and the names of those in the other language.
pub(super) fn beside(book: &Path, language: Language) -> Result<(Files, BTreeSet<String>)> {
    let original = chapters(&book.join(ORIGINAL))?;
    let translated = chapters(&book.join(TRANSLATION))?.into_keys().collect();
    Ok(match language {
        Language::English => (Files::new(), translated),
        Language::Chinese => {
            let names = original.keys().cloned().collect();
            (original, names)
        }
    })
}

/// What is not as it should be in the translation, by chapter: what its original changed since, how it is set, and its words.
pub(super) fn mistakes(book: &Path) -> Result<Vec<(String, Vec<Mistake>)>> {
    let (original, translated) = (chapters(&book.join(ORIGINAL))?, chapters(&book.join(TRANSLATION))?);
    let terms = translated.get(GLOSSARY).map(|table| glossary::terms(table)).unwrap_or_default();
    let mut all = Vec::new();
    for (name, text) in &translated {
        let mut mistakes = typography::mistakes(text);
        if let Some(original) = original.get(name) {
            mistakes.extend(glossary::mistakes(&terms, text, original));
            mistakes.extend(translation::with_blocks(text, original).err());
            let behind = translation::behind(text, original);
            mistakes.extend(behind.iter().map(|behind| {
                let what = format!("{:?}: the section '{}' of the original; see drydock book sync", behind.need, behind.section.title);
                Mistake::new(behind.section.number, what)
            }));
        } else if name != GLOSSARY {
            mistakes.push(Mistake::new(1, "there is no chapter of that name in the original"));
        }
        all.push((name.clone(), mistakes));
    }
    Ok(all)
}

/// A book's settings for its translation: the same but for what is named here.
pub(super) fn settings(original: &str) -> Result<String> {
    let mut changed = original.to_owned();
    for (key, from, to) in [("language", "en", "zh-CN"), ("src", ORIGINAL, TRANSLATION)] {
        let (from, to) = (format!("\n{key} = \"{from}\"\n"), format!("\n{key} = \"{to}\"\n"));
        if !changed.contains(&from) {
            return Err(Error::invalid(format!("book.toml has no line {}", from.trim())));
        }
        changed = changed.replace(&from, &to);
    }
    Ok(changed)
}

/// What the search of a language's pages looks in.
pub(super) fn index(book: &Path, language: Language) -> Result<String> {
    let original = chapters(&book.join(ORIGINAL))?;
    let folder = match language {
        Language::English => book.join(ORIGINAL),
        Language::Chinese => book.join(TRANSLATION),
    };
    let texts = chapters(&folder)?;
    let summary = folder.join(SUMMARY);
    let summary = std::fs::read_to_string(&summary).map_err(|e| wrong("read", &summary, e))?;
    let mut all = Vec::new();
    for name in summary.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let Some(text) = texts.get(name) else { continue };
        let text = match original.get(name) {
            Some(original) if language != Language::English => {
                translation::with_blocks(text, original).map_err(|mistake| Error::invalid(format!("{name}: {mistake}")))?
            }
            _ => text.clone(),
        };
        all.push(Chapter { name: name.trim_end_matches(".md").to_owned(), text });
    }
    Ok(search::script(language.tag(), &all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_change_where_they_must_and_nowhere_else() {
        let toml = "[book]\ntitle = \"D\"\nlanguage = \"en\"\nsrc = \"src\"\n\n[output.html]\n";
        assert_eq!(settings(toml).expect("settings"), "[book]\ntitle = \"D\"\nlanguage = \"zh-CN\"\nsrc = \"zh\"\n\n[output.html]\n");
        assert!(settings("[book]\nsrc = \"src\"\n").is_err());
    }
}
