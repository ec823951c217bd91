//! One author's document: it takes in what the other has typed only when it is told to.

use std::collections::VecDeque;

use bytes::Bytes;
use yrs::{
    ClientID, Doc, GetString as _, OffsetKind, Options, Text as _, TextRef, Transact as _, Update,
    updates::decoder::Decode as _,
};

use super::session::Patch;

pub struct Author {
    doc: Doc,
    notes: TextRef,
    waiting: VecDeque<Bytes>,
    merged: usize,
}

impl Author {
    /// An empty document. Text that both insert at one place stands in the order of their numbers.
    pub fn new(number: u64) -> Self {
        let options = Options { offset_kind: OffsetKind::Utf16, ..Options::with_client_id(ClientID::new(number + 1)) };
        let doc = Doc::with_options(options);
        let notes = doc.get_or_insert_text("notes");
        Self { doc, notes, waiting: VecDeque::new(), merged: 0 }
    }

    /// Takes an update in.
    pub fn apply(&self, update: &[u8]) {
        let update = Update::decode_v1(update).expect("an update");
        self.doc.transact_mut().apply_update(update).expect("an update that fits");
    }

    /// Keeps an update of the other author for later.
    pub fn hear(&mut self, update: Bytes) {
        self.waiting.push_back(update);
    }

    /// Takes in what the other has typed, so that there are so many of their steps; tells whether there are.
    pub fn merge(&mut self, steps: usize) -> bool {
        while self.merged < steps {
            let Some(update) = self.waiting.pop_front() else { return false };
            self.apply(&update);
            self.merged += 1;
        }
        true
    }

    /// Steps of the other author that are in the document.
    pub fn merged(&self) -> usize {
        self.merged
    }

    /// Types, as one transaction.
    pub fn type_in(&self, patches: &[Patch]) -> Bytes {
        let mut transaction = self.doc.transact_mut();
        for Patch(at, deleted, inserted) in patches {
            if *deleted > 0 {
                self.notes.remove_range(&mut transaction, *at, *deleted);
            }
            if !inserted.is_empty() {
                self.notes.insert(&mut transaction, *at, inserted);
            }
        }
        transaction.encode_update_v1().into()
    }

    /// Length of the text.
    pub fn length(&self) -> u32 {
        self.notes.len(&self.doc.transact())
    }

    /// The text.
    pub fn text(&self) -> String {
        self.notes.get_string(&self.doc.transact())
    }
}
