//! `--cache-from`: layers that steps elsewhere have made, taken when a step here depends on the same.
//!
//! Only what a person names is believed: nothing that was merely pulled or loaded is ever an answer (CVE-2024-24557).

use super::cache::{Entry, Kept};
use super::stage::{Layer, Made, MadeBy};
use super::{At, Build};
use crate::build::cache::{CacheFrom, Offer, offers};
use crate::build::context::{Files, View};
use crate::build::progress::{Event, Progress};
use crate::build::request::Caches;
use crate::engine::pull::explained;
use crate::engine::registries::{Operation, which};
use crate::error::{Error, Result};
use crate::id::Digest;
use crate::image::reference::Reference;
use crate::image::{config, manifest};
use crate::kernel::{Ingested, OpenTree as _};
use crate::plan::chain_id;
use crate::registry::blob::Download;
use crate::registry::fetch;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Where the layers of one cache are.
enum Source {
    /// In the store.
    Store,
    Registry(Reference),
    Layout(Arc<Files>),
}

/// What was found, by the keys of steps.
#[derive(Default)]
pub(super) struct Offers {
    sources: Vec<Source>,
    by_key: BTreeMap<String, (usize, Offer)>,
}

fn layout_file(files: &Arc<Files>, digest: &Digest, size: u64, largest: u64) -> Result<Box<dyn Read>> {
    if size > largest {
        return Err(Error::invalid(format!("{digest} of the cache has {size} bytes, more than {largest}")));
    }
    let path = format!("blobs/sha256/{}", digest.hex());
    let mut view = View(Arc::clone(files));
    if view.look(path.as_bytes())?.is_none() {
        return Err(Error::not_found(format!("the cache has no {path}")));
    }
    view.read(path.as_bytes())
}

fn whole(mut reader: impl Read, digest: &Digest) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|e| crate::image::changeset::uncarried(e, "the cache cannot be read"))?;
    if Digest::of(&bytes) != *digest {
        return Err(Error::invalid(format!("{digest} of the cache has another digest")));
    }
    Ok(bytes)
}

