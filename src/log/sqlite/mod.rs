//! The log in one SQLite file: the engine for one machine.
//!
//! One thread writes (`writer`), with a transaction for all that has come meanwhile (group commit);
//! reads go through connections of their own and never wait for it (WAL). Knows SQL and files, and
//! nothing of what the bytes mean.

mod schema;
#[cfg(test)]
mod tests;
mod whole;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, SyncSender},
    },
    thread::JoinHandle,
};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tokio::sync::oneshot;

use super::{Change, ChangeKind, Log, LogError, NewChange, Receipt, Snapshot, Stored};
use crate::protocol::ThingId;
pub use whole::{Entry, WholeLog};
use writer::{Command, Job, Writer};

/// The file in the data directory.
pub const FILE: &str = "log.db";
/// Writes that may wait.
const QUEUE_JOBS: usize = 8_192;
/// Bytes that may wait to be written, in all.
const QUEUE_BYTES: usize = 128 * 1024 * 1024;
/// Connections kept for reading.
const IDLE_READERS: usize = 4;

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A power cut: every commit is fsynced.
    Fsync,
    /// A killed process; a power cut may lose the last seconds.
    Os,
}

/// The log in one SQLite file.
pub struct SqliteLog {
    path: PathBuf,
    /// `None` only while dropping.
    queue: Option<SyncSender<Job>>,
    queued_bytes: Arc<AtomicUsize>,
    readers: Mutex<Vec<Connection>>,
    writer: Option<JoinHandle<()>>,
}

/// Gives the Things of a copy another epoch: its next changes take offsets that other changes have had since it was
/// made, and whoever has seen those must not take them for the same.
///
/// # Errors
/// It cannot be written.
pub fn begin_anew(copy: &Connection, epoch: &str) -> rusqlite::Result<()> {
    copy.execute("UPDATE thing SET epoch = ?1", [epoch]).map(drop)
}

impl SqliteLog {
    /// Opens the file, or makes it; its folder has to exist.
    ///
    /// # Errors
    /// [`LogError::Engine`] if it cannot be opened, [`LogError::TooNew`] if it is from a later release.
    pub fn open(path: impl AsRef<Path>, durability: Durability) -> Result<Self, LogError> {
        let path = path.as_ref().to_owned();
        let writer = Writer::open(&path, durability)?;
        let (queue, jobs) = mpsc::sync_channel(QUEUE_JOBS);
        let queued_bytes = Arc::new(AtomicUsize::new(0));
        let thread = std::thread::Builder::new().name("log-writer".into()).spawn({
            let queued_bytes = Arc::clone(&queued_bytes);
            move || writer.run(&jobs, &queued_bytes)
        });
        Ok(Self {
            path,
            queue: Some(queue),
            queued_bytes,
            readers: Mutex::default(),
            writer: Some(thread.map_err(|error| LogError::Engine(error.to_string()))?),
        })
    }

    fn send(&self, command: Command) -> Receipt {
        let (reply, receipt) = oneshot::channel();
        let bytes = command.bytes();
        let job = Job { command, reply };
        if self.queued_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > QUEUE_BYTES {
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            job.answer(Err(LogError::Busy));
            return receipt;
        }
        let queue = self.queue.as_ref().expect("it is taken only when dropping");
        if let Err(refused) = queue.try_send(job) {
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            match refused {
                mpsc::TrySendError::Full(job) => job.answer(Err(LogError::Busy)),
                mpsc::TrySendError::Disconnected(job) => job.answer(Err(LogError::Closed)),
            }
        }
        receipt
    }

    /// Runs `query` on a connection of its own. One that failed is not used again.
    fn reading<T>(&self, query: impl FnOnce(&mut Connection) -> Result<T, LogError>) -> Result<T, LogError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => schema::open_reader(&self.path)?,
        };
        let answer = query(&mut connection)?;
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        Ok(answer)
    }

    /// Makes the disk look full at so many pages of the database; `None` makes it large again.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: Option<u32>) {
        let receipt = self.send(Command::LimitPages(pages));
        receipt.blocking_recv().unwrap().unwrap();
    }
}

impl Drop for SqliteLog {
    /// Writes what is queued, so that whoever opens the file next is alone with it.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // Its panic has been reported where it happened, and nothing can be done about it here.
            let _ = writer.join();
        }
    }
}

impl Log for SqliteLog {
    fn create(&self, thing: ThingId, epoch: String, first: NewChange) -> Receipt {
        self.send(Command::Create(thing, epoch, first))
    }

    fn append(&self, thing: ThingId, offset: u64, change: NewChange) -> Receipt {
        self.send(Command::Append(thing, offset, change))
    }

    fn put_snapshot(&self, thing: ThingId, offset: u64, state: Bytes) -> Receipt {
        self.send(Command::Snapshot(thing, offset, state))
    }

