//! What the log tells of a Thing's past: the document as it was, and what somebody has missed.

use bytes::Bytes;
use serde_json::Value;

use super::{Missed, MissedChange, emission::Unstored};
use crate::{
    clock,
    log::{Change, ChangeKind, Log, LogError, Snapshot},
    protocol::{ThingId, action::Form, limits},
    store::Texts,
    thing::{self, Document, ThingError},
};

/// A document writes under a name of its own each time that it is loaded: under one name two documents would
/// write different things at the same place.
pub(super) fn writer() -> u64 {
    u64::from_le_bytes(clock::random_bytes())
}

/// Why the past cannot be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum PastError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A stored change cannot be applied any more.
    #[error("a stored change cannot be applied: {0}")]
    Thing(#[from] ThingError),
}

/// What a Thing was at `offset`, as the log has it: a snapshot and the changes after it.
pub(super) struct Base {
    snapshot: Option<Snapshot>,
    changes: Vec<Change>,
}

impl Base {
    /// Gives it to something that applies it, with what the author has added since.
    pub fn with<T>(&self, own: &[&[u8]], apply: impl FnOnce(thing::Base<'_>) -> T) -> T {
        let updates: Vec<&[u8]> =
            self.changes.iter().filter(|change| change.has_update()).map(|change| &change.update[..]).collect();
        let state = self.snapshot.as_ref().map(|snapshot| &snapshot.state[..]);
        apply(thing::Base { state, updates: &updates, own })
    }
}

/// Changes that are replayed at most to tell what a Thing was: beyond that others would wait too long.
const MAX_REPLAYED_CHANGES: u64 = 2_000;

/// What a Thing was at `offset`; `None` if that is too long ago to be told quickly.
pub(super) fn recent_base(log: &dyn Log, thing: ThingId, offset: u64) -> Result<Option<Base>, LogError> {
    let snapshot = log.snapshot_at_or_before(thing, offset)?;
    let at = snapshot.as_ref().map_or(0, |snapshot| snapshot.offset);
    if offset - at > MAX_REPLAYED_CHANGES {
        return Ok(None);
    }
    let changes = read(log, thing, at, offset)?;
    Ok(Some(Base { snapshot, changes }))
}

/// What a Thing was at `offset`, however long it takes.
fn base(log: &dyn Log, thing: ThingId, offset: u64) -> Result<Base, LogError> {
    let snapshot = log.snapshot_at_or_before(thing, offset)?;
    let at = snapshot.as_ref().map_or(0, |snapshot| snapshot.offset);
    let changes = read(log, thing, at, offset)?;
    Ok(Base { snapshot, changes })
}

/// The document as it was at `offset`, however long it takes. It may be written to.
pub(super) fn document_at(log: &dyn Log, thing: ThingId, offset: u64) -> Result<Document, PastError> {
    document_of(base(log, thing, offset)?)
}

fn document_of(Base { snapshot, changes }: Base) -> Result<Document, PastError> {
    let mut document = match snapshot {
        Some(snapshot) => Document::load(&snapshot.state, writer())?,
        None => Document::new(writer()),
    };
    changes.iter().try_for_each(|change| replay(&mut document, change))?;
    Ok(document)
}

/// What a search looks through in a document, which is as it is at `offset`.
pub(super) fn texts(document: &Document, offset: u64) -> Texts {
    let cut = |mut text: String| {
        text.truncate(text.floor_char_boundary(limits::MAX_SEARCHED_BYTES));
        text
    };
    let title = document.title().unwrap_or_default();
    Texts { offset, title: cut(title), labels: cut(document.labels()), notes: cut(document.notes()) }
}

/// Applies a stored change.
pub(super) fn replay(document: &mut Document, change: &Change) -> Result<(), ThingError> {
    if change.has_update() { document.replay(&change.update) } else { Ok(()) }
}

/// A change as undo sees it, stored or on its way there.
pub(super) struct Own {
    pub offset: u64,
    pub principal: String,
    /// When, milliseconds since 1970; one that is on its way is from now.
    pub at_millis: u64,
    pub kind: ChangeKind,
    /// A Yjs update; one without changes for a deletion.
    pub update: Bytes,
}

impl Own {
    pub fn of_unstored(change: &Unstored) -> Self {
        let update = change.update().cloned().unwrap_or_else(nothing_new);
        let principal = change.principal.clone();
        Self { offset: change.offset, principal, at_millis: u64::MAX, kind: change.kind, update }
    }

