//! Remarks about a Dockerfile: Docker's build checks by their names, and a few of Drydock's own.
//!
//! A remark says what a line does and what to write instead; the build goes on. `# check=skip=RULE,…` leaves remarks out, and
//! `# check=error=true` makes them an error.

mod commands;
mod programs;
mod rule;
mod stages;
mod variables;

pub use rule::Rule;

use super::dockerfile::{Dockerfile, Instruction, Kind, Span};
use super::ignore::Ignore;
use std::collections::{BTreeMap, BTreeSet};

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    /// Where.
    pub span: Span,
    /// Which rule.
    pub rule: Rule,
    /// What is remarkable.
    pub message: String,
}

/// Answers the environment of an image by name.
pub type Environment<'a> = dyn Fn(&str) -> Option<Vec<String>> + 'a;

/// What is known beside the file itself.
#[derive(Default)]
pub struct Surroundings<'a> {
    /// Build arguments given by the person.
    pub arguments: BTreeMap<String, String>,
    /// The environment of a base image, if it is known.
    pub environment: Option<&'a Environment<'a>>,
    /// What the context leaves out.
    pub ignore: Ignore,
    /// The platform that is built for: `linux/amd64`.
    pub platform: String,
}

/// What `# check=` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Rules left out.
    pub skip: BTreeSet<String>,
    /// All rules are left out.
    pub skip_all: bool,
    /// A remark is an error.
    pub error: bool,
    /// Experimental rules that are asked for.
    pub experimental: BTreeSet<String>,
}

impl Settings {
    /// Reads `skip=A,B;error=true;experimental=C`.
    pub fn parse(text: &str) -> Self {
        let mut all = Self::default();
        for part in text.split(';') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let values = value.split(',').map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
            match name.trim() {
                "skip" => {
                    all.skip = values.collect();
                    all.skip_all = all.skip.contains("all");
                }
                "experimental" => all.experimental = values.collect(),
                "error" => all.error = value.trim() == "true",
                _ => {}
            }
        }
        all
    }

    fn wants(&self, rule: Rule) -> bool {
        let name = rule.name();
        let asked = !rule.is_experimental() || self.experimental.contains(name) || self.experimental.contains("all");
        asked && !self.skip_all && !self.skip.contains(name)
    }
}

/// One stage as the remarks see it.
struct Stage<'a> {
    from: &'a Instruction,
    body: Vec<&'a Instruction>,
}

impl Stage<'_> {
    fn name(&self) -> Option<&str> {
        match &self.from.kind {
            Kind::From { name: Some(name), .. } => Some(&name.text),
            _ => None,
        }
    }
}

struct Linter<'a> {
    file: &'a Dockerfile,
    around: &'a Surroundings<'a>,
    global: Vec<&'a Instruction>,
    stages: Vec<Stage<'a>>,
    remarks: BTreeSet<Remark>,
}

impl Linter<'_> {
    fn say(&mut self, rule: Rule, span: Span, message: impl Into<String>) {
        self.remarks.insert(Remark { span, rule, message: message.into() });
    }
}

/// The file's own settings.
pub fn settings(file: &Dockerfile) -> Settings {
    file.directives.check.as_deref().map(Settings::parse).unwrap_or_default()
}

/// Every remark, in the order of their places.
pub fn check(file: &Dockerfile, around: &Surroundings<'_>) -> Vec<Remark> {
    let mut linter = Linter { file, around, global: Vec::new(), stages: Vec::new(), remarks: BTreeSet::new() };
    for instruction in &file.instructions {
        match (&instruction.kind, linter.stages.last_mut()) {
            (Kind::From { .. }, _) => linter.stages.push(Stage { from: instruction, body: Vec::new() }),
            (_, Some(stage)) => stage.body.push(instruction),
            (_, None) => linter.global.push(instruction),
        }
    }
    linter.casing();
    linter.stage_names();
    linter.platforms();
    linter.descriptions();
    linter.each_instruction();
    linter.only_the_last();
    linter.later_layers();
    linter.releases();
    linter.detaching();
    linter.passwords();
    linter.variables();
    let settings = settings(file);
    linter.remarks.into_iter().filter(|r| settings.wants(r.rule)).collect()
}

/// A remark as `build --check` prints it.
pub fn show(file: &Dockerfile, remark: &Remark) -> String {
    let rule = match remark.rule.page() {
        Some(page) => format!("{} - {page}", remark.rule.name()),
        None => remark.rule.name().to_owned(),
    };
    format!(
        "WARNING: {rule}\n{}\n{}:{}:{}\n{}\nhelp: {}",
        remark.message,
        file.source.name,
        remark.span.start.line,
        remark.span.start.column,
        file.source.quote(remark.span),
        remark.rule.advice()
    )
}

#[cfg(test)]
mod tests;
