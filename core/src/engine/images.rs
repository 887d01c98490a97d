//! Images by name, their list, their tags, and the entry of new ones into the store.

use super::LocalEngine;
use super::events::entry;
use super::resolve::is_hex;
use super::view::ImageSummary;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChainId, ContainerId, Digest, ImageId};
use crate::image::reference::{self, Reference};
use crate::image::{ImageRecord, LayerRecord};
use crate::network::ports;
use crate::store::{Change, StoreExt as _, Table, decode, put};
use std::collections::BTreeMap;

/// The lock of everything about images that is more than one batch.
pub(super) const LOCK: &str = "images";

/// The key in [`Table::Meta`] that says a container is made from an image.
pub(super) fn use_key(image: &ImageId, container: &ContainerId) -> String {
    format!("{}{container}", use_prefix(image))
}

/// The beginning of [`use_key`] for every container of an image.
pub(super) fn use_prefix(image: &ImageId) -> String {
    format!("uses/{image}/")
}

/// The mark in [`Table::Meta`] that the image layout's index does not say yet what the records say.
const STALE_INDEX: &str = "stale-index";

/// Puts that mark: it goes with the change of the records, and away when the index is written.
pub(super) fn stale_index() -> Change {
    Change::Put(Table::Meta, STALE_INDEX.to_owned(), Vec::new())
}

/// Docker's answer where no image has this name. A name without a tag means `latest`, and is shown so.
pub(super) fn no_such_image(asked: &str) -> Error {
    let shown = Reference::parse(asked).map_or_else(|_| asked.to_owned(), |r| r.familiar());
    Error::not_found(format!("No such image: {}", shown.escape_debug())).subject(asked)
}

impl LocalEngine {
    /// An image's record by id, hidden ones included.
    pub(super) fn image_record(&self, id: &ImageId) -> Result<Option<ImageRecord>> {
        self.store().load(Table::Images, id.as_str())
    }

    /// The image a person means, and whether they wrote an id.
    pub(super) fn resolve_image(&self, asked: &str) -> Result<(ImageRecord, Option<Reference>)> {
        let visible = |id: &str| Ok::<_, Error>(self.image_record(&ImageId::new(id))?.filter(|image| !image.hidden));
        if asked.starts_with("sha256:") && asked.len() == 71 {
            return visible(asked)?.map(|image| (image, None)).ok_or_else(|| no_such_image(asked));
        }
        let parsed = Reference::parse(asked);
        if let Ok(name) = &parsed {
            // A digest says which image it is, whatever tag stands before it.
            let key = match &name.digest {
                Some(digest) => format!("{}@{digest}", name.repository()),
                None => name.to_string(),
            };
            let tagged = self.store().load::<String>(Table::Tags, &key)?;
            if let Some(image) = tagged.map(|id| visible(&id)).transpose()?.flatten() {
                return Ok((image, parsed.ok()));
            }
        }
        let hex = asked.strip_prefix("sha256:").unwrap_or(asked);
        if is_hex(hex) {
            let mut found = Vec::new();
            for (key, bytes) in self.store().scan(Table::Images, &format!("sha256:{hex}"), "", 3)? {
                let image: ImageRecord = decode(Table::Images, &key, &bytes)?;
                found.extend(Some(image).filter(|image| !image.hidden));
            }
            match found.len() {
                0 => {}
                1 => return found.pop().map(|image| (image, None)).ok_or_else(|| no_such_image(asked)),
                _ => return Err(Error::new(ErrorKind::Ambiguous, format!("Multiple IDs found with provided prefix: {asked}"))),
            }
        }
        match parsed {
            Err(e) if !is_hex(hex) => Err(e),
            _ => Err(no_such_image(asked)),
        }
    }

    /// The image a person means.
    pub(super) fn find_image(&self, asked: &str) -> Result<ImageRecord> {
        self.resolve_image(asked).map(|(image, _)| image)
    }

