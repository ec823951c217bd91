//! All of a log, read from its file for whoever checks it, while a server may be writing it.

use std::path::Path;

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{Change, LogError, Snapshot, ThingId, change_of, id, schema, unsigned};

/// Most faults of the file itself that are told.
const MOST_FAULTS: u32 = 100;

/// The file of a log, opened to be read from its beginning to its end.
pub struct WholeLog {
    connection: Connection,
}

/// What the log of a Thing holds, in the order of its offsets: a snapshot stands behind the change that it is taken
/// at.
#[derive(Debug)]
pub enum Entry {
    /// The next change. If it cannot be read, why.
    Change(u64, Result<Change, LogError>),
    /// A snapshot.
    Snapshot(Snapshot),
}

impl WholeLog {
    /// Opens the file; changes nothing.
    ///
    /// # Errors
    /// It cannot be opened, or is from a later release.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let connection = schema::open_reader(path)?;
        schema::version(&connection)?;
        Ok(Self { connection })
    }

    /// What is wrong with the file itself, as SQLite tells it.
    ///
    /// # Errors
    /// It cannot be read at all.
    pub fn faults(&self) -> Result<Vec<String>, LogError> {
        let mut query = self.connection.prepare(&format!("PRAGMA integrity_check({MOST_FAULTS})"))?;
        let faults = query.query_map([], |row| row.get::<_, String>(0))?;
        Ok(faults.filter(|fault| !matches!(fault.as_deref(), Ok("ok"))).collect::<Result<_, _>>()?)
    }

    /// The ids, in hexadecimal digits, of Things that have changes or snapshots but no beginning.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn strays(&self) -> Result<Vec<String>, LogError> {
        const SQL: &str = "SELECT DISTINCT hex(thing) FROM change WHERE thing NOT IN (SELECT thing FROM thing) UNION \
                           SELECT DISTINCT hex(thing) FROM snapshot WHERE thing NOT IN (SELECT thing FROM thing) LIMIT ?1";
        let mut query = self.connection.prepare(SQL)?;
        let strays = query.query_map([MOST_FAULTS], |row| row.get(0))?;
        Ok(strays.collect::<Result<_, _>>()?)
    }

    /// The ids of the Things after this one, in their order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn things_after(&self, after: Option<ThingId>, most: u32) -> Result<Vec<ThingId>, LogError> {
        const SQL: &str = "SELECT thing FROM thing WHERE thing > ?1 ORDER BY thing LIMIT ?2";
        let after = after.map_or_else(Vec::new, |thing| id(thing).to_vec());
        let mut query = self.connection.prepare_cached(SQL)?;
        let things = query.query_map(params![after, most], |row| Ok(ThingId(Uuid::from_bytes(row.get(0)?))))?;
        Ok(things.collect::<Result<_, _>>()?)
    }

    /// Whether this Thing was ever begun.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn has(&self, thing: ThingId) -> Result<bool, LogError> {
        Ok(self.connection.prepare_cached("SELECT 1 FROM thing WHERE thing = ?1")?.exists([id(thing)])?)
    }

    /// Goes through one Thing as it is at this moment. A snapshot that is taken at no change comes in the end.
    ///
    /// # Errors
    /// The file cannot be read any further.
    pub fn walk(&self, thing: ThingId, mut visit: impl FnMut(Entry)) -> Result<(), LogError> {
        const SNAPSHOTS: &str = "SELECT \"offset\" FROM snapshot WHERE thing = ?1 ORDER BY \"offset\"";
        const STATE: &str = "SELECT state FROM snapshot WHERE thing = ?1 AND \"offset\" = ?2";
        const CHANGES: &str = "SELECT \"offset\", user, principal, key, kind, update_v1, at_millis FROM change \
                               WHERE thing = ?1 ORDER BY \"offset\"";
        // One transaction, so that changes and snapshots fit together.
        let txn = self.connection.unchecked_transaction()?;
        let offsets: Vec<i64> =
            txn.prepare_cached(SNAPSHOTS)?.query_map([id(thing)], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut offsets = offsets.into_iter().peekable();
        let visit_snapshot = |offset: i64, visit: &mut dyn FnMut(Entry)| -> Result<(), LogError> {
            let state: Vec<u8> = txn.prepare_cached(STATE)?.query_row(params![id(thing), offset], |row| row.get(0))?;
            let offset = u64::try_from(offset).unwrap_or(0);
            visit(Entry::Snapshot(Snapshot { offset, state: state.into() }));
            Ok(())
        };
        let mut changes = txn.prepare_cached(CHANGES)?;
        let mut rows = changes.query([id(thing)])?;
        while let Some(row) = rows.next()? {
            let offset: i64 = row.get(0)?;
            visit(Entry::Change(unsigned(row, 0)?, change_of(row)));
            if let Some(offset) = offsets.next_if_eq(&offset) {
                visit_snapshot(offset, &mut visit)?;
            }
        }
        offsets.try_for_each(|offset| visit_snapshot(offset, &mut visit))
    }
}
