//! `--cache-to`: the layers of a build with the keys of the steps that made them, for builds elsewhere.

use super::stage::{Layer, Made};
use super::{Build, Plan};
use crate::build::cache::{CacheTo, FIELD};
use crate::build::progress::Progress;
use crate::build::request::Sink;
use crate::engine::import::{CONFIG, LAYER, MANIFEST};
use crate::engine::registries::Operation;
use crate::error::{Error, Result};
use crate::image::Blob;
use crate::image::config::MOST_LAYERS;
use crate::image::reference::Reference;
use crate::image::tar::{Entry, Kind, Writer};
use crate::registry::push;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A cache as an image.
struct Handed {
    layers: Vec<Blob>,
    config: Vec<u8>,
    manifest: Vec<u8>,
}

impl Build<'_> {
    /// Writes every cache that was asked for, but the one in the image itself.
    pub(super) fn hand_on(&self, plan: &Plan<'_>, target: &Made, mut sink: Option<&mut Sink<'_>>, progress: &dyn Progress) -> Result<()> {
        for to in &self.request.cache_to {
            match to {
                CacheTo::Inline => {}
                CacheTo::Registry { reference, max } => self.step_here(progress, "exporting cache to registry", |step| {
                    let reference = Reference::parse(reference)?;
                    self.note(step, format!("writing cache manifest {reference}"));
                    self.push_cache(&self.cache_image(plan, target, *max), &reference)
                })?,
                CacheTo::Layout { max } => self.step_here(progress, "exporting cache to client directory", |step| {
                    let sink = sink.take().ok_or_else(|| Error::invalid("nowhere to export the cache to"))?;
                    self.note(step, "writing layers".to_owned());
                    self.write_cache(&self.cache_image(plan, target, *max), sink)
                })?,
            }
        }
        Ok(())
    }

    fn cache_image(&self, plan: &Plan<'_>, target: &Made, max: bool) -> Handed {
        let mut layers: Vec<Layer> = target.layers.clone();
        if max {
            layers.extend(plan.stages.all().iter().flat_map(|stage| stage.layers.clone()));
        }
        let mut seen = BTreeSet::new();
        layers.retain(|layer| layer.source.as_ref().is_some_and(|source| seen.insert(source.key.clone())));
        // The latest are the ones that took longest to come to.
        let over = layers.len().saturating_sub(MOST_LAYERS);
        layers.drain(..over);
        let facts = self.engine.kernel().facts();
        let diff_ids: Vec<_> = layers.iter().map(|l| &l.diff_id).collect();
        let config = json!({
            "architecture": facts.architecture,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            FIELD: Self::steps(&layers),
        })
        .to_string()
        .into_bytes();
        let described: Vec<Value> = layers
            .iter()
            .map(|l| json!({"mediaType": format!("{LAYER}{}", l.compression.suffix()), "digest": l.blob.digest, "size": l.blob.size}))
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": crate::id::Digest::of(&config), "size": config.len()},
            "layers": described,
        });
        Handed { layers: layers.into_iter().map(|l| l.blob).collect(), config, manifest: manifest.to_string().into_bytes() }
    }

    fn push_cache(&self, cache: &Handed, reference: &Reference) -> Result<()> {
        let config = self.intake.bytes(&cache.config)?;
        let access = self.request.access.get(&reference.host).cloned().unwrap_or_default();
        let operation = Operation::begin(self.engine, &access)?;
        operation.with_client(&reference.host, false, &mut |client| {
            for blob in cache.layers.iter().chain([&config]) {
                self.engine.send_blob(client, reference, blob, &|_| {})?;
            }
            let which = reference.tag.as_deref().ok_or_else(|| Error::invalid("a cache goes to a tag, not to a digest"))?;
            push::manifest(client, &reference.path, which, MANIFEST, &cache.manifest).map(drop)
        })
    }

    fn write_cache(&self, cache: &Handed, sink: &mut Sink<'_>) -> Result<()> {
        let mut archive = Writer::new(sink);
        let digest = crate::id::Digest::of(&cache.manifest);
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{"mediaType": MANIFEST, "digest": digest, "size": cache.manifest.len()}],
        })
        .to_string();
        archive.append(&Entry::new("oci-layout", Kind::File), b"{\"imageLayoutVersion\":\"1.0.0\"}")?;
        archive.append(&Entry::new("index.json", Kind::File), index.as_bytes())?;
        for directory in ["blobs/", "blobs/sha256/"] {
            archive.append(&Entry::new(directory, Kind::Directory), b"")?;
        }
        for bytes in [&cache.manifest, &cache.config] {
            let path = format!("blobs/sha256/{}", crate::id::Digest::of(bytes).hex());
            archive.append(&Entry::new(path, Kind::File), bytes)?;
        }
        let mut done = BTreeSet::new();
        for blob in cache.layers.iter().filter(|blob| done.insert(blob.digest.clone())) {
            let path = format!("blobs/sha256/{}", blob.digest.hex());
            let bytes = super::held::stored(self.engine, self.engine.layout().blob(&blob.digest));
            let mut content = crate::build::context::Part::new(bytes, 0, blob.size);
            archive.stream(&Entry { size: blob.size, ..Entry::new(path, Kind::File) }, &mut content)?;
        }
        archive.finish().map(drop)
    }
}
