//! Events: what happened, in order, as `docker events` tells it. Written in the same batch as the change they tell of.

use super::LocalEngine;
use crate::container::{ContainerRecord, MountKind};
use crate::error::Result;
use crate::store::{Change, StoreExt as _, Table, decode, put};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many events are kept: enough for a client that was away for a while. Docker keeps the last 256, and forgets them when it is
/// restarted.
pub const KEPT: u64 = 10_000;
/// How long a follower sleeps before it looks again.
const GLANCE: Duration = Duration::from_millis(50);
/// The key of the last event's number in [`Table::Meta`].
const CURSOR: &str = "cursor/events";

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number: 1, 2, 3… without gaps.
    #[serde(default)]
    pub number: u64,
    /// When.
    pub time: Timestamp,
    /// What kind of thing it happened to: `container`, `image`, `network`.
    pub kind: String,
    /// What happened: `create`, `start`, `die`…
    pub action: String,
    /// To which one.
    pub id: String,
    /// `name`, `image`, `exitCode`, `signal`, labels…
    pub attributes: BTreeMap<String, String>,
}

/// What happened to a container, before its record is known.
#[derive(Clone, Debug)]
pub(super) enum Happening<'a> {
    /// It happened to the container: the action, and attributes of its own.
    Own(&'a str, Vec<(&'a str, String)>),
    /// A network and the container: the network's id, its name, and `connect` or `disconnect`.
    Network(&'a str, &'a str, &'a str),
    /// A volume and the container: the volume's name, `mount` or `unmount`, and attributes of its own.
    Volume(String, &'a str, Vec<(&'a str, String)>),
}

impl Happening<'_> {
    /// An event without attributes of its own.
    pub(super) fn plain(action: &str) -> Happening<'_> {
        Happening::Own(action, Vec::new())
    }

    pub(super) fn entry(&self, record: &ContainerRecord, time: Timestamp) -> Entry {
        match self {
            Happening::Own(action, own) => {
                let mut attributes = record.config.labels.clone();
                attributes.insert("image".to_owned(), record.config.image.clone());
                attributes.insert("name".to_owned(), record.name.clone());
                attributes.extend(own.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
                entry("container", action, record.id.as_str(), attributes, time)
            }
            Happening::Volume(name, action, own) => {
                let mut attributes =
                    BTreeMap::from([("container".to_owned(), record.id.to_string()), ("driver".to_owned(), "local".to_owned())]);
                attributes.extend(own.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
                entry("volume", action, name, attributes, time)
            }
            Happening::Network(id, name, action) => {
                let pairs = [
                    ("container", record.id.as_str()),
                    ("name", name),
                    (
                        "type",
                        match *name {
                            "host" => "host",
                            "none" => "null",
                            _ => "bridge",
                        },
                    ),
                ];
                entry("network", action, id, pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into(), time)
            }
        }
    }
}

/// The volumes of a container, mounted or unmounted, as Docker tells of them.
pub(super) fn volumes(record: &ContainerRecord, mounted: bool) -> Vec<Happening<'static>> {
    let volumes = record.config.mounts.iter().filter(|m| m.kind == MountKind::Volume);
    volumes
        .map(|m| {
            if !mounted {
                return Happening::Volume(m.source.clone(), "unmount", Vec::new());
            }
            let own =
                vec![("destination", m.target.clone()), ("propagation", m.propagation.clone()), ("read/write", (!m.read_only).to_string())];
            Happening::Volume(m.source.clone(), "mount", own)
        })
        .collect()
}

/// An event without a number yet.
pub(super) fn entry(kind: &str, action: &str, id: &str, attributes: BTreeMap<String, String>, time: Timestamp) -> Entry {
    Entry { number: 0, time, kind: kind.to_owned(), action: action.to_owned(), id: id.to_owned(), attributes }
}

fn key(number: u64) -> String {
    format!("{number:020}")
}

impl LocalEngine {
    /// Adds events to a batch. The batch is stale if somebody else adds some first.
    pub(super) fn append_events(&self, batch: &mut Vec<Change>, entries: &[Entry]) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let before = self.store().get(Table::Meta, CURSOR)?;
        let mut last: u64 = before.as_deref().map(|bytes| decode(Table::Meta, CURSOR, bytes)).transpose()?.unwrap_or(0);
        batch.push(Change::Expect(Table::Meta, CURSOR.to_owned(), before));
        for entry in entries {
            last += 1;
            batch.push(put(Table::Events, &key(last), &Entry { number: last, ..entry.clone() })?);
            if last > KEPT {
                batch.push(Change::Delete(Table::Events, key(last - KEPT)));
            }
        }
        batch.push(put(Table::Meta, CURSOR, &last)?);
        Ok(())
    }

    /// Records events that belong to no change of a record.
    pub(super) fn tell(&self, entries: &[Entry]) -> Result<()> {
        loop {
            let mut batch = Vec::new();
            self.append_events(&mut batch, entries)?;
            if self.commit(&batch)? {
                return Ok(());
            }
        }
    }

    /// Records that a volume was made or removed.
    pub(super) fn tell_of_volume(&self, name: &str, action: &str) -> Result<()> {
        let attributes = BTreeMap::from([("driver".to_owned(), "local".to_owned())]);
        self.tell(&[entry("volume", action, name, attributes, self.time())])
    }

    /// Records what happened to a container.
    pub(super) fn tell_of(&self, record: &ContainerRecord, happenings: &[Happening<'_>]) -> Result<()> {
        let now = self.time();
        self.tell(&happenings.iter().map(|h| h.entry(record, now)).collect::<Vec<_>>())
    }

    /// Events after this number, oldest first.
    pub(super) fn events_after(&self, number: u64, limit: usize) -> Result<Vec<Entry>> {
        self.store()
            .scan(Table::Events, "", &key(number), limit)?
            .into_iter()
            .map(|(key, bytes)| decode(Table::Events, &key, &bytes))
            .collect()
    }

    /// Events after this number; where there are none, those of the next moments.
    pub(super) fn await_events(&self, number: u64, limit: usize, patience: Duration) -> Result<Vec<Entry>> {
        let since = self.moment();
        loop {
            let events = self.events_after(number, limit)?;
            let waited = self.moment().since(since);
            if !events.is_empty() || waited >= patience {
                return Ok(events);
            }
            self.host.clock.sleep(GLANCE.min(patience.saturating_sub(waited)));
        }
    }

    /// The number of the last event; 0 before the first.
    pub(super) fn last_number(&self) -> Result<u64> {
        Ok(self.store().load(Table::Meta, CURSOR)?.unwrap_or(0))
    }
}
