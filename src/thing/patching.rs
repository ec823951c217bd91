//! Carries out a JSON Patch (RFC 6902) on JSON, within bounds, and checks that a Thing comes out.
//!
//! Only the parts that the patch names are read from the document, so that moving one part costs
//! nothing for the others. Writes nothing.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use json_patch::{Patch, PatchOperation, jsonptr::Pointer};
use serde_json::{Map as Object, Value, json};
use yrs::{GetString as _, Map as _, Out, ReadTxn};

use super::{ThingError, json, touched::Roots};
use crate::protocol::limits::{MAX_EDIT_BYTES, MAX_NESTING};

/// How much copying one patch may cause, in bytes and in list items moved: `copy` can double the
/// content with every operation, and each insertion into a list moves what follows.
const BUDGET: usize = 8 * 1024 * 1024;

/// A patch that may be carried out: well formed, and of a bounded size.
pub(super) struct Wanted(Vec<PatchOperation>);

/// The content before and after, as far as a patch touches it: what is not touched is missing (a
/// part) or empty (a root) in both.
pub(super) struct Outcome {
    pub(super) before: Object<String, Value>,
    pub(super) after: Object<String, Value>,
}

impl Wanted {
    /// Reads a patch.
    pub(super) fn parse(patch: &Value) -> Result<Self, ThingError> {
        let bytes = json::weight(patch);
        if bytes > MAX_EDIT_BYTES {
            return Err(ThingError::EditTooLarge(bytes));
        }
        let invalid = |error: serde_json::Error| ThingError::InvalidPatch(error.to_string());
        let Patch(mut operations) = <Patch as serde::Deserialize>::deserialize(patch).map_err(invalid)?;
        for operation in &mut operations {
            match operation {
                PatchOperation::Add(add) => json::normalise(&mut add.value),
                PatchOperation::Replace(replace) => json::normalise(&mut replace.value),
                PatchOperation::Test(test) => json::normalise(&mut test.value),
                PatchOperation::Remove(_) | PatchOperation::Move(_) | PatchOperation::Copy(_) => {}
            }
        }
        Ok(Self(operations))
    }

    /// Whether the patch means the same on the document of now as on one of some changes ago: it
    /// only sets plain values in maps that are there.
    pub(super) fn is_timeless<T: ReadTxn>(&self, txn: &T, roots: &Roots) -> bool {
        self.0.iter().all(|operation| {
            let path = match operation {
                PatchOperation::Add(add) => &add.path,
                PatchOperation::Replace(replace) => &replace.path,
                _ => return false,
            };
            let keys: Vec<String> = path.tokens().map(|token| token.decoded().into_owned()).collect();
            let old = match keys.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["meta", key] => roots.meta.get(txn, key),
                ["parts", part, key] => match roots.parts.get(txn, part) {
                    Some(Out::YMap(part)) => part.get(txn, key),
                    _ => return false,
                },
                _ => return false,
            };
            match old {
                Some(Out::Any(_)) => true,
                Some(_) => false,
                None => matches!(operation, PatchOperation::Add(_)),
            }
        })
    }

    /// Carries it out on the content as it is.
    pub(super) fn run<T: ReadTxn>(&self, txn: &T, roots: &Roots) -> Result<Outcome, ThingError> {
        let before = self.scope().read(txn, roots);
        let mut after = Value::Object(before.clone());
        // A panic on JSON of our own harms nothing but this patch.
        catch_unwind(AssertUnwindSafe(|| self.carry_out(&mut after)))
            .map_err(|_| ThingError::InvalidPatch("it cannot be carried out".into()))??;
        Ok(Outcome { after: shaped(after, &before)?, before })
    }

    fn carry_out(&self, content: &mut Value) -> Result<(), ThingError> {
        let mut budget = BUDGET;
        for (index, operation) in self.0.iter().enumerate() {
            let source = match operation {
                PatchOperation::Add(add) => Some(&add.value),
                PatchOperation::Replace(replace) => Some(&replace.value),
                PatchOperation::Move(from) => from.from.resolve(content).ok(),
                PatchOperation::Copy(from) => from.from.resolve(content).ok(),
                PatchOperation::Remove(_) | PatchOperation::Test(_) => None,
            };
            let deep = source.map_or(0, json::depth) + operation.path().count();
            if deep > MAX_NESTING {
                return Err(ThingError::InvalidPatch(format!(
                    "operation {index} nests deeper than {MAX_NESTING} levels"
                )));
            }
            let copied = match operation {
                PatchOperation::Copy(_) => source.map_or(0, json::weight),
                _ => 0,
            };
            let work = [Some(operation.path()), from(operation)]
                .into_iter()
                .flatten()
                .map(|path| list_len(content, path))
                .sum::<usize>();
            budget = budget
                .checked_sub(copied + work)
                .ok_or_else(|| ThingError::InvalidPatch(format!("operation {index} copies too much")))?;
            // Without rolling back: what fails is thrown away as a whole.
            json_patch::patch_unsafe(content, std::slice::from_ref(operation))
                .map_err(|error| ThingError::InvalidPatch(format!("operation {index}: {}", error.kind)))?;
        }
        Ok(())
    }

    fn scope(&self) -> Scope {
        let mut scope = Scope::default();
        for operation in &self.0 {
            scope.include(operation.path());
            if let Some(from) = from(operation) {
                scope.include(from);
            }
        }
        scope
    }
}

