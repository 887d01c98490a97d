//! `commit`: what a container is now becomes an image.

use super::LocalEngine;
use super::import::Intake;
use crate::container::{ContainerRecord, MountKind, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChainId, Digest, ImageId};
use crate::image::changeset::EMPTY_LAYER;
use crate::image::config::{self, Made};
use crate::image::reference::Reference;
use crate::image::{ImageDefaults, ImageRecord, LayerRecord, chain_ids, changes};
use crate::kernel::{Compression, Ingested};
use crate::store::{StoreExt as _, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The largest layer that is made, in bytes.
const LARGEST: u64 = 1 << 40;

/// What `commit` may be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitOptions {
    /// The reference it gets; empty for none.
    pub reference: String,
    /// Who made it.
    pub author: String,
    /// Why.
    pub message: String,
    /// Dockerfile instructions that only change the configuration.
    pub changes: Vec<String>,
    /// Freeze a running container meanwhile, so that files written together are committed together.
    pub pause: bool,
    /// No time in it is later than this (seconds since 1970), which makes it the same image twice (SOURCE_DATE_EPOCH).
    pub epoch: Option<i64>,
}

impl Default for CommitOptions {
    fn default() -> Self {
        Self { reference: String::new(), author: String::new(), message: String::new(), changes: Vec::new(), pause: true, epoch: None }
    }
}

/// What containers of the new image start with: the image's as the container's options changed it.
fn started_with(record: &ContainerRecord, image: &ImageDefaults) -> ImageDefaults {
    let (config, mut all) = (&record.config, image.clone());
    all.env = record.env.iter().filter(|e| image.env.contains(e) || config.env.contains(e)).cloned().collect();
    if let Some(entrypoint) = &config.entrypoint {
        all.entrypoint = Some(entrypoint.clone()).filter(|e| !e.is_empty());
        all.cmd = None;
    }
    if !config.command.is_empty() {
        all.cmd = Some(config.command.clone());
    }
    for (own, of_image) in
        [(&config.user, &mut all.user), (&config.workdir, &mut all.working_dir), (&config.stop_signal, &mut all.stop_signal)]
    {
        if !own.is_empty() {
            of_image.clone_from(own);
        }
    }
    all.labels.extend(config.labels.clone());
    let ports = config.expose.iter().map(|p| if p.contains('/') { p.clone() } else { format!("{p}/tcp") });
    all.exposed_ports.extend(ports.map(|p| (p, json!({}))));
    // Docker keeps the paths of volumes that nobody named.
    let anonymous = |m: &&crate::container::MountRequest| m.kind == MountKind::Volume && is_made_up(&m.source);
    all.volumes.extend(config.mounts.iter().filter(anonymous).map(|m| (m.target.clone(), json!({}))));
    all
}

