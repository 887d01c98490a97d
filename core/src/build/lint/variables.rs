//! Remarks about variables that nothing defines.

use super::{Linter, Rule};
use crate::build::dockerfile::expand;
use crate::build::dockerfile::{Instruction, Kind, Text};
use crate::build::variables::{self, PREDEFINED};
use crate::image::reference::Reference;
use std::collections::BTreeMap;

/// What is known in a stage: values by name.
type Scope = BTreeMap<String, String>;

impl Linter<'_> {
    pub(super) fn variables(&mut self) {
        let escape = self.file.directives.escape;
        let mut global: Scope = variables::platform(&self.around.platform).into_iter().collect();
        for instruction in self.global.clone() {
            let Kind::Arg(pairs) = &instruction.kind else { continue };
            for pair in pairs {
                let value = self.around.arguments.get(&pair.name.text).cloned().or_else(|| {
                    let text = pair.value.as_ref()?;
                    expand::word(&text.text, escape, &|name| global.get(name).cloned()).ok().map(|e| e.text)
                });
                global.insert(pair.name.text.clone(), value.unwrap_or_default());
            }
        }
        let mut ended: BTreeMap<String, Option<Scope>> = BTreeMap::new();
        for i in 0..self.stages.len() {
            let from = self.stages[i].from;
            let base = self.base(from, &global);
            let mut scope: Option<Scope> = match ended.get(&base.to_ascii_lowercase()) {
                Some(scope) => scope.clone(),
                None if base == "scratch" => Some(Scope::new()),
                None => self
                    .around
                    .environment
                    .and_then(|of| of(&base))
                    .map(|env| env.iter().filter_map(|e| e.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()),
            };
            for instruction in self.stages[i].body.clone() {
                self.instruction_variables(instruction, &mut scope, &global);
            }
            ended.insert(i.to_string(), scope.clone());
            if let Some(name) = self.stages[i].name() {
                ended.insert(name.to_ascii_lowercase(), scope);
            }
        }
    }

    /// The base image of a stage, with remarks on what its name is made of.
    fn base(&mut self, from: &Instruction, global: &Scope) -> String {
        let Kind::From { image, platform, .. } = &from.kind else { return String::new() };
        let escape = self.file.directives.escape;
        for text in [Some(image), platform.as_ref()].into_iter().flatten() {
            let Ok(told) = expand::word(&text.text, escape, &|name| global.get(name).cloned()) else { continue };
            for name in told.unset {
                self.say(Rule::UndefinedArgInFrom, text.span, format!("FROM argument '{name}' is not declared"));
            }
        }
        // The name by defaults alone: a build without arguments must be possible.
        let mut defaults = Scope::new();
        for instruction in self.global.clone() {
            let Kind::Arg(pairs) = &instruction.kind else { continue };
            for pair in pairs {
                let text = pair.value.as_ref().map(|v| v.text.as_str()).unwrap_or_default();
                let value = expand::word(text, escape, &|name| defaults.get(name).cloned()).map(|e| e.text).unwrap_or_default();
                defaults.insert(pair.name.text.clone(), value);
            }
        }
        if image.text.contains('$')
            && let Ok(bare) = expand::word(&image.text, escape, &|name| defaults.get(name).cloned())
            && bare.unset.is_empty()
            && Reference::parse(&bare.text).is_err()
        {
            let message = format!("Default value for ARG {} results in an empty or invalid base image name", image.text);
            self.say(Rule::InvalidDefaultArgInFrom, image.span, message);
        }
        expand::word(&image.text, escape, &|name| global.get(name).cloned()).map(|e| e.text).unwrap_or_default()
    }

    fn instruction_variables(&mut self, instruction: &Instruction, scope: &mut Option<Scope>, global: &Scope) {
        let texts: Vec<&Text> = match &instruction.kind {
            Kind::Env(pairs) | Kind::Label(pairs) => pairs.iter().filter_map(|p| p.value.as_ref()).collect(),
            Kind::Arg(pairs) => pairs.iter().filter_map(|p| p.value.as_ref()).collect(),
            Kind::Copy(copy) => copy.sources.iter().chain([&copy.dest]).chain(copy.chown.as_ref()).chain(copy.from.as_ref()).collect(),
            Kind::Expose(texts) | Kind::Volume(texts) => texts.iter().collect(),
            Kind::User(text) | Kind::Workdir(text) | Kind::Stopsignal(text) => vec![text],
            _ => Vec::new(),
        };
        let escape = self.file.directives.escape;
        if let Some(known) = scope.as_ref() {
            let mut unset = Vec::new();
            for text in texts {
                if let Ok(told) = expand::word(&text.text, escape, &|name| known.get(name).cloned()) {
                    unset.extend(told.unset.into_iter().map(|name| (name, text.span)));
                }
            }
            for (name, span) in unset {
                // A variable that adds to itself is meant to be empty at first.
                let itself = matches!(&instruction.kind, Kind::Env(pairs) if pairs.iter().any(|p| p.name.text == name));
                if itself || PREDEFINED.contains(&name.as_str()) || name == "PATH" {
                    continue;
                }
                let near = known.keys().find(|k| crate::build::dockerfile::near(k, &name)).map(|k| format!(" (did you mean ${k}?)"));
                let message = format!("Usage of undefined variable '${name}'{}", near.unwrap_or_default());
                self.say(Rule::UndefinedVar, span, message);
            }
        }
        let Some(scope) = scope else { return };
        match &instruction.kind {
            Kind::Env(pairs) => {
                for pair in pairs {
                    let text = pair.value.as_ref().map(|v| v.text.as_str()).unwrap_or_default();
                    let value = expand::word(text, escape, &|name| scope.get(name).cloned()).map(|e| e.text).unwrap_or_default();
                    scope.insert(pair.name.text.clone(), value);
                }
            }
            Kind::Arg(pairs) => {
                for pair in pairs {
                    let name = &pair.name.text;
                    let given = self.around.arguments.get(name).cloned();
                    let default = pair
                        .value
                        .as_ref()
                        .and_then(|v| expand::word(&v.text, escape, &|name| scope.get(name).cloned()).ok().map(|e| e.text));
                    // Without any value it is declared still, and its use is no mistake.
                    let value = given.or(default).or_else(|| global.get(name).cloned()).unwrap_or_default();
                    scope.entry(name.clone()).or_insert(value);
                }
            }
            _ => {}
        }
    }
}
