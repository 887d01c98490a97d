//! Records in memory, with crash injection: the disk's database, which outlives the machine's processes.
//!
//! On a forgetful host (see [`crate::SimConfig`]) it is as durable as a database with a write-ahead log: a batch that is durable by
//! [`Change::is_durable`] takes everything before it to the disk; a power cut takes back some number of the batches after.

use crate::fault::What;
use crate::host::Machine;
use crate::kernel::interrupted;
use drydock_core::store::{Change, Store, Table};
use drydock_core::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Tables = BTreeMap<Table, BTreeMap<String, Vec<u8>>>;

/// What a key had before a batch.
type Before = (Table, String, Option<Vec<u8>>);

/// Records by table.
#[derive(Default)]
pub(crate) struct Records(Mutex<Kept>);

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Records")
    }
}

#[derive(Clone, Default)]
struct Kept {
    tables: Tables,
    /// Batches that are not on the disk yet, as what they changed was before. Kept only where a power cut takes things back.
    unsynced: Option<Vec<Vec<Before>>>,
}

impl Kept {
    fn set(&mut self, table: Table, key: &str, value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let entries = self.tables.entry(table).or_default();
        match value {
            Some(value) => entries.insert(key.to_owned(), value),
            None => entries.remove(key),
        }
    }
}

impl Records {
    /// The same records, apart from these.
    pub(crate) fn copy(&self) -> Self {
        Self(Mutex::new(self.open().clone()))
    }

    fn open(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps account of what is not on the disk.
    pub(crate) fn forgetful(&self) {
        self.open().unsynced = Some(Vec::new());
    }

    /// Batches that a power cut might take back.
    pub(crate) fn unsynced(&self) -> usize {
        self.open().unsynced.as_ref().map_or(0, Vec::len)
    }

    /// The power goes: all batches that are not on the disk but the first so many are taken back.
    pub(crate) fn cut(&self, keep: usize) {
        let mut kept = self.open();
        let Some(unsynced) = kept.unsynced.as_mut() else { return };
        let mut lost = std::mem::take(unsynced);
        for (table, key, before) in lost.drain(keep.min(lost.len())..).rev().flat_map(|batch| batch.into_iter().rev()) {
            kept.set(table, &key, before);
        }
    }
}

/// The records as a process of the machine reads them, whatever becomes of the engine meanwhile.
pub(crate) struct Reading<'a>(pub &'a Records);

impl Kept {
    fn scan(&self, table: Table, prefix: &str, after: &str, limit: usize) -> Vec<(String, Vec<u8>)> {
        let Some(entries) = self.tables.get(&table) else { return Vec::new() };
        let from = if after >= prefix && !after.is_empty() { Bound::Excluded(after) } else { Bound::Included(prefix) };
        let range = entries.range::<str, _>((from, Bound::Unbounded));
        range.take_while(|(k, _)| k.starts_with(prefix)).take(limit).map(|(k, v)| (k.clone(), v.clone())).collect()
    }
}

impl Store for Reading<'_> {
    fn get(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.0.open().tables.get(&table).and_then(|t| t.get(key)).cloned())
    }

    fn scan(&self, table: Table, prefix: &str, after: &str, limit: usize) -> Result<Vec<(String, Vec<u8>)>> {
        Ok(self.0.open().scan(table, prefix, after, limit))
    }

    fn commit(&self, _: &[Change]) -> Result<()> {
        Err(Error::unsupported("changing the records of a machine by reading them"))
    }
}

/// The store of a simulated host.
#[derive(Clone)]
pub struct MemoryStore {
    machine: Arc<Machine>,
}

impl MemoryStore {
    pub(crate) fn new(machine: Arc<Machine>) -> Self {
        Self { machine }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.machine.records.open()
    }

    /// Whether an expectation holds, for every change of a batch.
    fn holds(tables: &Tables, change: &Change) -> bool {
        match change {
            Change::Expect(table, key, value) => tables.get(table).and_then(|t| t.get(key)) == value.as_ref(),
            Change::Put(..) | Change::Delete(..) | Change::Flush => true,
        }
    }
}

impl Store for MemoryStore {
    fn get(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>> {
        self.machine.check_alive()?;
        Ok(self.kept().tables.get(&table).and_then(|t| t.get(key)).cloned())
    }

    fn scan(&self, table: Table, prefix: &str, after: &str, limit: usize) -> Result<Vec<(String, Vec<u8>)>> {
        self.machine.check_alive()?;
        Ok(self.kept().scan(table, prefix, after, limit))
    }

    fn commit(&self, batch: &[Change]) -> Result<()> {
        self.machine.check_alive()?;
        let fault = {
            let mut world = self.machine.shared.lock();
            world.now += 1000;
            world.faults.strike("commit")
        };
        let failed = |errno: crate::sys::Errno| Error::new(crate::kernel::kind(errno), format!("commit: {}", errno.text())).op("commit");
        match fault {
            Some(What::Fail) => return Err(failed(crate::sys::Errno::EIO)),
            Some(What::Errno(errno)) => return Err(failed(errno)),
            Some(What::CrashBefore) => {
                self.machine.crash();
                return Err(interrupted());
            }
            Some(What::PowerLoss) => return Err(interrupted()),
            Some(What::Stall(time)) => self.machine.advance(time),
            Some(What::CrashAfter) | None => {}
        }
        let mut kept = self.kept();
        if !batch.iter().all(|change| Self::holds(&kept.tables, change)) {
            return Err(Error::new(ErrorKind::Stale, "the record was changed by another process").op("commit"));
        }
        let mut before = Vec::new();
        for change in batch {
            let (table, key, value) = match change {
                Change::Put(table, key, value) => (*table, key, Some(value.clone())),
                Change::Delete(table, key) => (*table, key, None),
                Change::Expect(..) | Change::Flush => continue,
            };
            let was = kept.set(table, key, value);
            before.push((table, key.clone(), was));
        }
        if let Some(unsynced) = &mut kept.unsynced {
            unsynced.push(before);
            if batch.iter().any(Change::is_durable) {
                unsynced.clear();
            }
        }
        drop(kept);
        if fault == Some(What::CrashAfter) {
            self.machine.crash();
            return Err(interrupted());
        }
        Ok(())
    }
}