fn is_made_up(name: &str) -> bool {
    name.is_empty() || (name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl LocalEngine {
    pub(super) fn commit_container(&self, name: &str, options: &CommitOptions) -> Result<ImageId> {
        let tag = if options.reference.is_empty() { None } else { Some(Reference::parse(&options.reference)?) };
        if tag.as_ref().is_some_and(|t| t.digest.is_some()) {
            return Err(Error::invalid("cannot create a digest reference"));
        }
        let record = self.settled(name)?;
        if matches!(record.state.status, Status::Dead | Status::Removing) {
            return Err(Error::conflict(format!("You cannot commit container {} which is being removed", record.id)));
        }
        let parent = self.image_record(&record.image)?.ok_or_else(|| super::images::no_such_image(record.image.as_str()))?;
        let mut defaults = started_with(&record, &parent.defaults);
        options.changes.iter().try_for_each(|line| changes::apply(&mut defaults, line))?;
        let intake = Intake::begin(self)?;
        let made = self.commit_into(&intake, &record, &parent, &defaults, tag.as_ref(), options);
        intake.end()?;
        let id = made?;
        self.change(&record.id, &[super::events::Happening::plain("commit")], &[], &mut |_| Ok(()))?;
        Ok(id)
    }

    fn commit_into(
        &self,
        intake: &Intake<'_>,
        record: &ContainerRecord,
        parent: &ImageRecord,
        defaults: &ImageDefaults,
        tag: Option<&Reference>,
        options: &CommitOptions,
    ) -> Result<ImageId> {
        let pause = options.pause && record.state.status == Status::Running;
        let pause = match pause.then(|| self.set_paused(record.id.as_str(), true)) {
            None => false,
            Some(Ok(())) => true,
            // It ended just now: nothing writes any more.
            Some(Err(e)) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotRunning | ErrorKind::Conflict) => false,
            Some(Err(e)) => return Err(e),
        };
        let taken = self.take_layer(intake, record, parent, options.epoch);
        if pause {
            self.set_paused(record.id.as_str(), false)?;
        }
        let layer = taken?;
        let now = self.time();
        let created =
            options.epoch.and_then(|e| u64::try_from(e).ok()).map_or(now, |e| crate::time::Timestamp(now.0.min(e * 1_000_000_000)));
        let step = Made {
            created: Some(created.rfc3339()),
            created_by: record.config.command.join(" "),
            author: options.author.clone(),
            comment: options.message.clone(),
            empty_layer: layer.is_none(),
        };
        let parent_document = self.read_blob(&Digest::parse(parent.id.as_str())?, config::LARGEST)?;
        let merged = merge(&parent_document, defaults)?;
        let document = config::child(&parent_document, merged, layer.as_ref().map(|l| &l.diff_id), &step)?;
        self.enter_child(intake, parent, layer.as_ref(), &serde_json::to_vec(&document)?, tag, "commit")
    }

    /// Takes in what a container changed as a layer; `None` if it changed nothing.
    pub(crate) fn take_layer(
        &self,
        intake: &Intake<'_>,
        record: &ContainerRecord,
        parent: &ImageRecord,
        epoch: Option<i64>,
    ) -> Result<Option<Ingested>> {
        let mut archive = self.host.images.produce(&record.id, &parent.layers, epoch)?;
        let taken = intake.archive(&mut archive, LARGEST, &mut |_| Ok(()))?;
        Ok(Some(taken).filter(|taken| taken.diff_id.as_str() != EMPTY_LAYER))
    }

    /// Enters an image that is another one with at most one layer more, from its configuration.
    pub(crate) fn enter_child(
        &self,
        intake: &Intake<'_>,
        parent: &ImageRecord,
        layer: Option<&Ingested>,
        document: &[u8],
        tag: Option<&Reference>,
        action: &str,
    ) -> Result<ImageId> {
        let image = config::read(document)?;
        let chains: Vec<ChainId> = chain_ids(&image.diff_ids);
        let mut layers: Vec<LayerRecord> = Vec::with_capacity(chains.len());
        let mut media = Vec::with_capacity(chains.len());
        for (at, chain) in parent.layers.iter().enumerate() {
            let known = self.store().load::<LayerRecord>(Table::Layers, chain.as_str())?;
            let mut known = known.ok_or_else(|| Error::not_found(format!("the layer {chain} of {} is gone", parent.id.short())))?;
            if let Some(own) = parent.blobs.get(at) {
                known.blob = own.clone();
            }
            media.push(self.compression(&known.blob.digest)?);
            layers.push(known);
        }
        if let (Some(taken), Some(chain)) = (layer, chains.last()) {
            layers.push(intake.layer(taken, parent.layers.last(), chain)?);
            media.push(taken.compression);
        }
        let blob = intake.bytes(document)?;
        intake.enter(&blob, ImageRecord { parent: Some(parent.id.clone()), ..image }, &layers, &media, tag, action)
    }

    /// How a blob is compressed.
    pub(crate) fn compression(&self, digest: &Digest) -> Result<Compression> {
        Ok(Compression::detect(&self.kernel().read(&self.layout().blob(digest), 0, 4)?))
    }
}

/// The image's configuration with what containers start with replaced; members that Drydock does not know stay, except triggers,
/// which were for the build that ran them.
fn merge(parent: &[u8], defaults: &ImageDefaults) -> Result<Value> {
    let document: Value = serde_json::from_slice(parent)?;
    let mut config = document.get("config").cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
    if let (Some(into), Value::Object(own)) = (config.as_object_mut(), serde_json::to_value(defaults)?) {
        for replaced in ["ExposedPorts", "Volumes", "StopSignal", "OnBuild", "Hostname", "Image"] {
            into.shift_remove(replaced);
        }
        into.extend(own);
    }
    Ok(config)
}
