//! What a clause sees of its target, and the short words it says things with.

use crate::fixture::BUSYBOX;
use crate::outcome::{Checked, Failed, Output, fail, refusal};
use crate::script::Script;
use crate::target::Subject;
use drydock_core::Error;
use drydock_core::container::{ContainerConfig, ContainerRecord, ExecConfig, NetworkMode, Status};
use drydock_core::engine::{Engine, ImageSummary, LogLine, LogsRequest, PruneFilters, RemoveOptions};
use drydock_core::host::{Capabilities, Capability};
use drydock_core::id::ContainerId;
use drydock_core::io::{Attach, Ended, Stream};
use drydock_core::kernel::Signal;
use drydock_core::time::Timestamp;
use drydock_sim::registry::Registry;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

/// One clause's world: an engine that has the image `busybox` and no container.
pub struct World<'a> {
    subject: &'a dyn Subject,
    engine: Arc<dyn Engine>,
    capabilities: Capabilities,
    made: RefCell<Vec<String>>,
    /// Whether a clause asked for something of the engine's host where that is not here.
    missed: Cell<bool>,
}

impl<'a> World<'a> {
    /// A world over a subject.
    pub fn new(subject: &'a dyn Subject) -> Self {
        let engine = subject.engine();
        let capabilities = engine.capabilities();
        let world = Self { subject, engine, capabilities, made: RefCell::default(), missed: Cell::default() };
        world.fresh_registries();
        world
    }

    /// The engine itself.
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// The engine opened once more over the same state.
    pub fn reopened(&self) -> Checked<Arc<dyn Engine>> {
        Ok(self.subject.reopened()?)
    }

    /// Whether the target declares this.
    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// Fails as not observable where the engine is reached through its API, which does not show this.
    pub fn inside(&self, what: &str) -> Checked {
        let shown = self.engine.observe().map_err(Failed::from);
        match shown {
            Err(failed) if failed.unobservable().is_some() => {
                Err(Failed::not_observable(format_args!("Docker's API does not show {what}")))
            }
            _ => Ok(()),
        }
    }

    // -- what to run

    /// `run --network none busybox ARGS`, as options. Most clauses need no network, and a network takes the longest to make.
    pub fn config(&self, args: &[&str]) -> ContainerConfig {
        ContainerConfig {
            image: BUSYBOX.to_owned(),
            command: args.iter().map(|&a| a.to_owned()).collect(),
            network: NetworkMode::None,
            ..ContainerConfig::default()
        }
    }

    /// Runs a program in a new container to its end.
    pub fn run(&self, args: &[&str]) -> Checked<Output> {
        self.run_with(args, |_| {})
    }

    /// Runs a program in a new container with other options.
    pub fn run_with(&self, args: &[&str], tweak: impl FnOnce(&mut ContainerConfig)) -> Checked<Output> {
        self.run_playing(args, tweak, &mut Script::silent())
    }

    /// Runs a script in the container's shell.
    pub fn sh(&self, script: &str) -> Checked<Output> {
        self.run(&["sh", "-c", script])
    }

    /// Runs a script in the container's shell with other options.
    pub fn sh_with(&self, script: &str, tweak: impl FnOnce(&mut ContainerConfig)) -> Checked<Output> {
        self.run_with(&["sh", "-c", script], tweak)
    }

    /// Runs a program in a new container with somebody at its streams.
    pub fn run_playing(&self, args: &[&str], tweak: impl FnOnce(&mut ContainerConfig), script: &mut Script) -> Checked<Output> {
        let mut config = self.config(args);
        tweak(&mut config);
        let id = self.make(&config)?;
        let attach = Attach { stdin: config.open_stdin, ..Attach::default() };
        match self.engine.start_attached(id.as_str(), &attach, script)? {
            Ended::Exited(code) => {
                Ok(Output { code, stdout: std::mem::take(&mut script.stdout), stderr: std::mem::take(&mut script.stderr) })
            }
            other => fail(format_args!("it did not end but {other:?}; stdout {:?}", String::from_utf8_lossy(&script.stdout))),
        }
    }

