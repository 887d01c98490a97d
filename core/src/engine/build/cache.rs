//! The cache: the layer that a step made, by what the step depended on.
//!
//! An entry holds its layer as an image does, so that nothing removes it but `builder prune`. Nothing that was pulled or loaded is
//! ever an entry.

use super::super::LocalEngine;
use super::super::images::LOCK;
use super::stage::{Layer, Made, MadeBy};
use super::{At, Build};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChainId, Digest};
use crate::image::{Blob, LayerRecord};
use crate::kernel::{Compression, Ingested};
use crate::plan::chain_id;
use crate::store::{Change, StoreExt as _, Table, decode, put};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What the names of entries begin with.
pub(in crate::engine) const CACHE: &str = "build/cache/";
/// The largest layer.
const LARGEST: u64 = 64 << 30;

/// What a step made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its layer; `None` where there was nothing to do.
    pub(super) layer: Option<Kept>,
    /// When it was made.
    pub(super) created: Timestamp,
    /// When it was used last.
    pub(super) used: Timestamp,
    /// The step, for people.
    pub(super) by: String,
}

/// A layer of the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) chain: ChainId,
    pub(super) diff_id: Digest,
    pub(super) blob: Blob,
    /// How the blob is compressed: one that came from a registry may be.
    #[serde(default)]
    pub(super) compression: Compression,
    pub(super) size: u64,
}

/// One line of `builder du`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheEntry {
    /// The key, or the name of a cache mount.
    pub id: String,
    /// `regular` for a layer, `exec.cachemount` for a directory of `--mount=type=cache`.
    pub kind: String,
    /// Bytes.
    pub size: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When it was used last.
    pub used: Timestamp,
    /// The step.
    pub description: String,
    /// Some image has the same layer, so that removing the entry frees nothing.
    pub shared: bool,
}

/// Which entries `builder prune` removes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneCache {
    /// Every entry; without it only those whose layer no image has.
    pub all: bool,
    /// Only those not used for so long.
    pub unused_for: Option<Duration>,
    /// Of these keep the latest, up to so many bytes.
    pub keep: Option<u64>,
}

fn key_of(key: &str) -> String {
    format!("{CACHE}{key}")
}

/// The record of a cache mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MountEntry {
    pub(super) id: String,
    pub(super) created: Timestamp,
    pub(super) used: Timestamp,
}

