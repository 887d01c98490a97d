//! Layers that were made here are kept as they are, and compressed when they are pushed, as Docker does: an image that never leaves costs
//! nothing for it, and what comes of one layer is the same bytes on every host.

use super::LocalEngine;
use super::import::{Intake, written};
use super::push::Stored;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChainId, Digest};
use crate::image::{Blob, ImageRecord};
use crate::kernel::Compression;
use crate::registry::limits;
use crate::registry::transport::Job;
use crate::store::{StoreExt as _, Table};
use std::sync::{Mutex, PoisonError};

impl LocalEngine {
    /// The image with its layers compressed and a manifest that says so. One whose manifest came with it, from a registry or in a
    /// layout, stays as it is: its digest is what others know it by.
    pub(super) fn packed(&self, intake: &Intake<'_>, image: &ImageRecord) -> Result<ImageRecord> {
        let mut media = image.blobs.iter().map(|blob| self.compression(&blob.digest)).collect::<Result<Vec<_>>>()?;
        if !media.contains(&Compression::None) || !self.is_own(image, &media)? {
            return Ok(image.clone());
        }
        let made: Mutex<Vec<(usize, Result<Blob>)>> = Mutex::default();
        let wanted = image.blobs.iter().enumerate().zip(&media).filter(|(_, how)| **how == Compression::None).map(|(at, _)| at);
        let jobs: Vec<Job<'_>> = wanted
            .map(|(at, blob)| {
                let made = &made;
                let job = move || {
                    let packed = self.pack(intake, image, at, blob);
                    made.lock().unwrap_or_else(PoisonError::into_inner).push((at, packed));
                };
                Box::new(job) as Job<'_>
            })
            .collect();
        self.host.transport.run(limits::SIDE_BY_SIDE, jobs, &mut || {});
        let mut packed = image.clone();
        for (at, blob) in made.into_inner().unwrap_or_else(PoisonError::into_inner) {
            let blob = blob?;
            if let (Some(place), Some(how)) = (packed.blobs.get_mut(at), media.get_mut(at)) {
                (*place, *how) = (blob, Compression::Gzip);
            }
        }
        let config = self.config_blob(image)?;
        packed.manifest = Some(intake.bytes(written(&config, &packed.blobs, &media).as_bytes())?);
        Ok(packed)
    }

    /// Whether an image's manifest is one that Drydock wrote.
    fn is_own(&self, image: &ImageRecord, media: &[Compression]) -> Result<bool> {
        let Some(manifest) = &image.manifest else { return Ok(false) };
        let ours = written(&self.config_blob(image)?, &image.blobs, media);
        Ok(image.digests.is_empty() && manifest.digest == Digest::of(ours.as_bytes()))
    }

    fn config_blob(&self, image: &ImageRecord) -> Result<Blob> {
        let digest = Digest::parse(image.id.as_str())?;
        let size = self.kernel().size(&self.layout().blob(&digest))?;
        Ok(Blob { digest, size })
    }

    /// One layer, compressed: as another image has it already, or now.
    fn pack(&self, intake: &Intake<'_>, image: &ImageRecord, at: usize, blob: &Blob) -> Result<Blob> {
        if let Some(chain) = image.layers.get(at)
            && let Some(known) = self.packed_elsewhere(intake, chain)?
        {
            return Ok(known);
        }
        let plain = Stored::new(self, self.layout().blob(&blob.digest), 0);
        let mut packed = flate2::read::GzEncoder::new(plain, flate2::Compression::default());
        let taken = intake.blob(&mut packed, limits::LAYER, &mut |taken| {
            if image.diff_ids.get(at) == Some(&taken.diff_id) {
                return Ok(());
            }
            let message = format!("the blob {} of image {} is damaged: its layer has another digest", blob.digest, image.id.short());
            Err(Error::new(ErrorKind::Corrupt, message).op("push").hint("drydock doctor"))
        })?;
        Ok(Blob { digest: taken.digest, size: taken.size })
    }

    fn packed_elsewhere(&self, intake: &Intake<'_>, chain: &ChainId) -> Result<Option<Blob>> {
        for (_, other) in self.store().load_all::<ImageRecord>(Table::Images)? {
            let Some(blob) = other.layers.iter().position(|layer| layer == chain).and_then(|at| other.blobs.get(at)) else { continue };
            // Held first: it may go with its image at any moment.
            if intake.hold(&blob.digest)?.is_some_and(|held| held.size == blob.size) && self.compression(&blob.digest)? == Compression::Gzip
            {
                return Ok(Some(blob.clone()));
            }
        }
        Ok(None)
    }
}
