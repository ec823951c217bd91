use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};
use yrs::{
    ClientID, Doc, GetString as _, Map as _, OffsetKind, Options, ReadTxn as _, StateVector, Transact as _,
    TransactionMut, Update,
    updates::{decoder::Decode as _, encoder::Encode as _},
};

use super::{
    ThingError,
    inspect::{Trust, inspect},
    json,
    known::Known,
    order::in_order,
    patching::{Outcome, Scope, Wanted, shaped},
    state_vector,
    touched::{self, Roots, Touched},
    undoing, writing,
};
use crate::protocol::limits::{MAX_EDIT_BYTES, MAX_NESTING, MAX_THING_BYTES};

/// Most writer ids that a document reuses for patches on an older state.
const MAX_WRITERS: usize = 16;

/// The content of one Thing, in memory.
///
/// Everything it writes carries its `writer`: an id drawn at random for each `Document`, of which 32
/// bits are used, because Yjs must never see two different changes under one id and clock.
///
/// After an error that [`poisons`](ThingError::poisons) it is empty and refuses everything.
pub struct Document {
    doc: Doc,
    roots: Roots,
    touched: Touched,
    known: Known,
    /// No less than the size of the encoded state, in bytes.
    bytes: usize,
    /// The ids under which this document has written or may write; the first is its own.
    writers: Vec<u64>,
    broken: bool,
}

/// A change that has been made.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// For Yjs clients and the log: a Yjs update, version 1. It holds only what is new, as this
    /// document encodes it, whatever the sender's encoding was.
    pub update: Vec<u8>,
    /// For JSON clients, if it was wanted: an RFC 6902 array that leads from the content before to
    /// the content after. A changed text or list is replaced as a whole.
    pub patch: Option<Value>,
}

impl Change {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.update == Update::EMPTY_V1
    }
}

/// What somebody had before them who made a change: an earlier state of a Thing, as the log has it, and what they have
/// added to it themselves.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// An encoded state, as [`Document::state`] gives it; `None` before the first snapshot.
    pub state: Option<&'a [u8]>,
    /// The updates after that state, in their order.
    pub updates: &'a [&'a [u8]],
    /// Their own updates since, in their order. What stands on others' changes that are not in `updates` is left out.
    pub own: &'a [&'a [u8]],
}

impl Document {
    /// An empty document that writes as `writer`.
    pub fn new(writer: u64) -> Self {
        let writer = writer & 0xffff_ffff;
        let doc = Doc::with_options(Options {
            offset_kind: OffsetKind::Utf16,
            // The server adds nothing of its own to what clients send.
            cleanup_formatting: false,
            ..Options::with_client_id(ClientID::new(writer))
        });
        let roots = Roots {
            meta: doc.get_or_insert_map("meta"),
            parts: doc.get_or_insert_map("parts"),
            notes: doc.get_or_insert_text("notes"),
        };
        Self {
            touched: Touched::new(&roots),
            doc,
            roots,
            known: Known::default(),
            bytes: 0,
            writers: vec![writer],
            broken: false,
        }
    }

    /// A new Thing: `content` if given, and `title` as its `meta.title`. The change is its first.
    ///
    /// # Errors
    /// As for [`Document::replace_content`].
    pub fn initial(title: &str, content: Option<Value>, writer: u64) -> Result<(Self, Change), ThingError> {
        let mut content = content.unwrap_or_else(|| json!({}));
        let root = content.as_object_mut().ok_or(ThingError::InvalidContent("it is not an object"))?;
        let meta = root.entry("meta").or_insert_with(|| json!({}));
        meta.as_object_mut()
            .ok_or(ThingError::InvalidContent("meta and parts have to be objects"))?
            .insert("title".into(), title.into());
        let mut document = Self::new(writer);
        let change = document.replace_content(content, false)?;
        Ok((document, change))
    }

    /// The document with the encoded `state`, as [`Document::state`] gives it. It writes as `writer`.
    ///
    /// # Errors
    /// `BadState` if the bytes are no complete state.
    pub fn load(state: &[u8], writer: u64) -> Result<Self, ThingError> {
        let mut document = Self::new(writer);
        document.replay(state)?;
        document.bytes = state.len();
        Ok(document)
    }

