//! Writes a difference between two JSON contents into a document, as the smallest Yjs changes: maps
//! key by key, texts by their splices, lists by their differing middle.
//!
//! Knows which strings of a Thing are shared texts. Checks nothing: the contents have been judged.

use serde_json::{Map as Object, Value};
use yrs::{
    Any, Array as _, ArrayRef, In, Map as _, MapPrelim, MapRef, Out, ReadTxn, Text as _, TextPrelim, TextRef,
    TransactionMut, types::text::YChange,
};

use super::{
    json,
    patching::Outcome,
    text::{self, Splice},
    touched::Roots,
};

/// The key of a part whose string is a shared text, so that two people typing both keep theirs.
pub(super) const LABEL: &str = "label";

/// What a map is in a Thing: decides how new values in it are stored.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    Parts,
    Part,
    Elsewhere,
}

impl Place {
    /// What a map is that stands in this one.
    fn inside(self) -> Self {
        if self == Self::Parts { Self::Part } else { Self::Elsewhere }
    }
}

/// Turns what is `before` in the document into what is to be `after`.
pub(super) fn difference(txn: &mut TransactionMut<'_>, roots: &Roots, outcome: &Outcome) {
    let (before, after) = (&outcome.before, &outcome.after);
    for (map, name, place) in [(&roots.meta, "meta", Place::Elsewhere), (&roots.parts, "parts", Place::Parts)] {
        if let (Some(Value::Object(before)), Some(Value::Object(after))) = (before.get(name), after.get(name)) {
            change_map(txn, map, before, after, place);
        }
    }
    if let (Some(Value::String(before)), Some(Value::String(after))) = (before.get("notes"), after.get("notes"))
        && before != after
    {
        change_text(txn, &roots.notes, before, after);
    }
}

/// After a difference was written on an older state and merged: Yjs keeps of two values for one place the one of the
/// higher client, whichever came later. So those of the difference that have not stayed are written once more.
pub(super) fn values_once_more(txn: &mut TransactionMut<'_>, roots: &Roots, outcome: &Outcome) {
    for (map, name, place) in [(&roots.meta, "meta", Place::Elsewhere), (&roots.parts, "parts", Place::Parts)] {
        if let (Some(Value::Object(before)), Some(Value::Object(after))) =
            (outcome.before.get(name), outcome.after.get(name))
        {
            write_again(txn, map, before, after, place);
        }
    }
}

fn write_again(
    txn: &mut TransactionMut<'_>,
    map: &MapRef,
    before: &Object<String, Value>,
    after: &Object<String, Value>,
    place: Place,
) {
    for (key, value) in after {
        let old = before.get(key);
        // What is gone was deleted meanwhile, with all that is in it.
        let Some(now) = map.get(txn, key).filter(|_| old != Some(value)) else { continue };
        match (&now, old, value) {
            // Merged.
            (Out::YText(_), Some(Value::String(_)), Value::String(_))
            | (Out::YArray(_), Some(Value::Array(_)), Value::Array(_)) => {}
            (Out::YMap(inner), Some(Value::Object(old)), Value::Object(new)) => {
                write_again(txn, inner, old, new, place.inside());
            }
            _ if json::read(txn, &now) == *value => {}
            _ => drop(map.insert(txn, key.as_str(), stored(key, value, place))),
        }
    }
}

fn change_map(
    txn: &mut TransactionMut<'_>,
    map: &MapRef,
    before: &Object<String, Value>,
    after: &Object<String, Value>,
    place: Place,
) {
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        map.remove(txn, key);
    }
    for (key, value) in after {
        let old = before.get(key);
        if old != Some(value) {
            change_value(txn, map, key, (old, value), place);
        }
    }
}

fn change_value(
    txn: &mut TransactionMut<'_>,
    map: &MapRef,
    key: &str,
    (old, value): (Option<&Value>, &Value),
    place: Place,
) {
    let changed_inside = match (map.get(txn, key), old, value) {
        (Some(Out::YText(text)), Some(Value::String(old)), Value::String(new)) => change_text(txn, &text, old, new),
        (Some(Out::YMap(inner)), Some(Value::Object(old)), Value::Object(new)) => {
            change_map(txn, &inner, old, new, place.inside());
            true
        }
        (Some(Out::YArray(list)), Some(Value::Array(old)), Value::Array(new)) => change_list(txn, &list, old, new),
        _ => false,
    };
    if !changed_inside {
        map.insert(txn, key, stored(key, value, place));
    }
}

