//! `load`: images from a Docker archive or an OCI image layout in a tar, read once from front to back.
//!
//! Every file of the archive that could be a blob is taken in under its digest as it passes; what it is good for is known when the
//! manifest has passed too. What nothing names in the end is swept away with the intake.

use super::LocalEngine;
use super::import::Intake;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChainId, Digest, ImageId};
use crate::image::reference::{Reference, familiar};
use crate::image::tar::{Kind, Reader};
use crate::image::{Blob, ImageRecord, LayerRecord, chain_ids, config, decompress, manifest};
use crate::kernel::{Compression, Ingested};
use crate::registry::limits;
use crate::registry::transport::Job;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Mutex, PoisonError};

/// The largest file of an archive.
const LARGEST_FILE: u64 = 64 << 30;
/// The most files an archive may have.
const MOST_FILES: usize = 100_000;
/// How deep indexes may name indexes.
const DEEPEST_INDEX: usize = 4;

/// What an archive held, by path.
#[derive(Default)]
struct Contents {
    blobs: BTreeMap<String, Ingested>,
    links: BTreeMap<String, String>,
    documents: BTreeMap<String, Vec<u8>>,
}

impl Contents {
    /// The blob at a path, through the links that old versions of `docker save` write for layers they had written before.
    fn blob(&self, path: &str) -> Result<&Ingested> {
        let mut path = clean(path);
        for _ in 0..8 {
            if let Some(blob) = self.blobs.get(&path) {
                return Ok(blob);
            }
            let Some(to) = self.links.get(&path) else { break };
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            path = if to.starts_with('/') { clean(to) } else { clean(&format!("{parent}/{to}")) };
        }
        Err(Error::invalid(format!("the archive has no file {}", path.escape_debug())))
    }

    /// The blob that a descriptor means; one of another size than it says is refused.
    fn described(&self, blob: &Blob) -> Result<&Ingested> {
        let digest = &blob.digest;
        let path = format!("blobs/sha256/{}", digest.hex());
        let taken = self.blobs.get(&path).ok_or_else(|| Error::invalid(format!("the archive has no blob {digest}")))?;
        if taken.size == blob.size {
            Ok(taken)
        } else {
            Err(Error::invalid(format!("{digest} has {} bytes, not {}", taken.size, blob.size)))
        }
    }
}

/// A path without `.`, `..` and empty parts; nothing leads above the archive's root.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

impl LocalEngine {
    /// Loads every image of an archive. Answers the references of those that have one and the ids of those that have none.
    pub(super) fn load_images(&self, archive: &mut dyn Read) -> Result<Vec<String>> {
        let intake = Intake::begin(self)?;
        let loaded = self.load_into(&intake, archive);
        intake.end()?;
        loaded
    }

    fn load_into(&self, intake: &Intake<'_>, archive: &mut dyn Read) -> Result<Vec<String>> {
        let contents = take_in(intake, archive)?;
        if let Some(list) = contents.documents.get("manifest.json") {
            return self.load_docker(intake, &contents, list);
        }
        if contents.documents.contains_key("oci-layout") {
            let index = contents.documents.get("index.json").ok_or_else(|| Error::invalid("the OCI layout has no index.json"))?;
            let mut loaded = Vec::new();
            self.load_index(intake, &contents, index, 0, &mut loaded)?;
            return Ok(loaded);
        }
        Err(Error::invalid("open manifest.json: no such file or directory")
            .hint("the archive is neither of `docker save` nor an OCI layout"))
    }

    fn load_docker(&self, intake: &Intake<'_>, contents: &Contents, list: &[u8]) -> Result<Vec<String>> {
        let mut loaded = Vec::new();
        for one in manifest::archived(list)? {
            let layers = one.layers.unwrap_or_default().iter().map(|path| contents.blob(path)).collect::<Result<Vec<_>>>()?;
            let tags = one.repo_tags.unwrap_or_default().iter().map(|t| Reference::parse(t)).collect::<Result<Vec<_>>>()?;
            self.enter_loaded(intake, contents.blob(&one.config)?, &layers, None, &tags, &mut loaded)?;
        }
        Ok(loaded)
    }

    fn load_index(&self, intake: &Intake<'_>, contents: &Contents, index: &[u8], depth: usize, loaded: &mut Vec<String>) -> Result<()> {
        if depth > DEEPEST_INDEX {
            return Err(Error::invalid("an index names indexes too deep"));
        }
        let own = &self.kernel().facts().architecture;
        for entry in manifest::index(index)? {
            // Another machine's image, or no image at all (attestations have the platform unknown/unknown).
            if entry.platform.as_ref().is_some_and(|(os, machine)| os != "linux" || (depth > 0 && machine != own)) {
                continue;
            }
            let blob = contents.described(&entry.blob)?;
            let document = self.read_blob(&blob.digest, manifest::LARGEST)?;
            if entry.index {
                self.load_index(intake, contents, &document, depth + 1, loaded)?;
                continue;
            }
            let manifest = manifest::manifest(&document)?;
            let layers = manifest.layers.iter().map(|layer| contents.described(layer)).collect::<Result<Vec<_>>>()?;
            let name = ["io.containerd.image.name", "org.opencontainers.image.ref.name"].iter().find_map(|key| entry.annotations.get(*key));
            // A bare tag is no name: the layout does not say of what.
            let tags: Vec<Reference> =
                name.filter(|n| n.contains([':', '/'])).map(|n| Reference::parse(n)).transpose()?.into_iter().collect();
            self.enter_loaded(intake, contents.described(&manifest.config)?, &layers, Some(&entry.blob), &tags, loaded)?;
        }
        Ok(())
    }