    /// Applies an update of the log: one that has been judged before, so no limit holds.
    ///
    /// # Errors
    /// `BadState` if it cannot be applied; the document is lost then.
    pub fn replay(&mut self, update: &[u8]) -> Result<(), ThingError> {
        self.usable()?;
        inspect(update, &self.known, Trust::Own).map_err(|_| ThingError::BadState)?;
        let decoded = decode(update).map_err(|_| ThingError::BadState)?;
        self.write(false, |_, txn| txn.apply_update(decoded).is_ok()).map_err(|_| ThingError::BadState)?;
        Ok(())
    }

    /// The content as `{"meta": {...}, "parts": {...}, "notes": "..."}`. Costs a walk of the document.
    pub fn content(&self) -> Value {
        touched::content(&self.doc.transact(), &self.roots)
    }

    /// `meta.title`, if it is a text.
    pub fn title(&self) -> Option<String> {
        let txn = self.doc.transact();
        match json::read(&txn, &self.roots.meta.get(&txn, "title")?) {
            Value::String(title) => Some(title),
            _ => None,
        }
    }

    /// What the labels of the parts say, and before them the description, one per line.
    pub fn labels(&self) -> String {
        let txn = self.doc.transact();
        let description = self.roots.meta.get(&txn, "description");
        let labels = self.roots.parts.keys(&txn).map(|id| match self.roots.parts.get(&txn, id) {
            Some(yrs::Out::YMap(part)) => part.get(&txn, "label"),
            _ => None,
        });
        let texts = std::iter::once(description).chain(labels).flatten();
        let texts = texts.filter_map(|out| match json::read(&txn, &out) {
            Value::String(text) => Some(text),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    /// The notes.
    pub fn notes(&self) -> String {
        self.roots.notes.get_string(&self.doc.transact())
    }

    /// The whole state, as a Yjs update (version 1). Costs a walk of the document.
    pub fn state(&self) -> Vec<u8> {
        self.doc.transact().encode_state_as_update_v1(&StateVector::default())
    }

    /// Whether both hold the same: the content that shows, and all that was ever inserted and deleted.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let seen = |document: &Self| document.doc.transact().snapshot();
        seen(self) == seen(other) && self.content() == other.content()
    }

    /// What this document has, as a Yjs state vector (version 1).
    pub fn state_vector(&self) -> Vec<u8> {
        self.doc.transact().state_vector().encode_v1()
    }

    /// What somebody with `state_vector` lacks, as a Yjs update (version 1).
    ///
    /// # Errors
    /// `InvalidUpdate` if the bytes are no state vector.
    pub fn missing(&self, state_vector: &[u8]) -> Result<Vec<u8>, ThingError> {
        self.usable()?;
        if state_vector.len() > MAX_EDIT_BYTES {
            return Err(ThingError::EditTooLarge(state_vector.len()));
        }
        let state_vector = state_vector::read(state_vector)?;
        catch_unwind(AssertUnwindSafe(|| self.doc.transact().encode_state_as_update_v1(&state_vector)))
            .map_err(|_| ThingError::InvalidUpdate("not a state vector"))
    }

    /// Whether somebody with `state_vector` has changes that are not here.
    ///
    /// # Errors
    /// As for [`Document::missing`].
    pub fn lacks(&self, state_vector: &[u8]) -> Result<bool, ThingError> {
        let theirs = state_vector::read(state_vector)?;
        let ours = self.doc.transact().state_vector();
        Ok(theirs.iter().any(|(client, clock)| *clock > ours.get(client)))
    }

    /// Applies a stranger's Yjs update (version 1).
    ///
    /// # Errors
    /// The document is unchanged, unless the error [`poisons`](ThingError::poisons).
    pub fn apply_update(&mut self, update: &[u8], want_patch: bool) -> Result<Change, ThingError> {
        self.usable()?;
        if update.len() > MAX_EDIT_BYTES {
            return Err(ThingError::EditTooLarge(update.len()));
        }
        let found = inspect(update, &self.known, Trust::None)?;
        let forged = |(client, end): &(u64, u32)| self.writers.contains(client) && *end > self.known.end(*client);
        if found.ends.iter().any(forged) {
            return Err(ThingError::InvalidUpdate("a change in the name of the server"));
        }
        self.make_room(update.len())?;
        let decoded = decode(update)?;
        // Before it is applied as far as possible, so that the document is not lost.
        let (known, new): (Vec<_>, Vec<_>) =
            (found.between.iter()).partition(|(left, right)| self.known.has(*left) && self.known.has(*right));
        if !catch_unwind(AssertUnwindSafe(|| in_order(&self.doc.transact(), known))).unwrap_or(false) {
            return Err(ThingError::InvalidUpdate("an insertion between changes that are not in this order"));
        }
        self.write(want_patch, |_, txn| txn.apply_update(decoded).is_ok() && in_order(txn, new))
    }

    /// Applies a JSON Patch (RFC 6902) that was made on the content as it is now. Either all of it
    /// is applied or nothing.
    ///
    /// # Errors
    /// The document is unchanged, unless the error [`poisons`](ThingError::poisons).
    pub fn apply_patch(&mut self, patch: &Value, want_patch: bool) -> Result<Change, ThingError> {
        self.usable()?;
        let wanted = Wanted::parse(patch)?;
        let outcome = wanted.run(&self.doc.transact(), &self.roots)?;
        self.make_room(json::weight(patch))?;
        self.write_outcome(&outcome, want_patch)
    }

    /// Whether a patch that was made on an older content has to be applied with
    /// [`apply_patch_on`](Self::apply_patch_on), because it could mean something else on the content
    /// of now. `false` for the frequent case, plain values set in maps that are there.
    pub fn needs_base(&self, patch: &Value) -> bool {
        match Wanted::parse(patch) {
            Ok(wanted) => !wanted.is_timeless(&self.doc.transact(), &self.roots),
            Err(_) => false,
        }
    }

    /// Applies a JSON Patch that was made on the content at `base`, merged with what came since: who
    /// replaced a text had not seen the others' words, so these stay; of other values the new one stays. `fresh_writer` is a new random
    /// id, used only if all earlier ones have written since `base`.
    ///
    /// # Errors
    /// As [`apply_patch`](Self::apply_patch); `BadState` if `base` cannot be read.
    pub fn apply_patch_on(
        &mut self,
        base: Base<'_>,
        patch: &Value,
        fresh_writer: u64,
        want_patch: bool,
    ) -> Result<Change, ThingError> {
        self.usable()?;
        let mut known = Known::default();
        for update in base.state.iter().chain(base.updates) {
            known.learn(inspect(update, &known, Trust::Own).map_err(|_| ThingError::BadState)?);
        }
        let mut own = Vec::new();
        for update in base.own {
            if let Ok(found) = inspect(update, &known, Trust::None) {
                known.learn(found);
                own.push(*update);
            }
        }
        // Two changes must not share an id and clock: only one that wrote nothing since may write.
        let idle = |writer: &&u64| known.end(**writer) == self.known.end(**writer);
        let writer = match self.writers.iter().find(idle) {
            Some(writer) => *writer,
            None => fresh_writer & 0xffff_ffff,
        };
        let mut past = Self::new(writer);
        for update in base.state.iter().chain(base.updates).chain(&own) {
            past.replay(update)?;
        }
        let outcome = Wanted::parse(patch)?.run(&past.doc.transact(), &past.roots)?;
        let update = past.write_outcome(&outcome, false)?.update;
        self.make_room(update.len())?;
        if !self.writers.contains(&writer) && self.writers.len() < MAX_WRITERS {
            self.writers.push(writer);
        }
        let decoded = decode(&update)?;
        self.write(want_patch, |roots, txn| {
            let is_applied = txn.apply_update(decoded).is_ok();
            if is_applied {
                writing::values_once_more(txn, roots, &outcome);
            }
            is_applied
        })
    }

    /// Takes back the change that led from the content `before` to the content `after`. What others did since stays, and
    /// so does a plain value that they have set since. The change may turn out to be empty.
    ///
    /// # Errors
    /// As for [`Document::replace_content`].
    pub fn take_back(&mut self, before: &Value, after: &Value, want_patch: bool) -> Result<Change, ThingError> {
        self.usable()?;
        self.replace_content(undoing::without(before, after, &self.content()), want_patch)
    }

    /// Makes `content` the whole content; what is equal stays untouched and texts are merged finely.
    /// A root that it leaves out becomes empty.
    ///
    /// # Errors
    /// The document is unchanged, unless the error [`poisons`](ThingError::poisons).
    pub fn replace_content(&mut self, mut content: Value, want_patch: bool) -> Result<Change, ThingError> {
        self.usable()?;
        if json::depth(&content) > MAX_NESTING {
            return Err(ThingError::InvalidContent("it nests too deep"));
        }
        json::normalise(&mut content);
        if let Some(root) = content.as_object_mut() {
            for (name, empty) in [("meta", json!({})), ("parts", json!({})), ("notes", json!(""))] {
                root.entry(name).or_insert(empty);
            }
        }
        let weight = json::weight(&content);
        let before = Scope::everything().read(&self.doc.transact(), &self.roots);
        let after = shaped(content, &before)?;
        if weight > MAX_THING_BYTES {
            return Err(ThingError::ThingTooLarge);
        }
        self.make_room(weight.saturating_sub(self.bytes))?;
        self.write_outcome(&Outcome { before, after }, want_patch)
    }

    fn write_outcome(&mut self, outcome: &Outcome, want_patch: bool) -> Result<Change, ThingError> {
        if !writing::is_possible(&self.doc.transact(), &self.roots, outcome) {
            return Err(ThingError::InvalidContent("the notes hold more than text; only a Yjs client can change them"));
        }
        self.write(want_patch, |roots, txn| {
            writing::difference(txn, roots, outcome);
            true
        })
    }

    fn usable(&self) -> Result<(), ThingError> {
        if self.broken { Err(ThingError::Broken) } else { Ok(()) }
    }

    /// Refuses what would make the state larger than allowed. The sum of all updates is an upper
    /// bound of it, so the state itself is measured only when that sum is too large.
    fn make_room(&mut self, more: usize) -> Result<(), ThingError> {
        if self.bytes + more > MAX_THING_BYTES {
            self.bytes = self.state().len();
        }
        if self.bytes + more > MAX_THING_BYTES {
            return Err(ThingError::ThingTooLarge);
        }
        Ok(())
    }

    /// Runs `change` in a transaction of its own, under a guard: it returns whether it went well.
    /// If not, or if it panics or leaves something pending, the document is lost.
    fn write(
        &mut self,
        want_patch: bool,
        change: impl FnOnce(&Roots, &mut TransactionMut<'_>) -> bool,
    ) -> Result<Change, ThingError> {
        self.touched.collect(want_patch);
        let mut txn = self.doc.transact_mut();
        let made = catch_unwind(AssertUnwindSafe(|| {
            if !change(&self.roots, &mut txn) || txn.has_missing_updates() {
                return None;
            }
            txn.commit();
            let update = if txn.has_changes() { txn.encode_update_v1() } else { Update::EMPTY_V1.to_vec() };
            Some((update, self.touched.patch(&txn, &self.roots)))
        }));
        // Dropping the transaction commits it, which can panic again on what is half changed.
        let dropped = catch_unwind(AssertUnwindSafe(move || drop(txn)));
        let learnt = match (made, dropped) {
            (Ok(Some((update, patch))), Ok(())) => {
                inspect(&update, &self.known, Trust::Own).ok().map(|found| (found, Change { update, patch }))
            }
            _ => None,
        };
        let Some((found, change)) = learnt else {
            *self = Self { broken: true, ..Self::new(self.writers[0]) };
            return Err(ThingError::Broke);
        };
        self.known.learn(found);
        self.bytes += change.update.len();
        Ok(change)
    }
}

fn decode(update: &[u8]) -> Result<Update, ThingError> {
    match catch_unwind(|| Update::decode_v1(update)) {
        Ok(Ok(update)) => Ok(update),
        Ok(Err(_)) | Err(_) => Err(ThingError::InvalidUpdate("the library does not read it")),
    }
}
