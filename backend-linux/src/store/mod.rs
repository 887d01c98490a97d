//! The durable store: one SQLite database, usable by many processes and threads at once.
//!
//! Write-ahead logging, so that readers never wait for a writer. A batch is one immediate transaction. Batches that touch
//! images, tags, layers or networks are flushed to the disk before they return; the others, which a power cut may take back
//! whole but never in part, are not (SQLite documentation, "PRAGMA synchronous").

mod schema;

use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::store::{Change, Store, Table};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, ffi, params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A store in one file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Mutex<Connection>,
}

impl SqliteStore {
    /// Opens the store in a directory, making both if they are not there (0700, and 0600 for the files).
    pub fn open(directory: &Path) -> Result<Self> {
        Ok(Self { connection: Mutex::new(schema::open(directory)?) })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic between two calls leaves no transaction open: they roll back when they are dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of a table in SQL. All are fixed, so building SQL from them injects nothing.
fn name(table: Table) -> &'static str {
    match table {
        Table::Containers => "containers",
        Table::Names => "names",
        Table::Images => "images",
        Table::Tags => "tags",
        Table::Layers => "layers",
        Table::Networks => "networks",
        Table::Addresses => "addresses",
        Table::Ports => "ports",
        Table::Plans => "plans",
        Table::Events => "events",
        Table::Meta => "meta",
    }
}

/// The smallest text that is greater than every text with this prefix; `None` if there is none.
///
/// SQLite compares UTF-8 bytes, and their order is that of the code points.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

fn failed(op: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |e| {
        let kind = match e.sqlite_error_code() {
            Some(ffi::ErrorCode::DiskFull) => ErrorKind::Exhausted,
            Some(ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked) => ErrorKind::TimedOut,
            Some(ffi::ErrorCode::DatabaseCorrupt | ffi::ErrorCode::NotADatabase) => ErrorKind::Corrupt,
            Some(ffi::ErrorCode::PermissionDenied | ffi::ErrorCode::ReadOnly | ffi::ErrorCode::CannotOpen) => ErrorKind::Denied,
            _ => ErrorKind::System,
        };
        Error::new(kind, format!("the store cannot {op}")).op(op).source(e)
    }
}

impl Store for SqliteStore {
    fn get(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>> {
        let connection = self.connection();
        let sql = format!("SELECT value FROM {} WHERE key = ?1", name(table));
        let mut statement = connection.prepare_cached(&sql).map_err(failed("read"))?;
        statement.query_row([key], |row| row.get(0)).optional().map_err(failed("read"))
    }

    fn scan(&self, table: Table, prefix: &str, after: &str, limit: usize) -> Result<Vec<(String, Vec<u8>)>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let connection = self.connection();
        // With no upper end the last parameter is a blob, which SQLite orders after every text.
        let upper = after_prefix(prefix).map_or(rusqlite::types::Value::Blob(Vec::new()), rusqlite::types::Value::Text);
        let order = if after >= prefix { "key > ?1" } else { "key >= ?2" };
        let sql =
            format!("SELECT key, value FROM {} WHERE {order} AND key >= ?2 AND key > ?1 AND key < ?3 ORDER BY key LIMIT ?4", name(table));
        let mut statement = connection.prepare_cached(&sql).map_err(failed("read"))?;
        let rows =
            statement.query_map(params![after, prefix, upper, limit], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed("read"))?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed("read"))
    }

    fn commit(&self, batch: &[Change]) -> Result<()> {
        let durable = batch.iter().any(Change::is_durable);
        let mut connection = self.connection();
        if durable {
            connection.pragma_update(None, "synchronous", "FULL").map_err(failed("write"))?;
        }
        let result = apply(&mut connection, batch);
        if durable {
            connection.pragma_update(None, "synchronous", "NORMAL").map_err(failed("write"))?;
        }
        result
    }
}

fn apply(connection: &mut Connection, batch: &[Change]) -> Result<()> {
    // Immediate: taking the write lock before the first read, so that no expectation is checked against a state that is gone.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed("write"))?;
    for change in batch {
        match change {
            Change::Put(table, key, value) => {
                let sql = format!("INSERT INTO {} (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2", name(*table));
                transaction.prepare_cached(&sql).and_then(|mut s| s.execute(params![key, value])).map_err(failed("write"))?;
            }
            Change::Delete(table, key) => {
                let sql = format!("DELETE FROM {} WHERE key = ?1", name(*table));
                transaction.prepare_cached(&sql).and_then(|mut s| s.execute([key])).map_err(failed("write"))?;
            }
            Change::Expect(table, key, expected) => {
                let sql = format!("SELECT value FROM {} WHERE key = ?1", name(*table));
                let mut statement = transaction.prepare_cached(&sql).map_err(failed("read"))?;
                let found: Option<Vec<u8>> = statement.query_row([key], |row| row.get(0)).optional().map_err(failed("read"))?;
                if found != *expected {
                    let message = format!("{} {key} was changed by another process", name(*table));
                    return Err(Error::new(ErrorKind::Stale, message).op("commit").subject(key.clone()));
                }
            }
        }
    }
    transaction.commit().map_err(failed("write"))
}

#[cfg(test)]
mod tests;
