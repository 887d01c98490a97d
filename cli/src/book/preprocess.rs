//! mdBook's exchange with a preprocessor: context and book as JSON, and the book back.

use super::block::{self, Mistake};
use super::files::Files;
use super::{chapter, render, translation};
use crate::words::Language;
use crate::world::page::Session;
use serde_json::Value;
use std::collections::BTreeSet;

/// What draws the state of a world that a block left, in HTML.
pub type Draw<'a> = &'a mut dyn FnMut(&Session, &chapter::Ran) -> drydock_core::Result<Option<String>>;

/// What the chapters of a book are held beside, and made from.
pub struct Beside<'a> {
    /// The language of the book.
    pub language: Language,
    /// Files of the book that commands name.
    pub examples: &'a Files,
    /// The chapters of the original, by the names of their files, where the book is a translation.
    pub originals: &'a Files,
    /// The chapters that there are in the other language.
    pub other: &'a BTreeSet<String>,
}

/// Puts what live blocks do into every chapter of a book, as mdBook hands it over: `[context, book]`. Answers the book.
///
/// # Errors
/// All that is wrong, a line each with its chapter: what mdBook says when it fails.
pub fn preprocess(input: &str, beside: &Beside<'_>, draw: Draw<'_>) -> Result<String, Vec<String>> {
    let wrong = |what: String| vec![what];
    let input: Value = serde_json::from_str(input).map_err(|e| wrong(format!("this is not what mdBook gives a preprocessor: {e}")))?;
    let mut book = match input {
        Value::Array(mut parts) if parts.len() == 2 => parts.pop().unwrap_or_default(),
        _ => return Err(wrong("this is not what mdBook gives a preprocessor: it is no pair of context and book".to_owned())),
    };
    let mut mistakes = Vec::new();
    // `sections` is what versions before 0.5 call it.
    match book.get_mut("items").and_then(Value::as_array_mut) {
        Some(items) => {
            let mut has = BTreeSet::new();
            names(items, &mut has);
            all(items, &has, beside, draw, &mut mistakes);
        }
        None => return Err(wrong("the book has no items: mdBook 0.5.3 or later is needed".to_owned())),
    }
    if mistakes.is_empty() { Ok(book.to_string()) } else { Err(mistakes) }
}

/// The files of a book's chapters.
fn names(items: &[Value], has: &mut BTreeSet<String>) {
    for chapter in items.iter().filter_map(|item| item.get("Chapter")) {
        has.extend(chapter.get("source_path").and_then(Value::as_str).map(str::to_owned));
        names(chapter.get("sub_items").and_then(Value::as_array).map_or(&[], Vec::as_slice), has);
    }
}

fn all(items: &mut [Value], has: &BTreeSet<String>, beside: &Beside<'_>, draw: Draw<'_>, mistakes: &mut Vec<String>) {
    for item in items {
        let Some(chapter) = item.get_mut("Chapter") else { continue };
        let path = chapter.get("source_path").and_then(Value::as_str).unwrap_or_default().to_owned();
        let page = path.trim_end_matches(".md").replace('/', "-");
        if let Some(text) = chapter.get("content").and_then(Value::as_str) {
            let whole = match beside.originals.get(&path) {
                Some(original) => translation::with_blocks(text, original).map_err(|mistake| vec![mistake]),
                None => Ok(text.to_owned()),
            };
            match whole.and_then(|text| one(&text, &page, beside, draw)) {
                Ok(text) => {
                    let text = if beside.language == Language::English { text } else { translation::links(&text, has) };
                    chapter["content"] =
                        Value::String(format!("{}\n\n{text}", render::head(&path, beside.language, beside.other.contains(&path))));
                }
                Err(wrong) => mistakes.extend(wrong.iter().map(|mistake| format!("{path}: {mistake}"))),
            }
        }
        if let Some(below) = chapter.get_mut("sub_items").and_then(Value::as_array_mut) {
            all(below, has, beside, draw, mistakes);
        }
    }
}

