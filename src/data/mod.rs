//! The data directory as a whole: [`backup`] copies it while a server uses it, [`check`] tells whether all of it
//! fits together, [`demand_whole`] whether a database is missing. They only read what is there, and need no server.
//!
//! Owns in which order the two databases are read. `store.db` names Things of `log.db`, and never the other way
//! round; a new Thing is in the log before it is in the list, and stays there. So whoever reads `store.db` first
//! finds in `log.db` everything that it names, and what the log has beyond that is in nobody's list yet.

pub mod backup;
pub mod check;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

use crate::{
    log::{self, LogError, sqlite::WholeLog},
    store::{self, StoreError, WholeStore},
};

/// There is nothing to copy or to check.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// One of the databases is not there.
    #[error("there is no {file} in {directory}; name the server's data directory with --data DIR", directory = .directory.display())]
    Absent {
        /// Which.
        file: &'static str,
        /// Where.
        directory: PathBuf,
    },
    /// The other one tells that it was there.
    #[error("{missing} is missing in {directory}, and {there} is that of a server with Things; put the backup back whole, with {missing}", directory = .directory.display())]
    Half {
        /// Which is missing.
        missing: &'static str,
        /// Which is there.
        there: &'static str,
        /// Where.
        directory: PathBuf,
    },
    /// One of them was written by a later release.
    #[error("{0}")]
    TooNew(String),
    /// It is there, and may not be read.
    #[error("cannot read {path}: {error}; run this as the account that the server runs under", path = .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Refuses data that this release could not use; those of an earlier one it would bring up to date.
///
/// # Errors
/// They are of a later release, or not there.
pub fn demand_known(directory: &Path) -> Result<(), DataError> {
    let [(_, store), (log_file, log)] = databases(directory)?;
    if let Err(error @ StoreError::TooNew { .. }) = WholeStore::open(&store) {
        return Err(DataError::TooNew(error.to_string()));
    }
    match WholeLog::open(&log) {
        Err(error @ LogError::TooNew { .. }) => Err(DataError::TooNew(format!("{log_file}: {error}"))),
        _ => Ok(()),
    }
}

/// Refuses data of which one database is missing: a server would begin an empty one, and what is lost with the other
/// would be noticed late. One that starts for the first time makes `store.db` first, and no Things before it has both.
///
/// # Errors
/// Only one is there, and it had the other beside it.
pub fn demand_whole(directory: &Path) -> Result<(), DataError> {
    let half = |missing, there| Err(DataError::Half { missing, there, directory: directory.into() });
    let (store, log) = (directory.join(store::FILE), directory.join(log::sqlite::FILE));
    match (store.exists(), log.exists()) {
        (false, true) => half(store::FILE, log::sqlite::FILE),
        (true, false) if names_things(&store) => half(log::sqlite::FILE, store::FILE),
        _ => Ok(()),
    }
}

/// Whether there are Things in the list. A file that cannot be read is told of by whoever opens it next.
fn names_things(store: &Path) -> bool {
    open(store).and_then(|store| store.prepare("SELECT 1 FROM things")?.exists([])).unwrap_or(false)
}

/// The files of the two databases, in the order in which they are to be read.
fn databases(directory: &Path) -> Result<[(&'static str, PathBuf); 2], DataError> {
    let file = |name| {
        let path = directory.join(name);
        match std::fs::File::open(&path) {
            Ok(_) => Ok((name, path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(DataError::Absent { file: name, directory: directory.into() })
            }
            Err(error) => Err(DataError::Unreadable { path, error }),
        }
    };
    Ok([file(store::FILE)?, file(log::sqlite::FILE)?])
}

/// Opens a database that a server may be writing.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
}
