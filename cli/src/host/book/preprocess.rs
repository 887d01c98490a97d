//! `drydock book preprocess`: mdBook's preprocessor, on standard input and output.

use super::languages;
use super::{examples, written, wrong};
use drydock::book::preprocess::{Beside, preprocess};
use drydock::words::Language;
use drydock_core::{Error, Result};
use std::io::{Read as _, Write as _};
use std::path::Path;

#[derive(clap::Args)]
pub(super) struct Preprocess {
    /// `supports RENDERER`, or nothing
    words: Vec<String>,
}

impl Preprocess {
    pub(super) fn run(self) -> Result<i32> {
        if let Some(("supports", renderer)) = self.words.first().map(String::as_str).zip(self.words.get(1)) {
            return Ok(i32::from(renderer != "html"));
        }
        let mut input = String::new();
        std::io::stdin().read_to_string(&mut input).map_err(|e| wrong("read", Path::new("standard input"), e))?;
        let mut context: serde_json::Value =
            serde_json::from_str(&input).map_err(|e| Error::invalid(format!("this is not from mdBook: {e}")))?;
        let root = context.pointer("/0/root").and_then(serde_json::Value::as_str).unwrap_or(".").to_owned();
        let tag = context.pointer("/0/config/book/language").and_then(serde_json::Value::as_str).unwrap_or("en");
        let language = Language::of(tag).ok_or_else(|| Error::unsupported(format!("there are no words in {}", tag.escape_debug())))?;
        let root = Path::new(&root);
        let (originals, other) = languages::beside(root, language)?;
        // What chapters say of the contract is put in first: blocks are found in what they are then.
        contract(&mut context);
        let input = context.to_string();
        let beside = Beside { language, examples: &examples(root)?, originals: &originals, other: &other };
        match preprocess(&input, &beside, &mut |session, _| session.draw_in(language).map(|drawing| Some(drawing.html))) {
            Ok(book) => {
                std::io::stdout().lock().write_all(book.as_bytes()).map_err(written)?;
                Ok(0)
            }
            Err(mistakes) => {
                for mistake in &mistakes {
                    eprintln!("{mistake}");
                }
                eprintln!("drydock: {} not as written", counted(mistakes.len()));
                Ok(1)
            }
        }
    }
}

/// Puts the contract into every chapter that has a mark for it.
fn contract(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(map) => {
            if let Some(serde_json::Value::String(content)) = map.get_mut("content") {
                *content = super::contract::put(content);
            }
            map.values_mut().for_each(contract);
        }
        serde_json::Value::Array(all) => all.iter_mut().for_each(contract),
        _ => {}
    }
}

/// `1 line is`, `2 lines are`.
pub(super) fn counted(number: usize) -> String {
    if number == 1 { "1 line is".to_owned() } else { format!("{number} lines are") }
}
