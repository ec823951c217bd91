//! What a client has of a Thing, in the form in which it opened it, and what it writes.

use std::hash::{DefaultHasher, Hash, Hasher};

use rand::{Rng, rngs::StdRng};
use serde_json::{Value, json};
use widgetapp::client::EditBody;
use yrs::{
    Any, ClientID, Doc, GetString as _, Map as _, OffsetKind, Options, ReadTxn as _, Text as _, Transact as _, Update,
    types::ToJson as _, updates::decoder::Decode as _,
};

use crate::reliability::checker::Mark;

/// Where a text is cut, so that no Thing grows with the length of the test.
const MOST_LETTERS: usize = 200;

/// Fields of each client: more than there are edits under way.
const OWN_FIELDS: usize = 32;

/// The content of a Thing at a client.
pub enum Replica {
    Json(Value),
    Yjs(Doc),
}

impl Replica {
    /// Content that is JSON.
    pub fn json() -> Self {
        Self::Json(Value::Null)
    }

    /// A Yjs document whose author has this number.
    pub fn yjs(author: u64) -> Self {
        Self::Yjs(document(author))
    }

    /// Takes a change in that came as JSON Patch.
    pub fn patch(&mut self, patch: &Value) {
        let Self::Json(content) = self else { panic!("a patch for a Yjs document") };
        let patch: json_patch::Patch = serde_json::from_value(patch.clone()).expect("JSON Patch");
        json_patch::patch(content, &patch).expect("a patch that fits");
    }

    /// Takes a Yjs update in.
    pub fn update(&mut self, update: &[u8]) {
        let Self::Yjs(document) = self else { panic!("an update for JSON") };
        apply(document, update);
    }

    /// The content as JSON.
    pub fn content(&self) -> Value {
        match self {
            Self::Json(content) => content.clone(),
            Self::Yjs(document) => content(document),
        }
    }

    /// The edit number `index` of the client `name`: it writes its key into a field of the client's own, and now
    /// and then something that others write too. A document takes it in at once, JSON only at its place in the order.
    pub fn edit(&mut self, name: &str, index: usize, key: &str, random: &mut StdRng) -> EditBody {
        let shared = random.random_range(0..16);
        // Edits that are under way together are as if made by several people: no two of them write one field.
        let field = format!("{name}-{}", index % OWN_FIELDS);
        match self {
            Self::Json(content) => {
                let mut patch = vec![json!({"op": "add", "path": format!("/meta/{field}"), "value": key})];
                match shared {
                    0 | 1 => {
                        let mut notes: Vec<char> = content["notes"].as_str().unwrap_or_default().chars().collect();
                        notes.drain(..notes.len().saturating_sub(MOST_LETTERS));
                        notes.insert(random.random_range(0..=notes.len()), letter(random));
                        patch.push(json!({"op": "replace", "path": "/notes", "value": String::from_iter(notes)}));
                    }
                    2 => {
                        patch.push(json!({"op": "add", "path": "/parts/lamp", "value": {"kind": "lamp", "label": key}}))
                    }
                    _ => {}
                }
                EditBody::Patch(patch.into())
            }
            Self::Yjs(document) => {
                let (meta, notes) = (document.get_or_insert_map("meta"), document.get_or_insert_text("notes"));
                let mut transaction = document.transact_mut();
                meta.insert(&mut transaction, field, key);
                if shared < 2 {
                    let length = notes.len(&transaction);
                    let at = random.random_range(0..=length);
                    notes.insert(&mut transaction, at, &letter(random).to_string());
                    let most = MOST_LETTERS as u32;
                    if length > most {
                        notes.remove_range(&mut transaction, 0, length - most);
                    }
                }
                EditBody::Update(transaction.encode_update_v1().into())
            }
        }
    }
}

fn letter(random: &mut StdRng) -> char {
    char::from(random.random_range(b'a'..=b'z'))
}

/// By what a change is known again that came as JSON Patch: the key that its author has written into it.
pub fn mark_of_patch(patch: &Value) -> Mark {
    let operations = patch.as_array().into_iter().flatten();
    let mut keys =
        operations.filter(|operation| operation["path"].as_str().is_some_and(|path| path.starts_with("/meta/")));
    let key = keys.next().and_then(|operation| operation["value"].as_str());
    Mark::Key(key.map_or_else(|| format!("no key in {patch}"), str::to_owned))
}

/// The same for a Yjs update.
pub fn hash_of_update(update: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    update.hash(&mut hasher);
    hasher.finish()
}

/// An empty document.
pub fn document(author: u64) -> Doc {
    Doc::with_options(Options { offset_kind: OffsetKind::Utf16, ..Options::with_client_id(ClientID::new(author)) })
}

/// Takes an update into a document.
pub fn apply(document: &Doc, update: &[u8]) {
    let update = Update::decode_v1(update).expect("an update");
    document.transact_mut().apply_update(update).expect("an update that fits");
}

/// What is in a document, as JSON.
pub fn content(document: &Doc) -> Value {
    let (meta, parts) = (document.get_or_insert_map("meta"), document.get_or_insert_map("parts"));
    let notes = document.get_or_insert_text("notes");
    let transaction = document.transact();
    assert!(transaction.store().pending_update().is_none(), "a document that lacks something");
    let json = |any: Any| serde_json::to_value(any).expect("plain values");
    json!({
        "meta": json(meta.to_json(&transaction)),
        "parts": json(parts.to_json(&transaction)),
        "notes": notes.get_string(&transaction),
    })
}
