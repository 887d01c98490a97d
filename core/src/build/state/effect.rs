//! What an instruction does to a stage, once its variables are known: most change the configuration and nothing else.

use super::{Done, Scope, State, wrong};
use crate::build::dockerfile::{Command, Copy, Health, Instruction, Kind, Run, Span, expand};
use crate::build::mount::{self, Mount};
use crate::error::Result;
use crate::kernel::Signal;
use serde_json::{Value, json};

/// RUN, ready to be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStep {
    /// Program and arguments.
    pub args: Vec<String>,
    /// A script with a line of its own for the kernel (`RUN <<EOF`, `#!/usr/bin/python3`); it stands in for the last argument.
    pub script: Option<String>,
    /// Mounts.
    pub mounts: Vec<(Mount, Span)>,
    /// `--network`
    pub network: Option<String>,
    /// For the history.
    pub by: String,
}

/// COPY or ADD, ready to be carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyStep {
    /// ADD.
    pub add: bool,
    /// `--from`
    pub from: Option<String>,
    /// `--chown`
    pub chown: Option<String>,
    /// `--chmod`
    pub chmod: Option<String>,
    /// `--link`
    pub link: bool,
    /// `--parents`
    pub parents: bool,
    /// `--exclude`
    pub excludes: Vec<String>,
    /// `--checksum`
    pub checksum: Option<String>,
    /// `--unpack`
    pub unpack: Option<bool>,
    /// Sources, with their places.
    pub sources: Vec<(String, Span)>,
    /// Files given in the Dockerfile: name and content.
    pub inline: Vec<(String, String)>,
    /// Destination, absolute; a slash at its end is kept.
    pub dest: String,
    /// Where the instruction is.
    pub span: Span,
    /// For the history.
    pub by: String,
}

/// What must still be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the configuration changed, or not even that.
    Nothing,
    /// The working directory must be there.
    Directory(String),
    /// Files.
    Copy(CopyStep),
    /// A program.
    Run(RunStep),
}

impl State {
    /// Takes one instruction. What makes a layer adds its own line to the history when it is done.
    ///
    /// # Errors
    /// A mistake that shows only now, with its line.
    pub fn take(&mut self, scope: &Scope<'_>, instruction: &Instruction) -> Result<Effect> {
        let done = |state: &mut Self, by: String| state.history.push(Done { by, empty: true });
        match &instruction.kind {
            Kind::From { .. } => {}
            Kind::Arg(pairs) => {
                let mut shown = Vec::new();
                for pair in pairs {
                    let name = &pair.name.text;
                    let default = pair.value.as_ref().map(|v| self.expand(scope, v)).transpose()?;
                    let given = scope.given.get(name).cloned();
                    let value = given.or(default).or_else(|| scope.global.get(name).cloned().flatten());
                    shown.push(value.as_ref().map_or_else(|| name.clone(), |v| format!("{name}={v}")));
                    self.arguments.insert(name.clone(), value);
                }
                done(self, format!("ARG {}", shown.join(" ")));
            }
            Kind::Env(pairs) => {
                // All values of one instruction are expanded with what was known before it.
                let mut values = Vec::new();
                for pair in pairs {
                    let value = pair.value.as_ref().map(|v| self.expand(scope, v)).transpose()?.unwrap_or_default();
                    values.push((self.expand(scope, &pair.name)?, value));
                }
                let shown: Vec<String> = values.iter().map(|(k, v)| format!("{k}={v}")).collect();
                values.iter().for_each(|(k, v)| self.settings.set_env(k, v));
                done(self, format!("ENV {}", shown.join(" ")));
            }
            Kind::Label(pairs) => {
                let mut shown = Vec::new();
                for pair in pairs {
                    let value = pair.value.as_ref().map(|v| self.expand(scope, v)).transpose()?.unwrap_or_default();
                    let name = self.expand(scope, &pair.name)?;
                    shown.push(format!("{name}={value}"));
                    self.settings.labels.insert(name, value);
                }
                done(self, format!("LABEL {}", shown.join(" ")));
            }
            Kind::Maintainer(text) => {
                self.settings.author.clone_from(&text.text);
                done(self, format!("MAINTAINER {}", text.text));
            }
            Kind::Expose(ports) => {
                let mut shown = Vec::new();
                for port in ports {
                    for word in self.expand(scope, port)?.split_whitespace() {
                        let all = exposed(word).map_err(|e| wrong(scope, port.span, e, "write EXPOSE 80, 53/udp or 8000-8010"))?;
                        for one in all {
                            if !self.settings.exposed.contains(&one) {
                                self.settings.exposed.push(one.clone());
                            }
                            shown.push(one);
                        }
                    }
                }
                done(self, format!("EXPOSE [{}]", shown.join(" ")));
            }
            Kind::Volume(paths) => {
                let mut shown = Vec::new();
                for path in paths {
                    let text = self.expand(scope, path)?;
                    if text.trim().is_empty() {
                        return Err(wrong(scope, path.span, "VOLUME specified can not be an empty string", "write VOLUME /data"));
                    }
                    if !self.settings.volumes.contains(&text) {
                        self.settings.volumes.push(text.clone());
                    }
                    shown.push(text);
                }
                done(self, format!("VOLUME [{}]", shown.join(" ")));
            }
            Kind::User(text) => {
                self.settings.user = self.expand(scope, text)?;
                let by = format!("USER {}", self.settings.user);
                done(self, by);
            }
            Kind::Stopsignal(text) => {
                let signal = self.expand(scope, text)?;
                Signal::parse(&signal)
                    .map_err(|e| wrong(scope, text.span, e.message().to_owned(), "write a signal's name or number: SIGTERM"))?;
                self.settings.stop_signal.clone_from(&signal);
                done(self, format!("STOPSIGNAL {signal}"));
            }
            Kind::Shell(list) => {
                self.settings.shell.clone_from(list);
                done(self, format!("SHELL [{}]", list.join(" ")));
            }
            Kind::Cmd(command) => {
                let list = self.command(command);
                done(self, format!("CMD {}", json!(list)));
                self.settings.cmd = Some(list);
                self.settings.cmd_is_own = true;
            }
            Kind::Entrypoint(command) => {
                let list = self.command(command);
                done(self, format!("ENTRYPOINT {}", json!(list)));
                self.settings.entrypoint = Some(list);
                // The base image's arguments were for its own program.
                if !self.settings.cmd_is_own {
                    self.settings.cmd = None;
                }
            }
            Kind::Healthcheck(health) => {
                let document = self.health(health);
                done(self, format!("HEALTHCHECK {document}"));
                self.settings.health = Some(document);
            }
            Kind::Onbuild { text, .. } => {
                self.settings.triggers.push(text.clone());
                done(self, format!("ONBUILD {text}"));
            }
            Kind::Workdir(text) => {
                let path = self.expand(scope, text)?;
                if path.trim().is_empty() {
                    return Err(wrong(scope, text.span, "WORKDIR is empty once its variables are expanded", "give the variable a value"));
                }
                self.settings.workdir = self.settings.absolute(&path);
                return Ok(Effect::Directory(self.settings.workdir.clone()));
            }
            Kind::Copy(copy) => return self.copy(scope, instruction, copy).map(Effect::Copy),
            Kind::Run(run) => return self.run(scope, run).map(Effect::Run),
        }
        Ok(Effect::Nothing)
    }