    /// Asks for something that must be refused, by `create` or by `start`. Answers the error, and with what exit code `run` would end.
    pub fn refused(&self, args: &[&str], tweak: impl FnOnce(&mut ContainerConfig)) -> Checked<Error> {
        let mut config = self.config(args);
        tweak(&mut config);
        let id = match self.make(&config) {
            Err(error) => return refusal(error),
            Ok(id) => id,
        };
        match self.engine.start_attached(id.as_str(), &Attach::default(), &mut Script::silent()) {
            Err(error) => refusal(error),
            Ok(ended) => fail(format_args!("it was not refused: {ended:?}")),
        }
    }

    fn make(&self, config: &ContainerConfig) -> Result<ContainerId, Error> {
        let id = self.engine.create(config)?;
        self.made.borrow_mut().push(id.as_str().to_owned());
        Ok(id)
    }

    /// Whether a line of a snapshot names a container that was made in this world.
    pub fn made(&self, line: &str) -> bool {
        self.made.borrow().iter().any(|id| line.contains(id))
    }

    /// Makes a container; nothing runs. Answers its id.
    pub fn create(&self, args: &[&str], tweak: impl FnOnce(&mut ContainerConfig)) -> Checked<String> {
        let mut config = self.config(args);
        tweak(&mut config);
        Ok(self.make(&config)?.as_str().to_owned())
    }

    /// Starts a program in a new container in the background. Answers its id.
    pub fn start(&self, args: &[&str], tweak: impl FnOnce(&mut ContainerConfig)) -> Checked<String> {
        let id = self.create(args, tweak)?;
        self.engine.start(&id)?;
        Ok(id)
    }

    /// Starts a container that sleeps for a long time.
    pub fn sleeper(&self, tweak: impl FnOnce(&mut ContainerConfig)) -> Checked<String> {
        self.start(&["sleep", "1000"], tweak)
    }

    /// Starts a container whose shell runs a script, and waits until it says `ready`.
    pub fn ready(&self, script: &str, tweak: impl FnOnce(&mut ContainerConfig)) -> Checked<String> {
        let id = self.start(&["sh", "-c", script], tweak)?;
        self.eventually("it says ready", || Ok(self.log_text(&id)?.contains("ready")))?;
        Ok(id)
    }

    // -- what is

    /// The record of a container.
    pub fn record(&self, name: &str) -> Checked<ContainerRecord> {
        Ok(self.engine.container(name)?)
    }

    /// Its status.
    pub fn status(&self, name: &str) -> Checked<Status> {
        Ok(self.record(name)?.state.status)
    }

    /// Waits for its end. Answers its exit code.
    pub fn wait(&self, name: &str) -> Checked<i32> {
        Ok(self.engine.wait(name, Some(Duration::from_secs(40)))?)
    }

