//! `save`: images as an archive that `load`, Docker and every tool that knows OCI image layouts reads.
//!
//! Blobs go out as they came in, each once, and are hashed on the way: a damaged one is an error and not an archive.

use super::LocalEngine;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Digest, hex};
use crate::image::manifest;
use crate::image::reference::{Reference, familiar};
use crate::image::tar::{Entry, Kind, Writer};
use crate::image::{Blob, ImageRecord};
use crate::kernel::Tree;
use crate::store::{StoreExt as _, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::io::{Read, Write};

/// Which kind of archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArchiveFormat {
    /// An OCI image layout with what `docker load` of every age reads beside it (`manifest.json`, `repositories`).
    #[default]
    Docker,
    /// An OCI image layout and nothing else (image-spec image-layout.md).
    Oci,
}

/// An image to save, and the references it goes by in the archive.
struct Saved {
    image: ImageRecord,
    tags: Vec<String>,
}

impl LocalEngine {
    /// Writes images as one archive.
    pub(super) fn save_images(&self, names: &[String], format: ArchiveFormat, into: &mut dyn Write) -> Result<()> {
        let chosen = self.choose(names)?;
        let mut archive = Writer::new(into);
        let mut small = |path: &str, content: &str| archive.append(&Entry::new(path, Kind::File), content.as_bytes());
        small("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}")?;
        small("index.json", &index(chosen.iter().map(|s| (&s.image, s.tags.as_slice()))).to_string())?;
        if format == ArchiveFormat::Docker {
            let (list, repositories) = (Value::Array(chosen.iter().map(described).collect()), repositories(&chosen));
            small("manifest.json", &list.to_string())?;
            if let Some(repositories) = repositories {
                small("repositories", &repositories.to_string())?;
            }
        }
        for directory in ["blobs/", "blobs/sha256/"] {
            archive.append(&Entry::new(directory, Kind::Directory), b"")?;
        }
        let mut tree = self.kernel().tree(&Tree::Directory { path: format!("{}/blobs/sha256", self.layout().data_root()) })?;
        let mut done = BTreeSet::new();
        for Saved { image, .. } in &chosen {
            let manifest = image.manifest.clone().ok_or_else(|| damaged(&image.id.to_string(), "has no manifest"))?;
            let id = Digest::parse(image.id.as_str())?;
            let config = Blob { size: self.kernel().size(&self.layout().blob(&id))?, digest: id };
            for blob in [manifest, config].iter().chain(&image.blobs) {
                if !done.insert(blob.digest.clone()) {
                    continue;
                }
                let content =
                    tree.read(blob.digest.hex().as_bytes()).map_err(|e| damaged(blob.digest.as_str(), "is not there").source(e))?;
                let mut hashed = Hashed { content, hash: Sha256::new() };
                let path = format!("blobs/sha256/{}", blob.digest.hex());
                archive.stream(&Entry { size: blob.size, ..Entry::new(path, Kind::File) }, &mut hashed)?;
                let found = format!("sha256:{}", hex(&hashed.hash.finalize()));
                if found != blob.digest.as_str() {
                    return Err(damaged(blob.digest.as_str(), &format!("has the digest {found}")));
                }
            }
        }
        archive.finish().map(drop)
    }

    /// The images that names mean, each once: a name without a tag means every tag of the repository.
    fn choose(&self, names: &[String]) -> Result<Vec<Saved>> {
        let mut chosen: Vec<Saved> = Vec::new();
        let mut add = |image: ImageRecord, tag: Option<String>| match chosen.iter_mut().find(|s| s.image.id == image.id) {
            Some(known) => known.tags.extend(tag.filter(|t| !known.tags.contains(t)).into_iter().collect::<Vec<_>>()),
            None => chosen.push(Saved { image, tags: tag.into_iter().collect() }),
        };
        for name in names {
            let whole =
                Reference::parse(name).ok().filter(|r| r.digest.is_none() && !names_a_tag(name)).map(|r| format!("{}:", r.repository()));
            let tags = whole.map(|prefix| self.store().scan(Table::Tags, &prefix, "", usize::MAX)).transpose()?.unwrap_or_default();
            if tags.is_empty() {
                let wrong = |e: Error| {
                    if e.kind() == ErrorKind::NotFound { Error::not_found(format!("No such image: {name}")).subject(name) } else { e }
                };
                let (image, reference) = self.resolve_image(name).map_err(wrong)?;
                add(image, reference.filter(|r| r.digest.is_none()).map(|r| r.to_string()));
            }
            for (tag, id) in tags {
                let id: String = crate::store::decode(Table::Tags, &tag, &id)?;
                let image: Option<ImageRecord> = self.store().load(Table::Images, &id)?;
                image.into_iter().for_each(|image| add(image, Some(tag.clone())));
            }
        }
        Ok(chosen)
    }
}

fn damaged(what: &str, how: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{what} {how}")).subject(what).hint("the store is damaged: pull or load the image again")
}

/// Whether a name says a tag itself.
fn names_a_tag(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|last| last.contains(':'))
}

/// Reads, and hashes what was read.
struct Hashed {
    content: Box<dyn Read>,
    hash: Sha256,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.content.read(buffer)?;
        self.hash.update(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}

/// An entry of `manifest.json`.
fn described(saved: &Saved) -> Value {
    let path = |digest: &str| format!("blobs/sha256/{}", digest.trim_start_matches("sha256:"));
    let tags: Vec<String> = saved.tags.iter().map(|t| familiar(t)).collect();
    json!({
        "Config": path(saved.image.id.as_str()),
        "RepoTags": if tags.is_empty() { Value::Null } else { json!(tags) },
        "Layers": saved.image.blobs.iter().map(|b| path(b.digest.as_str())).collect::<Vec<_>>(),
    })
}

/// The file `repositories`: which layer is the top one of each reference.
fn repositories(chosen: &[Saved]) -> Option<Value> {
    let mut all = Map::new();
    for Saved { image, tags } in chosen {
        let Some(top) = image.blobs.last() else { continue };
        for tag in tags.iter().map(|t| familiar(t)) {
            let Some((repository, tag)) = tag.rsplit_once(':') else { continue };
            if let Value::Object(of) = all.entry(repository).or_insert_with(|| json!({})) {
                of.insert(tag.to_owned(), json!(top.digest.hex()));
            }
        }
    }
    (!all.is_empty()).then_some(Value::Object(all))
}

/// The `index.json` of an image layout that holds these images under these references.
pub(super) fn index<'a>(images: impl Iterator<Item = (&'a ImageRecord, &'a [String])>) -> Value {
    let mut manifests = Vec::new();
    for (image, tags) in images {
        let Some(manifest) = &image.manifest else { continue };
        let kind = if image.manifest_type.is_empty() { manifest::MANIFEST } else { &image.manifest_type };
        let plain = json!({"mediaType": kind, "digest": manifest.digest, "size": manifest.size});
        let named = |tag: &String| {
            let mut one = plain.clone();
            let names = json!({
                "io.containerd.image.name": tag,
                "org.opencontainers.image.ref.name": tag.rsplit_once(':').map_or(tag.as_str(), |(_, tag)| tag),
            });
            if let Some(object) = one.as_object_mut() {
                object.insert("annotations".to_owned(), names);
            }
            one
        };
        if tags.is_empty() {
            manifests.push(plain.clone());
        }
        manifests.extend(tags.iter().map(named));
    }
    json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests})
}
