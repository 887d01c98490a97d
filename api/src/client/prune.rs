//! What is removed because nothing uses it.

use super::json::{number, texts};
use super::{DockerEngine, Parameters, failure, images};
use drydock_core::Result;
use drydock_core::engine::{CacheEntry, PruneCache, PruneFilters, Pruned};
use serde_json::Value;

/// Filters as the API takes them.
fn pairs(filters: &PruneFilters) -> Result<Vec<(String, String)>> {
    if filters.dry_run {
        return Err(failure::no_operation("say what would be removed"));
    }
    let labels = filters.labels.iter().map(|l| ("label".to_owned(), l.clone()));
    let without = filters.without_labels.iter().map(|l| ("label!".to_owned(), l.clone()));
    // Whole seconds and a fraction: what dockerd reads as a moment.
    let until = filters.until.map(|time| ("until".to_owned(), super::containers::since(time)));
    Ok(labels.chain(without).chain(until).collect())
}

impl DockerEngine {
    fn pruned(&self, path: &str, filters: &[(String, String)]) -> Result<Value> {
        self.post(path, Parameters::new().with_filters(filters))
    }

    pub(super) fn prune_stopped(&self, filters: &PruneFilters) -> Result<Pruned> {
        let gone = self.pruned("/containers/prune", &pairs(filters)?)?;
        Ok(Pruned { removed: texts(&gone, "ContainersDeleted"), reclaimed: number(&gone, "SpaceReclaimed") })
    }

    pub(super) fn prune_unused_images(&self, all: bool, filters: &PruneFilters) -> Result<Pruned> {
        let mut pairs = pairs(filters)?;
        pairs.push(("dangling".to_owned(), if all { "0" } else { "1" }.to_owned()));
        let gone = self.pruned("/images/prune", &pairs)?;
        let removed = images::removed(gone.get("ImagesDeleted").unwrap_or(&Value::Null), "untagged", "deleted");
        Ok(Pruned { removed, reclaimed: number(&gone, "SpaceReclaimed") })
    }

    pub(super) fn prune_unused_networks(&self, filters: &PruneFilters) -> Result<Pruned> {
        let gone = self.pruned("/networks/prune", &pairs(filters)?)?;
        Ok(Pruned { removed: texts(&gone, "NetworksDeleted"), reclaimed: 0 })
    }

    pub(super) fn prune_unused_volumes(&self, all: bool, filters: &PruneFilters) -> Result<Pruned> {
        let mut pairs = pairs(filters)?;
        // Until 1.42 the API removed them all, whoever named them.
        if all && self.version.since(42) {
            pairs.push(("all".to_owned(), "1".to_owned()));
        }
        let gone = self.pruned("/volumes/prune", &pairs)?;
        Ok(Pruned { removed: texts(&gone, "VolumesDeleted"), reclaimed: number(&gone, "SpaceReclaimed") })
    }

    pub(super) fn prune_cache(&self, which: &PruneCache) -> Result<(Vec<CacheEntry>, u64)> {
        if !self.version.since(31) {
            return Err(failure::no_operation("prune a build cache (before 1.31)"));
        }
        let before = self.cache_list()?;
        let filters: Vec<(String, String)> =
            which.unused_for.iter().map(|age| ("unused-for".to_owned(), format!("{}s", age.as_secs()))).collect();
        let parameters = Parameters::new()
            .with_flag("all", which.all)
            .with_some("keep-storage", which.keep.map(|k| k.to_string()))
            .with_filters(&filters);
        let gone = self.post("/build/prune", parameters)?;
        let ids = texts(&gone, "CachesDeleted");
        Ok((before.into_iter().filter(|entry| ids.contains(&entry.id)).collect(), number(&gone, "SpaceReclaimed")))
    }
}