    /// All images that are not hidden, newest first.
    pub(super) fn image_list(&self) -> Result<Vec<ImageSummary>> {
        let mut all: Vec<ImageSummary> = self
            .store()
            .load_all::<ImageRecord>(Table::Images)?
            .into_iter()
            .filter(|(_, image)| !image.hidden)
            .map(|(_, image)| ImageSummary {
                id: image.id,
                tags: image.tags.iter().map(|tag| reference::familiar(tag)).collect(),
                created: image.created,
                size: image.size,
                labels: image.defaults.labels,
                digests: image.digests.iter().map(|name| reference::familiar(name)).collect(),
                parent: image.parent,
            })
            .collect();
        all.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
        Ok(all)
    }

    /// Enters an image whose layers and blobs are there, or adds the tag to one that is entered already; `further` goes into the
    /// same batch. The caller holds [`LOCK`].
    pub(super) fn enter_image(
        &self,
        image: &ImageRecord,
        tag: Option<&Reference>,
        layers: &[LayerRecord],
        action: &str,
        further: &[Change],
    ) -> Result<()> {
        loop {
            let mut batch = further.to_vec();
            let key = image.id.as_str();
            let before = self.store().get(Table::Images, key)?;
            let mut record = match before.as_deref() {
                Some(bytes) => decode(Table::Images, key, bytes)?,
                None => image.clone(),
            };
            record.hidden = false;
            if before.is_none() {
                self.count_layers(layers, &mut batch)?;
            }
            if before.is_none() || !image.digests.is_empty() {
                record.manifest_type = self.type_of_manifest(image)?;
            }
            if !image.digests.is_empty() {
                // What a registry has is what goes back to one.
                record.manifest.clone_from(&image.manifest);
                record.blobs.clone_from(&image.blobs);
            }
            for digest in &image.digests {
                self.move_name(digest, &mut record, |r| &mut r.digests, &mut batch)?;
            }
            if let Some(tag) = tag {
                self.move_name(&tag.to_string(), &mut record, |r| &mut r.tags, &mut batch)?;
                record.tagged = Some(self.time());
            }
            batch.push(Change::Expect(Table::Images, key.to_owned(), before));
            batch.push(put(Table::Images, key, &record)?);
            let name = tag.map_or_else(|| key.to_owned(), |t| t.familiar());
            self.append_events(&mut batch, &[entry("image", action, key, BTreeMap::from([("name".to_owned(), name)]), self.time())])?;
            batch.push(stale_index());
            if self.commit(&batch)? {
                return self.write_index();
            }
        }
    }

    /// One more image uses these layers, lowest first.
    pub(super) fn count_layers(&self, layers: &[LayerRecord], batch: &mut Vec<Change>) -> Result<()> {
        let mut counted: BTreeMap<&ChainId, (Option<Vec<u8>>, LayerRecord)> = BTreeMap::new();
        for layer in layers {
            if !counted.contains_key(&layer.chain) {
                let before = self.store().get(Table::Layers, layer.chain.as_str())?;
                let record = match before.as_deref() {
                    Some(bytes) => decode(Table::Layers, layer.chain.as_str(), bytes)?,
                    None => LayerRecord { uses: 0, ..layer.clone() },
                };
                counted.insert(&layer.chain, (before, record));
            }
            if let Some((_, record)) = counted.get_mut(&layer.chain) {
                record.uses += 1;
            }
        }
        for (chain, (before, record)) in counted {
            batch.push(Change::Expect(Table::Layers, chain.to_string(), before));
            batch.push(put(Table::Layers, chain.as_str(), &record)?);
        }
        Ok(())
    }

    /// Gives a tag or digest to an image, taking it from the one that has it.
    fn move_name(
        &self,
        tag: &str,
        record: &mut ImageRecord,
        list: fn(&mut ImageRecord) -> &mut Vec<String>,
        batch: &mut Vec<Change>,
    ) -> Result<()> {
        let holder = self.store().get(Table::Tags, tag)?;
        let id: Option<String> = holder.as_deref().map(|bytes| decode(Table::Tags, tag, bytes)).transpose()?;
        if let Some(other) = id.filter(|id| id != record.id.as_str())
            && let Some(bytes) = self.store().get(Table::Images, &other)?
        {
            let mut loser: ImageRecord = decode(Table::Images, &other, &bytes)?;
            list(&mut loser).retain(|t| t != tag);
            batch.push(Change::Expect(Table::Images, other.clone(), Some(bytes)));
            batch.push(put(Table::Images, &other, &loser)?);
        }
        batch.push(Change::Expect(Table::Tags, tag.to_owned(), holder));
        batch.push(put(Table::Tags, tag, &record.id)?);
        let names = list(record);
        if !names.iter().any(|t| t == tag) {
            names.push(tag.to_owned());
            names.sort();
        }
        Ok(())
    }