fn from(operation: &PatchOperation) -> Option<&Pointer> {
    match operation {
        PatchOperation::Move(operation) => Some(&operation.from),
        PatchOperation::Copy(operation) => Some(&operation.from),
        _ => None,
    }
}

/// The items in the list that holds what `path` names; 0 if it is no list.
fn list_len(content: &Value, path: &Pointer) -> usize {
    let parent = path.split_back().and_then(|(parent, _)| parent.resolve(content).ok());
    parent.and_then(Value::as_array).map_or(0, Vec::len)
}

/// What of the content a patch can see.
#[derive(Default)]
pub(super) struct Scope {
    meta: bool,
    notes: bool,
    all_parts: bool,
    parts: BTreeSet<String>,
}

impl Scope {
    pub(super) fn everything() -> Self {
        Self { meta: true, notes: true, all_parts: true, parts: BTreeSet::new() }
    }

    fn include(&mut self, path: &Pointer) {
        let mut tokens = path.tokens().map(|token| token.decoded().into_owned());
        match (tokens.next().as_deref(), tokens.next()) {
            (None, _) => *self = Self::everything(),
            (Some("meta"), _) => self.meta = true,
            (Some("notes"), _) => self.notes = true,
            (Some("parts"), None) => self.all_parts = true,
            (Some("parts"), Some(part)) => {
                self.parts.insert(part);
            }
            _ => {}
        }
    }

    pub(super) fn read<T: ReadTxn>(&self, txn: &T, roots: &Roots) -> Object<String, Value> {
        let parts = if self.all_parts {
            json::read_map(txn, &roots.parts)
        } else {
            let part = |id: &String| Some((id.clone(), json::read(txn, &roots.parts.get(txn, id)?)));
            self.parts.iter().filter_map(part).collect()
        };
        let meta = if self.meta { json::read_map(txn, &roots.meta) } else { Object::new() };
        let notes = if self.notes { roots.notes.get_string(txn) } else { String::new() };
        [("meta", Value::Object(meta)), ("parts", Value::Object(parts)), ("notes", json!(notes))]
            .map(|(root, value)| (root.to_owned(), value))
            .into_iter()
            .collect()
    }
}

/// Checks that what a patch made of `before` is still the content of a Thing. A part that is not
/// changed may be anything: Yjs clients are free in what they put there.
pub(super) fn shaped(after: Value, before: &Object<String, Value>) -> Result<Object<String, Value>, ThingError> {
    let Value::Object(after) = after else {
        return Err(ThingError::InvalidContent("it is not an object"));
    };
    let before_parts = before.get("parts");
    match (after.get("meta"), after.get("parts"), after.get("notes")) {
        (Some(Value::Object(_)), Some(Value::Object(parts)), Some(Value::String(_))) => {
            let fits = |(id, part): (&String, &Value)| {
                part.is_object() || before_parts.and_then(|parts| parts.get(id)) == Some(part)
            };
            if !parts.iter().all(fits) {
                return Err(ThingError::InvalidContent("a part is not an object"));
            }
        }
        (Some(Value::Object(_)), Some(Value::Object(_)), _) => {
            return Err(ThingError::InvalidContent("notes is not a string"));
        }
        _ => return Err(ThingError::InvalidContent("meta and parts have to be objects")),
    }
    if after.len() != 3 {
        return Err(ThingError::InvalidContent("it has more than meta, parts and notes"));
    }
    Ok(after)
}
