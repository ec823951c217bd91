//! Accounts, groups, shares, the index of Things, OAuth's grants, codes and keys, and login sessions.
//!
//! Owns the file `store.db` in the data directory (SQLite, WAL, `synchronous=FULL`). Must not know
//! HTTP, tokens' formats or what is in a Thing; secrets reach it only as hashes, but for the keys
//! that sign tokens.
//!
//! The functions are synchronous. Reads take microseconds and may be called from async code; writes
//! wait for the disk once and are rare, but for [`Store::note_changes`]. One connection writes, a
//! few read, each behind a mutex; readers see a write as soon as its function has returned.
//!
//! What every change of a Thing asks, the caller's role, is kept in memory ([`Store::role`]). One
//! process owns the store: a write by another process would not be noticed there.

mod accounts;
mod applications;
pub mod audit;
mod cache;
mod clients;
mod grants;
mod groups;
mod login_sessions;
mod names;
mod oauth;
mod schema;
mod searching;
mod shares;
mod things;
mod whole;

#[cfg(test)]
pub(crate) mod fixture;

use std::{
    fs::{DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::mpsc;

pub use accounts::{Login, User};
pub use applications::Application;
pub use clients::{Client, NewClient};
pub use grants::{FirstRefresh, FirstTokens, Grant, NewGrant, RefreshHashes, Turn, Turned};
pub use groups::Group;
pub use login_sessions::hash as login_hash;
pub use oauth::{Code, KeptKey, Redeemed, SigningKey};
pub use searching::{Searched, Texts};
pub use things::Cursor;
pub use whole::WholeStore;

use cache::Cache;

use crate::{
    access::Change,
    protocol::{ErrorBody, ErrorCode},
};

/// Connections that only read.
const READERS: usize = 2;
/// The file in the data directory.
pub const FILE: &str = "store.db";

/// The accounts and the index of one installation. Cheap to clone. The entry that waits is recorded with the first
/// change that is made through this clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>, Option<audit::Waiting>);

struct Inner {
    writer: Mutex<Connection>,
    readers: [Mutex<Connection>; READERS],
    /// For searches alone, which take longer than anything else that reads.
    searcher: Mutex<Connection>,
    cache: Cache,
    watcher: OnceLock<mpsc::UnboundedSender<Change>>,
}

/// Why the store did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed: disk full, damaged file.
    #[error("the database of accounts failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// The data directory cannot be used.
    #[error("cannot use the data directory: {0}")]
    Directory(#[from] io::Error),
    /// The file was written by a later release.
    #[error(
        "{FILE} has version {found}, and this release knows versions up to {known}; install the release that wrote it"
    )]
    TooNew {
        /// The version of the file.
        found: i64,
        /// The last version that this release knows.
        known: i64,
    },
    /// The file was written by an earlier release, and no server of this one has brought it up to date yet.
    #[error("{FILE} has version {found}, and this release has version {known}; start the server of this release once")]
    TooOld {
        /// The version of the file.
        found: i64,
        /// The version of this release.
        known: i64,
    },
    /// Something of this name exists.
    #[error("there is already {0}")]
    Exists(String),
    /// What was named does not exist.
    #[error("there is no {0}")]
    Absent(String),
    /// The name cannot be used.
    #[error("{0}")]
    BadName(String),
    /// Nobody would be the Thing's owner any more.
    #[error("a Thing keeps at least one owner")]
    LastOwner,
    /// It cannot be removed as long as there is something of it; says what, and what to do.
    #[error("{0}")]
    InUse(String),
}

impl StoreError {
    /// Whether the disk takes or gives nothing just now: it is full, read-only or failing, or no descriptor is left.
    pub fn is_of_the_disk(&self) -> bool {
        use rusqlite::ErrorCode::{CannotOpen, DiskFull, ReadOnly, SystemIoFailure};
        matches!(self, Self::Database(rusqlite::Error::SqliteFailure(error, _))
            if matches!(error.code, CannotOpen | DiskFull | ReadOnly | SystemIoFailure))
    }
}

/// What those are told who ask for something that [the disk](StoreError::is_of_the_disk) does not allow.
impl From<&StoreError> for ErrorBody {
    fn from(error: &StoreError) -> Self {
        if error.is_of_the_disk() { Self::cannot_store() } else { ErrorCode::Internal.into() }
    }
}

/// What the store's functions return.
pub type Result<T> = std::result::Result<T, StoreError>;

