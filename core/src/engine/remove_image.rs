//! `rmi`: a tag goes, and with the last tag the image, unless containers need it. The rules and the words are Docker's.

use super::LocalEngine;
use super::events::{Entry, entry};
use super::images::{LOCK, use_prefix};
use crate::container::{ContainerRecord, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::image::reference::{Reference, familiar};
use crate::image::{ImageRecord, LayerRecord};
use crate::store::{Change, Table, decode, put};
use std::collections::{BTreeMap, BTreeSet};

fn in_use(text: String) -> Error {
    Error::new(ErrorKind::InUse, text)
}

/// Marks a blob or a layer for the sweep, in the same batch that ends its last use. Answers the mark.
fn mark(operation: &str, kind: &str, name: &str, batch: &mut Vec<Change>) -> String {
    let key = format!("pending/{kind}/{name}/{operation}");
    batch.push(Change::Put(Table::Meta, key.clone(), Vec::new()));
    key
}

impl LocalEngine {
    /// Removes a reference, or an image by id.
    ///
    /// With `prune`, images that it was made from and that have no reference go with it.
    pub(super) fn untag_and_remove(&self, asked: &str, force: bool, prune: bool) -> Result<Vec<String>> {
        let mut marks = BTreeSet::new();
        let lines = {
            let _guard = self.lock(LOCK)?;
            let (image, reference) = self.resolve_image(asked)?;
            let mut lines = self.remove_locked(asked, &image, reference.as_ref(), force, &mut marks)?;
            if prune && lines.iter().any(|line| line.starts_with("Deleted")) {
                lines.extend(self.delete_parents(&image, &mut marks)?);
            }
            lines
        };
        self.sweep(&marks)?;
        Ok(lines)
    }

    fn remove_locked(
        &self,
        asked: &str,
        image: &ImageRecord,
        reference: Option<&Reference>,
        force: bool,
        marks: &mut BTreeSet<String>,
    ) -> Result<Vec<String>> {
        let id = &image.id;
        let (running, stopped) = self.users(image)?;
        let user = running.as_ref().or(stopped.as_ref());
        if let Some(reference) = reference {
            if let Some(container) = user.filter(|_| !force && image.tags.len() == 1) {
                return Err(in_use(format!(
                    "conflict: unable to remove repository reference \"{asked}\" (must force) - container {} is using its referenced image {}",
                    container.short(),
                    id.short()
                )));
            }
            let rest: Vec<String> = image.tags.iter().filter(|t| **t != reference.to_string()).cloned().collect();
            // What other images were made from stays for them, without a name.
            if !rest.is_empty() || running.is_some() || self.has_children(image)? {
                // A digest stays only beside a tag of its repository.
                let repository = reference.repository();
                let of_repository = |name: &String| name.strip_prefix(&repository).is_some_and(|n| n.starts_with([':', '@']));
                let named = match &reference.digest {
                    Some(digest) => vec![format!("{repository}@{digest}")],
                    None => {
                        let last = !rest.iter().any(of_repository);
                        let digests = image.digests.iter().filter(|d| last && of_repository(d)).cloned();
                        std::iter::once(reference.to_string()).chain(digests).collect()
                    }
                };
                self.untag(image, &named, marks, false)?;
                return Ok(named.iter().map(|name| format!("Untagged: {}", familiar(name))).collect());
            }
        } else {
            if self.has_children(image)? {
                return Err(in_use(format!(
                    "conflict: unable to delete {} (cannot be forced) - image has dependent child images",
                    id.short()
                )));
            }
            if let Some(container) = &running {
                return Err(in_use(format!(
                    "conflict: unable to delete {} (cannot be forced) - image is being used by running container {}",
                    id.short(),
                    container.short()
                )));
            }
            if image.tags.len() > 1 && !force {
                return Err(in_use(format!(
                    "conflict: unable to delete {} (must be forced) - image is referenced in multiple repositories",
                    id.short()
                )));
            }
            if let Some(container) = stopped.as_ref().filter(|_| !force) {
                return Err(in_use(format!(
                    "conflict: unable to delete {} (must be forced) - image is being used by stopped container {}",
                    id.short(),
                    container.short()
                )));
            }
        }
        let mut lines: Vec<String> = image.tags.iter().chain(&image.digests).map(|tag| format!("Untagged: {}", familiar(tag))).collect();
        lines.push(format!("Deleted: {id}"));
        lines.extend(self.delete_image(image, marks)?);
        Ok(lines)
    }

    /// Deletes an image with its references. Answers a line for each layer that goes with it. The caller holds [`LOCK`].
    pub(super) fn delete_image(&self, image: &ImageRecord, marks: &mut BTreeSet<String>) -> Result<Vec<String>> {
        let gone = self.untag(image, &image.tags, marks, true)?;
        Ok(gone.iter().map(|chain| format!("Deleted: {chain}")).collect())
    }

    /// Deletes what an image that is gone was made from, as far as nothing else names or uses it. The caller holds [`LOCK`].
    pub(super) fn delete_parents(&self, image: &ImageRecord, marks: &mut BTreeSet<String>) -> Result<Vec<String>> {
        let (mut lines, mut next) = (Vec::new(), image.parent.clone());
        while let Some(id) = next.take() {
            let Some(parent) = self.image_record(&id)?.filter(|parent| !parent.hidden) else { break };
            let used = !self.store().scan(Table::Meta, &use_prefix(&id), "", 1)?.is_empty();
            if used || !parent.tags.is_empty() || !parent.digests.is_empty() || self.has_children(&parent)? {
                break;
            }
            lines.push(format!("Deleted: {id}"));
            lines.extend(self.delete_image(&parent, marks)?);
            next = parent.parent;
        }
        Ok(lines)
    }

    /// One running and one other container that is made from an image, if there are any.
    fn users(&self, image: &ImageRecord) -> Result<(Option<ContainerId>, Option<ContainerId>)> {
        let (mut running, mut stopped) = (None, None);
        let prefix = use_prefix(&image.id);
        for (key, _) in self.store().scan(Table::Meta, &prefix, "", usize::MAX)? {
            let id = ContainerId::new(key.trim_start_matches(&prefix));
            let Some(record) = self.find_record(&id)?.map(|r| self.settle(r)).transpose()?.flatten() else { continue };
            match record.state.status {
                Status::Running | Status::Paused | Status::Restarting => running = running.or(Some(id)),
                _ => stopped = stopped.or(Some(id)),
            }
        }
        Ok((running, stopped))
    }

    /// Takes tags away; with `remove` the image too: hidden if containers are made from it, else gone with the layers that only it
    /// has. Answers the chain ids of layers that go, highest first; their files go when the marks are swept.
    pub(super) fn untag(&self, image: &ImageRecord, tags: &[String], marks: &mut BTreeSet<String>, remove: bool) -> Result<Vec<String>> {
        loop {
            let key = image.id.as_str();
            let Some(before) = self.store().get(Table::Images, key)? else { return Ok(Vec::new()) };
            let mut record: ImageRecord = decode(Table::Images, key, &before)?;
            let mut batch = vec![Change::Expect(Table::Images, key.to_owned(), Some(before))];
            let mut told: Vec<Entry> = Vec::new();
            for tag in tags {
                record.tags.retain(|t| t != tag);
                record.digests.retain(|t| t != tag);
                batch.push(Change::Delete(Table::Tags, tag.clone()));
                told.push(self.image_event("untag", key, key));
            }
            let mut gone = Vec::new();
            let mut marked = BTreeSet::new();
            let used = !self.store().scan(Table::Meta, &use_prefix(&record.id), "", 1)?.is_empty();
            if remove && used {
                record.hidden = true;
                batch.push(put(Table::Images, key, &record)?);
            } else if remove {
                gone = self.release(&record, &mut batch, &mut marked)?;
            } else {
                batch.push(put(Table::Images, key, &record)?);
            }
            if remove {
                told.push(self.image_event("delete", key, key));
            }
            self.append_events(&mut batch, &told)?;
            batch.push(super::images::stale_index());
            if self.commit(&batch)? {
                marks.extend(marked);
                self.write_index()?;
                return Ok(gone);
            }
        }
    }

    fn image_event(&self, action: &str, id: &str, name: &str) -> Entry {
        entry("image", action, id, BTreeMap::from([("name".to_owned(), name.to_owned())]), self.time())
    }

    /// The end of an image's record, and one use less of each of its layers; what nothing uses then is marked for the sweep.
    fn release(&self, image: &ImageRecord, batch: &mut Vec<Change>, marks: &mut BTreeSet<String>) -> Result<Vec<String>> {
        let operation = self.release_name();
        let mut mark = |kind: &str, name: &str, batch: &mut Vec<Change>| marks.insert(mark(&operation, kind, name, batch));
        batch.push(Change::Delete(Table::Images, image.id.to_string()));
        mark("blob", image.id.as_str().trim_start_matches("sha256:"), batch);
        if let Some(manifest) = &image.manifest {
            mark("blob", manifest.digest.hex(), batch);
        }
        for blob in &image.blobs {
            mark("blob", blob.digest.hex(), batch);
        }
        batch.extend(image.digests.iter().map(|digest| Change::Delete(Table::Tags, digest.clone())));
        let mut gone = self.release_layers(&image.layers, batch, marks)?;
        gone.sort_by_key(|chain| std::cmp::Reverse(image.layers.iter().position(|c| c.as_str() == chain)));
        Ok(gone)
    }

    /// One use less of each of these layers; what nothing uses then is marked for the sweep. Answers the chain ids of those.
    pub(super) fn release_layers(
        &self,
        layers: &[crate::id::ChainId],
        batch: &mut Vec<Change>,
        marks: &mut BTreeSet<String>,
    ) -> Result<Vec<String>> {
        let operation = self.release_name();
        let mut mark = |kind: &str, name: &str, batch: &mut Vec<Change>| marks.insert(mark(&operation, kind, name, batch));
        let mut gone = Vec::new();
        let chains: BTreeSet<_> = layers.iter().collect();
        for chain in chains {
            let Some(before) = self.store().get(Table::Layers, chain.as_str())? else { continue };
            let mut layer: LayerRecord = decode(Table::Layers, chain.as_str(), &before)?;
            let uses = layers.iter().filter(|c| *c == chain).count() as u64;
            layer.uses = layer.uses.saturating_sub(uses);
            batch.push(Change::Expect(Table::Layers, chain.to_string(), Some(before)));
            if layer.uses > 0 {
                batch.push(put(Table::Layers, chain.as_str(), &layer)?);
                continue;
            }
            batch.push(Change::Delete(Table::Layers, chain.to_string()));
            mark("layer", chain.as_str(), batch);
            mark("blob", layer.blob.digest.hex(), batch);
            gone.push(chain.to_string());
        }
        Ok(gone)
    }

    /// What marks of one release are told apart by.
    fn release_name(&self) -> String {
        self.new_id().get(..16).unwrap_or("release").to_owned()
    }

    /// Removes a hidden image that no container is made from.
    pub(super) fn drop_unused(&self, id: &crate::id::ImageId) -> Result<()> {
        let mut marks = BTreeSet::new();
        {
            let _guard = self.lock(LOCK)?;
            let used = !self.store().scan(Table::Meta, &use_prefix(id), "", 1)?.is_empty();
            if let Some(image) = self.image_record(id)?.filter(|image| image.hidden && !used) {
                self.untag(&image, &[], &mut marks, true)?;
            }
        }
        self.sweep(&marks)
    }

    /// A container is gone: if it was the last of a hidden image, so is that.
    pub(super) fn forget_use(&self, record: &ContainerRecord) -> Result<()> {
        for image in Self::images_of(record) {
            if self.image_record(&image)?.is_some_and(|image| image.hidden) {
                self.drop_unused(&image)?;
            }
        }
        Ok(())
    }
}
