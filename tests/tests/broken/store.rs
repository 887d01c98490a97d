//! A store that loses some changes.

use drydock_core::Result;
use drydock_core::store::{Change, Store, Table};
use std::sync::Arc;

/// Says yes to every batch, and leaves changes out of it.
pub struct BrokenStore {
    /// The store underneath.
    pub store: Arc<dyn Store>,
    /// Which changes it loses.
    pub lose: fn(&Change) -> bool,
}

impl Store for BrokenStore {
    fn get(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>> {
        self.store.get(table, key)
    }

    fn scan(&self, table: Table, prefix: &str, after: &str, limit: usize) -> Result<Vec<(String, Vec<u8>)>> {
        self.store.scan(table, prefix, after, limit)
    }

    fn commit(&self, batch: &[Change]) -> Result<()> {
        let kept: Vec<Change> = batch.iter().filter(|c| !(self.lose)(c)).cloned().collect();
        self.store.commit(&kept)
    }
}
