//! The end: the image's configuration and manifest, or the archive that was asked for.

use super::stage::Made;
use super::{Build, makes_image};
use crate::build::progress::Progress;
use crate::build::request::{Output, Sink};
use crate::engine::{ArchiveFormat, Engine as _};
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::image::changeset::{Packer, Walk};
use crate::image::config;
use crate::image::reference::Reference;
use crate::store::{StoreExt as _, Table};
use crate::time::Timestamp;
use serde_json::{Map, Value, json};

impl Build<'_> {
    /// Makes the result of the target stage.
    pub(super) fn finish(&self, mut made: Made, mut sink: Option<&mut Sink<'_>>, progress: &dyn Progress) -> Result<Option<ImageId>> {
        for (name, value) in &self.request.labels {
            made.state.settings.labels.insert(name.clone(), value.clone());
        }
        if !self.request.labels.is_empty() {
            let all: Vec<String> = self.request.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
            self.nothing(&mut made, &format!("LABEL {}", all.join(" ")));
        }
        let image = match makes_image(&self.request.output) {
            false => None,
            true => Some(self.step_here(progress, "exporting to image", |step| {
                self.note(step, "exporting layers".to_owned());
                let id = self.enter_image(&made)?;
                self.note(step, format!("writing image {id}"));
                for tag in &self.request.tags {
                    let shown = Reference::parse(tag).map_or_else(|_| tag.clone(), |r| r.to_string());
                    self.note(step, format!("naming to {shown}"));
                }
                Ok(id)
            })?),
        };
        if let (Some(id), Output::Docker | Output::Oci) = (&image, &self.request.output) {
            self.step_here(progress, "exporting to archive", |_| {
                let sink = sink.take().ok_or_else(|| Error::invalid("nowhere to export to"))?;
                let names = if self.request.tags.is_empty() { vec![id.to_string()] } else { self.request.tags.clone() };
                let format = if self.request.output == Output::Oci { ArchiveFormat::Oci } else { ArchiveFormat::Docker };
                self.engine.save(&names, format, sink)
            })?;
        }
        if self.request.output == Output::Tar {
            self.step_here(progress, "exporting to client", |_| {
                let sink = sink.take().ok_or_else(|| Error::invalid("nowhere to export to"))?;
                let walk = Walk::whole(self.tree(&made.layers)?, b"")?;
                std::io::copy(&mut Packer::new(walk), sink)
                    .map_err(|e| crate::image::changeset::uncarried(e, "the result cannot be exported"))?;
                Ok(())
            })?;
        }
        Ok(image)
    }

    fn enter_image(&self, made: &Made) -> Result<ImageId> {
        let bytes = serde_json::to_vec(&self.document(made))?;
        let image = config::read(&bytes)?;
        let parent = made.parent.clone().filter(|parent| *parent != image.id);
        let image = crate::image::ImageRecord { parent, ..image };
        let tags = self.request.tags.iter().map(|t| Reference::parse(t)).collect::<Result<Vec<_>>>()?;
        // The same image under the same names: nothing to write.
        let known = self.engine.image_record(&image.id)?.is_some_and(|known| !known.hidden);
        if known {
            let mut all = true;
            for tag in &tags {
                let holder: Option<String> = self.engine.store().load(Table::Tags, &tag.to_string())?;
                all &= holder.as_deref() == Some(image.id.as_str());
            }
            if all {
                return Ok(image.id);
            }
        }
        let config = self.intake.bytes(&bytes)?;
        let records: Vec<_> = made.layers.iter().map(super::stage::Layer::record).collect();
        let media: Vec<_> = made.layers.iter().map(|l| l.compression).collect();
        let mut id = image.id.clone();
        let names: Vec<Option<&Reference>> = if tags.is_empty() { vec![None] } else { tags.iter().map(Some).collect() };
        for name in names {
            id = self.intake.enter(&config, image.clone(), &records, &media, name, "build")?;
        }
        Ok(id)
    }

    /// The configuration document. The same stage gives the same bytes: times are those of the layers, and a step that made none
    /// has the time of the one before it.
    fn document(&self, made: &Made) -> Value {
        let facts = self.engine.kernel().facts();
        let epoch = self.epoch.map(|seconds| Timestamp(u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000_000)));
        let mut history = made.history.clone();
        let mut last = epoch.unwrap_or(made.created);
        for (i, done) in made.state.history.iter().enumerate() {
            if let Some(at) = made.times.get(i).copied().flatten()
                && epoch.is_none()
            {
                last = at;
            }
            let mut line = Map::new();
            line.insert("created".to_owned(), json!(stamp(last)));
            line.insert("created_by".to_owned(), json!(done.by));
            line.insert("comment".to_owned(), json!("drydock"));
            if done.empty {
                line.insert("empty_layer".to_owned(), json!(true));
            }
            history.push(Value::Object(line));
        }
        let mut document = Map::new();
        document.insert("architecture".to_owned(), json!(facts.architecture));
        if !made.state.settings.author.is_empty() {
            document.insert("author".to_owned(), json!(made.state.settings.author));
        }
        document.insert("config".to_owned(), made.state.settings.write());
        document.insert("created".to_owned(), json!(stamp(last)));
        document.insert("history".to_owned(), Value::Array(history));
        document.insert("os".to_owned(), json!("linux"));
        let diff_ids: Vec<&str> = made.layers.iter().map(|l| l.diff_id.as_str()).collect();
        document.insert("rootfs".to_owned(), json!({"type": "layers", "diff_ids": diff_ids}));
        if self.request.cache_to.contains(&crate::build::cache::CacheTo::Inline) {
            document.insert(crate::build::cache::FIELD.to_owned(), Self::steps(&made.layers));
        }
        if !made.variant.is_empty() {
            document.insert("variant".to_owned(), json!(made.variant));
        }
        Value::Object(document)
    }
}

/// A moment in a document; the beginning of 1970 for one that is not known, as `created` must be a date.
fn stamp(at: Timestamp) -> String {
    if at == Timestamp::NEVER { "1970-01-01T00:00:00Z".to_owned() } else { at.rfc3339() }
}
