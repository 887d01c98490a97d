//! The durable store: one SQLite database, usable by many processes and threads at once.
//!
//! Write-ahead logging, so that readers never wait for a writer. A batch is one immediate transaction. Batches that touch
//! images, tags, layers or networks, or ask for it, are flushed to the disk before they return; the others, which a power cut may take back
//! whole but never in part, are not (SQLite documentation, "PRAGMA synchronous").

mod schema;

use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::store::{Change, Store, Table};
use rusqlite::{Connection, OptionalExtension, ffi, params};
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

/// A table's number in the database. A number stays for ever; a new table gets the next.
fn number(table: Table) -> i64 {
    match table {
        Table::Containers => 1,
        Table::Names => 2,
        Table::Images => 3,
        Table::Tags => 4,
        Table::Layers => 5,
        Table::Networks => 6,
        Table::Addresses => 7,
        Table::Ports => 8,
        Table::Plans => 9,
        Table::Events => 10,
        Table::Meta => 11,
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
            Some(ffi::ErrorCode::DiskFull | ffi::ErrorCode::OutOfMemory) => ErrorKind::Exhausted,
            Some(ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked) => ErrorKind::TimedOut,
            Some(ffi::ErrorCode::DatabaseCorrupt | ffi::ErrorCode::NotADatabase) => ErrorKind::Corrupt,
            Some(ffi::ErrorCode::PermissionDenied | ffi::ErrorCode::ReadOnly | ffi::ErrorCode::CannotOpen) => ErrorKind::Denied,
            _ => ErrorKind::System,
        };
        Error::new(kind, format!("the store cannot {op}")).op(op).source(e)
    }
}

const GET: &str = "SELECT value FROM records WHERE kind = ?1 AND key = ?2";
const SCAN: &str = "SELECT key, value FROM records WHERE kind = ?1 AND key >= ?2 AND key < ?3 ORDER BY key LIMIT ?4";
const PUT: &str = "INSERT INTO records VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = excluded.value";
const DELETE: &str = "DELETE FROM records WHERE kind = ?1 AND key = ?2";

fn value(connection: &Connection, table: Table, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    connection.prepare_cached(GET)?.query_row(params![number(table), key], |row| row.get(0)).optional()
}

impl Store for SqliteStore {
    fn get(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>> {
        value(&self.connection(), table, key).map_err(failed("read"))
    }

    fn scan(&self, table: Table, prefix: &str, after: &str, limit: usize) -> Result<Vec<(String, Vec<u8>)>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let connection = self.connection();
        // With no upper end that parameter is a blob, which SQLite orders after every text.
        let upper = after_prefix(prefix).map_or(rusqlite::types::Value::Blob(Vec::new()), rusqlite::types::Value::Text);
        // The first key that is wanted: the prefix itself, or the least one greater than `after`, which is that and a NUL.
        let lower = if after >= prefix && !after.is_empty() { format!("{after}\0") } else { prefix.to_owned() };
        let rows = || -> rusqlite::Result<Vec<(String, Vec<u8>)>> {
            let mut statement = connection.prepare_cached(SCAN)?;
            let rows = statement.query_map(params![number(table), lower, upper, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        };
        rows().map_err(failed("read"))
    }

    fn commit(&self, batch: &[Change]) -> Result<()> {
        let durable = batch.iter().any(Change::is_durable);
        let connection = self.connection();
        if durable {
            connection.pragma_update(None, "synchronous", "FULL").map_err(failed("write"))?;
        }
        let result = apply(&connection, batch);
        if durable {
            connection.pragma_update(None, "synchronous", "NORMAL").map_err(failed("write"))?;
        }
        result
    }
}

/// A transaction from statements that are compiled once. Rolled back unless it is committed.
struct Transaction<'a>(&'a Connection);

impl<'a> Transaction<'a> {
    /// Immediate: taking the write lock before the first read, so that no expectation is checked against a state that is gone.
    fn begin(connection: &'a Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self(connection))
    }

    fn commit(self) -> rusqlite::Result<()> {
        // If it fails, what is left of the transaction is rolled back when this is dropped.
        self.0.prepare_cached("COMMIT")?.execute([]).map(drop)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            let _ = self.0.execute_batch("ROLLBACK");
        }
    }
}

fn apply(connection: &Connection, batch: &[Change]) -> Result<()> {
    let transaction = Transaction::begin(connection).map_err(failed("write"))?;
    for change in batch {
        match change {
            Change::Put(table, key, value) => {
                let put = || connection.prepare_cached(PUT)?.execute(params![number(*table), key, value]);
                put().map_err(failed("write"))?;
            }
            Change::Delete(table, key) => {
                let delete = || connection.prepare_cached(DELETE)?.execute(params![number(*table), key]);
                delete().map_err(failed("write"))?;
            }
            Change::Flush => {}
            Change::Expect(table, key, expected) => {
                let found = value(connection, *table, key).map_err(failed("read"))?;
                if found != *expected {
                    let message = format!("{table:?} {key} was changed by another process");
                    return Err(Error::new(ErrorKind::Stale, message).op("commit").subject(key.clone()));
                }
            }
        }
    }
    transaction.commit().map_err(failed("write"))
}

#[cfg(test)]
mod tests;
