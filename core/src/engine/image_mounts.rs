//! Images as mounts: which image a name means and where its files are is settled when the container is made, and the image stays in use as
//! long as the container is there.

use super::LocalEngine;
use super::images::use_key;
use crate::container::oci::mounts::{IMAGE_ID, IMAGE_PLACE};
use crate::container::{ContainerRecord, MountKind, MountRequest};
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::plan::union::{Place, find};
use crate::store::{Change, Table};
use std::collections::BTreeSet;

impl LocalEngine {
    /// Writes into a mount which image it means, and where its files are.
    pub(super) fn look_up_image(&self, mount: &mut MountRequest) -> Result<()> {
        // Not in the words for the image that the container is made from: clients pull that one when they read them.
        let image = self.find_image(&mount.source).map_err(|e| {
            let words = format!("invalid mount config for type \"image\": {}", e.message());
            Error::new(e.kind(), words).subject(mount.source.as_str())
        })?;
        let layout = self.layout();
        let mut layers: Vec<(String, &str)> = image.layers.iter().map(|chain| (layout.layer(chain), chain.as_str())).collect();
        layers.reverse();
        let paths: Vec<String> = layers.iter().map(|(path, _)| path.clone()).collect();
        let sub = mount.words("image-subpath").last().unwrap_or_default().to_owned();
        let places = match find(self.kernel(), &paths, &sub)? {
            Place::Directory(places) => places,
            Place::File(place) => vec![place],
            Place::Nothing => {
                return Err(Error::invalid(format!(
                    "invalid mount config for type \"image\": no such file or directory: {}",
                    sub.escape_debug()
                ))
                .subject(mount.source.as_str()));
            }
        };
        mount.options.push(format!("{IMAGE_ID}={}", image.id));
        for place in places {
            let found = layers.iter().find_map(|(path, chain)| Some((place.strip_prefix(path.as_str())?, chain)));
            let (below, chain) = found.ok_or_else(|| Error::invalid(format!("{place} is in no layer of {}", mount.source)))?;
            mount.options.push(format!("{IMAGE_PLACE}={chain}{below}"));
        }
        Ok(())
    }

    /// The images whose files a container needs: the one that it is made from, and those mounted in it.
    pub(super) fn images_of(record: &ContainerRecord) -> BTreeSet<ImageId> {
        let mounts = record.config.mounts.iter().filter(|m| m.kind == MountKind::Image);
        let mounted = mounts.filter_map(|m| m.words(IMAGE_ID).next().map(ImageId::new));
        std::iter::once(record.image.clone()).chain(mounted).collect()
    }

    /// The marks of their use, for the batch that enters a container.
    pub(super) fn begin_uses(&self, record: &ContainerRecord) -> Result<Vec<Change>> {
        let mut marks = Vec::new();
        for image in Self::images_of(record) {
            marks.push(Change::Expect(Table::Images, image.to_string(), self.store().get(Table::Images, image.as_str())?));
            marks.push(Change::Put(Table::Meta, use_key(&image, &record.id), Vec::new()));
        }
        Ok(marks)
    }

    /// What takes those marks away, for the batch that removes it.
    pub(super) fn end_uses(record: &ContainerRecord) -> Vec<Change> {
        Self::images_of(record).iter().map(|image| Change::Delete(Table::Meta, use_key(image, &record.id))).collect()
    }
}