    fn of(change: Change) -> Self {
        let update = if change.has_update() { change.update.clone() } else { nothing_new() };
        let Change { offset, principal, at_millis, kind, .. } = change;
        Self { offset, principal, at_millis, kind, update }
    }
}

/// A Yjs update without changes.
fn nothing_new() -> Bytes {
    Bytes::from_static(&[0, 0])
}

/// How many of the last changes are looked at first: mostly, what somebody undoes they have just done.
const LOOKED_AT_FIRST: u64 = 64;

/// The contents before and after the change that `sought` finds among the last ones: those in the log up to `stored`,
/// and behind them those that are `coming` there. `None` if it finds none, or only too long ago.
pub(super) fn around(
    log: &dyn Log,
    thing: ThingId,
    stored: u64,
    coming: Vec<Own>,
    sought: impl Fn(&[Own]) -> Option<u64>,
) -> Result<Option<(Value, Value)>, PastError> {
    let (mut changes, mut count) = (coming, LOOKED_AT_FIRST);
    loop {
        let first = changes.first().map_or(stored + 1, |change| change.offset).min(stored + 1);
        let after = stored.saturating_sub(count);
        let earlier = read(log, thing, after, first - 1)?.into_iter().map(Own::of);
        drop(changes.splice(0..0, earlier));
        if let Some(offset) = sought(&changes) {
            let Some(base) = recent_base(log, thing, stored.min(offset - 1))? else { return Ok(None) };
            let mut document = document_of(base)?;
            let mut since = changes.iter().filter(|change| change.offset > stored && change.offset < offset);
            since.try_for_each(|change| document.replay(&change.update))?;
            let before = document.content();
            let change = changes.iter().find(|change| change.offset == offset);
            change.map_or(Ok(()), |change| document.replay(&change.update))?;
            return Ok(Some((before, document.content())));
        }
        if after == 0 || count >= MAX_REPLAYED_CHANGES {
            return Ok(None);
        }
        count = MAX_REPLAYED_CHANGES;
    }
}

/// All changes after `after` up to `until`, in as many reads as it takes.
pub(super) fn read(log: &dyn Log, thing: ThingId, after: u64, until: u64) -> Result<Vec<Change>, LogError> {
    let mut changes: Vec<Change> = Vec::new();
    loop {
        let at = changes.last().map_or(after, |change| change.offset);
        let left = usize::try_from(until.saturating_sub(at)).unwrap_or(usize::MAX);
        let more = log.read(thing, at, left, usize::MAX)?;
        if left == 0 || more.is_empty() {
            return Ok(changes);
        }
        changes.extend(more);
    }
}

/// The changes after `after` up to `until`, as they stand in the log; `None` if there are too many to
/// send one by one.
pub(super) fn changes(log: &dyn Log, thing: ThingId, after: u64, until: u64) -> Result<Option<Vec<Change>>, LogError> {
    let count = until.saturating_sub(after);
    if count > limits::MAX_MISSED_CHANGES {
        return Ok(None);
    }
    let changes = log.read(thing, after, usize::try_from(count).unwrap_or(0), limits::MAX_MISSED_BYTES)?;
    Ok((changes.len() as u64 == count).then_some(changes))
}

/// The same changes as somebody with this form open would have heard of them; `None` if that is too
/// long ago to be told quickly.
pub(super) fn in_form(
    log: &dyn Log,
    thing: ThingId,
    changes: &[Change],
    form: Form,
) -> Result<Option<Vec<Missed>>, PastError> {
    let mut document = match (form, changes.first()) {
        (Form::Json, Some(first)) => match recent_base(log, thing, first.offset - 1)? {
            Some(base) => Some(document_of(base)?),
            None => return Ok(None),
        },
        _ => None,
    };
    let mut missed = Vec::with_capacity(changes.len());
    for change in changes {
        let patch = match &mut document {
            Some(document) if change.has_update() => document.apply_update(&change.update, true)?.patch,
            _ => None,
        };
        let what = match form {
            _ if !change.has_update() => MissedChange::Deleted,
            Form::Yjs => MissedChange::Update(Bytes::clone(&change.update)),
            Form::Json => MissedChange::Patch(patch.unwrap_or_else(|| serde_json::json!([]))),
        };
        missed.push(Missed { offset: change.offset, user: change.user.clone(), kind: change.kind, what });
    }
    Ok(Some(missed))
}
