//! Remarks about single instructions, and about what a later one undoes.

use super::{Linter, Rule};
use crate::build::dockerfile::{Command, Instruction, Kind, Pair, Position, Run, Span};
use crate::build::ignore::Ignore;

/// Words in the name of a variable that holds a secret (Docker's check).
const SECRET: [&str; 9] = ["apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret"];

/// Whether a name is that of a secret: one of its words says so, and none says that it is public.
fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let mut words = lower.split(['_', '-']);
    let secret = words.clone().any(|w| SECRET.contains(&w) || w == "token");
    let public = words.any(|w| ["public", "file", "path", "version"].contains(&w));
    secret && !public
}

impl Linter<'_> {
    pub(super) fn each_instruction(&mut self) {
        for i in 0..self.file.instructions.len() {
            let instruction = &self.file.instructions[i];
            self.instruction(instruction);
            if let Kind::Onbuild { inner, .. } = &instruction.kind {
                self.instruction(inner);
            }
        }
        self.workdirs();
        self.copies();
    }

    fn instruction(&mut self, instruction: &Instruction) {
        for line in &instruction.empty {
            let at = Position { line: *line, column: 1 };
            self.say(Rule::NoEmptyContinuation, Span { start: at, end: at }, "Empty continuation line");
        }
        if let Some(span) = instruction.trailing {
            self.say(Rule::TextAfterList, span, "Text after a JSON list is left out");
        }
        if instruction.broken_list {
            self.say(
                Rule::JSONListMalformed,
                instruction.span,
                "This begins like a JSON list and is none, so it goes to the shell as it is",
            );
        }
        match &instruction.kind {
            Kind::Cmd(Command::Shell(text)) | Kind::Entrypoint(Command::Shell(text)) if !text.is_empty() && !instruction.broken_list => {
                let keyword = instruction.keyword.text.to_ascii_uppercase();
                let message = format!("JSON arguments recommended for {keyword} to prevent unintended behavior related to OS signals");
                self.say(Rule::JSONArgsRecommended, instruction.span, message);
            }
            Kind::Maintainer(_) => {
                let message = "Maintainer instruction is deprecated in favor of using label";
                self.say(Rule::MaintainerDeprecated, instruction.span, message);
            }
            Kind::Env(pairs) => self.pairs("ENV", pairs),
            Kind::Label(pairs) => self.legacy("LABEL", pairs),
            Kind::Arg(pairs) => self.pairs("ARG", pairs),
            Kind::Expose(ports) => {
                for port in ports.iter().filter(|p| !p.text.contains('$')) {
                    let (number, protocol) = port.text.split_once('/').unwrap_or((&port.text, ""));
                    if protocol.chars().any(|c| c.is_ascii_uppercase()) {
                        let message = format!("Defined protocol '{}' in EXPOSE instruction should be lowercase", port.text);
                        self.say(Rule::ExposeProtoCasing, port.span, message);
                    }
                    if number.contains(':') {
                        let message =
                            format!("EXPOSE instruction should not define an IP address or host-port mapping, found '{}'", port.text);
                        self.say(Rule::ExposeInvalidFormat, port.span, message);
                    }
                }
            }
            Kind::Run(run) => self.packages(instruction, run),
            _ => {}
        }
    }

    fn pairs(&mut self, keyword: &str, pairs: &[Pair]) {
        self.legacy(keyword, pairs);
        for pair in pairs {
            if is_secret(&pair.name.text) {
                let message = format!("Do not use ARG or ENV instructions for sensitive data ({keyword} \"{}\")", pair.name.text);
                self.say(Rule::SecretsUsedInArgOrEnv, pair.name.span, message);
            }
        }
    }

    fn legacy(&mut self, keyword: &str, pairs: &[Pair]) {
        for pair in pairs.iter().filter(|p| p.legacy) {
            let message = format!("\"{keyword} key=value\" should be used instead of legacy \"{keyword} key value\" format");
            self.say(Rule::LegacyKeyValueFormat, pair.name.span, message);
        }
    }

    /// `apt-get update` alone: its lists are those of the day the layer was cached.
    fn packages(&mut self, instruction: &Instruction, run: &Run) {
        let Command::Shell(text) = &run.command else { return };
        if text.contains("apt-get update") && !text.contains("install") && !text.contains("upgrade") && run.heredocs.is_empty() {
            self.say(Rule::PackageListsStale, instruction.span, "apt-get update in a RUN of its own is cached, and its lists grow old");
        }
    }

    /// A relative directory after no absolute one depends on the base image.
    fn workdirs(&mut self) {
        for i in 0..self.stages.len() {
            let from_stage = {
                let Kind::From { image, .. } = &self.stages[i].from.kind else { continue };
                self.stages[..i].iter().any(|s| s.name().is_some_and(|n| n.eq_ignore_ascii_case(&image.text)))
            };
            let mut absolute = from_stage;
            for instruction in self.stages[i].body.clone() {
                let Kind::Workdir(path) = &instruction.kind else { continue };
                if path.text.starts_with(['/', '$', '"', '\'']) {
                    absolute = true;
                } else if !absolute {
                    let message = format!("Relative workdir {:?} can have unexpected results if the base image changes", path.text);
                    self.say(Rule::WorkdirRelativePath, path.span, message);
                }
            }
        }
    }

    fn copies(&mut self) {
        let ignore: &Ignore = &self.around.ignore;
        if ignore.is_empty() {
            return;
        }
        for instruction in &self.file.instructions {
            let Kind::Copy(copy) = &instruction.kind else { continue };
            if copy.from.is_some() {
                continue;
            }
            for source in copy.sources.iter().filter(|s| !s.text.contains("://") && !s.text.contains('$')) {
                let path = source.text.trim_matches('/').trim_start_matches("./");
                if !path.is_empty() && path != "." && ignore.excludes(path) {
                    let verb = if copy.add { "Add" } else { "Copy" };
                    let message = format!("Attempting to {verb} file {:?} that is excluded by .dockerignore", source.text);
                    self.say(Rule::CopyIgnoredFile, source.span, message);
                }
            }
        }
    }

    /// Only the last CMD, ENTRYPOINT and HEALTHCHECK of a stage count.
    pub(super) fn only_the_last(&mut self) {
        for i in 0..self.stages.len() {
            for keyword in ["CMD", "ENTRYPOINT", "HEALTHCHECK"] {
                let spans: Vec<Span> =
                    self.stages[i].body.iter().filter(|i| i.keyword.text.eq_ignore_ascii_case(keyword)).map(|i| i.span).collect();
                for span in spans.iter().rev().skip(1) {
                    let message = format!(
                        "Multiple {keyword} instructions should not be used in the same stage because only the last one will be used"
                    );
                    self.say(Rule::MultipleInstructionsDisallowed, *span, message);
                }
            }
        }
    }

    /// A RUN that removes what an ADD or COPY before it brought: the layer below keeps it, and an archive that ADD extracted is not
    /// even there.
    pub(super) fn later_layers(&mut self) {
        for i in 0..self.stages.len() {
            let mut brought: Vec<(String, bool, u32)> = Vec::new();
            for instruction in self.stages[i].body.clone() {
                match &instruction.kind {
                    Kind::Copy(copy) => brought.extend(copy.sources.iter().map(|s| {
                        let name = s.text.rsplit('/').next().unwrap_or_default().to_owned();
                        let archive = [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"].iter().any(|end| name.ends_with(end));
                        (name, copy.add && archive, instruction.lines.0)
                    })),
                    Kind::Run(Run { command: Command::Shell(text), .. }) => {
                        for (name, extracted, line) in removed(text, &brought) {
                            let message = if extracted {
                                format!(
                                    "ADD on line {line} extracted {name}: there is no such file to remove, and a later RUN cannot make an earlier layer smaller"
                                )
                            } else {
                                format!("{name} stays in the layer of line {line}: a later RUN cannot make an earlier layer smaller")
                            };
                            self.say(Rule::RemovedInLaterLayer, instruction.span, message);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

/// What a command removes of these names.
fn removed(text: &str, brought: &[(String, bool, u32)]) -> Vec<(String, bool, u32)> {
    let mut all = Vec::new();
    for command in text.split([';', '&', '|']) {
        let mut words = command.split_whitespace();
        if words.next() != Some("rm") {
            continue;
        }
        for word in words.filter(|w| !w.starts_with('-')) {
            let name = word.rsplit('/').next().unwrap_or_default();
            all.extend(brought.iter().filter(|(known, ..)| !name.is_empty() && known == name).cloned());
        }
    }
    all
}