impl Build<'_> {
    /// Uses an entry, if there is one and its layer is there.
    pub(super) fn cached(&self, at: At<'_>, made: &mut Made, key: &str, by: &str) -> Result<bool> {
        let name = key_of(key);
        let Some(bytes) = self.engine.store().get(Table::Meta, &name)? else { return self.offered(at, made, key, by) };
        let entry: Entry = decode(Table::Meta, &name, &bytes)?;
        if let Some(kept) = &entry.layer {
            let parent = made.layers.last().map(|l| &l.chain);
            let chain = chain_id(parent, &kept.diff_id);
            let layer = Layer {
                chain: chain.clone(),
                diff_id: kept.diff_id.clone(),
                blob: kept.blob.clone(),
                size: kept.size,
                compression: kept.compression,
                source: Some(MadeBy { key: key.to_owned(), by: by.to_owned(), created: entry.created }),
            };
            if self.engine.store().get(Table::Layers, chain.as_str())?.is_none() {
                // A linked layer over another base: its archive is there, and is unpacked again.
                if chain == kept.chain || self.engine.kernel().size(&self.engine.layout().blob(&kept.blob.digest)).is_err() {
                    return Ok(false);
                }
                let taken = Ingested {
                    digest: kept.blob.digest.clone(),
                    size: kept.blob.size,
                    diff_id: kept.diff_id.clone(),
                    unpacked: kept.blob.size,
                    content: kept.size,
                    compression: kept.compression,
                    ahead: None,
                };
                let record = self.intake.layer(&taken, parent, &chain)?;
                // Entered, so that the next step finds it to stand on.
                let moved = Kept { chain, ..kept.clone() };
                let used = self.engine.time();
                self.enter(key, Entry { layer: Some(moved), created: entry.created, used, by: entry.by.clone() }, Some(&record))?;
            }
            made.add(layer);
        } else {
            self.nothing(made, by);
        }
        // When it was used last matters to a day, and a write costs more than a look.
        let now = self.engine.time();
        if now.since(entry.used) > Duration::from_secs(3600) {
            let record = put(Table::Meta, &name, &Entry { used: now, ..entry })?;
            match self.engine.store().commit(&[Change::Expect(Table::Meta, name, Some(bytes)), record]) {
                Err(e) if e.kind() == ErrorKind::Stale => {}
                other => other?,
            }
        }
        self.cached.fetch_add(1, Ordering::Relaxed);
        self.tell(crate::build::progress::Event::Cached { step: at.step });
        Ok(true)
    }

    /// A step that had nothing to do.
    pub(super) fn nothing(&self, made: &mut Made, by: &str) {
        made.state.history.push(crate::build::state::Done { by: by.to_owned(), empty: true });
        made.times.resize(made.state.history.len(), None);
    }

    /// Takes in a step's layer, unpacks it over the others, and enters it in the cache.
    pub(super) fn layer(&self, made: &mut Made, archive: &mut dyn Read, key: &str, by: &str) -> Result<()> {
        let taken = self.intake.archive(archive, LARGEST, &mut |_| Ok(()))?;
        let parent = made.layers.last().map(|l| l.chain.clone());
        let chain = chain_id(parent.as_ref(), &taken.diff_id);
        let record = self.intake.layer(&taken, parent.as_ref(), &chain)?;
        let kept = Kept {
            chain: chain.clone(),
            diff_id: taken.diff_id.clone(),
            blob: Blob { digest: taken.digest.clone(), size: taken.size },
            compression: taken.compression,
            size: record.size,
        };
        let created = self.engine.time();
        self.enter(key, Entry { layer: Some(kept.clone()), created, used: created, by: by.to_owned() }, Some(&record))?;
        let source = Some(MadeBy { key: key.to_owned(), by: by.to_owned(), created });
        made.add(Layer { chain, diff_id: kept.diff_id, blob: kept.blob, size: kept.size, compression: taken.compression, source });
        Ok(())
    }

    /// Enters what a step made, in the place of what another one made that depended on the same.
    pub(super) fn enter(&self, key: &str, entry: Entry, layer: Option<&LayerRecord>) -> Result<()> {
        let name = key_of(key);
        let _guard = self.engine.lock(LOCK)?;
        let mut marks = BTreeSet::new();
        loop {
            let before = self.engine.store().get(Table::Meta, &name)?;
            let old: Option<Entry> = before.as_deref().map(|bytes| decode(Table::Meta, &name, bytes)).transpose()?;
            let old_layer = old.and_then(|e| e.layer);
            let mut batch = vec![Change::Expect(Table::Meta, name.clone(), before), put(Table::Meta, &name, &entry)?];
            let mut marked = BTreeSet::new();
            if old_layer.as_ref().map(|l| &l.chain) != entry.layer.as_ref().map(|l| &l.chain) {
                if let Some(layer) = layer {
                    self.engine.count_layers(std::slice::from_ref(layer), &mut batch)?;
                }
                if let Some(old) = old_layer {
                    self.engine.release_layers(&[old.chain], &mut batch, &mut marked)?;
                }
            }
            if self.engine.commit(&batch)? {
                marks.extend(marked);
                break;
            }
        }
        drop(_guard);
        self.engine.sweep(&marks)
    }
}

impl LocalEngine {
    /// The layers that entries hold, one for each entry; keys of those that cannot be read are added to a list.
    pub(in crate::engine) fn cached_layers(&self, unreadable: &mut Vec<(Table, String)>) -> Result<Vec<ChainId>> {
        let mut held = Vec::new();
        for (key, bytes) in self.store().scan(Table::Meta, CACHE, "", usize::MAX)? {
            match decode::<Entry>(Table::Meta, &key, &bytes) {
                Ok(entry) => held.extend(entry.layer.map(|kept| kept.chain)),
                Err(_) => unreadable.push((Table::Meta, key)),
            }
        }
        Ok(held)
    }

    fn cache_records(&self) -> Result<Vec<(String, Entry)>> {
        let mut all = Vec::new();
        for (key, bytes) in self.store().scan(Table::Meta, CACHE, "", usize::MAX)? {
            let entry = decode(Table::Meta, &key, &bytes)?;
            all.push((key, entry));
        }
        Ok(all)
    }

