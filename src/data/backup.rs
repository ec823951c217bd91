//! A copy of the data directory that fits together, made while a server goes on writing.
//!
//! Both databases are seen as they were at one moment: a read transaction is opened on each, `store.db` first (see
//! [`super`]), before the first page is copied, and held until the last one is. It stops nobody from writing; what
//! is written meanwhile waits in the write-ahead log, which grows until the copy is done.
//!
//! The Things of the copy have an epoch of their own. Where it takes the place of what it was made of, people come
//! back who have seen later changes; they are given the whole content anew.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
    ffi,
};

use super::DataError;
use crate::{clock, log, wfe::DEMO_FILE};

/// Pages that are copied at once: a megabyte.
const PAGES_AT_ONCE: i32 = 256;
/// So many of those are brought to the disk together. One large flush in the end would make the server's own
/// wait behind it.
const FLUSHED_EVERY: usize = 8;

/// Why there is no backup. Nothing is left of the try.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to copy.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A backup goes where nothing is yet.
    #[error("{path} is not empty; name a directory that is not there yet", path = .0.display())]
    Occupied(PathBuf),
    /// An earlier one was cut off.
    #[error("{path} is left of a backup that did not end; remove it", path = .0.display())]
    Unfinished(PathBuf),
    /// A file cannot be written.
    #[error("cannot write {path}: {error}", path = .path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A database cannot be copied.
    #[error("cannot copy {file}: {error}")]
    Database {
        /// Which.
        file: &'static str,
        /// Why.
        error: rusqlite::Error,
    },
}

/// A file that was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Its name.
    pub file: &'static str,
    /// Its size.
    pub bytes: u64,
}

/// Copies what a server needs to go on from `data` to `target`, for its owner only. When this returns it is on the
/// disk; until then there is no `target`, but a directory beside it whose name ends in `.incomplete`.
///
/// # Errors
/// See [`BackupError`].
pub fn back_up(data: &Path, target: &Path) -> Result<Vec<Copied>, BackupError> {
    let sources = super::databases(data)?;
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        |error| BackupError::Unwritable { path, error }
    };
    match fs::read_dir(target).map(|mut entries| entries.next().is_some()) {
        Ok(true) => return Err(BackupError::Occupied(target.into())),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritable(target)(error)),
        Ok(false) | Err(_) => {}
    }
    let target = std::path::absolute(target).map_err(unwritable(target))?;
    let incomplete = target.with_added_extension("incomplete");
    match DirBuilder::new().mode(0o700).create(&incomplete) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(BackupError::Unfinished(incomplete)),
        made => made.map_err(unwritable(&incomplete))?,
    }
    let copied = copy(data, sources, &incomplete).and_then(|copied| {
        let parent = target.parent().unwrap_or(&target);
        let moved = sync(&incomplete).and_then(|()| fs::rename(&incomplete, &target)).and_then(|()| sync(parent));
        moved.map(|()| copied).map_err(unwritable(&target))
    });
    if copied.is_err() {
        // What is left, if that fails too, is told by the next try.
        let _ = fs::remove_dir_all(&incomplete);
    }
    copied
}

fn copy(data: &Path, sources: [(&'static str, PathBuf); 2], into: &Path) -> Result<Vec<Copied>, BackupError> {
    let mut copied = Vec::new();
    // Before the databases: it is written before what it tells of is in them.
    if let Some(bytes) = copy_file(&data.join(DEMO_FILE), &into.join(DEMO_FILE))? {
        copied.push(Copied { file: DEMO_FILE, bytes });
    }
    let mut seen = Vec::new();
    for (file, path) in sources {
        let failed = |error| BackupError::Database { file, error };
        seen.push((file, seen_now(&path).map_err(failed)?));
    }
    for (file, source) in seen {
        let bytes = copy_database(file, &source, &into.join(file))?;
        copied.push(Copied { file, bytes });
    }
    Ok(copied)
}

/// A database as it is at this moment, whatever is written to it from now on.
fn seen_now(path: &Path) -> rusqlite::Result<Connection> {
    let source = super::open(path)?;
    source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")?;
    Ok(source)
}

fn copy_database(file: &'static str, source: &Connection, path: &Path) -> Result<u64, BackupError> {
    let unwritable = |error| BackupError::Unwritable { path: path.into(), error };
    let failed = |error| BackupError::Database { file, error };
    // Made before SQLite sees it: for its owner only.
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(unwritable)?;
    let mut target = Connection::open(path).map_err(failed)?;
    // If this is cut off there is no backup, so nothing has to be undone.
    target.execute_batch("PRAGMA journal_mode = off; PRAGMA synchronous = off").map_err(failed)?;
    let backup = Backup::new(source, &mut target).map_err(failed)?;
    for step in 1.. {
        match backup.step(PAGES_AT_ONCE).map_err(failed)? {
            StepResult::Done => break,
            StepResult::More if step % FLUSHED_EVERY == 0 => written.sync_data().map_err(unwritable)?,
            StepResult::More => {}
            // Nobody else has the copy open, and the source is read without a lock.
            _ => return Err(failed(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None))),
        }
    }
    drop(backup);
    if file == log::sqlite::FILE {
        log::sqlite::begin_anew(&target, &clock::new_id().simple().to_string()[..8]).map_err(failed)?;
    }
    target.close().map_err(|(_, error)| failed(error))?;
    written.sync_all().map_err(unwritable)?;
    Ok(written.metadata().map_err(unwritable)?.len())
}

/// Copies a file, if it is there; its size.
fn copy_file(from: &Path, to: &Path) -> Result<Option<u64>, BackupError> {
    let mut source = match File::open(from) {
        Ok(source) => source,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DataError::Unreadable { path: from.into(), error }.into()),
    };
    let unwritable = |error| BackupError::Unwritable { path: to.into(), error };
    let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(unwritable)?;
    let bytes = io::copy(&mut source, &mut target).map_err(unwritable)?;
    target.sync_all().map_err(unwritable)?;
    Ok(Some(bytes))
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
