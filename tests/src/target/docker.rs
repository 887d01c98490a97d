//! Another engine as a target: any Docker Engine that listens on a socket of this machine.
//!
//! What it keeps of images and volumes is taken away after each clause, so it should be one that nobody needs. Namespaces and cgroups
//! are the engine's own affair: what a clause wants to see of the host and Docker's API does not show is not observable here.

use super::linux::{LinuxSubject, empty};
use super::{Subject, Target};
use crate::outcome::Output;
use drydock_api::client::{Address, DockerEngine};
use drydock_core::engine::Engine;
use drydock_core::{Error, ErrorKind, Result};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a clause may take: the longest waits twice for the ten seconds that `stop` waits.
const PATIENCE: Duration = Duration::from_secs(25);

/// An engine behind a socket.
pub struct DockerTarget {
    /// Whose it is: what differs is known of one program and not of another.
    name: &'static str,
    subject: Arc<DockerSubject>,
    /// Engines that nobody judges by yet, where there are several.
    idle: Mutex<Vec<Arc<DockerSubject>>>,
}

struct DockerSubject {
    address: String,
    engine: Arc<dyn Engine>,
    own: LinuxSubject,
}

impl DockerTarget {
    /// Reaches the engines at addresses, with commas between, and gives each the suite's image. Several must be of one kind: they share
    /// the work.
    pub fn reach(addresses: &str) -> Result<Self> {
        let subjects = addresses.split(',').map(DockerSubject::reach);
        let subjects = subjects.collect::<Result<Vec<_>>>()?;
        let Some(first) = subjects.first().cloned() else { return Err(Error::new(ErrorKind::InvalidInput, "no engine is named")) };
        let name = first.name();
        if subjects.iter().any(|s| s.name() != name) {
            return Err(Error::new(ErrorKind::InvalidInput, "the engines are not of one kind"));
        }
        let idle = if subjects.len() > 1 { subjects } else { Vec::new() };
        Ok(Self { name, subject: first, idle: Mutex::new(idle) })
    }
}

impl DockerSubject {
    fn reach(address: &str) -> Result<Arc<Self>> {
        if !matches!(Address::parse(address)?, Address::Unix(_)) {
            return Err(Error::new(ErrorKind::Unsupported, "the suite judges engines of this machine").hint("docker:unix:///PATH"));
        }
        let engine: Arc<dyn Engine> = Arc::new(DockerEngine::open(address)?);
        nothing_to_lose(&*engine)?;
        let own = LinuxSubject::beside(Arc::clone(&engine))?;
        Ok(Arc::new(Self { address: address.to_owned(), engine, own }))
    }

    fn name(&self) -> &'static str {
        match self.engine.facts().host.as_str() {
            "docker" => "dockerd",
            "sim" => "served-sim",
            _ => "served",
        }
    }
}

/// Empties a subject's directory for a clause.
fn ready(subject: &Arc<DockerSubject>) -> Result<Arc<dyn Subject>> {
    empty(Path::new(&subject.scratch()))?;
    Ok(Arc::clone(subject) as Arc<dyn Subject>)
}

/// The suite removes everything that clauses leave, and cannot tell it from what was there: so nothing may be.
fn nothing_to_lose(engine: &dyn Engine) -> Result<()> {
    let others = engine.images()?.into_iter().filter(|i| i.tags != [format!("{}:latest", crate::fixture::BUSYBOX)]).count();
    let (containers, volumes) = (engine.containers(true)?.len(), engine.volumes(&[])?.len());
    if containers + volumes + others == 0 {
        // What is called busybox here may be another one.
        for image in engine.images()? {
            engine.remove_image(image.id.as_str(), true, true)?;
        }
        return Ok(());
    }
    let there = format!("{containers} containers, {others} images and {volumes} volumes");
    Err(Error::new(ErrorKind::Conflict, format!("the engine has {there}, and the suite would remove them"))
        .hint("start one with an empty --data-root"))
}

impl Subject for DockerSubject {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::clone(&self.engine)
    }

    fn reopened(&self) -> Result<Arc<dyn Engine>> {
        Ok(Arc::new(DockerEngine::open(&self.address)?))
    }

    fn scratch(&self) -> String {
        self.own.scratch()
    }

    fn host(&self, script: &str) -> Result<Output> {
        self.own.host(script)
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn remotes(&self) -> drydock_sim::registry::Shared {
        self.own.remotes()
    }

    fn registries(&self) -> Vec<String> {
        self.own.registries()
    }

    fn is_elsewhere(&self) -> bool {
        self.engine.facts().host == "sim"
    }

    fn busybox(&self) -> &[u8] {
        self.own.busybox()
    }
}

impl Target for DockerTarget {
    fn name(&self) -> &'static str {
        self.name
    }

    fn subject(&mut self) -> Result<Arc<dyn Subject>> {
        ready(&self.subject)
    }

    fn patience(&self) -> Option<Duration> {
        Some(PATIENCE)
    }

    fn twin(&self) -> Option<Box<dyn Target + Send>> {
        let subject = self.idle.lock().ok()?.pop()?;
        Some(Box::new(Self { name: self.name, subject, idle: Mutex::default() }))
    }
}
