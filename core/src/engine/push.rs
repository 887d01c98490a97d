//! `push`: what an image's manifest names goes to a registry that has it not, and then the manifest as it is: digests stay equal.

use super::LocalEngine;
use super::import::Intake;
use super::pull::{Tell, known_in, short};
use super::registries::Operation;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Digest;
use crate::image::reference::Reference;
use crate::image::{Blob, ImageRecord, manifest};
use crate::registry::client::Client;
use crate::registry::platform::Platform;
use crate::registry::push::{self, Arrived};
use crate::registry::transport::Job;
use crate::registry::{Progress, PushRequest, limits};
use crate::store::{StoreExt as _, Table};
use std::io::Read;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

/// The most repositories that are asked for a blob before it is sent.
const SOURCES: usize = 3;
/// How much of a blob is read at a time, in bytes.
const PIECE: usize = 1 << 20;

impl LocalEngine {
    /// Pushes one tag, or all of a repository. Answers the digests.
    pub(super) fn push_images(&self, request: &PushRequest, tell: Tell<'_>) -> Result<Vec<Digest>> {
        let reference = Reference::parse(&request.reference)?;
        if reference.digest.is_some() {
            return Err(Error::invalid("cannot push a digest reference"));
        }
        // Docker names the registry too, also where it is understood, and before it has looked for anything.
        tell(Progress::line(format!("The push refers to repository [{}]", reference.repository())));
        let images = self.to_push(&reference, request)?;
        self.check_platform(&images, request)?;
        let operation = Operation::begin(self, &request.access)?;
        operation.with_client(&reference.host, false, &mut |client| {
            images.iter().map(|(tag, image)| self.push_packed(&operation, client, tag, image, tell)).collect()
        })
    }

    /// Pushes an image whose layers were compressed before, if they were not: what that makes is kept until the image's record names it.
    fn push_packed(
        &self,
        operation: &Operation<'_>,
        client: &Client<'_>,
        tag: &Reference,
        image: &ImageRecord,
        tell: Tell<'_>,
    ) -> Result<Digest> {
        let intake = Intake::begin(self)?;
        let pushed = self.packed(&intake, image).and_then(|image| self.push_one(&intake, operation, client, tag, &image, tell));
        intake.end()?;
        pushed
    }

    /// Every image is of one platform here; another one than is asked for is not pushed.
    fn check_platform(&self, images: &[(Reference, ImageRecord)], request: &PushRequest) -> Result<()> {
        let Some(text) = &request.platform else { return Ok(()) };
        let wanted = Platform::parse(text, &self.kernel().facts().architecture)?;
        match images.iter().find(|(_, image)| wanted.os != image.os || wanted.architecture != image.architecture) {
            None => Ok(()),
            Some((tag, image)) => Err(Error::not_found(format!(
                "image with reference {} was found but does not provide the specified platform ({wanted}): it is of {}/{}",
                tag.familiar(),
                image.os,
                image.architecture
            ))),
        }
    }

    fn to_push(&self, reference: &Reference, request: &PushRequest) -> Result<Vec<(Reference, ImageRecord)>> {
        let none = || {
            let error = Error::not_found(format!("An image does not exist locally with the tag: {}", reference.familiar_repository()));
            error.hint(format!("name one so: drydock tag IMAGE {}", reference.familiar()))
        };
        let mut all = Vec::new();
        if request.all_tags {
            let bare = reference.familiar_repository() == request.reference || reference.repository() == request.reference;
            if !bare {
                return Err(Error::invalid("tag can't be used with --all-tags/-a"));
            }
            for (tag, _) in self.store().scan(Table::Tags, &format!("{}:", reference.repository()), "", usize::MAX)? {
                all.push((Reference::parse(&tag)?, self.find_image(&tag)?));
            }
        } else {
            let tagged: Option<String> = self.store().load(Table::Tags, &reference.to_string())?;
            if tagged.is_some() {
                all.push((reference.clone(), self.find_image(&reference.to_string())?));
            }
        }
        if all.is_empty() { Err(none()) } else { Ok(all) }
    }

