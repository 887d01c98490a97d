//! RUN: a container over the stage's layers, and the layer that its writable directory has become.

use super::copy::Parts;
use super::stage::Made;
use super::{At, Build};
use crate::build::key::Key;
use crate::build::place::{Content, Packed};
use crate::build::progress::Event;
use crate::build::state::RunStep;
use crate::container::{ContainerConfig, NetworkMode};
use crate::engine::Engine as _;
use crate::engine::view::RemoveOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ContainerId, ImageId};
use crate::image::changeset::Walk;
use crate::image::{ImageDefaults, ImageRecord, config};
use crate::io::{Attach, Ended, Input, Io, Stream};
use crate::kernel::Tree;
use crate::time::Timestamp;

/// The label of containers that a build runs: lists of containers leave them out.
pub(in super::super) const LABEL: &str = "drydock.build";

impl Build<'_> {
    pub(super) fn run(&self, at: At<'_>, run: &RunStep, made: &mut Made) -> Result<()> {
        let settings = made.state.settings.clone();
        let network = self.network(run);
        let environment = made.state.run_environment(&self.request.arguments);
        // Proxies may differ from day to day, and say nothing about the result.
        let arguments: Vec<String> = made.state.run_arguments().into_iter().map(|(k, v)| format!("{k}={v}")).collect();
        let prepared = self.mounts(at, run)?;
        let key = Key::new("run")
            .text("below", made.chain())
            .list("args", &run.args)
            .text("script", run.script.as_deref().unwrap_or_default())
            .list("env", &settings.env)
            .list("arguments", &arguments)
            .text("user", &settings.user)
            .text("directory", &settings.workdir)
            .text("network", &format!("{network:?}"))
            .text("platform", &self.platform)
            .list("hosts", &self.request.extra_hosts)
            .list("mounts", prepared.iter().map(|m| &m.key))
            .text("epoch", &format!("{:?}", self.epoch))
            .finish();
        let _turn = at.plan.stages.turn(&key);
        if self.may_use_cache(at) && self.cached(at, made, &key, &run.by)? {
            return Ok(());
        }
        let mut mounts = Vec::new();
        let mut targets: Vec<String> = Vec::new();
        let mut guards = Vec::new();
        let mut secret_env = Vec::new();
        for one in prepared {
            targets.push(one.target.clone());
            let ready = one.prepare(self)?;
            mounts.extend(ready.mounts);
            guards.extend(ready.guard);
            secret_env.extend(ready.env);
        }
        if let Some(script) = &run.script {
            let target = run.args.first().cloned().unwrap_or_default();
            mounts.push(self.script(script, &target)?);
            targets.push(target);
        }
        let options = ContainerConfig {
            image: "build".to_owned(),
            command: run.args.clone(),
            entrypoint: Some(Vec::new()),
            env: environment.into_iter().chain(secret_env).collect(),
            workdir: if settings.workdir.is_empty() { "/".to_owned() } else { settings.workdir.clone() },
            user: settings.user.clone(),
            hostname: if network == NetworkMode::Host { String::new() } else { "build".to_owned() },
            network,
            extra_hosts: self.request.extra_hosts.clone(),
            ulimits: self.request.ulimits.clone(),
            shm_size: self.request.shm_size,
            mounts,
            labels: [(LABEL.to_owned(), self.intake.operation().to_owned())].into(),
            resources: self.request.resources.clone(),
            security_opt: self.request.security_opt.clone(),
            ..ContainerConfig::default()
        };
        let id = self.container(made, &options)?;
        let ran = self.attend(&id, at);
        let done = ran.and_then(|code| match code {
            0 => {
                let (entries, trees) = self.written(made, &id, &targets)?;
                self.layer(made, &mut Packed::new(entries, trees), &key, &run.by)
            }
            code => Err(failed(run, code)),
        });
        drop(guards);
        let removed = self.engine.remove_container(id.as_str(), RemoveOptions { force: true, volumes: true });
        done?;
        removed
    }

    fn network(&self, run: &RunStep) -> NetworkMode {
        match run.network.as_deref() {
            Some("none") => NetworkMode::None,
            Some("host") => NetworkMode::Host,
            _ => self.request.network.clone().unwrap_or_default(),
        }
    }

    /// Makes the container, over an image that nobody sees and that goes with it.
    fn container(&self, made: &Made, options: &ContainerConfig) -> Result<ContainerId> {
        let facts = self.engine.kernel().facts();
        let diff_ids: Vec<_> = made.layers.iter().map(|l| l.diff_id.clone()).collect();
        let document = config::document(&ImageDefaults::default(), &diff_ids, &facts.architecture, "", Timestamp::NEVER);
        let image = ImageRecord {
            id: ImageId::new(format!("sha256:{}", self.engine.new_id())),
            layers: made.layers.iter().map(|l| l.chain.clone()).collect(),
            hidden: true,
            ..config::read(&serde_json::to_vec(&document)?)?
        };
        self.held.image(&image)?;
        self.engine.create_over(options, &image, &mut |id| self.held.container(id))
    }

    /// Starts it, passes on what it writes, and answers its exit code.
    fn attend(&self, id: &ContainerId, at: At<'_>) -> Result<i32> {
        let mut io = Listener { build: self, step: at.step };
        let started = at.plan.stages.runs(id).and_then(|()| self.engine.start_attached(id.as_str(), &Attach::default(), &mut io));
        at.plan.stages.rests(id);
        // What was ended since another stage has failed did not fail.
        at.plan.stages.check_going()?;
        match started {
            Ok(Ended::Exited(code)) => Ok(code),
            Ok(Ended::Lost) => Err(Error::new(ErrorKind::Interrupted, "the supervisor of the step's program ended unexpectedly")),
            Ok(Ended::Detached) => Err(Error::new(ErrorKind::Interrupted, "the step's program was left running")),
            Ok(Ended::AtRest) => Err(Error::new(ErrorKind::TimedOut, "the step's program waits for something that will never come")),
            Err(e) => Err(e),
        }
    }

    /// What the container wrote, as entries of a layer: without the places that its mounts needed.
    fn written(&self, made: &Made, id: &ContainerId, targets: &[String]) -> Result<Parts> {
        let layout = self.engine.layout();
        let open = |path: String| self.engine.kernel().tree(&Tree::Directory { path });
        let lower = made.layers.iter().rev().map(|l| open(layout.layer(&l.chain))).collect::<Result<Vec<_>>>()?;
        let mut walk = Walk::layer(open(layout.upper(id))?, lower, self.epoch)?;
        let mut entries = Vec::new();
        while let Some((entry, content)) = walk.next_entry()? {
            let content = content.map_or(Content::None, |path| Content::Tree(0, path));
            entries.push((entry, content));
        }
        let mut base = self.tree(&made.layers)?;
        super::mounts::without_places(&mut entries, &mut *base, targets)?;
        Ok((entries, vec![open(layout.upper(id))?]))
    }
}

/// How Docker says it.
fn failed(run: &RunStep, code: i32) -> Error {
    let shown = if run.script.is_some() { "script".to_owned() } else { run.args.join(" ") };
    let error = Error::new(
        ErrorKind::InvalidInput,
        format!("process \"{}\" did not complete successfully: exit code: {code}", shown.trim_end().escape_debug()),
    )
    .op("run")
    .subject(code.to_string());
    match code {
        127 => error.hint("the program is not in the image: install it before, or look at its name and at PATH"),
        126 => error.hint("the program may not be executed: chmod +x, or COPY --chmod=755"),
        137 => error.hint("it was killed; if for want of memory, give more with -m"),
        _ => error,
    }
}

/// Passes on what a step's program writes. It has no input.
struct Listener<'a> {
    build: &'a Build<'a>,
    step: u32,
}

impl Io for Listener<'_> {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> Result<()> {
        self.build.tell(Event::Output { step: self.step, stream, bytes: bytes.to_vec(), at: self.build.engine.time() });
        Ok(())
    }

    fn input(&mut self, _: bool) -> Result<Input> {
        Ok(Input::Pending)
    }

    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}