    /// Unpacks layers side by side: what is below a layer does not matter to it.
    fn unpack_layers(&self, intake: &Intake<'_>, layers: &[&Ingested], chains: &[ChainId]) -> Result<Vec<LayerRecord>> {
        let done: Mutex<BTreeMap<usize, Result<LayerRecord>>> = Mutex::default();
        let jobs: Vec<Job<'_>> = layers
            .iter()
            .zip(chains)
            .enumerate()
            .map(|(i, (layer, chain))| {
                let done = &done;
                let job = move || {
                    // After the first failure the others would be unpacked for nothing.
                    if done.lock().unwrap_or_else(PoisonError::into_inner).values().any(Result::is_err) {
                        return;
                    }
                    let made = intake.layer(layer, i.checked_sub(1).and_then(|below| chains.get(below)), chain);
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(i, made);
                };
                Box::new(job) as Job<'_>
            })
            .collect();
        self.host.transport.run(limits::SIDE_BY_SIDE, jobs, &mut || {});
        done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }

    fn enter_loaded(
        &self,
        intake: &Intake<'_>,
        config_blob: &Ingested,
        layers: &[&Ingested],
        original: Option<&Blob>,
        tags: &[Reference],
        loaded: &mut Vec<String>,
    ) -> Result<ImageId> {
        if config_blob.compression != Compression::None {
            return Err(Error::invalid("an image configuration is compressed"));
        }
        let image: ImageRecord = config::read(&self.read_blob(&config_blob.digest, config::LARGEST)?)?;
        if image.diff_ids.len() != layers.len() {
            return Err(Error::invalid(format!(
                "invalid manifest, layers length mismatch: expected {}, got {}",
                image.diff_ids.len(),
                layers.len()
            )));
        }
        let chains = chain_ids(&image.diff_ids);
        for (i, (layer, diff_id)) in layers.iter().zip(&image.diff_ids).enumerate() {
            if layer.diff_id != *diff_id {
                return Err(Error::invalid(format!("invalid diffID for layer {i}: expected \"{diff_id}\", got \"{}\"", layer.diff_id)));
            }
        }
        let records = self.unpack_layers(intake, layers, &chains)?;
        let media: Vec<Compression> = layers.iter().map(|l| l.compression).collect();
        let config = Blob { digest: config_blob.digest.clone(), size: config_blob.size };
        // A manifest that came with the image stays its manifest: pushing it must give the same digest.
        let enter = |tag: Option<&Reference>| match original {
            None => intake.enter(&config, image.clone(), &records, &media, tag, "load"),
            Some(manifest) => {
                let blobs = layers.iter().map(|l| Blob { digest: l.digest.clone(), size: l.size }).collect();
                intake.enter_as(ImageRecord { manifest: Some(manifest.clone()), ..image.clone() }, blobs, &records, tag, "load")
            }
        };
        let mut id = image.id.clone();
        if tags.is_empty() {
            id = enter(None)?;
            loaded.push(id.to_string());
        }
        for tag in tags {
            id = enter(Some(tag))?;
            loaded.push(familiar(&tag.to_string()));
        }
        Ok(id)
    }
}

/// Reads the archive to its end.
fn take_in(intake: &Intake<'_>, archive: &mut dyn Read) -> Result<Contents> {
    let mut reader = Reader::new(decompress(archive)?);
    let mut contents = Contents::default();
    let mut count = 0;
    while let Some(entry) = reader.next_entry()? {
        count += 1;
        if count > MOST_FILES {
            return Err(Error::invalid(format!("the archive has more than {MOST_FILES} entries")));
        }
        let path = clean(&String::from_utf8_lossy(&entry.path));
        match entry.kind {
            Kind::Directory => {}
            Kind::Symlink(to) => drop(contents.links.insert(path, String::from_utf8_lossy(&to).into_owned())),
            // A hard link's name is from the archive's root.
            Kind::HardLink(to) => drop(contents.links.insert(path, format!("/{}", String::from_utf8_lossy(&to)))),
            Kind::File if ["manifest.json", "index.json", "oci-layout", "repositories"].contains(&path.as_str()) => {
                let document = small(&mut reader, entry.size, &path)?;
                if contents.documents.insert(path.clone(), document).is_some() {
                    return Err(Error::invalid(format!("the archive has {path} twice")));
                }
            }
            Kind::File if path.ends_with("/VERSION") || path.ends_with("/json") => {}
            Kind::File => {
                let named = path.strip_prefix("blobs/sha256/").map(|hex| Digest::parse(&format!("sha256:{hex}"))).transpose()?;
                let mut check = |taken: &Ingested| match &named {
                    Some(name) if *name != taken.digest => {
                        Err(Error::new(ErrorKind::InvalidInput, format!("the blob {name} has the digest {}", taken.digest)))
                    }
                    _ => Ok(()),
                };
                // A blob that is known is most often unpacked too.
                let known = named.as_ref().map(|name| intake.hold(name)).transpose()?.flatten().is_some();
                let taken = if known {
                    intake.blob(&mut reader, LARGEST_FILE, &mut check)?
                } else {
                    intake.archive(&mut reader, LARGEST_FILE, &mut check)?
                };
                if contents.blobs.insert(path.clone(), taken).is_some() {
                    return Err(Error::invalid(format!("the archive has {} twice", path.escape_debug())));
                }
            }
            _ => return Err(Error::invalid(format!("the archive has a device or pipe {}", path.escape_debug()))),
        }
    }
    Ok(contents)
}

fn small(reader: &mut dyn Read, size: u64, path: &str) -> Result<Vec<u8>> {
    if size > manifest::LARGEST as u64 {
        return Err(Error::invalid(format!("{path} is larger than {} bytes", manifest::LARGEST)));
    }
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|e| Error::invalid(format!("{path} cannot be read")).source(e))?;
    Ok(bytes)
}
