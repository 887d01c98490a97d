//! The page's and the drawing's own words in other languages than English: one catalogue, `zh.json`, whose keys are the English words.
//!
//! A key can have places: `{}` stands for anything, `{*}` for something that has a translation itself. Its translation names them by
//! number, `{1}`, `{2}`. What programs print is nobody's word here, and stays as it is.

use serde_json::{Map, Value};
use std::sync::LazyLock;

/// A language of the book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// The original.
    #[default]
    English,
    /// Chinese in simplified characters.
    Chinese,
}

/// A catalogue: words of the page's script, and of the drawing.
struct Catalogue {
    page: Map<String, Value>,
    /// Those without places are found at once; the others are tried, the most particular first.
    drawing: Map<String, Value>,
    patterns: Vec<(Vec<String>, Vec<bool>, String)>,
}

static CHINESE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(include_str!("zh.json")));

impl Catalogue {
    fn read(text: &str) -> Self {
        let mut parts: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
        let mut part = |name: &str| match parts.remove(name) {
            Some(Value::Object(words)) => words,
            _ => Map::new(),
        };
        let (page, drawing) = (part("page"), part("drawing"));
        let with_places = drawing.iter().filter(|(key, _)| key.contains("{}") || key.contains("{*}"));
        let mut patterns: Vec<_> = with_places
            .map(|(key, said)| {
                let (literals, again) = places(key);
                (literals, again, said.as_str().unwrap_or(key).to_owned())
            })
            .collect();
        patterns.sort_by_key(|(literals, ..)| std::cmp::Reverse(literals.iter().map(String::len).sum::<usize>()));
        Self { page, drawing, patterns }
    }

    fn say(&self, words: &str) -> String {
        if let Some(said) = self.drawing.get(words).and_then(Value::as_str) {
            return said.to_owned();
        }
        for (literals, again, said) in &self.patterns {
            if let Some(found) = matched(literals, words) {
                let mut said = said.clone();
                for (at, (text, again)) in found.iter().zip(again).enumerate() {
                    let text = if *again { self.say(text) } else { (*text).to_owned() };
                    said = said.replace(&format!("{{{}}}", at + 1), &text);
                }
                return said;
            }
        }
        words.to_owned()
    }
}

/// What stands between a key's places, and whether what is in each is said again.
fn places(key: &str) -> (Vec<String>, Vec<bool>) {
    let (mut literals, mut again, mut rest) = (Vec::new(), Vec::new(), key);
    loop {
        let plain = rest.find("{}").map(|at| (at, 2, false));
        let said = rest.find("{*}").map(|at| (at, 3, true));
        let Some((at, long, is_said)) = plain.into_iter().chain(said).min() else {
            literals.push(rest.to_owned());
            return (literals, again);
        };
        literals.push(rest.get(..at).unwrap_or_default().to_owned());
        again.push(is_said);
        rest = rest.get(at + long..).unwrap_or_default();
    }
}

/// What is in the places, if the text is what stands between them.
fn matched<'a>(literals: &[String], text: &'a str) -> Option<Vec<&'a str>> {
    let (first, more) = literals.split_first()?;
    let (last, between) = more.split_last()?;
    let mut rest = text.strip_prefix(first.as_str())?.strip_suffix(last.as_str())?;
    let mut found = Vec::with_capacity(literals.len());
    for literal in between {
        let (before, after) = rest.split_once(literal.as_str())?;
        found.push(before);
        rest = after;
    }
    found.push(rest);
    found.iter().all(|part| !part.is_empty()).then_some(found)
}

impl Language {
    /// The language of a tag as a page has it: `en`, `zh`, `zh-CN`.
    pub fn of(tag: &str) -> Option<Self> {
        match tag.split('-').next() {
            Some("en") => Some(Self::English),
            Some("zh") => Some(Self::Chinese),
            _ => None,
        }
    }

    /// The tag of its pages.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// The name that it has for itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "中文",
        }
    }

    /// Words of a drawing. What has no translation stays as it is: names, paths, addresses.
    pub fn say(self, words: &str) -> String {
        match self {
            Self::English => words.to_owned(),
            Self::Chinese => CHINESE.say(words),
        }
    }

    /// The words of the page's script, by the English ones; `None` in English.
    pub fn page(self) -> Option<&'static Map<String, Value>> {
        match self {
            Self::English => None,
            Self::Chinese => Some(&CHINESE.page),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn words_with_places_are_said_with_what_is_in_them() {
        let say = |words: &str| Language::Chinese.say(words);
        assert_eq!(say("for the host it is process 12"), "在主机上是进程 12");
        assert_eq!(say("ended with exit code 3 · busybox"), "已结束，退出码 3 · busybox");
        assert_eq!(say("eth0"), "eth0");
        assert_eq!(Language::English.say("gone"), "gone");
    }

    #[test]
    fn every_place_of_a_key_is_in_its_translation_and_no_other() {
        for (key, said) in CHINESE.drawing.iter().chain(&CHINESE.page) {
            let said = said.as_str().expect("text");
            let number = key.matches("{}").count() + key.matches("{*}").count();
            for at in 1..=9 {
                assert_eq!(said.contains(&format!("{{{at}}}")), at <= number, "{key}: {said}");
            }
        }
        assert!(CHINESE.drawing.len() > 40 && CHINESE.page.len() > 30);
    }

    #[test]
    fn the_script_has_no_word_without_a_translation_and_the_catalogue_none_that_nobody_says() {
        let script = include_str!("../../../book/page/script/drydock.js");
        let mut said = BTreeSet::new();
        let calls = script.match_indices("t(\"").filter(|(at, _)| !script[..*at].ends_with(|c: char| c.is_alphanumeric()));
        for part in calls.filter_map(|(at, call)| script[at + call.len()..].split('"').next()) {
            assert!(CHINESE.page.contains_key(part), "'{part}' is not in zh.json");
            said.insert(part);
        }
        let idle: Vec<&String> = CHINESE.page.keys().filter(|key| !said.contains(key.as_str())).collect();
        assert!(idle.is_empty(), "nobody says {idle:?}");
    }
}
