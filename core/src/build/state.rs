//! What a stage has come to: its configuration, its arguments, its history; and what an instruction makes of it.

mod effect;
mod settings;

pub use effect::{CopyStep, Effect, RunStep};
pub use settings::Settings;

use super::dockerfile::{Dockerfile, Fault, Span, Text, expand};
use super::variables::PREDEFINED;
use crate::error::Result;
use std::collections::{BTreeMap, BTreeSet};

/// One line of an image's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The instruction as the history shows it.
    pub by: String,
    /// It made no layer.
    pub empty: bool,
}

/// A stage under way.
#[derive(Clone, Debug)]
pub struct State {
    /// What the image will say.
    pub settings: Settings,
    /// Arguments declared so far, with the values they have.
    pub arguments: BTreeMap<String, Option<String>>,
    /// What was done.
    pub history: Vec<Done>,
}

/// What a stage's instructions are read against.
pub struct Scope<'a> {
    /// The file, for messages.
    pub file: &'a Dockerfile,
    /// `--build-arg`
    pub given: &'a BTreeMap<String, String>,
    /// Arguments before the first FROM, and those of the platform.
    pub global: &'a BTreeMap<String, Option<String>>,
}

impl State {
    /// A stage on top of these settings.
    pub fn new(settings: Settings) -> Self {
        Self { settings, arguments: BTreeMap::new(), history: Vec::new() }
    }

    /// A variable's value: ENV before ARG.
    pub fn value(&self, name: &str) -> Option<String> {
        self.settings.env_value(name).map(str::to_owned).or_else(|| self.arguments.get(name).cloned().flatten())
    }

    fn expand(&self, scope: &Scope<'_>, text: &Text) -> Result<String> {
        expand::word(&text.text, scope.file.directives.escape, &|name| self.value(name)).map(|e| e.text).map_err(|e| {
            wrong(
                scope,
                text.span,
                format!("failed to process {:?}: {e}", text.text),
                "write the dollar sign as \\$ if it is none of a variable",
            )
        })
    }

    /// Arguments as RUN sees them, sorted: those with a value that no ENV hides.
    pub fn run_arguments(&self) -> Vec<(String, String)> {
        self.arguments
            .iter()
            .filter(|(name, _)| self.settings.env_value(name).is_none())
            .filter_map(|(name, value)| value.clone().map(|v| (name.clone(), v)))
            .collect()
    }

    /// The environment of RUN: arguments, proxies that were given, then ENV.
    pub fn run_environment(&self, given: &BTreeMap<String, String>) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        let declared: BTreeSet<String> = self.arguments.keys().cloned().collect();
        for name in PREDEFINED.iter().filter(|n| !declared.contains(**n)) {
            if let Some(value) = given.get(*name) {
                all.push(format!("{name}={value}"));
            }
        }
        all.extend(self.run_arguments().into_iter().map(|(k, v)| format!("{k}={v}")));
        all.extend(self.settings.env.iter().cloned());
        all
    }
}

/// A mistake found while building, with its line.
fn wrong(scope: &Scope<'_>, span: Span, message: impl Into<String>, help: &str) -> crate::Error {
    scope.file.source.failure(&Fault::new(span, message).help(help))
}

#[cfg(test)]
mod tests;
