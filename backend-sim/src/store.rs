//! Records in memory, with crash injection: the disk's database, which outlives the machine's processes.

use crate::fault::What;
use crate::host::Machine;
use crate::kernel::interrupted;
use drydock_core::store::{Change, Store, Table};
use drydock_core::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Tables = BTreeMap<Table, BTreeMap<String, Vec<u8>>>;

/// Records by table.
#[derive(Default)]
pub(crate) struct Records(Mutex<Tables>);

/// The store of a simulated host.
#[derive(Clone)]
pub struct MemoryStore {
    machine: Arc<Machine>,
}

impl MemoryStore {
    pub(crate) fn new(machine: Arc<Machine>) -> Self {
        Self { machine }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.machine.records.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an expectation holds, for every change of a batch.
    fn holds(tables: &Tables, change: &Change) -> bool {
        match change {
            Change::Expect(table, key, value) => tables.get(table).and_then(|t| t.get(key)) == value.as_ref(),
            Change::Put(..) | Change::Delete(..) => true,
        }
    }
}

impl Store for MemoryStore {
    fn get(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>> {
        self.machine.check_alive()?;
        Ok(self.tables().get(&table).and_then(|t| t.get(key)).cloned())
    }

    fn scan(&self, table: Table, prefix: &str, after: &str, limit: usize) -> Result<Vec<(String, Vec<u8>)>> {
        self.machine.check_alive()?;
        let tables = self.tables();
        let Some(entries) = tables.get(&table) else { return Ok(Vec::new()) };
        let from = if after >= prefix && !after.is_empty() { Bound::Excluded(after) } else { Bound::Included(prefix) };
        let range = entries.range::<str, _>((from, Bound::Unbounded));
        Ok(range.take_while(|(k, _)| k.starts_with(prefix)).take(limit).map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    fn commit(&self, batch: &[Change]) -> Result<()> {
        self.machine.check_alive()?;
        let fault = {
            let mut world = self.machine.shared.lock();
            world.now += 1000;
            world.faults.strike("commit")
        };
        match fault {
            Some(What::Fail) => return Err(Error::new(ErrorKind::System, "commit: Input/output error").op("commit")),
            Some(What::CrashBefore) => {
                self.machine.crash();
                return Err(interrupted());
            }
            Some(What::CrashAfter) | None => {}
        }
        let mut tables = self.tables();
        if !batch.iter().all(|change| Self::holds(&tables, change)) {
            return Err(Error::new(ErrorKind::Stale, "the record was changed by another process").op("commit"));
        }
        for change in batch {
            match change {
                Change::Put(table, key, value) => drop(tables.entry(*table).or_default().insert(key.clone(), value.clone())),
                Change::Delete(table, key) => {
                    if let Some(t) = tables.get_mut(table) {
                        t.remove(key);
                    }
                }
                Change::Expect(..) => {}
            }
        }
        drop(tables);
        if fault == Some(What::CrashAfter) {
            self.machine.crash();
            return Err(interrupted());
        }
        Ok(())
    }
}
