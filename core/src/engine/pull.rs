//! `pull`: a manifest is resolved, its blobs come side by side and are unpacked as they come, and only a whole image is entered.

use super::LocalEngine;
use super::import::Intake;
use super::registries::{Operation, which};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChainId, Digest};
use crate::image::reference::Reference;
use crate::image::{Blob, ImageRecord, LayerRecord, chain_ids, config, manifest};
use crate::kernel::Ingested;
use crate::registry::blob::Download;
use crate::registry::client::{Client, Refused};
use crate::registry::platform::Platform;
use crate::registry::transport::Job;
use crate::registry::{Progress, PullRequest, Pulled, RemoteManifest, fetch, limits};
use crate::store::{StoreExt as _, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often a pull begins again when another process removes what it relies on.
const AGAIN: usize = 3;

/// Who hears what happens.
pub(super) type Tell<'a> = &'a mut dyn FnMut(Progress);

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first hexadecimal digits, as progress names a blob.
pub(super) fn short(digest: &Digest) -> &str {
    digest.hex().get(..12).unwrap_or_default()
}

/// What a registry refused, in Docker's words.
pub(super) fn explained(refused: Refused, reference: &Reference) -> Error {
    let problem = match refused {
        Refused::Problem(problem) => problem,
        Refused::Error(error) => return error,
    };
    let (name, words) = (reference.familiar_repository(), problem.words());
    match (problem.code.as_str(), problem.status) {
        ("NAME_UNKNOWN", _) => Error::not_found(format!("repository {name} not found: {words}")),
        ("MANIFEST_UNKNOWN", _) | (_, 404) => Error::not_found(format!("manifest for {} not found: {words}", reference.familiar())),
        ("DENIED" | "UNAUTHORIZED", _) | (_, 401 | 403) => Error::new(
            ErrorKind::Denied,
            format!("pull access denied for {name}, repository does not exist or may require 'drydock login': {words}"),
        ),
        _ => problem.error(),
    }
}

impl LocalEngine {
    /// Pulls one image, or all of a repository.
    pub(super) fn pull_images(&self, request: &PullRequest, tell: Tell<'_>) -> Result<Vec<Pulled>> {
        let reference = Reference::parse(&request.reference)?;
        let bare = reference.familiar_repository() == request.reference || reference.repository() == request.reference;
        if request.all_tags && !bare {
            return Err(Error::invalid("tag can't be used with --all-tags/-a"));
        }
        let own = &self.kernel().facts().architecture;
        let platform = request.platform.as_deref().map(|text| Platform::parse(text, own)).transpose()?;
        let operation = Operation::begin(self, &request.access)?;
        operation.with_client(&reference.host, true, &mut |client| {
            let mut references = vec![reference.clone()];
            if request.all_tags {
                let tags = fetch::tags(client, &reference.path).map_err(|refused| explained(refused, &reference))?;
                let valid = |tag: &String| Reference::parse(&format!("{}:{tag}", reference.repository())).ok();
                references = tags.iter().filter_map(valid).collect();
            }
            let mut pulled = Vec::new();
            for one in &references {
                pulled.push(self.pull_one(&operation, client, one, platform.as_ref(), tell)?);
            }
            let status = if pulled.iter().any(|p| p.fresh) { "Downloaded newer image for" } else { "Image is up to date for" };
            let name = if request.all_tags { reference.familiar_repository() } else { reference.familiar() };
            tell(Progress::line(format!("Status: {status} {name}")));
            Ok(pulled)
        })
    }

    fn pull_one(
        &self,
        operation: &Operation<'_>,
        client: &Client<'_>,
        reference: &Reference,
        platform: Option<&Platform>,
        tell: Tell<'_>,
    ) -> Result<Pulled> {
        for tried in 1.. {
            let intake = Intake::begin(self)?;
            let pulled = self.pull_into(&intake, operation, client, reference, platform, tell);
            intake.end()?;
            match pulled {
                // What was relied on has gone meanwhile.
                Err(error) if error.kind() == ErrorKind::Stale && tried < AGAIN => {}
                Err(error) => return Err(error),
                Ok(pulled) => {
                    tell(Progress::line(format!("Digest: {}", pulled.digest)));
                    return Ok(pulled);
                }
            }
        }
        Err(Error::new(ErrorKind::Stale, "the image was removed meanwhile"))
    }

    fn pull_into(
        &self,
        intake: &Intake<'_>,
        operation: &Operation<'_>,
        client: &Client<'_>,
        reference: &Reference,
        platform: Option<&Platform>,
        tell: Tell<'_>,
    ) -> Result<Pulled> {
        let top = fetch::manifest(client, &reference.path, which(reference), None).map_err(|refused| explained(refused, reference))?;
        let digest = top.digest.clone();
        // Docker says this once it knows that there is something to pull.
        tell(Progress::of(which(reference), format!("Pulling from {}", reference.path)));
        let document = self.resolved(client, reference, top, platform)?;
        let manifest = manifest::manifest(&document.bytes)?;
        let config = self.configuration(intake, client, reference, &manifest.config)?;
        let mut image = config::read(&config)?;
        if let Some(wanted) = platform.filter(|p| p.os != image.os || p.architecture != image.architecture) {
            return Err(Error::not_found(format!(
                "image with reference {} was found but does not match the specified platform: wanted {wanted}, actual: {}/{}",
                reference.familiar(),
                image.os,
                image.architecture
            )));
        }
        if image.diff_ids.len() != manifest.layers.len() {
            let (expected, got) = (image.diff_ids.len(), manifest.layers.len());
            return Err(Error::invalid(format!("invalid manifest, layers length mismatch: expected {expected}, got {got}")));
        }
        let transfer = Transfer {
            engine: self,
            intake,
            client,
            repository: &reference.path,
            layers: &manifest.layers,
            diff_ids: &image.diff_ids,
            chains: chain_ids(&image.diff_ids),
            done: Mutex::default(),
            queue: Mutex::default(),
            failed: Mutex::default(),
        };
        let fetched = transfer.run(operation, tell)?;
        let layers = transfer.records()?;
        image.manifest = Some(intake.bytes(&document.bytes)?);
        image.digests = vec![format!("{}@{digest}", reference.repository())];
        let known = self.image_record(&image.id)?.is_some_and(|known| !known.hidden);
        let tag = Some(reference).filter(|r| r.digest.is_none());
        let id = intake.enter_as(image, manifest.layers.clone(), &layers, tag, "pull")?;
        Ok(Pulled { reference: reference.to_string(), digest, image: id, fresh: fetched || !known })
    }

    /// From what a name stands for to the manifest of one image, through indexes.
    fn resolved(
        &self,
        client: &Client<'_>,
        reference: &Reference,
        top: RemoteManifest,
        platform: Option<&Platform>,
    ) -> Result<RemoteManifest> {
        let own = Platform::of(&self.kernel().facts().architecture);
        let wanted = platform.unwrap_or(&own);
        let mut seen = BTreeSet::new();
        let mut document = top;
        while fetch::is_index(&document.media_type) {
            if seen.len() >= limits::INDEXES || !seen.insert(document.digest.clone()) {
                return Err(Error::invalid(format!("the index of {} names indexes too deep, or itself", reference.familiar())));
            }
            let entries = manifest::index(&document.bytes)?;
            // An index among the entries stands for whatever it names; it is followed only where nothing else fits.
            let images: Vec<_> = entries.iter().filter(|e| !e.index).cloned().collect();
            let entry = match (wanted.choose(&images), entries.iter().find(|e| e.index)) {
                (Ok(entry), _) => entry.clone(),
                (Err(_), Some(index)) => index.clone(),
                (Err(error), None) => return Err(error),
            };
            let next = fetch::manifest(client, &reference.path, entry.blob.digest.as_str(), Some(&entry.blob));
            let next = next.map_err(|refused| explained(refused, reference))?;
            if fetch::is_index(&next.media_type) != entry.index {
                return Err(Error::invalid(format!("invalid manifest for {}: it is not what its index says", entry.blob.digest)));
            }
            document = next;
        }
        Ok(document)
    }

    /// The configuration's bytes, taken in.
    fn configuration(&self, intake: &Intake<'_>, client: &Client<'_>, reference: &Reference, blob: &Blob) -> Result<Vec<u8>> {
        if blob.size > config::LARGEST as u64 {
            return Err(Error::invalid(format!("the configuration {} is larger than {} bytes", blob.digest, config::LARGEST)));
        }
        if intake.hold(&blob.digest)?.is_some_and(|known| known.size == blob.size) {
            return self.read_blob(&blob.digest, config::LARGEST);
        }
        let mut bytes = Vec::new();
        let mut download = Download::new(client, &reference.path, blob, &|_| {});
        if let Err(error) = download.read_to_end(&mut bytes) {
            let whole = Error::new(ErrorKind::System, format!("the configuration {} cannot be read", blob.digest)).source(error);
            return Err(download.failure().unwrap_or(whole));
        }
        let digest = Digest::of(&bytes);
        if digest != blob.digest {
            return Err(Error::invalid(format!("image config verification failed for digest {}: what came is {digest}", blob.digest)));
        }
        intake.bytes(&bytes)?;
        Ok(bytes)
    }
}

/// The layers of one image on their way.
struct Transfer<'a> {
    engine: &'a LocalEngine,
    intake: &'a Intake<'a>,
    client: &'a Client<'a>,
    repository: &'a str,
    layers: &'a [Blob],
    diff_ids: &'a [Digest],
    chains: Vec<ChainId>,
    done: Mutex<BTreeMap<usize, LayerRecord>>,
    queue: Mutex<Vec<Progress>>,
    failed: Mutex<Option<Error>>,
}

