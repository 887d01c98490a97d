//! Opening the database: its files, its settings, its tables and their version.

use super::{failed, name};
use crate::error::step;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::store::Table;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

/// Counts up when a table or the meaning of one changes. A newer one is refused, and says so.
const VERSION: i64 = 1;

const TABLES: [Table; 11] = [
    Table::Containers,
    Table::Names,
    Table::Images,
    Table::Tags,
    Table::Layers,
    Table::Networks,
    Table::Addresses,
    Table::Ports,
    Table::Plans,
    Table::Events,
    Table::Meta,
];

/// Longest wait for another process's transaction. Transactions hold no lock while anything but SQLite runs.
const BUSY: Duration = Duration::from_secs(20);

/// Pages of the log after which it is folded into the database. Whoever opens a database that nobody has open reads the whole log
/// ("WAL-mode File Format", "Recovery"), so a long one costs every command: 3 ms at SQLite's usual 1000 pages.
const LOG_PAGES: i64 = 256;

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
        0 => make_tables(connection),
        other => {
            let message = format!("the state in {} has version {other}, and this program knows version {VERSION}", directory.display());
            Err(Error::new(ErrorKind::Corrupt, message).op("open").hint("use the program that wrote it, or another data root"))
        }
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // No mutex of SQLite's: ours is around the connection.
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    // A command must not pay for a checkpoint when it ends; the log is folded in when it has grown.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
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

fn make_tables(mut connection: Connection) -> Result<Connection> {
    // The mode is kept in the file, so only its maker sets it.
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed("open"))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed("open"))?;
    // Another process may have made them meanwhile.
    if version(&transaction)? == 0 {
        for table in TABLES {
            let sql = format!("CREATE TABLE {} (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID", name(table));
            transaction.execute(&sql, []).map_err(failed("open"))?;
        }
        transaction.pragma_update(None, "user_version", VERSION).map_err(failed("open"))?;
        let version = VERSION.to_string().into_bytes();
        transaction.execute("INSERT INTO meta VALUES ('schema', ?1)", [version]).map_err(failed("open"))?;
    }
    transaction.commit().map_err(failed("open"))?;
    Ok(connection)
}