/// How a new value is stored.
fn stored(key: &str, value: &Value, place: Place) -> In {
    match value {
        Value::Object(part) if place == Place::Parts => {
            let entries = part.iter().map(|(key, value)| (key.as_str(), stored(key, value, Place::Part)));
            In::Map(entries.collect::<MapPrelim>())
        }
        Value::String(text) if place == Place::Part && key == LABEL => TextPrelim::new(text.as_str()).into(),
        _ => In::Any(json::to_any(value)),
    }
}

/// Whether every difference between the two can be written.
pub(super) fn is_possible<T: ReadTxn>(txn: &T, roots: &Roots, outcome: &Outcome) -> bool {
    match (outcome.before.get("notes"), outcome.after.get("notes")) {
        (Some(Value::String(before)), Some(after)) => before == after || embeds(txn, &roots.notes, before).is_some(),
        _ => true,
    }
}

/// Changes a list; `false`, and nothing changed, if it holds what is no item of a list.
fn change_list(txn: &mut TransactionMut<'_>, list: &ArrayRef, old: &[Value], new: &[Value]) -> bool {
    if usize::try_from(list.len(txn)) != Ok(old.len()) {
        return false;
    }
    let prefix = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let suffix = old[prefix..].iter().rev().zip(new[prefix..].iter().rev()).take_while(|(a, b)| a == b).count();
    let removed = old.len() - suffix - prefix;
    let at = u32::try_from(prefix).unwrap_or(u32::MAX);
    if removed > 0 {
        list.remove_range(txn, at, u32::try_from(removed).unwrap_or(u32::MAX));
    }
    let added: Vec<Any> = new[prefix..new.len() - suffix].iter().map(json::to_any).collect();
    if !added.is_empty() {
        list.insert_range(txn, at, added);
    }
    true
}

/// Changes a text; `false`, and nothing changed, if it holds what is no text.
fn change_text(txn: &mut TransactionMut<'_>, text: &TextRef, old: &str, new: &str) -> bool {
    let Some(embeds) = embeds(txn, text, old) else {
        return false;
    };
    let past = |at: u32, skipped: usize| at + u32::try_from(skipped).unwrap_or(u32::MAX);
    // From the end, so that the places of what is still to do stay as they are.
    for Splice { at, delete, insert } in text::splices(old, new).into_iter().rev() {
        let inside = embeds.iter().filter(|&&embed| embed > at && embed < at + delete);
        let mut end = at + delete;
        for start in inside.rev().copied().chain([at]) {
            if end > start {
                let skipped = embeds.partition_point(|&embed| embed <= start);
                text.remove_range(txn, past(start, skipped), end - start);
            }
            end = start;
        }
        if !insert.is_empty() {
            let skipped = embeds.partition_point(|&embed| embed < at);
            text.insert(txn, past(at, skipped), &insert);
        }
    }
    true
}

/// Where in its plain string a text has things embedded that rich-text editors count as one unit and the
/// plain string leaves out; ascending. `None` if the text holds what the library counts and cannot
/// remove, or embedded strings, which cannot be told from text.
fn embeds<T: ReadTxn>(txn: &T, text: &TextRef, plain: &str) -> Option<Vec<u32>> {
    let plain = text::units(plain);
    let len = text.len(txn);
    if len == plain {
        return Some(Vec::new());
    }
    let mut at = 0;
    let mut found = Vec::new();
    for chunk in text.diff(txn, YChange::identity) {
        match chunk.insert {
            Out::Any(Any::String(run)) => at += text::units(&run),
            _ => found.push(at),
        }
    }
    let counted = usize::try_from(at).ok()? + found.len();
    (at == plain && usize::try_from(len) == Ok(counted)).then_some(found)
}
