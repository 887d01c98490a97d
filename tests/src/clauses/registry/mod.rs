//! Registries: what is pulled and pushed, who is asked who they are, and what is not believed.

mod login;
mod lying;
mod pull;
mod push;
mod search;

use crate::clause::Clause;
use crate::fixture::{Entry, tar};
use crate::outcome::{Checked, contains, fail, holds};
use crate::residue;
use crate::world::World;
use drydock_core::Error;
use drydock_core::id::Digest;
use drydock_core::registry::{Access, Credentials, Progress, PullRequest, Pulled, PushRequest, Secret};
use drydock_sim::registry::How;
use serde_json::{Value, json};
use std::io::Write as _;

/// Every topic, by name.
pub(super) fn topics() -> Vec<&'static [Clause]> {
    vec![login::CLAUSES, lying::CLAUSES, pull::CLAUSES, push::CLAUSES, search::CLAUSES]
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// An image as a registry has it: its documents and its blobs.
#[derive(Clone)]
struct Parts {
    config: Value,
    layers: Vec<Vec<u8>>,
    manifest: Value,
}

fn descriptor(kind: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": Digest::of(bytes), "size": bytes.len()})
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Into memory.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

impl Parts {
    /// An image of these layers.
    fn of(layers: &[Vec<u8>]) -> Self {
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["cat", "/note"], "Env": ["K=v"]},
            "rootfs": {"type": "layers", "diff_ids": layers.iter().map(|l| Digest::of(l)).collect::<Vec<_>>()},
        });
        let mut parts = Self { config, layers: layers.iter().map(|l| packed(l)).collect(), manifest: Value::Null };
        parts.describe();
        parts
    }

    /// An image whose only file is a note, on top of busybox.
    fn noted(w: &World<'_>, note: &str) -> Self {
        Self::of(&[w.busybox().to_vec(), tar(&[Entry::file("note", note)])])
    }

    /// An image of one small layer.
    fn small(note: &str) -> Self {
        Self::of(&[tar(&[Entry::file("note", note)])])
    }

    fn describe(&mut self) {
        let layers: Vec<Value> = self.layers.iter().map(|l| descriptor(LAYER, l)).collect();
        let config = descriptor(CONFIG, self.config.to_string().as_bytes());
        self.manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
    }

    fn digest(&self) -> Digest {
        Digest::of(self.manifest.to_string().as_bytes())
    }

    fn id(&self) -> Digest {
        Digest::of(self.config.to_string().as_bytes())
    }

    fn layer(&self, which: usize) -> Digest {
        Digest::of(self.layers.get(which).map_or(&[][..], Vec::as_slice))
    }

    /// Puts it into a registry.
    fn put(&self, w: &World<'_>, which: usize, repository: &str, tag: Option<&str>) -> Checked<Digest> {
        w.registry(which, |registry| {
            registry.put_blob(repository, self.config.to_string().as_bytes());
            for layer in &self.layers {
                registry.put_blob(repository, layer);
            }
            registry.put_manifest(repository, tag, MANIFEST, self.manifest.to_string().as_bytes())
        })
    }
}

/// An index of images by machine.
fn index(images: &[(&Parts, &str)]) -> Value {
    let entry = |(parts, machine): &(&Parts, &str)| {
        let mut entry = descriptor(MANIFEST, parts.manifest.to_string().as_bytes());
        entry["platform"] = json!({"os": "linux", "architecture": machine});
        entry
    };
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": images.iter().map(entry).collect::<Vec<_>>()})
}

/// The name of a repository in a registry of the clause.
fn named(w: &World<'_>, which: usize, rest: &str) -> String {
    format!("{}/{rest}", w.registries().get(which).cloned().unwrap_or_default())
}

fn known(username: &str, password: &str) -> Access {
    let credentials = Credentials::Basic { username: username.to_owned(), password: Secret::new(password) };
    Access { credentials, ..Access::default() }
}

/// Pulls, and keeps what was said.
fn pulls_with(w: &World<'_>, request: &PullRequest) -> Result<(Vec<Pulled>, Vec<Progress>), Error> {
    let mut told = Vec::new();
    let pulled = w.engine().pull(request, &mut |progress| told.push(progress))?;
    Ok((pulled, told))
}

/// Pulls one image.
fn pull(w: &World<'_>, name: &str) -> Result<Pulled, Error> {
    let request = PullRequest { reference: name.to_owned(), ..PullRequest::default() };
    pulls_with(w, &request)?.0.into_iter().next().ok_or_else(|| Error::invalid("nothing was pulled"))
}

/// The lines that a person sees.
fn lines(told: &[Progress]) -> Vec<String> {
    let line = |p: &Progress| if p.id.is_empty() { p.status.clone() } else { format!("{}: {}", p.id, p.status) };
    told.iter().filter(|p| p.bytes.is_none()).map(line).collect()
}

fn push(w: &World<'_>, name: &str) -> Result<Vec<String>, Error> {
    push_as(w, name, Access::default())
}

fn push_as(w: &World<'_>, name: &str, access: Access) -> Result<Vec<String>, Error> {
    let mut told = Vec::new();
    let request = PushRequest { reference: name.to_owned(), access, ..PushRequest::default() };
    w.engine().push(&request, &mut |progress| told.push(progress))?;
    Ok(lines(&told))
}

/// Pulls what must be refused: with one line that has these words, nothing kept, and the registry asked a bounded number of times.
fn refused(w: &World<'_>, name: &str, words: &str) -> Checked<Error> {
    refused_with(w, &PullRequest { reference: name.to_owned(), ..PullRequest::default() }, words)
}

fn refused_with(w: &World<'_>, request: &PullRequest, words: &str) -> Checked<Error> {
    let before = residue::observe(w)?;
    let images = w.engine().images()?;
    let error = match pulls_with(w, request) {
        Ok((pulled, _)) => return fail(format_args!("it was not refused: {pulled:?}")),
        Err(error) => error,
    };
    let text = error.to_string();
    contains("message", &text, words)?;
    holds(format_args!("the message is one line: {text:?}"), !text.chars().any(char::is_control) && text.len() < 1000)?;
    holds("no image was entered", w.engine().images()? == images)?;
    residue::unchanged(w, &before)?;
    for which in 0..w.registries().len() {
        let asked = w.registry(which, |registry| registry.log.len())?;
        holds(format_args!("registry {which} was asked {asked} times, which is bounded"), asked < 450)?;
    }
    Ok(error)
}

/// Puts an image into the first registry, lets that lie once about what has this in `METHOD TARGET`, and pulls: refused.
fn lied(w: &World<'_>, on: &str, how: How, words: &str) -> Checked<Error> {
    Parts::noted(w, "truth").put(w, 0, "app", Some("1"))?;
    w.registry(0, |registry| registry.lie(on, u32::MAX, how))?;
    refused(w, &named(w, 0, "app:1"), words)
}
