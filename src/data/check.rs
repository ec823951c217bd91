//! Tells whether what is stored fits together: that nothing is missing from the log of any Thing, that every
//! snapshot is what its changes add up to, and that what `store.db` names is there.
//!
//! `store.db` is looked at as it was at one moment; each Thing of the log as it is when its turn comes, so that
//! nothing that a running server writes has to wait for the whole check. At most one Thing is in memory.

use std::path::Path;

use super::DataError;
use crate::{
    log::{
        self, Change, LogError,
        sqlite::{Entry, WholeLog},
    },
    protocol::ThingId,
    store::{self, StoreError, WholeStore},
    thing::Document,
    wfe::FIRST_PARTY_CLIENT,
};

/// Things that are asked for at once.
const THINGS_AT_ONCE: u32 = 1_000;

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is nothing to check.
    #[error(transparent)]
    Data(#[from] DataError),
    /// `store.db` is of another release.
    #[error("cannot check it: {0}")]
    Store(StoreError),
    /// `log.db` is of another release.
    #[error("cannot check {file}: {0}", file = log::sqlite::FILE)]
    Log(LogError),
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Things in the log.
    pub things: u64,
    /// Their changes.
    pub changes: u64,
    /// Their snapshots.
    pub snapshots: u64,
    /// Problems that were found.
    pub problems: u64,
}

/// Looks at everything, and tells each problem as soon as it is found, in one line.
///
/// # Errors
/// There is nothing to look at, or it is of another release.
pub fn check(data: &Path, tell: &mut dyn FnMut(&str)) -> Result<Checked, CheckError> {
    let [(_, store_path), (_, log_path)] = super::databases(data)?;
    let mut found = Found { tell, done: Checked::default() };
    // In this order: see the parent module.
    let store = match WholeStore::open(&store_path) {
        Err(error @ (StoreError::TooOld { .. } | StoreError::TooNew { .. })) => return Err(CheckError::Store(error)),
        store => found.known(store::FILE, store),
    };
    let log = match WholeLog::open(&log_path) {
        Err(error @ LogError::TooNew { .. }) => return Err(CheckError::Log(error)),
        log => found.known(log::sqlite::FILE, log),
    };
    if let Some(store) = store {
        found.in_store(&store, log.as_ref());
    }
    if let Some(log) = log {
        found.in_log(&log);
    }
    Ok(found.done)
}

struct Found<'a> {
    tell: &'a mut dyn FnMut(&str),
    done: Checked,
}

impl Found<'_> {
    fn problem(&mut self, file: &str, what: &str) {
        self.done.problems += 1;
        // What SQLite says may have several lines.
        (self.tell)(&format!("{file}: {}", what.replace('\n', " ")));
    }

    /// What was read; that it could not be read is a problem.
    fn known<T, E: std::fmt::Display>(&mut self, file: &str, read: Result<T, E>) -> Option<T> {
        read.map_err(|error| self.problem(file, &error.to_string())).ok()
    }

    fn in_store(&mut self, store: &WholeStore, log: Option<&WholeLog>) {
        for fault in self.known(store::FILE, store.faults(FIRST_PARTY_CLIENT)).unwrap_or_default() {
            self.problem(store::FILE, &fault);
        }
        let Some(log) = log else { return };
        let mut last = i64::MIN;
        loop {
            let things = self.known(store::FILE, store.things_after(last, THINGS_AT_ONCE)).unwrap_or_default();
            let Some((row, _)) = things.last() else { return };
            last = *row;
            for (_, thing) in things {
                match self.known(log::sqlite::FILE, log.has(thing)) {
                    Some(true) => {}
                    Some(false) => self.problem(store::FILE, &format!("Thing {thing} is not in {}", log::sqlite::FILE)),
                    None => return,
                }
            }
        }
    }

    fn in_log(&mut self, log: &WholeLog) {
        for fault in self.known(log::sqlite::FILE, log.faults()).unwrap_or_default() {
            self.problem(log::sqlite::FILE, &fault);
        }
        for stray in self.known(log::sqlite::FILE, log.strays()).unwrap_or_default() {
            self.problem(log::sqlite::FILE, &format!("Thing {stray} has changes and no beginning"));
        }
        let mut last = None;
        loop {
            let things = self.known(log::sqlite::FILE, log.things_after(last, THINGS_AT_ONCE)).unwrap_or_default();
            let Some(thing) = things.last() else { return };
            last = Some(*thing);
            things.into_iter().for_each(|thing| self.in_thing(log, thing));
        }
    }

    fn in_thing(&mut self, log: &WholeLog, thing: ThingId) {
        let mut history = History::default();
        let walked = log.walk(thing, |entry| {
            if let Some(problem) = history.next(entry) {
                self.problem(log::sqlite::FILE, &format!("Thing {thing}: {problem}"));
            }
        });
        if let Err(error) = walked {
            self.problem(log::sqlite::FILE, &format!("Thing {thing}: {error}"));
        } else if history.changes == 0 {
            self.problem(log::sqlite::FILE, &format!("Thing {thing}: it has no changes"));
        }
        self.done.things += 1;
        self.done.changes += history.changes;
        self.done.snapshots += history.snapshots;
    }
}

/// What one Thing has come to, as far as its log was read.
struct History {
    /// The last offset that was seen.
    last: u64,
    /// The content, until something is missing.
    document: Option<Document>,
    changes: u64,
    snapshots: u64,
}

impl Default for History {
    fn default() -> Self {
        // It only replays, so it needs no name of its own to write under.
        Self { last: 0, document: Some(Document::new(0)), changes: 0, snapshots: 0 }
    }
}

impl History {
    /// Takes what comes next; what is wrong with it.
    fn next(&mut self, entry: Entry) -> Option<String> {
        match entry {
            Entry::Change(offset, change) => {
                self.changes += 1;
                let missing = self.last + 1..offset;
                self.last = offset;
                if !missing.is_empty() {
                    self.document = None;
                    return Some(match missing.end - missing.start {
                        1 => format!("change {} is missing", missing.start),
                        _ => format!("changes {} to {} are missing", missing.start, missing.end - 1),
                    });
                }
                self.apply(change).err().map(|why| format!("change {offset} cannot be applied: {why}"))
            }
            Entry::Snapshot(snapshot) => {
                self.snapshots += 1;
                let offset = snapshot.offset;
                if offset != self.last {
                    return Some(format!("snapshot {offset} is of no change that is there"));
                }
                match Document::load(&snapshot.state, 0) {
                    Err(error) => Some(format!("snapshot {offset} cannot be read: {error}")),
                    Ok(kept) if self.document.as_ref().is_some_and(|replayed| !replayed.is_same_as(&kept)) => {
                        Some(format!("snapshot {offset} is not what its changes add up to"))
                    }
                    Ok(_) => None,
                }
            }
        }
    }

    fn apply(&mut self, change: Result<Change, LogError>) -> Result<(), String> {
        let applied = change.map_err(|error| error.to_string()).and_then(|change| match &mut self.document {
            Some(document) if change.has_update() => document.replay(&change.update).map_err(|error| error.to_string()),
            _ => Ok(()),
        });
        if applied.is_err() {
            self.document = None;
        }
        applied
    }
}