/// A chapter with its live blocks as what they are in a page. What is wrong has the line of this text, which other preprocessors may have
/// changed.
///
/// # Errors
/// Every line that is not as it says.
pub fn one(text: &str, page: &str, beside: &Beside<'_>, draw: Draw<'_>) -> Result<String, Vec<Mistake>> {
    let blocks = block::blocks(text).map_err(|mistake| vec![mistake])?;
    let mut drawings = Vec::new();
    let ran = chapter::run(&blocks, beside.examples, &mut |session, ran| {
        drawings.push(draw(session, ran)?);
        Ok(())
    });
    let ran = ran.map_err(|error| vec![Mistake::new(1, error.to_string())])?;
    if !ran.mistakes.is_empty() {
        return Err(ran.mistakes);
    }
    let (mut done, mut from) = (String::with_capacity(text.len() * 2), 0);
    for (block, drawing) in ran.blocks.iter().zip(&drawings) {
        let Some(at) = blocks.get(block.number).map(|block| block.at.clone()) else { continue };
        done.push_str(text.get(from..at.start).unwrap_or_default());
        // HTML begins after an empty line and ends at one.
        done.push('\n');
        done.push_str(&render::html(page, &ran, block, drawing.as_deref(), beside.language));
        done.push('\n');
        from = at.end;
    }
    done.push_str(text.get(from..).unwrap_or_default());
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    static NONE: Files = Files::new();
    static OTHER: BTreeSet<String> = BTreeSet::new();

    fn english() -> Beside<'static> {
        Beside { language: Language::English, examples: &NONE, originals: &NONE, other: &OTHER }
    }

    #[test]
    fn a_translation_has_the_blocks_of_its_original_words_for_the_script_and_a_way_to_it() {
        let originals = Files::from([("a.md".to_owned(), "# T\n\n```console\n$ echo hello\n```\n".to_owned())]);
        let other = BTreeSet::from(["a.md".to_owned()]);
        let beside = Beside { language: Language::Chinese, examples: &NONE, originals: &originals, other: &other };
        let chapter =
            json!({"Chapter": {"name": "A", "content": "# 题 {#t}\n[乙](b.md)\n\n{{block}}\n", "sub_items": [], "source_path": "a.md"}});
        let whole = json!([{}, {"items": [chapter]}]).to_string();
        let done = preprocess(&whole, &beside, &mut |_, _| Ok(None)).expect("done");
        let done: Value = serde_json::from_str(&done).expect("JSON");
        let text = done["items"][0]["Chapter"]["content"].as_str().expect("text");
        assert!(text.contains("<kbd>echo hello</kbd>") && text.contains("[乙](../b.html)"), "{text}");
        assert!(text.contains("href=\"../a.html\"") && text.contains("class=\"drydock-words\""), "{text}");
        let wrong = whole.replace("{{block}}", "");
        assert!(
            preprocess(&wrong, &beside, &mut |_, _| Ok(None)).is_err_and(|wrong| wrong[0].contains("1 blocks of the original are missing"))
        );
    }

    fn book(content: &str) -> String {
        let chapter =
            |content: &str, sub: Value| json!({"Chapter": {"name": "A", "content": content, "sub_items": sub, "source_path": "a.md"}});
        let inner = chapter(content, json!([]));
        json!([{"renderer": "html"}, {"items": ["Separator", {"PartTitle": "P"}, chapter("# no blocks\n", json!([inner]))]}]).to_string()
    }

    #[test]
    fn blocks_of_every_chapter_become_what_they_do() {
        let done =
            preprocess(&book("# T\n\n```console\n$ echo hello\nhello\n```\n\nafter\n"), &english(), &mut |_, _| Ok(None)).expect("done");
        let done: Value = serde_json::from_str(&done).expect("JSON");
        assert_eq!(done["items"][0], "Separator");
        let outer = &done["items"][2]["Chapter"];
        assert_eq!(outer["content"], "\n\n# no blocks\n");
        let text = outer["sub_items"][0]["Chapter"]["content"].as_str().expect("text");
        assert!(text.trim_start().starts_with("# T\n\n\n<section class=\"drydock-block\" data-block=\"a-1\">"), "{text}");
        assert!(text.ends_with("</section>\n\n\nafter\n"), "{text}");
        assert!(text.contains("<kbd>echo hello</kbd>&#10;hello&#10;</pre>"), "{text}");
    }

    #[test]
    fn what_is_wrong_is_all_said() {
        let wrong = preprocess(&book("```console\n$ echo a\nb\n$ false\n= containers 3\n```\n"), &english(), &mut |_, _| Ok(None));
        let wrong = wrong.expect_err("wrong");
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong.iter().zip([2, 4, 5]).all(|(wrong, line)| wrong.starts_with(&format!("a.md: line {line}: "))), "{wrong:?}");
    }

    #[test]
    fn what_is_no_book_is_said() {
        for input in ["", "{}", "[1]", "[{}, {}]"] {
            assert!(preprocess(input, &english(), &mut |_, _| Ok(None)).is_err(), "{input}");
        }
    }
}
