//! The durable log of each Thing: every change with its offset, for ever, and now and then a
//! snapshot so that opening an old Thing does not replay its life.
//!
//! A log stores bytes under offsets. It knows nothing of documents, of who may write, or of who
//! hears of a change. The engines are one file each; [`Log`] is what they promise, and one test
//! suite (`suite`) holds them to it.

pub mod sqlite;
#[cfg(test)]
mod suite;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::protocol::{ErrorCode, ThingId, action::Action};

pub use sqlite::{Durability, SqliteLog};

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// The content was edited; `update` is a Yjs update.
    Edit,
    /// The Thing was deleted; `update` is empty.
    Delete,
    /// The Thing got another title; `update` is a Yjs update.
    Rename,
    /// The content went back to an earlier offset; `update` is a Yjs update.
    Restore,
    /// Somebody took back a change of their own; `update` is a Yjs update.
    Undo,
    /// Somebody made a change again that they had taken back; `update` is a Yjs update.
    Redo,
}

impl ChangeKind {
    /// The user action that makes such a change, and under whose name it is told.
    pub fn action(self) -> Action {
        match self {
            Self::Edit => Action::Edit,
            Self::Delete => Action::Delete,
            Self::Rename => Action::Rename,
            Self::Restore => Action::Restore,
            Self::Undo => Action::Undo,
            Self::Redo => Action::Redo,
        }
    }

    const ALL: [Self; 6] = [Self::Edit, Self::Delete, Self::Rename, Self::Restore, Self::Undo, Self::Redo];

    /// The number that it is stored as. Numbers are never used again for something else.
    fn number(self) -> i64 {
        match self {
            Self::Edit => 1,
            Self::Delete => 2,
            Self::Rename => 3,
            Self::Restore => 4,
            Self::Undo => 5,
            Self::Redo => 6,
        }
    }

    fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// A change that is to be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChange {
    /// Who made it, for people to read: the principal's display name.
    pub user: String,
    /// Whose keys `key` is one of.
    pub principal: String,
    /// The client's name for this change, once per Thing and principal.
    pub key: Option<String>,
    /// What it did.
    pub kind: ChangeKind,
    /// A Yjs update, version 1.
    pub update: Bytes,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at_millis: u64,
}

/// A change in the log; see [`NewChange`] for the fields that they share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place: 1, 2, 3, ... for each Thing.
    pub offset: u64,
    /// Who made it, for people to read.
    pub user: String,
    /// Whose keys `key` is one of.
    pub principal: String,
    /// The client's name for this change.
    pub key: Option<String>,
    /// What it did.
    pub kind: ChangeKind,
    /// A Yjs update, version 1.
    pub update: Bytes,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at_millis: u64,
}

impl Change {
    /// Whether there is something to apply: a deletion changes no content.
    pub fn has_update(&self) -> bool {
        self.kind != ChangeKind::Delete
    }
}

/// The whole state of a Thing at an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last change in it.
    pub offset: u64,
    /// The encoded document.
    pub state: Bytes,
}

/// All that is needed to open a Thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Changes if the log ever had to start anew.
    pub epoch: String,
    /// The newest snapshot, if one was taken.
    pub snapshot: Option<Snapshot>,
    /// Every change after the snapshot, in order.
    pub changes: Vec<Change>,
    /// The offset of the last change.
    pub last: u64,
}

/// Why the log did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// More waits to be written than the engine keeps; nothing was queued.
    #[error("too much waits to be written")]
    Busy,
    /// The Thing's next offset is another one: an append before this one failed, or somebody else
    /// writes this Thing.
    #[error("the next offset of this Thing is {expected}")]
    WrongOffset {
        /// The offset that the log would take.
        expected: u64,
    },
    /// This principal has used the key for this Thing.
    #[error("the key has been used")]
    KeyUsed,
    /// The log has this Thing already.
    #[error("the Thing exists")]
    Exists,
    /// The engine failed: disk full, IO error. If a write failed like this, whether it is in the log
    /// is only known after asking; the next one may work.
    #[error("the log failed: {0}")]
    Engine(String),
    /// What is stored cannot be what was written.
    #[error("the log is damaged: {0}")]
    Damaged(String),
    /// It was written by a later release.
    #[error("it has version {found}, and this release knows versions up to {known}; install the release that wrote it")]
    TooNew {
        /// Its version.
        found: i64,
        /// The last version that this release knows.
        known: i64,
    },
    /// The engine has stopped.
    #[error("the log is closed")]
    Closed,
}

