//! Makes edits, and sends them with a bounded number unanswered.

use serde_json::Value;
use widgetapp::protocol::{
    action::{Action, Edit},
    codec::Blob,
};
use yrs::{Doc, Map, MapRef, Transact};

use super::{receiver, server::Client};

/// Edits of a document that stays small: each replaces one value by another, marked with its moment.
pub struct Edits {
    document: Doc,
    meta: MapRef,
    count: u64,
    author: u64,
}

impl Edits {
    /// Edits by this author; no two may be alike in one Thing.
    pub fn by(author: u64) -> Self {
        let document = Doc::with_client_id(author);
        let meta = document.get_or_insert_map("meta");
        Self { document, meta, count: 0, author }
    }

    /// The next edit, to be sent at `nanos`; its update has some `length` bytes.
    pub fn next(&mut self, nanos: u64, length: usize) -> Edit {
        let mut transaction = self.document.transact_mut();
        self.meta.insert(&mut transaction, "m", receiver::marked(nanos, length));
        let update = transaction.encode_update_v1();
        self.count += 1;
        Edit { key: format!("{}-{}", self.author, self.count), patch: None, update: Some(Blob(update.into())) }
    }
}

/// The frame of an edit.
pub fn frame(client: &mut Client, thing: &str, edit: &Edit) -> Vec<u8> {
    client.frame(Action::Edit, Some(thing), edit)
}

/// Whether a message is the answer to an edit, which must not be an error.
pub fn is_answer(message: &Value) -> bool {
    assert!(message["error"].is_null(), "{message}");
    message["id"].is_u64() && message["name"] == Action::Edit.name()
}