impl Build<'_> {
    /// Reads what the caches offer. One that is not there is no reason not to build.
    pub(super) fn offers(&self, caches: Caches<'_>, progress: &dyn Progress) -> Offers {
        let mut all = Offers::default();
        let mut caches = caches.into_iter();
        for from in &self.request.cache_from {
            let (CacheFrom::Image(name) | CacheFrom::Registry(name) | CacheFrom::Layout(name)) = from;
            let read = self.step_here(progress, &format!("importing cache manifest from {name}"), |_| match from {
                CacheFrom::Layout(_) => {
                    let stream = caches.next().ok_or_else(|| Error::invalid("the cache was not opened"))?;
                    let (bytes, _) = self.held.keep(stream)?;
                    self.of_layout(Arc::new(Files::read(bytes, false)?))
                }
                CacheFrom::Image(name) => match self.engine.find_image(name) {
                    Ok(image) => {
                        let bytes = self.engine.read_blob(&Digest::parse(image.id.as_str())?, config::LARGEST)?;
                        Ok((Source::Store, offers(&serde_json::from_slice(&bytes)?, &image.blobs)?))
                    }
                    Err(_) => self.of_registry(name),
                },
                CacheFrom::Registry(name) => self.of_registry(name),
            });
            let Ok((source, found)) = read else { continue };
            for offer in found {
                all.by_key.entry(offer.step.key.clone()).or_insert((all.sources.len(), offer));
            }
            all.sources.push(source);
        }
        all
    }

    fn of_layout(&self, files: Arc<Files>) -> Result<(Source, Vec<Offer>)> {
        let missing = || Error::not_found("the cache is no OCI layout: it has no index.json");
        let index = manifest::index(&files.small("index.json", manifest::LARGEST as u64)?.ok_or_else(missing)?)?;
        let first = index.first().ok_or_else(|| Error::invalid("the cache's index is empty"))?;
        let document = whole(layout_file(&files, &first.blob.digest, first.blob.size, manifest::LARGEST as u64)?, &first.blob.digest)?;
        let document = manifest::manifest(&document)?;
        let configuration = &document.config;
        let bytes = whole(layout_file(&files, &configuration.digest, configuration.size, config::LARGEST as u64)?, &configuration.digest)?;
        let found = offers(&manifest::strict(&bytes)?, &document.layers)?;
        Ok((Source::Layout(files), found))
    }

    fn of_registry(&self, name: &str) -> Result<(Source, Vec<Offer>)> {
        let reference = Reference::parse(name)?;
        let access = self.request.access.get(&reference.host).cloned().unwrap_or_default();
        let operation = Operation::begin(self.engine, &access)?;
        let found = operation.with_client(&reference.host, false, &mut |client| {
            let top =
                fetch::manifest(client, &reference.path, which(&reference), None).map_err(|refused| explained(refused, &reference))?;
            let document = manifest::manifest(&top.bytes)?;
            if document.config.size > config::LARGEST as u64 {
                return Err(Error::invalid(format!("the cache's configuration is larger than {} bytes", config::LARGEST)));
            }
            let bytes = whole(Download::new(client, &reference.path, &document.config, &|_| {}), &document.config.digest)?;
            offers(&manifest::strict(&bytes)?, &document.layers)
        })?;
        Ok((Source::Registry(reference), found))
    }

    /// Takes a step's layer from a cache elsewhere, if one has it.
    pub(super) fn offered(&self, at: At<'_>, made: &mut Made, key: &str, by: &str) -> Result<bool> {
        let Some((source, offer)) = at.plan.offers.by_key.get(key) else { return Ok(false) };
        let Some(source) = at.plan.offers.sources.get(*source) else { return Ok(false) };
        let parent = made.layers.last().map(|l| l.chain.clone());
        let chain = chain_id(parent.as_ref(), &offer.diff_id);
        let taken = match self.take(source, offer) {
            Ok(taken) => taken,
            // A cache that fails is no reason not to build either.
            Err(error) => {
                self.note(at.step, format!("not taken from the cache: {}", error.message()));
                return Ok(false);
            }
        };
        let record = self.intake.layer(&taken, parent.as_ref(), &chain)?;
        let now = self.engine.time();
        let kept = Kept {
            chain: chain.clone(),
            diff_id: taken.diff_id.clone(),
            blob: offer.blob.clone(),
            compression: taken.compression,
            size: record.size,
        };
        let created = offer.step.created;
        self.enter(key, Entry { layer: Some(kept.clone()), created, used: now, by: by.to_owned() }, Some(&record))?;
        let source = Some(MadeBy { key: key.to_owned(), by: by.to_owned(), created });
        made.add(Layer { chain, diff_id: kept.diff_id, blob: kept.blob, size: kept.size, compression: taken.compression, source });
        self.cached.fetch_add(1, Ordering::Relaxed);
        self.tell(Event::Cached { step: at.step });
        Ok(true)
    }

    fn take(&self, source: &Source, offer: &Offer) -> Result<Ingested> {
        let blob = &offer.blob;
        let check = &mut |taken: &Ingested| {
            if taken.digest != blob.digest || taken.diff_id != offer.diff_id {
                return Err(Error::invalid(format!("{} of the cache has the digest {}", blob.digest, taken.digest)));
            }
            Ok(())
        };
        match source {
            Source::Store => {
                let path = self.engine.layout().blob(&blob.digest);
                let bytes = super::held::stored(self.engine, path);
                self.intake.blob(&mut crate::build::context::Part::new(bytes, 0, blob.size), blob.size, check)
            }
            Source::Layout(files) => self.intake.blob(&mut *layout_file(files, &blob.digest, blob.size, u64::MAX)?, blob.size, check),
            Source::Registry(reference) => {
                let access = self.request.access.get(&reference.host).cloned().unwrap_or_default();
                let operation = Operation::begin(self.engine, &access)?;
                operation.with_client(&reference.host, false, &mut |client| {
                    let mut download = Download::new(client, &reference.path, blob, &|_| {});
                    let taken = self.intake.blob(&mut download, blob.size, check);
                    taken.map_err(|error| download.failure().unwrap_or(error))
                })
            }
        }
    }

    /// What a configuration says of the steps that made its layers.
    pub(super) fn steps(layers: &[Layer]) -> Value {
        let step = |(layer, one): (usize, &Layer)| {
            let MadeBy { key, by, created } = one.source.clone()?;
            Some(crate::build::cache::Step { key, layer, created, by, size: one.size })
        };
        crate::build::cache::field(&layers.iter().enumerate().filter_map(step).collect::<Vec<_>>())
    }
}
