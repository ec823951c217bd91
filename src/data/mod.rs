//! The data directory as a whole: [`backup`] copies it while a server uses it, [`check`] tells whether all of it
//! fits together. Both only read what is there, and need no server.
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

use crate::{log, store};

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
    /// It is there, and may not be read.
    #[error("cannot read {path}: {error}; run this as the account that the server runs under", path = .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
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
