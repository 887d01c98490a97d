//! Durable records: ordered keys in named tables, changed in atomic batches with conditions.
//!
//! SQLite on Linux, memory with crash injection in the simulator. Several processes may use one store at once, so every
//! change that depends on what was read states it with [`Change::Expect`], and is tried again when it is stale.

use crate::error::{Error, ErrorKind, Result};
use serde::{Serialize, de::DeserializeOwned};

/// The tables. Keys are text, values are JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Table {
    /// Containers by id.
    Containers,
    /// Container ids by name.
    Names,
    /// Images by id.
    Images,
    /// Image ids by normalised reference.
    Tags,
    /// Unpacked layers by chain id, with their use counts.
    Layers,
    /// Networks by id.
    Networks,
    /// Leased addresses by `network/address`.
    Addresses,
    /// Leased host ports by `protocol/address/port`.
    Ports,
    /// Plans under way, by operation id: what recovery finishes or undoes.
    Plans,
    /// Events by sequence number, zero-padded.
    Events,
    /// Everything that is one of a kind: cursors, the schema's version.
    Meta,
}

impl Table {
    /// Whether a person was told that a change of this table is done, and would miss it after a power cut: such a batch, and all
    /// before it, is on the disk when [`Store::commit`] returns. The others a cut may take back, whole and the last ones first.
    pub fn is_durable(self) -> bool {
        matches!(self, Self::Images | Self::Tags | Self::Layers | Self::Networks)
    }
}

impl Change {
    /// Whether this change makes its batch a durable one.
    pub fn is_durable(&self) -> bool {
        match self {
            Self::Put(table, ..) | Self::Delete(table, ..) => table.is_durable(),
            Self::Flush => true,
            Self::Expect(..) => false,
        }
    }
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Writes a value.
    Put(Table, String, Vec<u8>),
    /// Removes a key; no error if it is not there.
    Delete(Table, String),
    /// Holds only if the key has exactly this value, or is absent for `None`; otherwise the whole batch fails with [`ErrorKind::Stale`].
    Expect(Table, String, Option<Vec<u8>>),
    /// Changes nothing, and makes the batch a durable one: somebody is told that it is done, though its tables alone do not say so.
    Flush,
}

/// A durable, ordered key-value store.
///
/// Behaviour: a batch is applied whole or not at all, also across a crash; a reader sees whole batches only.
pub trait Store: Send + Sync {
    /// The value of a key.
    fn get(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>>;
    /// At most `limit` entries whose keys start with `prefix` and are greater than `after`, in key order.
    fn scan(&self, table: Table, prefix: &str, after: &str, limit: usize) -> Result<Vec<(String, Vec<u8>)>>;
    /// Applies a batch.
    fn commit(&self, batch: &[Change]) -> Result<()>;
}

/// Comfort over any [`Store`].
pub trait StoreExt: Store {
    /// A record, read from its JSON.
    fn load<T: DeserializeOwned>(&self, table: Table, key: &str) -> Result<Option<T>> {
        self.get(table, key)?.map(|bytes| decode(table, key, &bytes)).transpose()
    }

    /// Every record of a table in key order.
    fn load_all<T: DeserializeOwned>(&self, table: Table) -> Result<Vec<(String, T)>> {
        self.scan(table, "", "", usize::MAX)?
            .into_iter()
            .map(|(key, bytes)| decode(table, &key, &bytes).map(|record| (key, record)))
            .collect()
    }

    /// Changes one record by a function, again and again until no other process came between. `None` if there is no such record.
    fn update<T: Serialize + DeserializeOwned>(
        &self,
        table: Table,
        key: &str,
        change: &mut dyn FnMut(&mut T) -> Result<()>,
    ) -> Result<Option<T>> {
        loop {
            let Some(before) = self.get(table, key)? else {
                return Ok(None);
            };
            let mut record: T = decode(table, key, &before)?;
            change(&mut record)?;
            let batch = [Change::Expect(table, key.to_owned(), Some(before)), put(table, key, &record)?];
            match self.commit(&batch) {
                Err(e) if e.kind() == ErrorKind::Stale => {}
                Err(e) => return Err(e),
                Ok(()) => return Ok(Some(record)),
            }
        }
    }
}

impl<S: Store + ?Sized> StoreExt for S {}

/// The change that writes a record.
pub fn put<T: Serialize>(table: Table, key: &str, record: &T) -> Result<Change> {
    Ok(Change::Put(table, key.to_owned(), serde_json::to_vec(record)?))
}

/// Reads a record's JSON, naming the record when it cannot be read.
pub fn decode<T: DeserializeOwned>(table: Table, key: &str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|e| {
        Error::new(ErrorKind::Corrupt, format!("the record {table:?}/{key} cannot be read"))
            .op("read")
            .subject(key)
            .source(e)
            .hint("the state was written by another version or damaged")
    })
}
