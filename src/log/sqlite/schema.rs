use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::Durability;
use crate::log::LogError;

/// Version of the tables and of what may stand in them; a file with a higher one is from a newer WidgetApp. With
/// version 2 came changes that undo and redo others.
const VERSION: i64 = 2;

/// Things are few and changes many, so the epoch is not repeated with each change. `change` is kept
/// in the order of its key (WITHOUT ROWID): what is read together lies together. `snapshot` is not,
/// because its rows are large. The index on keys leaves out changes without one.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS thing (
        thing BLOB PRIMARY KEY CHECK (length(thing) = 16),
        epoch TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE IF NOT EXISTS change (
        thing BLOB NOT NULL,
        \"offset\" INTEGER NOT NULL CHECK (\"offset\" > 0),
        user TEXT NOT NULL,
        principal TEXT NOT NULL,
        key TEXT,
        kind INTEGER NOT NULL,
        update_v1 BLOB NOT NULL,
        at_millis INTEGER NOT NULL,
        PRIMARY KEY (thing, \"offset\")
    ) STRICT, WITHOUT ROWID;

    CREATE UNIQUE INDEX IF NOT EXISTS change_key ON change (thing, principal, key) WHERE key IS NOT NULL;

    CREATE TABLE IF NOT EXISTS snapshot (
        thing BLOB NOT NULL,
        \"offset\" INTEGER NOT NULL,
        state BLOB NOT NULL,
        PRIMARY KEY (thing, \"offset\")
    ) STRICT;
";

/// How long a connection waits for another one's lock, which no write holds for long.
const LOCKED: Duration = Duration::from_secs(5);
/// How long the start waits for those who read. A backup reads for as long as it takes.
const READING: Duration = Duration::from_millis(100);
/// So much of the write-ahead log is written again at once.
const WRITTEN_AGAIN_BYTES: usize = 1024 * 1024;
/// Statements that a connection keeps compiled: more than there are.
const STATEMENTS: usize = 32;

/// Opens the one connection that writes, and makes what is in the write-ahead log durable.
///
/// That matters after a failed fsync: the kernel may have forgotten the pages and report success the
/// next time, so nothing that was in the log before counts until it has been written again.
pub(super) fn open_writer(path: &Path, durability: Durability) -> Result<Connection, LogError> {
    // Created before SQLite sees it, which gives its journals the mode of the file: for its owner only.
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| LogError::Engine(error.to_string()))?;
    let connection = Connection::open(path)?;
    connection.busy_timeout(READING)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let version = version(&connection)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    let synchronous = match durability {
        Durability::Fsync => "full",
        Durability::Os => "normal",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy != 0 {
        // Somebody reads what it was before, such as a backup.
        write_again(path).map_err(|error| LogError::Engine(error.to_string()))?;
    }
    connection.busy_timeout(LOCKED)?;
    if version < VERSION {
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT"))?;
    }
    Ok(connection)
}

/// The version of the tables, if this release knows it.
pub(super) fn version(connection: &Connection) -> Result<i64, LogError> {
    match connection.query_row("PRAGMA user_version", [], |row| row.get(0))? {
        found if found > VERSION => Err(LogError::TooNew { found, known: VERSION }),
        known => Ok(known),
    }
}

/// Writes the write-ahead log over itself, which does not disturb those who read it, and waits for the disk.
fn write_again(path: &Path) -> io::Result<()> {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    let file = OpenOptions::new().read(true).write(true).open(wal)?;
    let (mut bytes, mut at) = (vec![0; WRITTEN_AGAIN_BYTES], 0);
    loop {
        let count = file.read_at(&mut bytes, at)?;
        if count == 0 {
            return file.sync_data();
        }
        file.write_all_at(&bytes[..count], at)?;
        at += count as u64;
    }
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, LogError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCKED)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}