impl Store {
    /// Opens the store in the data directory; creates both if they are absent, readable by their owner only.
    ///
    /// # Errors
    /// The directory cannot be used, the file is damaged or from a later release.
    pub fn open(data: &Path) -> Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(data)?;
        let path = data.join(FILE);
        // Created before SQLite sees it, which gives its journals the mode of the file.
        OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        let mut writer = Connection::open(&path)?;
        schema::prepare(&mut writer)?;
        let reader = || -> Result<_> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&path, flags)?;
            schema::configure(&connection)?;
            connection.pragma_update(None, "query_only", true)?;
            Ok(Mutex::new(connection))
        };
        let inner = Inner {
            readers: [reader()?, reader()?],
            searcher: reader()?,
            writer: Mutex::new(writer),
            cache: Cache::default(),
            watcher: OnceLock::new(),
        };
        Ok(Self(Arc::new(inner), None))
    }

    /// Whether nothing was ever set up here.
    ///
    /// # Errors
    /// The database failed.
    pub fn is_empty(&self) -> Result<bool> {
        self.read(|db| Ok(!db.prepare_cached("SELECT 1 FROM organisations")?.exists([])?))
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let free = self.0.readers.iter().find_map(|reader| reader.try_lock().ok());
        let connection = free.unwrap_or_else(|| locked(&self.0.readers[0]));
        query(&connection)
    }

    /// Every change of access from now on, after it is stored: when it is heard, the store answers as it is after it.
    /// There is one such watcher: whoever asks later gets none.
    pub fn watch(&self) -> Option<mpsc::UnboundedReceiver<Change>> {
        let (sender, changes) = mpsc::unbounded_channel();
        self.0.watcher.set(sender).is_ok().then_some(changes)
    }

    /// Runs one write transaction that changes nobody's access.
    fn write<T>(&self, change: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut writer = locked(&self.0.writer);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = change(&transaction)?;
        self.1.iter().try_for_each(|waiting| waiting.record(&transaction))?;
        transaction.commit()?;
        Ok(result)
    }

    /// Runs one write transaction that may change someone's role or standing: what is remembered of those is
    /// forgotten, and the watcher is told. No change to be told of is for what nobody can have had access to yet.
    fn change_access<T, C: IntoIterator<Item = Change>>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<(T, C)>,
    ) -> Result<T> {
        let (result, changed) = self.write(change)?;
        self.0.cache.forget_all();
        self.tell(changed);
        Ok(result)
    }

    /// The same for writes that end grants, or add some under new ids, and change nothing else.
    fn change_grants<T>(&self, change: impl FnOnce(&Transaction<'_>) -> Result<(T, Option<Change>)>) -> Result<T> {
        let (result, changed) = self.write(change)?;
        self.0.cache.forget_grants();
        self.tell(changed);
        Ok(result)
    }

    fn tell(&self, changes: impl IntoIterator<Item = Change>) {
        let Some(watcher) = self.0.watcher.get() else { return };
        // Whoever watched has ended, and with it all that was live.
        changes.into_iter().for_each(|change| drop(watcher.send(change)));
    }
}

/// A panic while the lock was held left at most an open transaction, which its guard has rolled back.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SQLite's integers are signed; our times, offsets and counts stay far below the sign.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Turns a broken UNIQUE into [`StoreError::Exists`].
fn named_once(result: rusqlite::Result<usize>, what: impl FnOnce() -> String) -> Result<()> {
    match result {
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == rusqlite::ErrorCode::ConstraintViolation => {
            Err(StoreError::Exists(what()))
        }
        other => Ok(other.map(drop)?),
    }
}

/// Refuses names that could be confused with others or break HTTP Basic, logs and terminals.
fn checked_name(name: &str) -> Result<()> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-@".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(good) {
        return Ok(());
    }
    Err(StoreError::BadName(format!("\"{}\" cannot be a name: 1 to 64 of a-z, 0-9 and . _ - @", name.escape_debug())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_readable_by_their_owner_only() {
        book::claims!("data-owner-only", 1);
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let store = Store::open(&data).unwrap();
        store.add_organisation("acme").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700);
        for entry in std::fs::read_dir(&data).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
    }

    #[test]
    fn what_was_written_is_there_after_opening_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert!(store.is_empty().unwrap());
        store.add_organisation("acme").unwrap();
        drop(store);
        assert!(!Store::open(dir.path()).unwrap().is_empty().unwrap());
    }

    #[test]
    fn a_file_of_a_later_release_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(Store::open(dir.path()).unwrap());
        let db = Connection::open(dir.path().join(FILE)).unwrap();
        db.pragma_update(None, "user_version", 999).unwrap();
        assert!(matches!(Store::open(dir.path()), Err(StoreError::TooNew { found: 999, .. })));
    }

    #[test]
    fn names_that_could_confuse_are_refused() {
        for name in ["", "Ada", "a:b", "a b", "аda", "a\n", &"a".repeat(65)] {
            assert!(checked_name(name).is_err(), "{name}");
        }
        checked_name("ada.l@acme-1").unwrap();
    }
}