impl Transfer<'_> {
    /// Fetches and unpacks what is not there. Answers whether anything had to be fetched.
    fn run(&self, operation: &Operation<'_>, tell: Tell<'_>) -> Result<bool> {
        // One blob may be several layers; it is fetched once.
        let mut wanted: Vec<(&Blob, Vec<usize>)> = Vec::new();
        for (i, (blob, chain)) in self.layers.iter().zip(&self.chains).enumerate() {
            let known: Option<LayerRecord> = self.engine.store().load(Table::Layers, chain.as_str())?;
            let kept = self.intake.hold(&blob.digest)?.is_some_and(|kept| kept.size == blob.size);
            if let Some(record) = known.filter(|_| kept) {
                tell(Progress::of(short(&blob.digest), "Already exists"));
                held(&self.done).insert(i, record);
                continue;
            }
            tell(Progress::of(short(&blob.digest), "Pulling fs layer"));
            match wanted.iter_mut().find(|(other, _)| other.digest == blob.digest) {
                Some((other, places)) if other.size == blob.size => places.push(i),
                Some(_) => return Err(Error::invalid(format!("invalid manifest: {} has two sizes", blob.digest))),
                None => wanted.push((blob, vec![i])),
            }
        }
        for (blob, _) in wanted.iter().skip(limits::SIDE_BY_SIDE) {
            tell(Progress::of(short(&blob.digest), "Waiting"));
        }
        let any = !wanted.is_empty();
        let jobs: Vec<Job<'_>> = wanted
            .into_iter()
            .map(|(blob, places)| {
                let job = move || {
                    if self.client.check_going().is_err() {
                        return;
                    }
                    if let Err(error) = self.fetch(blob, &places) {
                        operation.stopped.store(true, Ordering::Relaxed);
                        held(&self.failed).get_or_insert(error);
                    }
                };
                Box::new(job) as Job<'_>
            })
            .collect();
        self.engine.host.transport.run(limits::SIDE_BY_SIDE, jobs, &mut || {
            let told = std::mem::take(&mut *held(&self.queue));
            told.into_iter().for_each(&mut *tell);
        });
        held(&self.failed).take().map_or(Ok(any), Err)
    }

    fn say(&self, blob: &Blob, status: &str) {
        held(&self.queue).push(Progress::of(short(&blob.digest), status));
    }

    /// One blob: taken in, held against its digest and those of its content, and unpacked.
    fn fetch(&self, blob: &Blob, places: &[usize]) -> Result<()> {
        if blob.size > limits::LAYER {
            return Err(Error::invalid(format!("layer {} is larger than {} bytes", blob.digest, limits::LAYER)));
        }
        let at = |bytes: u64| {
            let progress = Progress { bytes: Some((bytes, blob.size)), ..Progress::of(short(&blob.digest), "Downloading") };
            held(&self.queue).push(progress);
        };
        let mut download = Download::new(self.client, self.repository, blob, &at);
        let taken = self.intake.archive(&mut download, blob.size, &mut |taken| self.check(blob, places, taken));
        let taken = taken.map_err(|error| {
            let ours = error.message().starts_with("filesystem layer") || error.kind() != ErrorKind::InvalidInput;
            let named = |error: Error| {
                if ours {
                    error
                } else {
                    Error::invalid(format!("filesystem layer verification failed for digest {}: {error}", blob.digest))
                }
            };
            download.failure().unwrap_or_else(|| named(error))
        })?;
        self.say(blob, "Verifying Checksum");
        self.say(blob, "Download complete");
        for place in places {
            let (Some(chain), below) = (self.chains.get(*place), place.checked_sub(1).and_then(|i| self.chains.get(i))) else { continue };
            self.client.check_going()?;
            self.say(blob, "Extracting");
            let record = self.intake.layer(&taken, below, chain)?;
            held(&self.done).insert(*place, record);
            self.say(blob, "Pull complete");
        }
        Ok(())
    }

    fn check(&self, blob: &Blob, places: &[usize], taken: &Ingested) -> Result<()> {
        if taken.digest != blob.digest || taken.size != blob.size {
            return Err(Error::invalid(format!("filesystem layer verification failed for digest {}", blob.digest)));
        }
        for place in places {
            let expected = self.diff_ids.get(*place);
            if expected != Some(&taken.diff_id) {
                let expected = expected.map_or("", Digest::as_str);
                return Err(Error::invalid(format!(
                    "invalid diffID for layer {place}: expected \"{expected}\", got \"{}\"",
                    taken.diff_id
                )));
            }
        }
        Ok(())
    }

    /// The layers, lowest first.
    fn records(&self) -> Result<Vec<LayerRecord>> {
        let done = std::mem::take(&mut *held(&self.done));
        if done.len() != self.layers.len() {
            return Err(Error::new(ErrorKind::Interrupted, "the transfer was given up"));
        }
        Ok(done.into_values().collect())
    }
}

/// What an image's record says about what it is called in registries.
pub(super) fn known_in(image: &ImageRecord, host: &str) -> Vec<String> {
    image.digests.iter().filter_map(|name| Reference::parse(name).ok()).filter(|r| r.host == host).map(|r| r.path).collect()
}
