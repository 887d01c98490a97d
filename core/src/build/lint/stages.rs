//! Remarks about stages: names, platforms, casing, descriptions.

use super::{Linter, Rule};
use crate::build::dockerfile::Kind;
use crate::build::dockerfile::words::split_plain;
use std::collections::BTreeSet;

/// Releases that get no security updates any more: image and the beginning of its tag.
const UNMAINTAINED: [(&str, &[&str]); 7] = [
    (
        "ubuntu",
        &["10.", "12.", "13.", "14.", "15.", "16.", "17.", "18.", "19.", "precise", "trusty", "xenial", "bionic", "saucy", "raring"],
    ),
    ("debian", &["6", "7", "8", "9", "10", "squeeze", "wheezy", "jessie", "stretch", "buster"]),
    ("centos", &[""]),
    ("python", &["2", "3.4", "3.5", "3.6", "3.7", "3.8"]),
    ("node", &["0.", "4", "6", "8", "10", "12", "14", "16"]),
    ("java", &[""]),
    ("fedora", &["1", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "3"]),
];

impl Linter<'_> {
    pub(super) fn casing(&mut self) {
        let upper = |word: &str| word.chars().all(|c| !c.is_ascii_lowercase());
        let all: Vec<_> = self.file.instructions.iter().map(|i| i.keyword.clone()).collect();
        let uppers = all.iter().filter(|k| upper(&k.text)).count();
        let lowers = all.iter().filter(|k| k.text.chars().all(|c| !c.is_ascii_uppercase())).count();
        let (majority, is_upper) = if uppers >= lowers { ("uppercase", true) } else { ("lowercase", false) };
        for keyword in all {
            let fine = if is_upper { upper(&keyword.text) } else { keyword.text.chars().all(|c| !c.is_ascii_uppercase()) };
            if !fine {
                let message = format!("Command '{}' should match the case of the command majority ({majority})", keyword.text);
                self.say(Rule::ConsistentInstructionCasing, keyword.span, message);
            }
        }
        if self.file.directives.syntax.is_some()
            && let Some((_, span)) = self.file.directives.spans.iter().find(|(name, _)| name == "syntax")
        {
            self.say(Rule::SyntaxNotUsed, *span, "No other frontend is fetched for this line");
        }
    }

    pub(super) fn stage_names(&mut self) {
        let mut seen = BTreeSet::new();
        for i in 0..self.stages.len() {
            let from = self.stages[i].from;
            let Kind::From { image, name, .. } = &from.kind else { continue };
            self.maintained(image);
            let Some(name) = name else { continue };
            let lower = name.text.to_ascii_lowercase();
            if lower != name.text {
                self.say(Rule::StageNameCasing, name.span, format!("Stage name '{}' should be lowercase", name.text));
            }
            if lower == "scratch" || lower == "context" {
                let message = format!("Stage name should not use the same name as reserved stage \"{lower}\"");
                self.say(Rule::ReservedStageName, name.span, message);
            }
            if !seen.insert(lower) {
                let message = format!("Duplicate stage name \"{}\", stage names should be unique", name.text);
                self.say(Rule::DuplicateStageName, name.span, message);
            }
            let words = split_plain(&from.text, 0);
            let is_upper = |text: &str| text.chars().all(|c| !c.is_ascii_lowercase());
            if let Some(word) = words.iter().rev().nth(1).map(|w| w.text.clone())
                && is_upper(&word) != is_upper(&from.keyword.text)
            {
                let message = format!("'{word}' and '{}' keywords' casing do not match", from.keyword.text);
                self.say(Rule::FromAsCasing, from.keyword.span, message);
            }
        }
    }

    fn maintained(&mut self, image: &crate::build::dockerfile::Text) {
        let bare = image.text.trim_start_matches("docker.io/").trim_start_matches("library/");
        let (name, tag) = bare.split_once(':').unwrap_or((bare, ""));
        let Some((_, ends)) = UNMAINTAINED.iter().find(|(known, _)| *known == name) else { return };
        let old = ends.iter().any(|end| {
            let rest = tag.strip_prefix(end);
            rest.is_some_and(|r| end.is_empty() || end.ends_with('.') || !r.starts_with(|c: char| c.is_ascii_alphanumeric()))
        });
        if old {
            self.say(Rule::BaseImageUnmaintained, image.span, format!("{} gets no security updates any more", image.text));
        }
    }

    pub(super) fn platforms(&mut self) {
        let names: Vec<String> = self.stages.iter().filter_map(|s| s.name().map(str::to_ascii_lowercase)).collect();
        for i in 0..self.stages.len() {
            let Kind::From { platform: Some(platform), image, .. } = &self.stages[i].from.kind else { continue };
            let value = platform.text.as_str();
            if ["$TARGETPLATFORM", "${TARGETPLATFORM}"].contains(&value) {
                let message = format!("Setting platform to predefined {value} in FROM is redundant as this is the default behavior");
                self.say(Rule::RedundantTargetPlatform, platform.span, message);
            } else if !value.contains('$') {
                // A stage may name the platform that its binaries are for: then the name says so (Docker: "or use the architecture in
                // the name of the stage").
                let named = self.stages[i].name().is_some_and(|n| value.split('/').skip(1).all(|part| n.contains(part)));
                if !named && !names.contains(&image.text.to_ascii_lowercase()) {
                    let message = format!("FROM --platform flag should not use constant value \"{value}\"");
                    self.say(Rule::FromPlatformFlagConstDisallowed, platform.span, message);
                }
            }
        }
    }

    /// The comment right before a stage or an argument describes it, and begins with its name.
    pub(super) fn descriptions(&mut self) {
        for instruction in &self.file.instructions {
            let name = match &instruction.kind {
                Kind::From { name: Some(name), .. } => &name.text,
                Kind::Arg(pairs) if pairs.len() == 1 => &pairs[0].name.text,
                _ => continue,
            };
            let Some(comment) = self.file.comments.get(&instruction.lines.0) else { continue };
            // Directives are no descriptions.
            if instruction.lines.0 as usize - 1 <= self.file.directives.spans.len() {
                continue;
            }
            if comment.split_whitespace().next() != Some(name) {
                let keyword = instruction.keyword.text.to_ascii_uppercase();
                let message = format!(
                    "Comment for {} should follow the format: `# {name} <description>`",
                    if keyword == "FROM" { "build stage" } else { "argument" }
                );
                self.say(Rule::InvalidDefinitionDescription, instruction.keyword.span, message);
            }
        }
    }
}