impl LogError {
    /// What the sender of a change is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Busy | Self::WrongOffset { .. } | Self::KeyUsed | Self::Engine(_) | Self::Closed => {
                ErrorCode::NotDurable
            }
            Self::Exists | Self::Damaged(_) | Self::TooNew { .. } => ErrorCode::Internal,
        }
    }
}

/// Resolves when a write is durable, or has failed. If the engine dies, receiving fails: treat that
/// as [`LogError::Closed`].
pub type Receipt = oneshot::Receiver<Result<(), LogError>>;

/// Where the changes of all Things are kept.
///
/// What every engine promises:
///
/// 1. A write whose receipt says `Ok` survives a killed process, and a power cut unless the engine
///    was told otherwise.
/// 2. The offsets of a Thing are 1, 2, 3, ... without a hole: an append at any but the next offset
///    is refused. So when one append fails, those queued behind it fail too.
/// 3. Writes are carried out in the order in which they were queued; receipts may be dropped.
/// 4. A key is stored once for each Thing and principal.
/// 5. A read sees every write whose receipt has said `Ok`.
///
/// Writes return at once. Reads block for microseconds, for a few milliseconds when the disk has to
/// move; [`Log::load`] of a large Thing takes as long as its bytes do, so call that from a thread
/// that may block.
pub trait Log: Send + Sync + 'static {
    /// Starts the log of a Thing with its `first` change, at offset 1.
    ///
    /// The receipt fails with [`LogError::Exists`] if there is one.
    fn create(&self, thing: ThingId, epoch: String, first: NewChange) -> Receipt;

    /// Adds a change at `offset`. Many may be in flight for one Thing.
    ///
    /// The receipt fails with [`LogError::WrongOffset`] or [`LogError::KeyUsed`], then nothing was
    /// added, or with [`LogError::Engine`], then the Thing has to be loaded again to know. A Thing
    /// that was never created takes no offset.
    fn append(&self, thing: ThingId, offset: u64, change: NewChange) -> Receipt;

    /// Keeps the state at `offset`, which must be in the log, and forgets all snapshots but the two
    /// newest. If it is lost, opening takes longer and nothing else.
    fn put_snapshot(&self, thing: ThingId, offset: u64, state: Bytes) -> Receipt;

    /// All that is needed to open a Thing; `None` if it was never created.
    ///
    /// # Errors
    /// [`LogError::Engine`] or [`LogError::Damaged`].
    fn load(&self, thing: ThingId) -> Result<Option<Stored>, LogError>;

    /// The changes after `after`, oldest first: at most `max_changes`, and no more once their updates
    /// exceed `max_bytes` (but always one, if there is one).
    ///
    /// # Errors
    /// [`LogError::Engine`] or [`LogError::Damaged`].
    fn read(&self, thing: ThingId, after: u64, max_changes: usize, max_bytes: usize) -> Result<Vec<Change>, LogError>;

    /// The newest snapshot at or before `offset`.
    ///
    /// # Errors
    /// [`LogError::Engine`].
    fn snapshot_at_or_before(&self, thing: ThingId, offset: u64) -> Result<Option<Snapshot>, LogError>;

    /// The offset at which `principal` used `key`.
    ///
    /// # Errors
    /// [`LogError::Engine`].
    fn find_key(&self, thing: ThingId, principal: &str, key: &str) -> Result<Option<u64>, LogError>;

    /// The offset of the last change; `None` if the Thing was never created.
    ///
    /// # Errors
    /// [`LogError::Engine`].
    fn last(&self, thing: ThingId) -> Result<Option<u64>, LogError>;
}
