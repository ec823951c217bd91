//! What an editor writes: one value of the Thing again and again, so that it stays as small as it is, or a recorded
//! session into a part of its own. Each edit carries its mark.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::json;
use widgetapp::{
    client::EditBody,
    protocol::{Codec, action::Form},
};
use yrs::{Doc, Map as _, MapPrelim, MapRef, OffsetKind, Options, TextPrelim, TextRef, Transact as _};

use super::{mark, trace::Trace};

/// How edits are made, of all editors.
#[derive(Clone, Debug)]
pub struct Style {
    /// As JSON Patch, or as Yjs updates in CBOR.
    pub form: Form,
    /// Bytes of the text that each edit sets.
    pub bytes: usize,
    /// What is typed beside it.
    pub trace: Option<Arc<Trace>>,
}

impl Style {
    /// The encoding that goes with it.
    pub fn codec(&self) -> Codec {
        match self.form {
            Form::Json => Codec::Json,
            Form::Yjs => Codec::Cbor,
        }
    }
}

/// Authors so far: no two documents on a Thing may be by the same, also not in a later step.
static AUTHORS: AtomicU64 = AtomicU64::new(1);

/// The pen of one editor.
pub struct Pen {
    style: Style,
    /// Of no other editor on the Thing.
    name: String,
    document: Option<Document>,
}

/// What an editor by Yjs holds: its own part of the Thing alone.
struct Document {
    document: Doc,
    meta: MapRef,
    typed: Option<Typed>,
}

struct Typed {
    text: TextRef,
    next: usize,
}

impl Pen {
    /// Of the editor with this number.
    pub fn new(style: &Style, number: usize) -> Self {
        let document = (style.form == Form::Yjs).then(|| Document::new(number, style.trace.is_some()));
        Self { style: style.clone(), name: format!("load{number}"), document }
    }

    /// The next edit, due at this moment.
    pub fn write(&mut self, due_nanos: u64) -> EditBody {
        let text = mark::text(due_nanos, self.style.bytes);
        match &mut self.document {
            // Adding a member that is there replaces its value: RFC 6902, section 4.1.
            None => EditBody::Patch(json!([{"op": "add", "path": format!("/meta/{}", self.name), "value": text}])),
            Some(document) => EditBody::Update(document.write(&self.name, &text, self.style.trace.as_deref()).into()),
        }
    }
}

impl Document {
    fn new(number: usize, types: bool) -> Self {
        let author = AUTHORS.fetch_add(1, Ordering::Relaxed);
        let mut options = Options::with_client_id(yrs::block::ClientID::new(author));
        options.offset_kind = OffsetKind::Utf16;
        let document = Doc::with_options(options);
        let (meta, parts) = (document.get_or_insert_map("meta"), document.get_or_insert_map("parts"));
        let typed = types.then(|| {
            let mut writing = document.transact_mut();
            let part = parts.insert(&mut writing, format!("load{number}"), MapPrelim::default());
            Typed { text: part.insert(&mut writing, "label", TextPrelim::new("")), next: 0 }
        });
        Self { document, meta, typed }
    }

    fn write(&mut self, name: &str, text: &str, trace: Option<&Trace>) -> Vec<u8> {
        let first = self.typed.as_ref().is_some_and(|typed| typed.next == 0);
        let mut writing = self.document.transact_mut();
        self.meta.insert(&mut writing, name, text);
        if let (Some(typed), Some(trace)) = (&mut self.typed, trace) {
            trace.type_next(&mut typed.next, &typed.text, &mut writing);
        }
        if first {
            // The part itself, which was made before, goes with the first edit.
            return yrs::ReadTxn::encode_state_as_update_v1(&writing, &yrs::StateVector::default());
        }
        writing.encode_update_v1()
    }
}
