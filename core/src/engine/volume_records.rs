//! Volumes as people handle them: made, listed, looked at, removed, pruned.

use super::LocalEngine;
use super::prune::{PruneFilters, Pruned};
use crate::container::volume::{ANONYMOUS, VolumeRecord, VolumeRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::Step;
use crate::store::{Change, Table, decode, put};
use serde::{Deserialize, Serialize};

/// One volume as lists and inspect show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeSummary {
    /// Its record.
    pub record: VolumeRecord,
    /// Where its files are on the host.
    pub mountpoint: String,
    /// Containers that have it, running or not.
    pub users: Vec<String>,
}

/// The record of a volume.
fn key(name: &str) -> String {
    format!("volume/{name}")
}

fn no_such(name: &str) -> Error {
    Error::not_found(format!("get {}: no such volume", name.escape_debug())).subject(name)
}

impl LocalEngine {
    /// Makes a volume. One that is there already is left as it is, whatever was asked for.
    pub(super) fn create_volume(&self, request: &VolumeRequest) -> Result<VolumeSummary> {
        request.check()?;
        let mut request = request.clone();
        if request.name.is_empty() {
            request.name = self.new_id();
            request.labels.insert(ANONYMOUS.to_owned(), String::new());
        }
        let name = request.name.clone();
        let _guard = self.lock(&format!("volume-{name}"))?;
        self.have_volume(&request, false, &[])?;
        self.look_at_volume(&name)
    }

    /// Makes a volume unless it is there, for whoever holds its lock; `further` goes with its record. Answers the record.
    pub(super) fn have_volume(&self, request: &VolumeRequest, anonymous: bool, further: &[Change]) -> Result<VolumeRecord> {
        let name = &request.name;
        let known = self.volume_record(name)?;
        let fresh = known.is_none();
        let record = match known {
            Some(record) => {
                self.store().commit(further)?;
                record
            }
            None => {
                request.check()?;
                let mut labels = request.labels.clone();
                if anonymous {
                    labels.insert(ANONYMOUS.to_owned(), String::new());
                }
                let options = request.options.clone();
                let record = VolumeRecord { name: name.clone(), created: self.time(), anonymous, options, labels };
                let mut batch = further.to_vec();
                batch.push(put(Table::Meta, &key(name), &record)?);
                // On the disk before the directory is: one that no record names would stay for ever after a power cut.
                batch.push(Change::Flush);
                self.store().commit(&batch)?;
                record
            }
        };
        // Also where a process died between its record and its directory.
        self.kernel().perform(&Step::MakeDir { path: self.layout().volume(name), mode: 0o755 }, None)?;
        if fresh {
            self.tell_of_volume(name, "create")?;
        }
        Ok(record)
    }

    /// The record of a volume, if there is one.
    pub(super) fn volume_record(&self, name: &str) -> Result<Option<VolumeRecord>> {
        let Some(bytes) = self.store().get(Table::Meta, &key(name))? else { return Ok(None) };
        read(name, &bytes).map(Some)
    }

    /// Every volume that the filters let through, by name.
    pub(super) fn list_volumes(&self, filters: &[(String, String)]) -> Result<Vec<VolumeSummary>> {
        let conditions = filters.iter().map(|(key, value)| condition(key, value)).collect::<Result<Vec<_>>>()?;
        let mut all = Vec::new();
        for (key, bytes) in self.store().scan(Table::Meta, "volume/", "", usize::MAX)? {
            let record = read(key.trim_start_matches("volume/"), &bytes)?;
            let summary = self.summary_of_volume(record)?;
            // Values of one key are alternatives but for labels; keys must all hold.
            let kinds = ["driver", "name", "dangling"];
            let lets = |kind: &str| {
                let mut of = filters.iter().zip(&conditions).filter(|((key, _), _)| key == kind).map(|(_, c)| c).peekable();
                of.peek().is_none() || of.any(|c| c(&summary))
            };
            let labels = filters.iter().zip(&conditions).filter(|((key, _), _)| key == "label").all(|(_, c)| c(&summary));
            if labels && kinds.into_iter().all(lets) {
                all.push(summary);
            }
        }
        Ok(all)
    }

    /// One volume.
    pub(super) fn look_at_volume(&self, name: &str) -> Result<VolumeSummary> {
        self.summary_of_volume(self.volume_record(name)?.ok_or_else(|| no_such(name))?)
    }

    fn summary_of_volume(&self, record: VolumeRecord) -> Result<VolumeSummary> {
        Ok(VolumeSummary { mountpoint: self.layout().volume(&record.name), users: self.users_of(&record.name)?, record })
    }

