//! `image prune`: images that nothing uses go. And what images take on disk.

use super::LocalEngine;
use super::images::{LOCK, use_prefix};
use super::prune::{PruneFilters, Pruned};
use super::stats::Sizes;
use super::view::{ContainerSummary, ImageSummary};
use crate::error::Result;
use crate::id::ChainId;
use crate::image::{ImageRecord, LayerRecord};
use crate::store::{StoreExt as _, Table};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What one image takes on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageUsage {
    /// Which.
    pub image: ImageSummary,
    /// Bytes of layers that other images have too.
    pub shared: u64,
    /// Bytes of layers that only it has.
    pub unique: u64,
    /// Containers that are made from it.
    pub containers: u64,
}

/// What one volume takes on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeUsage {
    /// Its name.
    pub name: String,
    /// Containers that have it.
    pub links: u64,
    /// Bytes of its files.
    pub size: u64,
}

/// What everything takes on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskUsage {
    /// Images, newest first.
    pub images: Vec<ImageUsage>,
    /// Bytes of all layers, each counted once.
    pub layers: u64,
    /// Containers, newest first, and what each takes.
    pub containers: Vec<(ContainerSummary, Sizes)>,
    /// Volumes by name.
    pub volumes: Vec<VolumeUsage>,
}

impl LocalEngine {
    /// Removes images that no container uses: those without a reference, or `all`.
    pub(super) fn prune_unused_images(&self, all: bool, filters: &PruneFilters) -> Result<Pruned> {
        let mut pruned = Pruned::default();
        let before = self.layer_sizes()?;
        let mut gone: BTreeSet<ChainId> = BTreeSet::new();
        let mut candidates: Vec<ImageRecord> = self.store().load_all::<ImageRecord>(Table::Images)?.into_iter().map(|(_, i)| i).collect();
        candidates.sort_by_key(|image| std::cmp::Reverse(image.created));
        let mut dry: Vec<ImageRecord> = Vec::new();
        for image in candidates {
            let mut marks = BTreeSet::new();
            {
                let _guard = self.lock(LOCK)?;
                // As it is now: a tag, a container or a child may have come or gone since the list was made.
                let Some(image) = self.image_record(&image.id)?.filter(|i| !i.hidden) else { continue };
                let used = !self.store().scan(Table::Meta, &use_prefix(&image.id), "", 1)?.is_empty();
                let dangling = image.tags.is_empty() && image.digests.is_empty();
                if used || !(all || dangling) || !filters.mean(image.created, &image.defaults.labels) {
                    continue;
                }
                // What other images were made from stays for them, and goes with the last of these.
                let needed = self.has_children(&image)?;
                if needed && dangling {
                    continue;
                }
                let names = image.tags.iter().chain(&image.digests).map(|n| format!("untagged: {}", crate::image::reference::familiar(n)));
                pruned.removed.extend(names);
                if needed {
                    let names: Vec<String> = image.tags.iter().chain(&image.digests).cloned().collect();
                    if !filters.dry_run {
                        self.untag(&image, &names, &mut marks, false)?;
                    }
                    continue;
                }
                pruned.removed.push(format!("deleted: {}", image.id));
                if filters.dry_run {
                    dry.push(image);
                    continue;
                }
                for line in self.delete_image(&image, &mut marks)?.into_iter().chain(self.delete_parents(&image, &mut marks)?) {
                    if let Some(chain) = line.strip_prefix("Deleted: ").filter(|c| before.contains_key(*c)) {
                        gone.insert(ChainId::new(chain));
                    }
                    pruned.removed.push(line.replacen("Deleted", "deleted", 1));
                }
            }
            self.sweep(&marks)?;
        }
        if filters.dry_run {
            gone = self.only_of(&dry)?;
        }
        pruned.reclaimed = gone.iter().filter_map(|chain| before.get(chain.as_str())).sum();
        if !filters.dry_run {
            self.tell_of_prune("image", pruned.reclaimed)?;
        }
        Ok(pruned)
    }

    /// Whether an image was made from this one and is here.
    pub(super) fn has_children(&self, image: &ImageRecord) -> Result<bool> {
        let images = self.store().load_all::<ImageRecord>(Table::Images)?;
        Ok(images.iter().any(|(_, other)| !other.hidden && other.parent.as_ref() == Some(&image.id)))
    }

    fn layer_sizes(&self) -> Result<BTreeMap<String, u64>> {
        Ok(self.store().load_all::<LayerRecord>(Table::Layers)?.into_iter().map(|(chain, layer)| (chain, layer.size)).collect())
    }

    /// The layers that these images have and no other.
    fn only_of(&self, images: &[ImageRecord]) -> Result<BTreeSet<ChainId>> {
        let mut mine: BTreeSet<ChainId> = images.iter().flat_map(|i| i.layers.iter().cloned()).collect();
        for (_, other) in self.store().load_all::<ImageRecord>(Table::Images)? {
            if !images.iter().any(|i| i.id == other.id) {
                mine.retain(|chain| !other.layers.contains(chain));
            }
        }
        Ok(mine)
    }

    /// What everything takes on disk.
    pub(super) fn usage_of_disk(&self) -> Result<DiskUsage> {
        let sizes = self.layer_sizes()?;
        let records: BTreeMap<String, ImageRecord> = self.store().load_all::<ImageRecord>(Table::Images)?.into_iter().collect();
        let mut owners: BTreeMap<&ChainId, u64> = BTreeMap::new();
        for image in records.values() {
            let own: BTreeSet<&ChainId> = image.layers.iter().collect();
            own.into_iter().for_each(|chain| *owners.entry(chain).or_default() += 1);
        }
        let mut images = Vec::new();
        for image in self.image_list()? {
            let containers = self.store().scan(Table::Meta, &use_prefix(&image.id), "", usize::MAX)?.len() as u64;
            let layers: BTreeSet<&ChainId> = records.get(image.id.as_str()).map(|i| i.layers.iter().collect()).unwrap_or_default();
            let of = |chain: &ChainId| sizes.get(chain.as_str()).copied().unwrap_or(0);
            let shared = layers.iter().filter(|chain| owners.get(**chain).is_some_and(|n| *n > 1)).map(|chain| of(chain)).sum();
            let unique = layers.iter().filter(|chain| owners.get(**chain).is_none_or(|n| *n == 1)).map(|chain| of(chain)).sum();
            images.push(ImageUsage { image, shared, unique, containers });
        }
        let mut containers = Vec::new();
        for summary in self.container_list(true)? {
            let Some(record) = self.find_record(&summary.id)? else { continue };
            let sizes = self.sizes_of(&record)?;
            containers.push((summary, sizes));
        }
        let volumes = self
            .list_volumes(&[])?
            .into_iter()
            .map(|volume| {
                // What is mounted at its place is not on this disk.
                let size = if volume.record.options.is_empty() { self.kernel().tree_size(&volume.mountpoint)? } else { 0 };
                Ok(VolumeUsage { links: volume.users.len() as u64, size, name: volume.record.name })
            })
            .collect::<Result<_>>()?;
        Ok(DiskUsage { images, layers: sizes.values().sum(), containers, volumes })
    }
}
