//! Opening the database: its files, its settings, its table and its version.

use super::{failed, number};
use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::store::Table;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, ffi};
use std::ffi::{c_int, c_void};
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

/// Counts up when a table or the meaning of one changes. A newer one is refused, and says so; an older one is brought up to date.
const VERSION: i64 = 2;

/// The one table. Every process that opens the database reads the schema and compiles what it asks; with a table for each kind of record
/// that was a dozen of each.
const RECORDS: &str =
    "CREATE TABLE records (kind INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID";

/// Bytes of a page: the record of most containers, some 1,700, fits into a quarter of one. What is longer goes to pages of its own, which
/// are taken from a list and given back to it with every change, and all of those are written.
const PAGE: i64 = 8 << 10;

/// Pages kept in memory, in KiB (negative: "PRAGMA cache_size"). The kernel has them all, and a supervisor should be small.
const CACHE: i64 = -512;

/// The tables of version 1, by name.
const BEFORE: [(Table, &str); 11] = [
    (Table::Containers, "containers"),
    (Table::Names, "names"),
    (Table::Images, "images"),
    (Table::Tags, "tags"),
    (Table::Layers, "layers"),
    (Table::Networks, "networks"),
    (Table::Addresses, "addresses"),
    (Table::Ports, "ports"),
    (Table::Plans, "plans"),
    (Table::Events, "events"),
    (Table::Meta, "meta"),
];

/// Longest wait for another process's transaction. Transactions hold no lock while anything but SQLite runs.
const BUSY: Duration = Duration::from_secs(20);

/// Pages of the log after which it is folded into the database, with two or three flushes to the disk. Whoever opens a database that
/// nobody has open reads the whole log ("WAL-mode File Format", "Recovery"), so a long one costs every command.
const LOG_PAGES: i64 = 80;

/// Opens the database of a directory.
pub(super) fn open(directory: &Path) -> Result<Connection> {
    let path = directory.join("drydock.db");
    let connection = match connect(&path) {
        Ok(connection) => connection,
        Err(_) if !path.exists() => {
            make_files(directory, &path)?;
            connect(&path).map_err(failed("open"))?
        }
        Err(e) => return Err(failed("open")(e)),
    };
    match version(&connection)? {
        VERSION => Ok(connection),
        0 | 1 => bring_up_to_date(connection),
        other => {
            let message = format!("the state in {} has version {other}, and this program knows version {VERSION}", directory.display());
            Err(Error::new(ErrorKind::Corrupt, message).op("open").hint("use the program that wrote it, or another data root"))
        }
    }
}

/// Has SQLite take memory as it needs it. By default it makes a list of twenty pages for its cache and one of small pieces beforehand,
/// through which it walks: some thirty pages of memory that a process with one short command never uses.
fn settle_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: nothing of SQLite's runs in this process yet, since only `connect` opens connections; where something does, this
        // changes nothing (SQLITE_MISUSE). The arguments are those that "Configuration Options" names for each.
        unsafe {
            ffi::sqlite3_config(ffi::SQLITE_CONFIG_PAGECACHE, std::ptr::null_mut::<c_void>(), 0 as c_int, 0 as c_int);
            ffi::sqlite3_config(ffi::SQLITE_CONFIG_LOOKASIDE, 0 as c_int, 0 as c_int);
        }
    });
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    settle_memory();
    // No mutex of SQLite's: ours is around the connection.
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(16);
    // A command must not pay for a checkpoint when it ends; the log is folded in when it has grown.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let settings = format!("PRAGMA wal_autocheckpoint={LOG_PAGES}; PRAGMA synchronous=NORMAL; PRAGMA cache_size={CACHE}");
    connection.execute_batch(&settings)?;
    Ok(connection)
}

fn version(connection: &Connection) -> Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed("open"))
}

/// SQLite gives the log and its index the mode of the database, so making that file first with 0600 settles all three.
fn make_files(directory: &Path, path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|e| step("mkdir", directory.display().to_string(), e))?;
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path);
    made.map(drop).map_err(|e| step("open", path.display().to_string(), e))
}

/// Makes the table, in a new database or in one of version 1, whose records move into it.
fn bring_up_to_date(mut connection: Connection) -> Result<Connection> {
    // The size of pages and the mode are kept in the file, so only its maker sets them; on one that has pages already the first does nothing.
    connection.pragma_update(None, "page_size", PAGE).map_err(failed("open"))?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed("open"))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed("open"))?;
    // Another process may have done it meanwhile.
    let found = version(&transaction)?;
    if found < VERSION {
        transaction.execute(RECORDS, []).map_err(failed("open"))?;
        if found == 1 {
            for (table, name) in BEFORE {
                let kind = number(table);
                let sql = format!("INSERT INTO records SELECT {kind}, key, value FROM {name}; DROP TABLE {name}");
                transaction.execute_batch(&sql).map_err(failed("open"))?;
            }
        }
        transaction.pragma_update(None, "user_version", VERSION).map_err(failed("open"))?;
        let schema = VERSION.to_string().into_bytes();
        let sql = "INSERT INTO records VALUES (?1, 'schema', ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
        transaction.execute(sql, rusqlite::params![number(Table::Meta), schema]).map_err(failed("open"))?;
    }
    transaction.commit().map_err(failed("open"))?;
    Ok(connection)
}
