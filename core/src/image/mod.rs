//! Images: layers and configurations (OCI image-spec).

pub mod changes;
pub mod changeset;
mod compress;
pub mod config;
#[cfg(feature = "archives")]
mod frames;
pub mod layer;
pub mod manifest;
pub mod mode;
pub mod pattern;
pub mod reference;
pub mod tar;

pub(crate) use compress::{BZIP2, XZ};
pub use compress::{decompress, without_older};

use crate::id::{ChainId, Digest, ImageId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A layer to unpack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerSource {
    /// The archive on the host: a blob of the store.
    pub archive: String,
    /// Digest of the uncompressed archive.
    pub diff_id: Digest,
    /// Chain id of the layers below, if any.
    pub parent: Option<ChainId>,
    /// Where it was unpacked while it was taken in ([`crate::kernel::Ingested::ahead`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<String>,
}

/// The part of an image's configuration that a container starts with (OCI image-spec config.md).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImageDefaults {
    /// `user[:group]`
    pub user: String,
    /// `80/tcp` → `{}`
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub exposed_ports: BTreeMap<String, serde_json::Value>,
    /// `KEY=value`
    pub env: Vec<String>,
    /// Default arguments, or arguments of the entry point.
    pub cmd: Option<Vec<String>>,
    /// `/data` → `{}`
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub volumes: BTreeMap<String, serde_json::Value>,
    /// Working directory.
    pub working_dir: String,
    /// What is executed.
    pub entrypoint: Option<Vec<String>>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Signal that stops it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
    /// How a container's health is checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<crate::container::health::Healthcheck>,
    /// The shell of a health check's script.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shell: Vec<String>,
}

/// An image as the store keeps it. The configuration itself is a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// Digest of its configuration.
    pub id: ImageId,
    /// Its layers, lowest first.
    pub layers: Vec<ChainId>,
    /// Digests of the uncompressed layers, lowest first.
    pub diff_ids: Vec<Digest>,
    /// Bytes unpacked.
    pub size: u64,
    /// When it was made, from its configuration.
    pub created: Timestamp,
    /// `linux`
    pub os: String,
    /// `amd64`
    pub architecture: String,
    /// Who made it.
    pub author: String,
    /// What was said when it was made.
    pub comment: String,
    /// What a container starts with.
    pub defaults: ImageDefaults,
    /// Normalised references, sorted: `docker.io/library/busybox:latest`.
    pub tags: Vec<String>,
    /// Its manifest.
    #[serde(default)]
    pub manifest: Option<Blob>,
    /// The media type of its manifest; empty for the OCI's.
    #[serde(default)]
    pub manifest_type: String,
    /// The layers as its manifest names them, lowest first: what a push sends. A layer that images share may have come in several
    /// compressions; each image keeps its own.
    #[serde(default)]
    pub blobs: Vec<Blob>,
    /// What registries call it, normalised and sorted: `docker.io/library/busybox@sha256:…`.
    #[serde(default)]
    pub digests: Vec<String>,
    /// The image that it was made from, if it was made here.
    #[serde(default)]
    pub parent: Option<ImageId>,
    /// Removed by force while containers made from it exist; goes with the last of them.
    #[serde(default)]
    pub hidden: bool,
    /// When it was given a tag last; `None` if it never was.
    #[serde(default)]
    pub tagged: Option<Timestamp>,
}

/// A blob of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// Its name.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// An unpacked layer as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerRecord {
    /// Its name.
    pub chain: ChainId,
    /// Digest of its uncompressed archive.
    pub diff_id: Digest,
    /// Its archive as it came.
    pub blob: Blob,
    /// Bytes of its files.
    pub size: u64,
    /// How many images have it.
    pub uses: u64,
}

/// The chain ids of layers from their diff ids, lowest first: the first is the diff id itself, each other the digest of the chain
/// below, a blank, and its diff id (OCI image-spec config.md, "Layer ChainID").
pub fn chain_ids(diff_ids: &[Digest]) -> Vec<ChainId> {
    let mut chains: Vec<ChainId> = Vec::with_capacity(diff_ids.len());
    for diff_id in diff_ids {
        let chain = match chains.last() {
            None => ChainId::new(diff_id.as_str()),
            Some(below) => ChainId::new(Digest::of(format!("{below} {diff_id}").as_bytes()).as_str()),
        };
        chains.push(chain);
    }
    chains
}
