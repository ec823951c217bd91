//! All of a store, read from its file for whoever checks it, while a server may be writing it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};
use uuid::Uuid;

use super::{Result, schema};
use crate::protocol::ThingId;

/// Most faults of the file itself that are told.
const MOST_FAULTS: u32 = 100;

/// Where tables refer to one another without a rule that SQLite keeps, and what it means if there are such rows.
const RULES: [(&str, &str); 3] = [
    (
        "SELECT count(*) FROM things WHERE NOT deleted AND number NOT IN (SELECT rowid FROM texts)",
        "rows of things are not found by any search",
    ),
    (
        "SELECT count(*) FROM texts WHERE rowid NOT IN (SELECT number FROM things WHERE NOT deleted)",
        "rows of texts refer to rows of things that are not there",
    ),
    (
        "SELECT count(*) FROM oauth_grants
            WHERE client <> ?1 AND client NOT IN (SELECT name FROM principals WHERE kind = 'client')",
        "rows of oauth_grants refer to clients that are not there",
    ),
];

/// The file of a store, opened to be read as a whole, as it is at this moment.
pub struct WholeStore {
    connection: Connection,
}

impl WholeStore {
    /// Opens the file; changes nothing. What is written to it later is not seen.
    ///
    /// # Errors
    /// It cannot be opened, or is not of this release's version.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.execute_batch("BEGIN")?;
        schema::demand_current(&connection)?;
        Ok(Self { connection })
    }

    /// What is wrong with the file itself, as SQLite tells it, and what refers to something that is not there.
    /// `built_in_client` is a client that is known without a row.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn faults(&self, built_in_client: &str) -> Result<Vec<String>> {
        const DANGLING: &str = "SELECT count(*) || ' rows of ' || \"table\" || ' refer to rows of ' || parent ||
            ' that are not there' FROM pragma_foreign_key_check GROUP BY \"table\", parent";
        let mut faults = Vec::new();
        for query in [&format!("PRAGMA integrity_check({MOST_FAULTS})"), DANGLING] {
            let mut query = self.connection.prepare(query)?;
            let found = query.query_map([], |row| row.get::<_, String>(0))?;
            faults.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        faults.retain(|fault| fault != "ok");
        for (query, what) in RULES {
            let mut query = self.connection.prepare(query)?;
            if query.parameter_count() > 0 {
                query.raw_bind_parameter(1, built_in_client)?;
            }
            let count: i64 = query.raw_query().next()?.map_or(Ok(0), |row| row.get(0))?;
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        }
        Ok(faults)
    }

    /// The Things after this row, with their rows, in the order of these.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn things_after(&self, row: i64, most: u32) -> Result<Vec<(i64, ThingId)>> {
        const SQL: &str = "SELECT number, id FROM things WHERE number > ?1 ORDER BY number LIMIT ?2";
        let mut query = self.connection.prepare_cached(SQL)?;
        let things =
            query.query_map(params![row, most], |row| Ok((row.get(0)?, ThingId(Uuid::from_bytes(row.get(1)?)))))?;
        Ok(things.collect::<rusqlite::Result<_>>()?)
    }
}
