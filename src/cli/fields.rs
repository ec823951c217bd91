//! `key=value` on the command line, as the body of a request.

use serde_json::{Map, Value, json};

use crate::protocol::action::Action;

/// Members whose values the contract says are texts, also if they look like a number.
const TEXTS: &[&str] = &["title", "q", "key", "cursor"];

/// One `key=value`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    key: String,
    value: Value,
}

/// The fields do not make a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FieldError {
    #[error("write key=value")]
    NotAField,
    #[error(
        "\"patch\" is a list of changes, as in patch='[{{\"op\": \"add\", \"path\": \"/notes\", \"value\": \"Hello\"}}]'"
    )]
    PatchIsNoList,
    #[error("an edit needs a change, as in /notes=\"Hello\", patch='[...]' or update=BASE64")]
    NoChange,
    #[error("an edit has no such field; it has key, patch, update, and paths such as /notes")]
    NotOfAnEdit,
    #[error("a path such as /notes belongs to an edit")]
    PathOutsideEdit,
    #[error("an edit is either a patch or an update")]
    TwoChanges,
}

impl std::str::FromStr for Field {
    type Err = FieldError;

    /// The value is JSON if it can be read as JSON, else a text.
    fn from_str(text: &str) -> Result<Self, FieldError> {
        let (key, value) = text.split_once('=').ok_or(FieldError::NotAField)?;
        if key.is_empty() {
            return Err(FieldError::NotAField);
        }
        let value = match serde_json::from_str(value) {
            Ok(json @ Value::String(_)) => json,
            Ok(json) if !TEXTS.contains(&key) => json,
            _ => value.into(),
        };
        Ok(Self { key: key.into(), value })
    }
}

/// The body of a request. In an edit each path is a change of its own: `/notes=Hello` sets the member
/// at that path, whether it is there or not.
pub(super) fn body(action: Action, fields: Vec<Field>) -> Result<Map<String, Value>, FieldError> {
    let (paths, members): (Vec<Field>, Vec<Field>) = fields.into_iter().partition(|field| field.key.starts_with('/'));
    let mut body: Map<String, Value> = members.into_iter().map(|field| (field.key, field.value)).collect();
    if action != Action::Edit {
        return match paths.is_empty() {
            true => Ok(body),
            false => Err(FieldError::PathOutsideEdit),
        };
    }
    if body.keys().any(|key| !["key", "patch", "update"].contains(&key.as_str())) {
        return Err(FieldError::NotOfAnEdit);
    }
    if !paths.is_empty() {
        let patch = body.entry("patch").or_insert_with(|| json!([]));
        let changes = patch.as_array_mut().ok_or(FieldError::PatchIsNoList)?;
        // In JSON Patch "add" also replaces a member that is there.
        changes.extend(paths.into_iter().map(|Field { key, value }| json!({"op": "add", "path": key, "value": value})));
    }
    match (body.get("patch"), body.get("update")) {
        (None, None) => Err(FieldError::NoChange),
        (Some(_), Some(_)) => Err(FieldError::TwoChanges),
        (Some(patch), None) if !patch.is_array() => Err(FieldError::PatchIsNoList),
        _ => Ok(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(action: Action, fields: &[&str]) -> Result<Value, FieldError> {
        let fields = fields.iter().map(|field| field.parse()).collect::<Result<_, _>>()?;
        body(action, fields).map(Value::Object)
    }

    #[test]
    fn values_are_json_if_they_can_be_and_texts_otherwise() {
        assert_eq!(
            parsed(Action::Scroll, &["limit=3", "view={\"x\": 1}", "a=b=c", "empty=", "text=\"3\""]).unwrap(),
            json!({"limit": 3, "view": {"x": 1}, "a": "b=c", "empty": "", "text": "3"})
        );
    }

    #[test]
    fn what_the_contract_says_is_a_text_stays_one() {
        assert_eq!(parsed(Action::Search, &["q=2024", "cursor=null"]).unwrap(), json!({"q": "2024", "cursor": "null"}));
        assert_eq!(parsed(Action::Create, &["title=\"7\""]).unwrap(), json!({"title": "7"}));
    }

    #[test]
    fn paths_are_changes_of_an_edit() {
        assert_eq!(
            parsed(Action::Edit, &["/notes=Hello", "key=k", "/parts/a/x=5", "patch=[{\"op\":\"test\"}]"]).unwrap(),
            json!({"key": "k", "patch": [
                {"op": "test"},
                {"op": "add", "path": "/notes", "value": "Hello"},
                {"op": "add", "path": "/parts/a/x", "value": 5},
            ]})
        );
        assert_eq!(parsed(Action::Edit, &["update=AAA="]).unwrap(), json!({"update": "AAA="}));
    }

    #[test]
    fn what_makes_no_body_is_told_apart() {
        for (action, fields, error) in [
            (Action::Edit, &["key=k"][..], FieldError::NoChange),
            (Action::Edit, &["title=x"], FieldError::NotOfAnEdit),
            (Action::Edit, &["patch=x"], FieldError::PatchIsNoList),
            (Action::Edit, &["patch=x", "/notes=y"], FieldError::PatchIsNoList),
            (Action::Edit, &["/notes=y", "update=x"], FieldError::TwoChanges),
            (Action::Search, &["/notes=y"], FieldError::PathOutsideEdit),
            (Action::Search, &["q"], FieldError::NotAField),
            (Action::Search, &["=q"], FieldError::NotAField),
        ] {
            assert_eq!(parsed(action, fields), Err(error), "{fields:?}");
        }
    }
}
