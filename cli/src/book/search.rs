//! What a page's search looks in: every section of a book as plain text, in one script.
//!
//! No index of words: a book is a few hundred kilobytes, which a browser looks through faster than it draws what was found, and text without
//! spaces between words is found like any other. A page that was opened from a disk may load a script and nothing else, so it is one.

use super::sections::{self, plain, sections};
use serde_json::{Value, json};

/// A chapter: its file's name without `.md`, and its text.
pub struct Chapter {
    /// The name.
    pub name: String,
    /// Markdown, with its blocks.
    pub text: String,
}

/// The script, for the book in this language.
pub fn script(language: &str, chapters: &[Chapter]) -> String {
    let all: Vec<Value> = chapters.iter().flat_map(entries).collect();
    let all = Value::Array(all).to_string().replace("</", "<\\/");
    format!("(self.drydockSearch ??= {{}})[{}] = {all};\n", json!(language))
}

/// Page, chapter, heading and text of each section.
fn entries(chapter: &Chapter) -> Vec<Value> {
    let sections = sections(&chapter.text);
    let title = sections.first().map(|section| section.title.clone()).unwrap_or_default();
    let entry = |section: &sections::Section| {
        let text: Vec<String> = sections::lines(&section.text).skip(1).filter_map(|(_, line, inside)| words(line, inside)).collect();
        json!([format!("{}.html#{}", chapter.name, section.id), title, section.title, text.join(" ")])
    };
    sections.iter().map(entry).collect()
}

/// A line's words: of code as they are, but for its fences; of tables without their lines.
fn words(line: &str, inside: bool) -> Option<String> {
    let line = match inside {
        true if line.starts_with("```") => return None,
        true => line.to_owned(),
        false => plain(line.trim_start_matches(['-', ' ']).trim_matches('|')).replace('|', " "),
    };
    let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_rule = words.chars().all(|c| matches!(c, '-' | ' ' | ':'));
    (!is_rule).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_is_in_the_script_as_plain_text() {
        let text = "# 容器 {#c}\n\n一个 `进程`，见[此](a.md)。\n\n| a | b |\n| --- | --- |\n\n## See\n\n```console both\n$ drydock run --rm </x\n```\n- *last*\n";
        let script = script("zh", &[Chapter { name: "a".to_owned(), text: text.to_owned() }]);
        let json =
            script.strip_prefix("(self.drydockSearch ??= {})[\"zh\"] = ").and_then(|rest| rest.strip_suffix(";\n")).expect("a script");
        let all: Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(all[0], json!(["a.html#c", "容器", "容器", "一个 进程，见此。 a b"]));
        assert_eq!(all[1], json!(["a.html#see", "容器", "See", "$ drydock run --rm </x last"]));
        assert!(!json.contains("</"), "{json}");
    }
}
