//! Registries in memory: the other end of the distribution specification, for the simulated host and for tests.
//!
//! A [`Registry`] answers requests as values and knows no network: the simulated host asks it by [`SimTransport`], and the suite puts
//! the same one behind a real socket. It does what the specification says, strictly, and on demand it lies: see [`Lie`].

mod catalogue;
mod lie;
mod login;
mod serve;
mod transport;
mod upload;

pub use catalogue::{PASSWORD, USER};
pub use lie::{How, Lie};
pub use login::Wants;
pub use transport::SimTransport;

use drydock_core::id::Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One request as it arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// `GET`
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The path alone.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The values of a parameter.
    pub fn parameters(&self, name: &str) -> Vec<String> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).collect()
    }

    /// The first value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters(name).into_iter().next()
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        match byte {
            b'%' => {
                if let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) {
                    bytes.push(high * 16 + low);
                }
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// Headers, but `content-length`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long the body is said to be, where that is not true.
    pub claimed: Option<u64>,
    /// The connection ends after so many bytes of the body.
    pub cut: Option<usize>,
    /// Nothing more comes after so many bytes of the body, and the connection stays.
    pub stall: Option<usize>,
    /// The body has no end: this byte for ever.
    pub endless: Option<u8>,
}

impl Answered {
    /// A response without a body.
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With a body of a kind.
    #[must_use]
    pub fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.headers.push(("content-type".to_owned(), kind.to_owned()));
        self.body = body.into();
        self
    }

    /// JSON.
    pub fn json(status: u16, value: &Value) -> Self {
        Self::status(status).body("application/json", value.to_string())
    }

    /// A refusal (distribution-spec "Error Codes").
    pub fn problem(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &json!({"errors": [{"code": code, "message": message, "detail": null}]}))
    }
}

/// One repository.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    /// What a search shows of it.
    pub description: String,
    /// How many like it.
    pub stars: u64,
    /// Whether Docker looks after it.
    pub official: bool,
    /// Digests of manifests by tag.
    pub tags: BTreeMap<String, Digest>,
    /// Manifests and indexes, with their media types.
    pub manifests: BTreeMap<Digest, (String, Vec<u8>)>,
    /// The blobs that are in it.
    pub blobs: std::collections::BTreeSet<Digest>,
}

/// A registry.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Whether it speaks TLS.
    pub tls: bool,
    /// What it wants to see.
    pub wants: Wants,
    /// Passwords by name.
    pub accounts: BTreeMap<String, String>,
    /// Repositories by name.
    pub repositories: BTreeMap<String, Repository>,
    /// Blobs of all repositories.
    pub blobs: BTreeMap<Digest, Vec<u8>>,
    /// What it lies about.
    pub lies: Vec<Lie>,
    /// Every request it got.
    pub log: Vec<Asked>,
    /// Whether it has a search of Docker Hub's kind.
    pub searchable: bool,
    /// Files that the host serves beside: what answers a path.
    pub files: BTreeMap<String, Answered>,
    /// Items on a page of a list.
    pub page: usize,
    uploads: BTreeMap<String, Vec<u8>>,
    started: u64,
    granted: BTreeMap<String, login::Grant>,
}

impl Registry {
    /// Puts a blob into a repository.
    pub fn put_blob(&mut self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        self.share_blob(repository, &digest, bytes);
        digest
    }

    /// Puts a blob whose digest is known into a repository; its bytes are kept once for all of them.
    fn share_blob(&mut self, repository: &str, digest: &Digest, bytes: &[u8]) {
        self.blobs.entry(digest.clone()).or_insert_with(|| bytes.to_vec());
        self.repositories.entry(repository.to_owned()).or_default().blobs.insert(digest.clone());
    }

    /// Puts a manifest or index into a repository.
    pub fn put_manifest(&mut self, repository: &str, tag: Option<&str>, media_type: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let repository = self.repositories.entry(repository.to_owned()).or_default();
        repository.manifests.insert(digest.clone(), (media_type.to_owned(), bytes.to_vec()));
        if let Some(tag) = tag {
            repository.tags.insert(tag.to_owned(), digest.clone());
        }
        digest
    }

    /// Requests whose method and target have this in them.
    pub fn seen(&self, part: &str) -> Vec<&Asked> {
        self.log.iter().filter(|asked| format!("{} {}", asked.method, asked.target).contains(part)).collect()
    }

    /// Adds a lie.
    pub fn lie(&mut self, on: &str, times: u32, how: How) {
        self.lies.push(Lie { on: on.to_owned(), times, how });
    }
}

/// Registries by host and port.
#[derive(Clone, Debug, Default)]
pub struct Remotes {
    hosts: BTreeMap<String, Registry>,
    stocked: bool,
}

/// The world's registries, shared between whoever asks them and whoever looks after them.
pub type Shared = Arc<Mutex<Remotes>>;

/// Takes them.
pub fn held(shared: &Shared) -> MutexGuard<'_, Remotes> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Remotes {
    /// The registry at a host and port.
    pub fn at(&mut self, authority: &str) -> Option<&mut Registry> {
        self.hosts.get_mut(Self::alias(authority))
    }

    /// Puts one there, in the place of any other.
    pub fn put(&mut self, authority: &str, registry: Registry) {
        self.hosts.insert(authority.to_owned(), registry);
    }

    /// Makes those that every simulated world has, when they are first asked.
    pub fn stock(&mut self) {
        if !self.stocked {
            self.stocked = true;
            catalogue::fill(self);
        }
    }
}