    fn load(&self, thing: ThingId) -> Result<Option<Stored>, LogError> {
        self.reading(|connection| {
            // One transaction, so that snapshot, changes and end fit together.
            let txn = connection.transaction()?;
            let epoch = txn
                .prepare_cached("SELECT epoch FROM thing WHERE thing = ?1")?
                .query_row([id(thing)], |row| row.get(0))
                .optional()?;
            let Some(epoch) = epoch else { return Ok(None) };
            let snapshot = snapshot(&txn, thing, u64::MAX)?;
            let after = snapshot.as_ref().map_or(0, |snapshot| snapshot.offset);
            let changes = changes(&txn, thing, after, usize::MAX, usize::MAX)?;
            let last = changes.last().map_or(after, |change| change.offset);
            if last != last_offset(&txn, thing)?.unwrap_or(0) || last - after != changes.len() as u64 {
                return Err(LogError::Damaged(format!("changes of {thing} are missing")));
            }
            Ok(Some(Stored { epoch, snapshot, changes, last }))
        })
    }

    fn read(&self, thing: ThingId, after: u64, max_changes: usize, max_bytes: usize) -> Result<Vec<Change>, LogError> {
        self.reading(|connection| changes(connection, thing, after, max_changes, max_bytes))
    }

    fn snapshot_at_or_before(&self, thing: ThingId, offset: u64) -> Result<Option<Snapshot>, LogError> {
        self.reading(|connection| snapshot(connection, thing, offset))
    }

    fn find_key(&self, thing: ThingId, principal: &str, key: &str) -> Result<Option<u64>, LogError> {
        self.reading(|connection| {
            let offset = connection
                .prepare_cached("SELECT \"offset\" FROM change WHERE thing = ?1 AND principal = ?2 AND key = ?3")?
                .query_row(params![id(thing), principal, key], |row| unsigned(row, 0))
                .optional()?;
            Ok(offset)
        })
    }

    fn last(&self, thing: ThingId) -> Result<Option<u64>, LogError> {
        self.reading(|connection| last_offset(connection, thing))
    }
}

fn id(thing: ThingId) -> [u8; 16] {
    *thing.0.as_bytes()
}

/// SQLite's integers are signed; no log is longer than they count.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|number| u64::try_from(number).unwrap_or(0))
}

fn last_offset(connection: &Connection, thing: ThingId) -> Result<Option<u64>, LogError> {
    let last = connection
        .prepare_cached("SELECT \"offset\" FROM change WHERE thing = ?1 ORDER BY \"offset\" DESC LIMIT 1")?
        .query_row([id(thing)], |row| unsigned(row, 0))
        .optional()?;
    Ok(last)
}

fn snapshot(connection: &Connection, thing: ThingId, at_most: u64) -> Result<Option<Snapshot>, LogError> {
    const SQL: &str = "SELECT \"offset\", state FROM snapshot WHERE thing = ?1 AND \"offset\" <= ?2 \
                       ORDER BY \"offset\" DESC LIMIT 1";
    let snapshot = connection
        .prepare_cached(SQL)?
        .query_row(params![id(thing), signed(at_most)], |row| {
            Ok(Snapshot { offset: unsigned(row, 0)?, state: row.get::<_, Vec<u8>>(1)?.into() })
        })
        .optional()?;
    Ok(snapshot)
}

fn changes(
    connection: &Connection,
    thing: ThingId,
    after: u64,
    max_changes: usize,
    max_bytes: usize,
) -> Result<Vec<Change>, LogError> {
    const SQL: &str = "SELECT \"offset\", user, principal, key, kind, update_v1, at_millis FROM change \
                       WHERE thing = ?1 AND \"offset\" > ?2 ORDER BY \"offset\"";
    let mut statement = connection.prepare_cached(SQL)?;
    let mut rows = statement.query(params![id(thing), signed(after)])?;
    let (mut changes, mut bytes) = (Vec::new(), 0);
    while changes.len() < max_changes
        && bytes <= max_bytes
        && let Some(row) = rows.next()?
    {
        let change = change_of(row)?;
        bytes += change.update.len();
        if bytes > max_bytes && !changes.is_empty() {
            break;
        }
        changes.push(change);
    }
    Ok(changes)
}

fn change_of(row: &Row<'_>) -> Result<Change, LogError> {
    let kind = row.get(4)?;
    Ok(Change {
        offset: unsigned(row, 0)?,
        user: row.get(1)?,
        principal: row.get(2)?,
        key: row.get(3)?,
        kind: ChangeKind::from_number(kind).ok_or_else(|| LogError::Damaged(format!("a change of kind {kind}")))?,
        update: row.get::<_, Vec<u8>>(5)?.into(),
        at_millis: unsigned(row, 6)?,
    })
}

impl From<rusqlite::Error> for LogError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error.to_string())
    }
}