    /// The media type that an image's manifest says it has: Docker's or the OCI's.
    fn type_of_manifest(&self, image: &ImageRecord) -> Result<String> {
        let Some(blob) = &image.manifest else { return Ok(String::new()) };
        let document: serde_json::Value = serde_json::from_slice(&self.read_blob(&blob.digest, crate::image::manifest::LARGEST)?)?;
        let said = document.get("mediaType").and_then(serde_json::Value::as_str);
        Ok(said.unwrap_or(crate::image::manifest::MANIFEST).to_owned())
    }

    /// Writes the OCI image layout's own two files: any tool that reads layouts finds the images (image-spec image-layout.md).
    pub(super) fn write_index(&self) -> Result<()> {
        for (path, content) in self.index_files()? {
            self.kernel().perform(&crate::kernel::Step::WriteFile { path, mode: 0o644, content }, None)?;
        }
        self.store().commit(&[Change::Delete(Table::Meta, STALE_INDEX.to_owned())])
    }

    /// Writes the index that a dead process did not come to write.
    pub(super) fn recover_index(&self) -> Result<()> {
        if self.store().get(Table::Meta, STALE_INDEX)?.is_none() {
            return Ok(());
        }
        // Who holds the lock is about to write it.
        let Some(_guard) = self.kernel().lock(LOCK)? else { return Ok(()) };
        self.write_index()
    }

    /// Those files as the records have it: paths and content.
    pub(super) fn index_files(&self) -> Result<[(String, String); 2]> {
        let root = self.kernel().facts().data_root.trim_end_matches('/').to_owned();
        let images = self.store().load_all::<ImageRecord>(Table::Images)?;
        let index = super::save::index(images.iter().filter(|(_, i)| !i.hidden).map(|(_, i)| (i, i.tags.as_slice())));
        let layout = (format!("{root}/oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}".to_owned());
        Ok([layout, (format!("{root}/index.json"), index.to_string())])
    }

    /// A blob's bytes, at most `limit` of them.
    pub(super) fn read_blob(&self, digest: &Digest, limit: usize) -> Result<Vec<u8>> {
        let path = self.layout().blob(digest);
        let mut bytes = Vec::new();
        loop {
            let part = self.kernel().read(&path, bytes.len() as u64, (limit + 1 - bytes.len()).min(1 << 20))?;
            if part.is_empty() {
                return Ok(bytes);
            }
            bytes.extend_from_slice(&part);
            if bytes.len() > limit {
                return Err(Error::invalid(format!("{digest} is larger than {limit} bytes")));
            }
        }
    }

    /// The ports an image and a container expose: `80/tcp`, sorted.
    pub(super) fn exposed(&self, record: &crate::container::ContainerRecord) -> Result<Vec<String>> {
        Ok(all_exposed(&self.exposed_by(&record.image)?, record))
    }

    /// The ports that an image says its containers listen on.
    pub(super) fn exposed_by(&self, image: &ImageId) -> Result<Vec<String>> {
        let image = self.image_record(image)?;
        Ok(image.iter().flat_map(|image| image.defaults.exposed_ports.keys()).filter_map(|word| ports::exposed(word)).collect())
    }
}

/// An image's ports and a container's own, each with its protocol and once.
pub(super) fn all_exposed(image: &[String], record: &crate::container::ContainerRecord) -> Vec<String> {
    let with_protocol = |port: &String| if port.contains('/') { port.clone() } else { format!("{port}/tcp") };
    let mut all: Vec<String> = image.iter().chain(&record.config.expose).map(with_protocol).collect();
    all.sort();
    all.dedup();
    all
}
