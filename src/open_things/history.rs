//! A Thing's past, as people ask for it: its content at an earlier change, and who changed what, when. Reads the log
//! and takes as long as that does, so it is called from a thread that may block.

use serde_json::Value;

use super::{MissedChange, owner::unreadable, past};
use crate::{
    log::{Change, Log},
    protocol::{
        ErrorBody, ErrorCode, ThingId,
        action::{Action, Form, PastChange},
        limits::MAX_CHANGED_PLACES,
    },
    store::Texts,
};

/// The content as it was after the change at `offset`, as JSON.
///
/// # Errors
/// There is no such change, or the log cannot be read.
pub fn content_at(log: &dyn Log, thing: ThingId, offset: u64) -> Result<Value, ErrorBody> {
    let last = log.last(thing).map_err(|error| unreadable(thing, &error))?.unwrap_or(0);
    if offset == 0 || offset > last {
        let why = format!("the log of this Thing has the offsets 1 to {last}, and not {offset}");
        return Err(ErrorBody::new(ErrorCode::NoSuchChange, why));
    }
    let document = past::document_at(log, thing, offset).map_err(|error| unreadable(thing, &error))?;
    Ok(document.content())
}

/// What a search looks through in a Thing, as the log has it now; `None` if the log does not know the Thing.
///
/// # Errors
/// The log cannot be read.
pub fn texts_now(log: &dyn Log, thing: ThingId) -> Result<Option<Texts>, ErrorBody> {
    let Some(last) = log.last(thing).map_err(|error| unreadable(thing, &error))? else { return Ok(None) };
    let document = past::document_at(log, thing, last).map_err(|error| unreadable(thing, &error))?;
    Ok(Some(past::texts(&document, last)))
}

/// The `limit` last changes before an offset, or of all, the newest first.
///
/// # Errors
/// The log cannot be read.
pub fn changes_before(
    log: &dyn Log,
    thing: ThingId,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<PastChange>, ErrorBody> {
    let unreadable = |error: &dyn std::fmt::Display| unreadable(thing, error);
    let last = log.last(thing).map_err(|error| unreadable(&error))?.unwrap_or(0);
    let until = before.map_or(last, |before| last.min(before.saturating_sub(1)));
    let after = until.saturating_sub(limit as u64);
    let changes = past::read(log, thing, after, until).map_err(|error| unreadable(&error))?;
    let patches = past::in_form(log, thing, &changes, Form::Json).map_err(|error| unreadable(&error))?;
    let mut places = patches.into_iter().flatten().map(|missed| match missed.what {
        MissedChange::Patch(patch) => places(&patch),
        MissedChange::Update(_) | MissedChange::Deleted => Vec::new(),
    });
    let mut told: Vec<PastChange> = changes.iter().map(|change| told(change, places.next())).collect();
    told.reverse();
    Ok(told)
}

fn told(change: &Change, changed: Option<Vec<String>>) -> PastChange {
    let action = if change.offset == 1 { Action::Create } else { change.kind.action() };
    PastChange {
        offset: change.offset,
        user: change.user.clone(),
        at: change.at_millis,
        action: action.short_name().into(),
        changed,
    }
}

/// The first paths of a patch.
fn places(patch: &Value) -> Vec<String> {
    let operations = patch.as_array().map_or(&[][..], Vec::as_slice);
    let paths = operations.iter().filter_map(|operation| operation["path"].as_str());
    paths.take(MAX_CHANGED_PLACES).map(Into::into).collect()
}