    fn push_one(
        &self,
        intake: &Intake<'_>,
        operation: &Operation<'_>,
        client: &Client<'_>,
        tag: &Reference,
        image: &ImageRecord,
        tell: Tell<'_>,
    ) -> Result<Digest> {
        let document =
            image.manifest.as_ref().ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("image {} has no manifest", image.id)))?;
        let bytes = self.read_blob(&document.digest, manifest::LARGEST)?;
        let named = manifest::manifest(&bytes)?;
        let media_type = manifest::strict(&bytes)?.get("mediaType").and_then(|m| m.as_str()).unwrap_or(super::import::MANIFEST).to_owned();
        // Highest first, as Docker lists them, and one blob once.
        let mut blobs: Vec<&Blob> = Vec::new();
        for blob in named.layers.iter().rev() {
            if !blobs.iter().any(|known| known.digest == blob.digest) {
                blobs.push(blob);
                tell(Progress::of(short(&blob.digest), "Preparing"));
            }
        }
        self.send(operation, client, tag, &blobs, tell)?;
        self.send_blob(client, tag, &named.config, &|_| {})?;
        let which = tag.tag.as_deref().unwrap_or(document.digest.as_str());
        let digest = push::manifest(client, &tag.path, which, &media_type, &bytes)?;
        tell(Progress::line(format!("{which}: digest: {digest} size: {}", bytes.len())));
        let called = ImageRecord { digests: vec![format!("{}@{digest}", tag.repository())], ..image.clone() };
        let _guard = self.lock(super::images::LOCK)?;
        if let Some(before) = self.image_record(&image.id)? {
            // What the record named before and names no more goes.
            before.manifest.iter().chain(&before.blobs).try_for_each(|blob| intake.mark("blob", blob.digest.hex()))?;
            self.enter_image(&called, None, &[], "push", &[])?;
        }
        Ok(digest)
    }

    fn send(&self, operation: &Operation<'_>, client: &Client<'_>, tag: &Reference, blobs: &[&Blob], tell: Tell<'_>) -> Result<()> {
        let queue: Mutex<Vec<Progress>> = Mutex::default();
        let failed: Mutex<Option<Error>> = Mutex::default();
        let say = |progress: Progress| queue.lock().unwrap_or_else(PoisonError::into_inner).push(progress);
        let jobs: Vec<Job<'_>> = blobs
            .iter()
            .map(|&blob| {
                let (say, failed) = (&say, &failed);
                let job = move || {
                    if client.check_going().is_err() {
                        return;
                    }
                    let id = short(&blob.digest);
                    let at = |bytes: u64| say(Progress { bytes: Some((bytes, blob.size)), ..Progress::of(id, "Pushing") });
                    match self.send_blob(client, tag, blob, &at) {
                        Ok(Arrived::Exists) => say(Progress::of(id, "Layer already exists")),
                        Ok(Arrived::Mounted(from)) => say(Progress::of(id, format!("Mounted from {from}"))),
                        Ok(Arrived::Sent) => say(Progress::of(id, "Pushed")),
                        Err(error) => {
                            operation.stopped.store(true, Ordering::Relaxed);
                            failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                        }
                    }
                };
                Box::new(job) as Job<'_>
            })
            .collect();
        self.host.transport.run(limits::SIDE_BY_SIDE, jobs, &mut || {
            let told = std::mem::take(&mut *queue.lock().unwrap_or_else(PoisonError::into_inner));
            told.into_iter().for_each(&mut *tell);
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    pub(super) fn send_blob(&self, client: &Client<'_>, tag: &Reference, blob: &Blob, at: &dyn Fn(u64)) -> Result<Arrived> {
        let path = self.layout().blob(&blob.digest);
        if self.kernel().size(&path)? != blob.size {
            return Err(Error::new(ErrorKind::Corrupt, format!("blob {} has not {} bytes", blob.digest, blob.size)));
        }
        let sources = self.sources(tag, &blob.digest)?;
        let open = |offset: u64| Ok(Box::new(Stored::new(self, path.clone(), offset)) as Box<dyn Read + '_>);
        push::blob(client, &tag.path, blob, &sources, &open, at)
    }

    /// Other repositories of the same registry that are known to have a blob.
    fn sources(&self, tag: &Reference, digest: &Digest) -> Result<Vec<String>> {
        let mut all: Vec<String> = Vec::new();
        for (_, image) in self.store().load_all::<ImageRecord>(Table::Images)? {
            if image.id.as_str() == digest.as_str() || image.blobs.iter().any(|blob| blob.digest == *digest) {
                all.extend(known_in(&image, &tag.host).into_iter().filter(|path| *path != tag.path));
            }
        }
        all.sort();
        all.dedup();
        all.truncate(SOURCES);
        Ok(all)
    }
}

/// A blob of the store from an offset on.
pub(super) struct Stored<'a> {
    engine: &'a LocalEngine,
    path: String,
    at: u64,
    piece: Vec<u8>,
    read: usize,
}

impl<'a> Stored<'a> {
    pub(super) fn new(engine: &'a LocalEngine, path: String, offset: u64) -> Self {
        Self { engine, path, at: offset, piece: Vec::new(), read: 0 }
    }
}

impl Read for Stored<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.read == self.piece.len() {
            self.piece = self.engine.kernel().read(&self.path, self.at, PIECE).map_err(|e| std::io::Error::other(e.to_string()))?;
            self.at += self.piece.len() as u64;
            self.read = 0;
        }
        let rest = self.piece.get(self.read..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer.get_mut(..count).unwrap_or_default().copy_from_slice(rest.get(..count).unwrap_or_default());
        self.read += count;
        Ok(count)
    }
}