    /// Waits until something holds, at most ten seconds of the engine's time.
    pub fn eventually(&self, what: &str, holds: impl Fn() -> Checked<bool>) -> Checked {
        let begun = self.now();
        let mut pause = Duration::from_millis(2);
        while !holds()? {
            if self.now().since(begun) > Duration::from_secs(10) {
                return fail(format_args!("it never came that {what}"));
            }
            self.sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(100));
        }
        Ok(())
    }

    /// The engine's time.
    pub fn now(&self) -> Timestamp {
        self.engine.now()
    }

    /// Lets time pass.
    pub fn sleep(&self, time: Duration) {
        self.subject.sleep(time);
    }

    /// How long it takes until something is done, by the engine's clock.
    pub fn timed(&self, what: impl FnOnce() -> Checked) -> Checked<Duration> {
        let begun = self.now();
        what()?;
        Ok(self.now().since(begun))
    }

    // -- exec

    /// Runs another program in a container.
    pub fn exec(&self, name: &str, args: &[&str]) -> Checked<Output> {
        self.exec_with(name, args, |_| {}, &mut Script::silent())
    }

    /// Runs another program in a container with other options and somebody at its streams.
    pub fn exec_with(&self, name: &str, args: &[&str], tweak: impl FnOnce(&mut ExecConfig), script: &mut Script) -> Checked<Output> {
        match self.try_exec(name, args, tweak, script)? {
            Ended::Exited(code) => {
                Ok(Output { code, stdout: std::mem::take(&mut script.stdout), stderr: std::mem::take(&mut script.stderr) })
            }
            other => fail(format_args!("the exec did not end but {other:?}")),
        }
    }

    /// The same, where the engine may refuse.
    pub fn try_exec(&self, name: &str, args: &[&str], tweak: impl FnOnce(&mut ExecConfig), script: &mut Script) -> Result<Ended, Error> {
        let mut exec = ExecConfig { command: args.iter().map(|&a| a.to_owned()).collect(), ..ExecConfig::default() };
        tweak(&mut exec);
        let attach = Attach { stdin: exec.stdin, ..Attach::default() };
        self.engine.exec(name, &exec, &attach, script)
    }

    /// An exec that must be refused.
    pub fn exec_refused(&self, name: &str, args: &[&str], tweak: impl FnOnce(&mut ExecConfig)) -> Checked<Error> {
        match self.try_exec(name, args, tweak, &mut Script::silent()) {
            Err(error) => Ok(error),
            Ok(ended) => fail(format_args!("the exec was not refused: {ended:?}")),
        }
    }

    // -- logs

    /// Lines of a container's log.
    pub fn logs(&self, name: &str, request: &LogsRequest) -> Checked<Vec<LogLine>> {
        let mut lines = Vec::new();
        self.engine.logs(name, request, &mut |line| {
            lines.push(line);
            true
        })?;
        Ok(lines)
    }

    /// What a container wrote to standard output, from its log.
    pub fn log_text(&self, name: &str) -> Checked<String> {
        let lines = self.logs(name, &LogsRequest::default())?;
        let bytes: Vec<u8> = lines.into_iter().filter(|l| l.stream == Stream::Stdout).flat_map(|l| l.bytes).collect();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    // -- the host

    /// Whether what was seen counts for nothing: the engine's host is another one, and the clause is about that.
    pub fn misses_the_host(&self) -> bool {
        self.missed.get()
    }

    fn needs_the_host(&self) {
        if self.subject.is_elsewhere() {
            self.missed.set(true);
        }
    }

    /// Runs a script in a shell on the host.
    pub fn host(&self, script: &str) -> Checked<Output> {
        self.needs_the_host();
        Ok(self.subject.host(script)?)
    }

    /// A directory of the host where files may be made.
    pub fn scratch(&self) -> String {
        self.needs_the_host();
        self.subject.scratch()
    }

    // -- images

    /// Imports an archive. Answers the image's id.
    pub fn import(&self, archive: &[u8], reference: &str, changes: &[&str]) -> Checked<String> {
        let changes: Vec<String> = changes.iter().map(|&c| c.to_owned()).collect();
        Ok(self.engine.import(&mut &*archive, &drydock_core::engine::ImportRequest::of(reference, &changes, ""))?.as_str().to_owned())
    }

    /// Imports the busybox image once more, with changes.
    pub fn import_busybox(&self, reference: &str, changes: &[&str]) -> Checked<String> {
        self.import(self.subject.busybox(), reference, changes)
    }

    /// The archive of the busybox image.
    pub fn busybox(&self) -> &[u8] {
        self.subject.busybox()
    }

    // -- registries

    /// The hosts and ports of the registries that are for clauses.
    pub fn registries(&self) -> Vec<String> {
        self.needs_the_host();
        self.subject.registries()
    }

    /// Looks at a registry, or changes it.
    pub fn registry<T>(&self, which: usize, look: impl FnOnce(&mut Registry) -> T) -> Checked<T> {
        let name = self.registries().get(which).cloned().unwrap_or_default();
        let remotes = self.subject.remotes();
        let mut remotes = drydock_sim::registry::held(&remotes);
        match remotes.at(&name) {
            Some(registry) => Ok(look(registry)),
            None => fail(format_args!("there is no registry {which}")),
        }
    }

    /// Puts registries, empty and true, where the last clause's were.
    pub fn fresh_registries(&self) {
        let remotes = self.subject.remotes();
        for name in self.subject.registries() {
            drydock_sim::registry::held(&remotes).put(&name, Registry::default());
        }
    }

    // -- the end

    /// Sends a signal.
    pub fn kill(&self, name: &str, signal: &str) -> Checked {
        Ok(self.engine.kill(name, Signal::parse(signal)?)?)
    }

    /// `rm -f -v`
    pub fn remove(&self, name: &str) -> Checked {
        Ok(self.engine.remove(name, RemoveOptions { force: true, volumes: true })?)
    }

    /// Waits until a container that is being removed is gone.
    fn goes(&self, id: &str) -> Checked {
        self.eventually("its removal ends", || Ok(self.engine.container(id).is_err()))
    }

    /// Takes away every image and name but `busybox`. Answers the first that would not go, why, and how many went.
    fn drop_images(&self) -> Checked<Option<(String, Error, usize)>> {
        let keep = format!("{BUSYBOX}:latest");
        let (mut first, mut gone) = (None, 0);
        for image in ImageSummary::children_first(self.engine.images()?) {
            let own = image.tags.contains(&keep);
            let names: Vec<&str> =
                if own { image.tags.iter().filter(|t| **t != keep).map(String::as_str).collect() } else { vec![image.id.as_str()] };
            for name in names {
                match self.engine.remove_image(name, true, true) {
                    Ok(_) => gone += 1,
                    // It went with another one.
                    Err(e) if e.kind() == drydock_core::ErrorKind::NotFound => {}
                    Err(e) => drop(first.get_or_insert((format!("image {name}"), e))),
                }
            }
        }
        Ok(first.map(|(name, error)| (name, error, gone)))
    }

    /// Removes every container and network, and every image but `busybox`. The harness calls it after the clause, whatever came of it.
    pub fn clean(&self) -> Checked {
        let mut first: Option<Failed> = None;
        let mut note = |result: Result<(), Error>, what: &str| {
            if let Err(error) = result {
                first.get_or_insert(Failed(format!("cleaning up: {what}: {error}")));
            }
        };
        for container in self.engine.containers(true)? {
            let gone = self.engine.remove(container.id.as_str(), RemoveOptions { force: true, volumes: true });
            // One that was to remove itself may have done so meanwhile, or be about to.
            let gone = gone.or_else(|e| match e.kind() {
                drydock_core::ErrorKind::NotFound => Ok(()),
                drydock_core::ErrorKind::Conflict => self.goes(container.id.as_str()).map_err(|_| e),
                _ => Err(e),
            });
            note(gone, &format!("container {}", container.name));
        }
        // An image that others were made from goes after them, and the list does not say which that is.
        while let Some(again) = self.drop_images()? {
            if again.2 == 0 {
                note(Err(again.1), &again.0);
                break;
            }
        }
        note(self.engine.prune_networks(&PruneFilters::default()).map(drop), "networks");
        // No prune takes one that is only a configuration.
        for network in self.engine.networks()?.into_iter().filter(drydock_core::network::NetworkRecord::is_configuration) {
            note(self.engine.remove_network(&network.name), &format!("network {}", network.name));
        }
        note(self.engine.prune_volumes(true, &PruneFilters::default()).map(drop), "volumes");
        // Some engines prune none that has options of its own.
        for volume in self.engine.volumes(&[])? {
            note(self.engine.volume_remove(&volume.record.name, true), &format!("volume {}", volume.record.name));
        }
        let all = drydock_core::engine::PruneCache { all: true, ..Default::default() };
        note(self.engine.prune_build_cache(&all).map(drop), "build cache");
        first.map_or(Ok(()), Err)
    }
}
