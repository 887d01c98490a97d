//! What a stage begins with: an image of the store, read whole.

use super::Build;
use super::stage::{Layer, Made};
use crate::build::state::{Settings, State};
use crate::engine::Engine as _;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Digest;
use crate::image::reference::Reference;
use crate::image::{ImageRecord, LayerRecord, config, manifest};
use crate::kernel::Compression;
use crate::registry::{Progress, PullRequest};
use crate::store::{StoreExt as _, Table};
use crate::time::Timestamp;
use serde_json::Value;

impl Build<'_> {
    /// An image by name, fetched if it is not there or `--pull` says so.
    pub(super) fn image(&self, name: &str) -> Result<ImageRecord> {
        match self.engine.find_image(name) {
            Ok(image) if !self.request.pull => return Ok(image),
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let Ok(reference) = Reference::parse(name) else {
            return Err(self.no_image(name, Error::not_found("it is no reference, and no image has this id")));
        };
        match self.pull(&reference) {
            Err(e) => Err(self.no_image(name, e)),
            Ok(()) => self.engine.find_image(name),
        }
    }

    fn pull(&self, reference: &Reference) -> Result<()> {
        let access = self.request.access.get(&reference.host).cloned().unwrap_or_default();
        let request = PullRequest { reference: reference.to_string(), all_tags: false, platform: Some(self.platform.clone()), access };
        let mut last = String::new();
        self.step(&format!("[internal] pull {reference}"), |step| {
            let tell = &mut |progress: Progress| {
                // Each part once for each thing that happens to it, and no line for each of its bytes.
                let line = if progress.id.is_empty() { progress.status } else { format!("{}: {}", progress.id, progress.status) };
                if line != last {
                    self.note(step, line.clone());
                    last = line;
                }
            };
            self.engine.pull(&request, tell).map(drop)
        })
    }

    /// Says what was meant, where the name is that of something else.
    fn no_image(&self, name: &str, error: Error) -> Error {
        let bare = Error::not_found(format!("{}: {}", name, error.message())).subject(name);
        if let Ok(container) = self.engine.resolve(name).and_then(|id| self.engine.record(&id)) {
            let image = self.engine.find_image(&container.config.image).map(|i| i.tags.first().cloned().unwrap_or_default());
            let image = image.map(|t| crate::image::reference::familiar(&t)).unwrap_or_default();
            return bare.hint(format!(
                "{name} is the name of a container; its image is {image}, and commit makes an image of the container itself"
            ));
        }
        bare.hint("load it, build it, or look at its name")
    }

    /// The stage that an image is before anything is added.
    pub(super) fn base(&self, image: &ImageRecord) -> Result<Made> {
        let document: Value = serde_json::from_slice(&self.engine.read_blob(&Digest::parse(image.id.as_str())?, config::LARGEST)?)?;
        let settings = Settings::read(&document)?;
        let media = self.compressions(image)?;
        let mut layers = Vec::with_capacity(image.layers.len());
        for (i, (chain, diff_id)) in image.layers.iter().zip(&image.diff_ids).enumerate() {
            let record: LayerRecord = self
                .engine
                .store()
                .load(Table::Layers, chain.as_str())?
                .ok_or_else(|| Error::new(ErrorKind::Stale, format!("layer {chain} was removed meanwhile; try again")))?;
            let blob = image.blobs.get(i).cloned().unwrap_or_else(|| record.blob.clone());
            let compression = media.get(i).copied().unwrap_or(Compression::None);
            layers.push(Layer { chain: chain.clone(), diff_id: diff_id.clone(), blob, size: record.size, compression, source: None });
        }
        let history = document.get("history").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(Made {
            state: State::new(settings),
            parent: Some(image.id.clone()),
            base_layers: layers.len(),
            layers,
            history,
            created: image.created,
            times: Vec::new(),
            variant: document.get("variant").and_then(Value::as_str).unwrap_or_default().to_owned(),
        })
    }

    /// How an image's layers are compressed, as its manifest says.
    fn compressions(&self, image: &ImageRecord) -> Result<Vec<Compression>> {
        let Some(blob) = &image.manifest else { return Ok(Vec::new()) };
        let document: Value = manifest::strict(&self.engine.read_blob(&blob.digest, manifest::LARGEST)?)?;
        let layers = document.get("layers").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(layers
            .iter()
            .map(|layer| match layer["mediaType"].as_str().unwrap_or_default() {
                kind if kind.ends_with("gzip") => Compression::Gzip,
                kind if kind.ends_with("zstd") => Compression::Zstd,
                _ => Compression::None,
            })
            .collect())
    }

    /// The triggers that an image leaves to what builds on it.
    pub(super) fn triggers_of(&self, name: &str) -> Vec<String> {
        let read = || -> Result<Vec<String>> {
            let image = self.engine.find_image(name)?;
            let bytes = self.engine.read_blob(&Digest::parse(image.id.as_str())?, config::LARGEST)?;
            Ok(Settings::read(&serde_json::from_slice(&bytes)?)?.triggers)
        };
        read().unwrap_or_default()
    }
}

/// A stage of nothing.
pub(super) fn scratch() -> Made {
    Made {
        state: State::new(Settings::default()),
        layers: Vec::new(),
        history: Vec::new(),
        created: Timestamp::NEVER,
        times: Vec::new(),
        variant: String::new(),
        parent: None,
        base_layers: 0,
    }
}