    /// Removes a volume that no container has. With `force` one that is not there is no error.
    pub(super) fn delete_volume(&self, name: &str, force: bool) -> Result<()> {
        let _guard = self.lock(&format!("volume-{name}"))?;
        if self.volume_record(name)?.is_none() {
            return if force { Ok(()) } else { Err(no_such(name)) };
        }
        let users = self.users_of(name)?;
        if !users.is_empty() {
            let words = format!("remove {name}: volume is in use - [{}]", users.join(", "));
            return Err(Error::new(ErrorKind::InUse, words).subject(name));
        }
        self.take_volume_away(name)
    }

    /// Removes a volume, for whoever holds its lock.
    pub(super) fn take_volume_away(&self, name: &str) -> Result<()> {
        let files = self.layout().volume(name);
        self.kernel().perform(&Step::UnmountVolume { target: files.clone() }, None)?;
        let path = files.trim_end_matches("/_data").to_owned();
        // Gone from the disk before its record is: what a power cut gives back must have an owner.
        let above = path.rsplit_once('/').map_or("/", |(above, _)| above).to_owned();
        self.kernel().perform(&Step::RemoveTree { path }, None)?;
        self.kernel().perform(&Step::SyncDir { path: above }, None)?;
        self.store().commit(&[Change::Delete(Table::Meta, key(name)), Change::Flush])?;
        self.tell_of_volume(name, "destroy")
    }

    /// Removes volumes that no container has: those that nobody named, or `all`.
    pub(super) fn prune_unused_volumes(&self, all: bool, filters: &PruneFilters) -> Result<Pruned> {
        if filters.until.is_some() {
            return Err(Error::invalid("Invalid filter 'until'").code("invalid-filter"));
        }
        let mut pruned = Pruned::default();
        for volume in self.list_volumes(&[])? {
            let record = &volume.record;
            let unnamed = record.anonymous || record.labels.contains_key(ANONYMOUS);
            if !(all || unnamed) || !volume.users.is_empty() || !filters.mean(record.created, &record.labels) {
                continue;
            }
            let bytes = if record.options.is_empty() { self.kernel().tree_size(&volume.mountpoint)? } else { 0 };
            if !filters.dry_run {
                match self.delete_volume(&record.name, true) {
                    // Somebody made a container with it meanwhile.
                    Err(e) if e.kind() == ErrorKind::InUse => continue,
                    other => other?,
                }
            }
            pruned.removed.push(record.name.clone());
            pruned.reclaimed = pruned.reclaimed.saturating_add(bytes);
        }
        if !filters.dry_run {
            self.tell_of_prune("volume", pruned.reclaimed)?;
        }
        Ok(pruned)
    }

    /// The containers that have a volume.
    fn users_of(&self, name: &str) -> Result<Vec<String>> {
        let prefix = format!("volume-use/{name}/");
        let users = self.store().scan(Table::Meta, &prefix, "", usize::MAX)?;
        Ok(users.into_iter().map(|(key, _)| key.trim_start_matches(&prefix).to_owned()).collect())
    }
}

/// Reads a record. One without content is of an unnamed volume of before there was any.
fn read(name: &str, bytes: &[u8]) -> Result<VolumeRecord> {
    if bytes.is_empty() {
        return Ok(VolumeRecord { name: name.to_owned(), anonymous: true, ..VolumeRecord::default() });
    }
    decode(Table::Meta, name, bytes)
}

type Condition = Box<dyn Fn(&VolumeSummary) -> bool>;

fn condition(key: &str, value: &str) -> Result<Condition> {
    let text = value.to_owned();
    let invalid = |text: String| Error::invalid(format!("Invalid filter '{text}'")).code("invalid-filter");
    Ok(match key {
        "driver" => Box::new(move |_| text == "local"),
        "name" => {
            // A pattern that is none matches nothing, as in dockerd.
            let pattern = regex_lite::Regex::new(value).ok();
            Box::new(move |v| pattern.as_ref().is_some_and(|p| p.is_match(&v.record.name)))
        }
        "label" => Box::new(move |v| match text.split_once('=') {
            Some((key, value)) => v.record.labels.get(key).is_some_and(|has| has == value),
            None => v.record.labels.contains_key(&text),
        }),
        "dangling" => match value {
            "true" | "1" => Box::new(|v| v.users.is_empty()),
            "false" | "0" => Box::new(|v| !v.users.is_empty()),
            _ => return Err(invalid(format!("dangling=[{}]", value.escape_debug()))),
        },
        other => return Err(invalid(other.escape_debug().to_string())),
    })
}
