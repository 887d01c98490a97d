//! What a person asks for, and what they get.

use super::cache::{CacheFrom, CacheTo};
use super::progress::Progress;
use crate::container::NetworkMode;
use crate::id::ImageId;
use crate::registry::Access;
use std::collections::{BTreeMap, BTreeSet};

/// A secret that RUN may mount.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its bytes. They go nowhere but into the mount.
    pub content: Vec<u8>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// What becomes of the result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// An image in the store.
    #[default]
    Image,
    /// Nothing: the cache is filled.
    CacheOnly,
    /// The files of the last stage as a tar archive, to [`Sink`].
    Tar,
    /// A Docker archive, to [`Sink`].
    Docker,
    /// An OCI layout in a tar archive, to [`Sink`].
    Oci,
}

/// The options of `build`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildRequest {
    /// The Dockerfile's text, where it does not come from the context.
    pub dockerfile: Option<Vec<u8>>,
    /// Its name: the path in the context, or what messages call it.
    pub file: String,
    /// The text of `.dockerignore`, where it does not come from the context.
    pub ignore: Option<Vec<u8>>,
    /// References for the result.
    pub tags: Vec<String>,
    /// `--build-arg`; a name without a value was not set at the client and is left out there.
    pub arguments: BTreeMap<String, String>,
    /// `--label`
    pub labels: BTreeMap<String, String>,
    /// `--target`
    pub target: String,
    /// `--no-cache`
    pub no_cache: bool,
    /// `--no-cache-filter`: stages.
    pub no_cache_filter: BTreeSet<String>,
    /// `--pull`
    pub pull: bool,
    /// How registries are reached, by host; what is not here is reached as anybody.
    pub access: BTreeMap<String, Access>,
    /// `--network` of RUN; `None` is the default one.
    pub network: Option<NetworkMode>,
    /// `--secret` by id.
    pub secrets: BTreeMap<String, Secret>,
    /// `--ssh` by id: path of an agent's socket.
    pub ssh: BTreeMap<String, String>,
    /// `--platform`; empty for the host's own.
    pub platform: String,
    /// `--add-host`
    pub extra_hosts: Vec<String>,
    /// `--ulimit`
    pub ulimits: Vec<String>,
    /// `--memory`, `--cpu-shares`…: what a program of RUN may use. It is no part of what a step depends on.
    pub resources: crate::limits::Resources,
    /// `--security-opt`
    pub security_opt: Vec<String>,
    /// `--cache-from`
    pub cache_from: Vec<CacheFrom>,
    /// `--cache-to`
    pub cache_to: Vec<CacheTo>,
    /// `--shm-size` in bytes.
    pub shm_size: Option<u64>,
    /// `--squash`
    pub squash: bool,
    /// What becomes of the result.
    pub output: Output,
    /// Keep containers of steps that failed (`--rm=false` keeps none: there is nothing to look at in one that succeeded).
    pub keep_failed: bool,
}

/// What came of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The image; `None` if none was asked for.
    pub image: Option<ImageId>,
    /// Build arguments that no ARG asked for.
    pub unused: Vec<String>,
    /// Steps that were found in the cache, and all of them.
    pub cached: (usize, usize),
}

/// Where an archive goes.
pub type Sink<'a> = dyn std::io::Write + Send + 'a;

/// Archives of caches.
pub type Caches<'a> = Vec<&'a mut dyn std::io::Read>;

impl<'a> Surface<'a> {
    /// A context and who listens; nothing else goes in or out.
    pub fn plain(context: &'a mut dyn std::io::Read, progress: &'a dyn Progress) -> Self {
        Self { context, progress, sink: None, caches: Vec::new(), cache_sink: None }
    }
}

/// What a build talks to.
pub struct Surface<'a> {
    /// The context: a tar archive.
    pub context: &'a mut dyn std::io::Read,
    /// Who is told how it goes.
    pub progress: &'a dyn Progress,
    /// Where an archive goes, for those outputs.
    pub sink: Option<&'a mut Sink<'a>>,
    /// The layouts of [`CacheFrom::Layout`], tar archives in their order.
    pub caches: Caches<'a>,
    /// Where [`CacheTo::Layout`] goes.
    pub cache_sink: Option<&'a mut Sink<'a>>,
}