    /// What the build cache holds.
    pub(in super::super) fn cache_list(&self) -> Result<Vec<CacheEntry>> {
        let records = self.cache_records()?;
        let mut own: BTreeMap<String, u64> = BTreeMap::new();
        for (_, entry) in &records {
            if let Some(kept) = &entry.layer {
                *own.entry(kept.chain.to_string()).or_default() += 1;
            }
        }
        let mut all = Vec::new();
        for (key, entry) in records {
            let shared = match &entry.layer {
                None => false,
                Some(kept) => {
                    let uses = self.store().load::<LayerRecord>(Table::Layers, kept.chain.as_str())?.map_or(0, |l| l.uses);
                    uses > own.get(kept.chain.as_str()).copied().unwrap_or(0)
                }
            };
            all.push(CacheEntry {
                id: key.trim_start_matches(CACHE).to_owned(),
                kind: "regular".to_owned(),
                size: entry.layer.as_ref().map_or(0, |l| l.size),
                created: entry.created,
                used: entry.used,
                description: entry.by,
                shared,
            });
        }
        for (key, bytes) in self.store().scan(Table::Meta, "build/mount/", "", usize::MAX)? {
            let entry: MountEntry = decode(Table::Meta, &key, &bytes)?;
            all.push(CacheEntry {
                id: key.trim_start_matches("build/mount/").to_owned(),
                kind: "exec.cachemount".to_owned(),
                size: self.mount_size(&key).unwrap_or(0),
                created: entry.created,
                used: entry.used,
                description: format!("cached mount {}", entry.id),
                shared: false,
            });
        }
        Ok(all)
    }

    /// Bytes of files in a cache mount.
    fn mount_size(&self, key: &str) -> Result<u64> {
        let path = format!("{}/build-mounts/{}", self.layout().data_root(), key.trim_start_matches("build/mount/"));
        let mut tree = self.kernel().tree(&crate::kernel::Tree::Directory { path })?;
        let (mut total, mut waiting) = (0, vec![Vec::new()]);
        while let Some(path) = waiting.pop() {
            for child in tree.list(&path)? {
                if child.is_dir() {
                    waiting.push(crate::build::walk::join(&path, &child.name));
                } else {
                    total += child.size;
                }
            }
        }
        Ok(total)
    }

    /// Removes entries. Answers those that went and the bytes of what nothing else has.
    pub(in super::super) fn prune_cache(&self, which: &PruneCache) -> Result<(Vec<CacheEntry>, u64)> {
        let now = self.time();
        let mut all = self.cache_list()?;
        all.retain(|e| (which.all || !e.shared) && which.unused_for.is_none_or(|age| now.since(e.used) >= age));
        if let Some(keep) = which.keep {
            all.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.id.cmp(&b.id)));
            let mut total = 0u64;
            all.retain(|e| {
                total = total.saturating_add(if e.shared { 0 } else { e.size });
                total > keep
            });
        }
        let mut freed = 0;
        for entry in &all {
            if entry.kind == "regular" {
                self.forget_entry(&key_of(&entry.id))?;
            } else {
                self.forget_mount(&entry.id)?;
            }
            if !entry.shared {
                freed += entry.size;
            }
        }
        Ok((all, freed))
    }

    fn forget_entry(&self, name: &str) -> Result<()> {
        let mut marks = BTreeSet::new();
        {
            let _guard = self.lock(LOCK)?;
            loop {
                let Some(bytes) = self.store().get(Table::Meta, name)? else { return Ok(()) };
                let entry: Entry = decode(Table::Meta, name, &bytes)?;
                let mut batch =
                    vec![Change::Expect(Table::Meta, name.to_owned(), Some(bytes)), Change::Delete(Table::Meta, name.to_owned())];
                let mut marked = BTreeSet::new();
                if let Some(kept) = entry.layer {
                    self.release_layers(&[kept.chain], &mut batch, &mut marked)?;
                }
                if self.commit(&batch)? {
                    marks.extend(marked);
                    break;
                }
            }
        }
        self.sweep(&marks)
    }

    fn forget_mount(&self, id: &str) -> Result<()> {
        // One in use stays.
        let Some(_guard) = self.kernel().lock(&super::mounts::lock_name(id))? else {
            return Err(Error::new(ErrorKind::InUse, format!("the cache mount {id} is in use")));
        };
        let path = format!("{}/build-mounts/{id}", self.layout().data_root());
        self.kernel().perform(&crate::kernel::Step::RemoveTree { path }, None)?;
        self.store().commit(&[Change::Delete(Table::Meta, format!("build/mount/{id}"))])
    }
}
