//! Removing what nothing uses: the conditions that every kind of prune shares, and stopped containers.

use super::LocalEngine;
use super::events::entry;
use super::view::RemoveOptions;
use crate::container::Status;
use crate::error::{Error, ErrorKind, Result};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which of the things that could be removed are meant. Without conditions: all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PruneFilters {
    /// Only what was made before this moment.
    pub until: Option<Timestamp>,
    /// Only what has every one of these labels: `key` or `key=value`.
    pub labels: Vec<String>,
    /// Only what has none of these.
    pub without_labels: Vec<String>,
    /// Say what would be removed, and remove nothing.
    pub dry_run: bool,
}

impl PruneFilters {
    /// Whether something made then, with these labels, is meant.
    pub fn mean(&self, created: Timestamp, labels: &BTreeMap<String, String>) -> bool {
        let has = |wanted: &String| match wanted.split_once('=') {
            Some((key, value)) => labels.get(key).is_some_and(|v| v == value),
            None => labels.contains_key(wanted),
        };
        self.until.is_none_or(|until| created < until) && self.labels.iter().all(has) && !self.without_labels.iter().any(has)
    }
}

/// What was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    /// Ids or names, in the order of removal.
    pub removed: Vec<String>,
    /// Bytes given back.
    pub reclaimed: u64,
}

impl LocalEngine {
    /// Removes every container that does not run and is meant. One that somebody starts meanwhile stays.
    pub(super) fn prune_stopped(&self, filters: &PruneFilters) -> Result<Pruned> {
        let mut pruned = Pruned::default();
        for summary in self.container_list(true)? {
            let stopped = matches!(summary.status, Status::Created | Status::Exited | Status::Dead);
            if !stopped || !filters.mean(summary.created, &summary.labels) {
                continue;
            }
            let Some(record) = self.find_record(&summary.id)? else { continue };
            let bytes = self.sizes_of(&record)?.writable;
            if !filters.dry_run {
                match self.remove_container(summary.id.as_str(), RemoveOptions::default()) {
                    Ok(()) => {}
                    Err(e) if matches!(e.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => continue,
                    Err(e) => return Err(e),
                }
            }
            pruned.removed.push(summary.id.to_string());
            pruned.reclaimed = pruned.reclaimed.saturating_add(bytes);
        }
        if !filters.dry_run {
            self.tell_of_prune("container", pruned.reclaimed)?;
        }
        Ok(pruned)
    }

    /// Records that a kind of thing was pruned.
    pub(super) fn tell_of_prune(&self, kind: &str, reclaimed: u64) -> Result<()> {
        let attributes = BTreeMap::from([("reclaimed".to_owned(), reclaimed.to_string())]);
        self.tell(&[entry(kind, "prune", "", attributes, self.time())])
    }
}

/// Reads the filters of a prune from `key`, `value` pairs.
///
/// # Errors
/// Docker's words for a filter that there is not, or a second `until`.
pub fn prune_filters(pairs: &[(String, String)], moment: &dyn Fn(&str) -> Result<Timestamp>) -> Result<PruneFilters> {
    let mut filters = PruneFilters::default();
    for (key, value) in pairs {
        match key.as_str() {
            "until" if filters.until.is_some() => return Err(Error::invalid("more than one until filter specified")),
            "until" => filters.until = Some(moment(value)?),
            "label" => filters.labels.push(value.clone()),
            "label!" => filters.without_labels.push(value.clone()),
            other => return Err(Error::invalid(format!("Invalid filter '{}'", other.escape_debug()))),
        }
    }
    Ok(filters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_must_all_hold_and_none_of_the_others() {
        let labels = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), String::new())]);
        let read = |text: &str| {
            let pairs: Vec<_> = text.split(' ').filter_map(|p| p.split_once(':')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
            prune_filters(&pairs, &|_| Ok(Timestamp(10))).unwrap()
        };
        for (text, means) in [
            ("", true),
            ("label:a", true),
            ("label:a=1 label:b", true),
            ("label:a=2", false),
            ("label:c", false),
            ("label!:a", false),
            ("label!:a=2", true),
            ("until:x", true),
        ] {
            assert_eq!(read(text).mean(Timestamp(9), &labels), means, "{text}");
        }
        assert!(!read("until:x").mean(Timestamp(10), &labels));
    }
}
