//! The things that are drawn.

use crate::words::Language;

/// What became of a thing with the last line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is as it was.
    #[default]
    None,
    /// It was not there before.
    New,
    /// Something of it is other than before.
    Changed,
    /// It was there before and is not any more.
    Gone,
}

impl Change {
    /// As a class of the picture and a word of its twin.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::New => Some("new"),
            Self::Changed => Some("changed"),
            Self::Gone => Some("gone"),
        }
    }
}

/// A thing: a box with a name, what is to be said of it, and other things inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Item {
    /// Tells it from all others of its view, now and after the next line.
    pub id: String,
    /// What it is, in a word: `container`, `process`. Also its colour.
    pub kind: &'static str,
    /// What it is called.
    pub name: String,
    /// What is to be said of it, a line each.
    pub facts: Vec<String>,
    /// Used, and how much there is at most: drawn as a bar.
    pub bar: Option<(u64, u64)>,
    /// Lines to others: the other's id, and what the line means: `the other end is veth1`.
    pub links: Vec<(String, String)>,
    /// What is inside.
    pub inside: Vec<Item>,
    /// What became of it.
    pub change: Change,
}

impl Item {
    pub fn new(id: impl Into<String>, kind: &'static str, name: impl Into<String>) -> Self {
        Self { id: id.into(), kind, name: name.into(), ..Self::default() }
    }

    #[must_use]
    pub fn fact(mut self, fact: impl Into<String>) -> Self {
        self.facts.push(fact.into());
        self
    }

    #[must_use]
    pub fn link(mut self, to: impl Into<String>, words: impl Into<String>) -> Self {
        self.links.push((to.into(), words.into()));
        self
    }

    #[must_use]
    pub fn with(mut self, inside: impl IntoIterator<Item = Item>) -> Self {
        self.inside.extend(inside);
        self
    }

    /// In the words of a language, itself and all that is inside. What it is called is a name, unless it is one of ours.
    #[must_use]
    pub fn said(self, language: Language) -> Self {
        if language == Language::English {
            return self;
        }
        let say = |words: String| language.say(&words);
        Self {
            name: if ["layer", "mounts", "image", "group"].contains(&self.kind) { say(self.name) } else { self.name },
            facts: self.facts.into_iter().map(say).collect(),
            links: self.links.into_iter().map(|(to, words)| (to, say(words))).collect(),
            inside: self.inside.into_iter().map(|item| item.said(language)).collect(),
            ..self
        }
    }

    /// Whether it is drawn small, beside others: nothing is said of it.
    pub fn is_chip(&self) -> bool {
        self.facts.is_empty() && self.inside.is_empty() && self.bar.is_none() && self.links.is_empty()
    }
}