    fn command(&self, command: &Command) -> Vec<String> {
        match command {
            Command::Exec(list) => list.clone(),
            Command::Shell(text) if text.is_empty() => Vec::new(),
            Command::Shell(text) => self.settings.in_shell(text),
        }
    }

    fn health(&self, health: &Health) -> Value {
        let mut test = Vec::new();
        match &health.test {
            None => test.push("NONE".to_owned()),
            Some(Command::Exec(list)) => {
                test.push("CMD".to_owned());
                test.extend(list.iter().cloned());
            }
            Some(Command::Shell(text)) => test.extend(["CMD-SHELL".to_owned(), text.clone()]),
        }
        let mut document = json!({"Test": test});
        let times = [
            ("Interval", health.interval),
            ("Timeout", health.timeout),
            ("StartPeriod", health.start_period),
            ("StartInterval", health.start_interval),
        ];
        for (key, time) in times.into_iter().filter_map(|(k, t)| t.filter(|t| !t.is_zero()).map(|t| (k, t))) {
            document[key] = json!(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        }
        if let Some(retries) = health.retries.filter(|r| *r > 0) {
            document["Retries"] = json!(retries);
        }
        document
    }

    fn copy(&self, scope: &Scope<'_>, instruction: &Instruction, copy: &Copy) -> Result<CopyStep> {
        let keyword = if copy.add { "ADD" } else { "COPY" };
        let option = |text: &Option<_>| text.as_ref().map(|t| self.expand(scope, t)).transpose();
        let mut inline = Vec::new();
        for doc in &copy.heredocs {
            let content = if doc.expand {
                expand::document(&doc.content, scope.file.directives.escape, &|name| self.value(name))
                    .map_err(|e| wrong(scope, doc.span, e, "quote the name to keep dollar signs: <<\"EOF\""))?
                    .text
            } else {
                doc.content.clone()
            };
            inline.push((doc.name.clone(), content));
        }
        let mut sources = Vec::new();
        for source in &copy.sources {
            sources.push((self.expand(scope, source)?, source.span));
        }
        let dest = self.expand(scope, &copy.dest)?;
        if dest.is_empty() {
            return Err(wrong(scope, copy.dest.span, format!("{keyword} has an empty destination"), "write a path: /app/"));
        }
        let slash = dest.ends_with('/') || dest == "." || dest.ends_with("/.");
        let mut absolute = self.settings.absolute(&dest);
        if slash && absolute != "/" {
            absolute.push('/');
        }
        let mut shown: Vec<String> = sources.iter().map(|(s, _)| s.clone()).collect();
        shown.extend(inline.iter().map(|(name, _)| format!("<<{name}")));
        Ok(CopyStep {
            add: copy.add,
            from: option(&copy.from)?,
            chown: option(&copy.chown)?,
            chmod: option(&copy.chmod)?,
            link: copy.link,
            parents: copy.parents,
            excludes: copy.excludes.iter().map(|e| self.expand(scope, e)).collect::<Result<_>>()?,
            checksum: option(&copy.checksum)?,
            unpack: copy.unpack,
            sources,
            inline,
            span: instruction.span,
            by: format!("{keyword} {} {dest}", shown.join(" ")),
            dest: absolute,
        })
    }

    fn run(&self, scope: &Scope<'_>, run: &Run) -> Result<RunStep> {
        let mut script = None;
        let args = match &run.command {
            Command::Exec(list) => list.clone(),
            Command::Shell(text) => {
                let alone = run.heredocs.len() == 1 && text.trim() == text && crate::build::dockerfile::heredoc::is_alone(text);
                match run.heredocs.first() {
                    Some(doc) if alone && doc.content.starts_with("#!") => {
                        script = Some(doc.content.clone());
                        vec![format!("/dev/pipes/{}", doc.name.replace('/', "_"))]
                    }
                    Some(doc) if alone => self.settings.in_shell(&doc.content),
                    Some(_) => {
                        let mut whole = text.clone();
                        for doc in &run.heredocs {
                            whole.push('\n');
                            whole.push_str(&doc.content);
                            whole.push_str(&doc.name);
                        }
                        whole.push('\n');
                        self.settings.in_shell(&whole)
                    }
                    None => self.settings.in_shell(text),
                }
            }
        };
        let mut mounts = Vec::new();
        for text in &run.mounts {
            let expanded = self.expand(scope, text)?;
            let mut mount = mount::parse(&expanded).map_err(|(what, help)| wrong(scope, text.span, what, &help))?;
            mount.target = self.settings.absolute(&mount.target);
            if mount.target == "/" {
                return Err(wrong(scope, text.span, "invalid mount target \"/\"", "mount it on a directory"));
            }
            mounts.push((mount, text.span));
        }
        let network = run.network.as_ref().map(|n| self.expand(scope, n)).transpose()?;
        if let (Some(name), Some(text)) = (&network, &run.network)
            && !["default", "none", "host"].contains(&name.as_str())
        {
            return Err(wrong(scope, text.span, format!("unsupported network mode {name:?}"), "write default, none or host"));
        }
        if let Some(security) = &run.security
            && security.text != "sandbox"
        {
            return Err(wrong(
                scope,
                security.span,
                format!("--security={} is not allowed: a build gets what any container gets", security.text),
                "leave it out, and do in a privileged container what needs more",
            ));
        }
        let arguments = self.run_arguments();
        let shown = if script.is_some() { "script".to_owned() } else { args.join(" ") };
        let by = if arguments.is_empty() {
            format!("RUN {shown}")
        } else {
            let list: Vec<String> = arguments.iter().map(|(k, v)| format!("{k}={v}")).collect();
            format!("RUN |{} {} {shown}", list.len(), list.join(" "))
        };
        Ok(RunStep { args, script, mounts, network, by })
    }
}

/// `80`, `53/udp`, `8000-8002` → each with its protocol. What was meant for publishing counts by its last part, as with Docker.
fn exposed(text: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("invalid containerPort: {text}");
    let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let numbers = numbers.rsplit(':').next().unwrap_or(numbers);
    let protocol = protocol.to_ascii_lowercase();
    if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
        return Err(format!("invalid proto: {protocol}"));
    }
    if numbers.is_empty() {
        // What is left of a variable without a value.
        return Err(format!("no port specified: {text}<empty>"));
    }
    let number = |text: &str| {
        let fine = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u16>().ok().filter(|n| fine && *n > 0).ok_or_else(wrong)
    };
    let (low, high) = numbers.split_once('-').unwrap_or((numbers, numbers));
    let (low, high) = (number(low)?, number(high)?);
    if low > high {
        return Err(wrong());
    }
    Ok((low..=high).map(|n| format!("{n}/{protocol}")).collect())
}
