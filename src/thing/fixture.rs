//! What the tests of Things share: a Yjs client, edits of many kinds, and arbitrary contents.

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use yrs::{
    Any, Array as _, ArrayPrelim, Doc, GetString as _, Map as _, MapPrelim, MapRef, OffsetKind, Options, Out,
    ReadTxn as _, StateVector, Text as _, TextPrelim, TextRef, Transact as _, TransactionMut, Update, XmlFragment as _,
    XmlTextPrelim, updates::decoder::Decode as _,
};

use super::{Change, Document};

/// Chooses one edit: who, what, and two numbers for where.
pub(super) type Step = (u8, u8, u16, u16);

/// Somebody's Yjs document, as a browser has it.
pub(super) struct Client {
    pub(super) doc: Doc,
    meta: MapRef,
    parts: MapRef,
    pub(super) notes: TextRef,
}

impl Client {
    pub(super) fn new(id: u64) -> Self {
        let doc = Doc::with_options(Options {
            offset_kind: OffsetKind::Utf16,
            ..Options::with_client_id(yrs::ClientID::new(id))
        });
        Self {
            meta: doc.get_or_insert_map("meta"),
            parts: doc.get_or_insert_map("parts"),
            notes: doc.get_or_insert_text("notes"),
            doc,
        }
    }

    /// Makes one edit and returns its update.
    pub(super) fn edit(&self, edit: impl FnOnce(&Self, &mut TransactionMut<'_>)) -> Vec<u8> {
        let mut txn = self.doc.transact_mut();
        edit(self, &mut txn);
        txn.encode_update_v1()
    }

    pub(super) fn take(&self, update: &[u8]) {
        let update = Update::decode_v1(update).unwrap();
        self.doc.transact_mut().apply_update(update).unwrap();
        assert!(!self.doc.transact().has_missing_updates());
    }

    pub(super) fn insert_part(&self, txn: &mut TransactionMut<'_>, id: &str) -> MapRef {
        self.parts.insert(txn, id, MapPrelim::default())
    }

    pub(super) fn part<T: yrs::ReadTxn>(&self, txn: &T, id: &str) -> Option<Out> {
        self.parts.get(txn, id)
    }

    pub(super) fn state(&self) -> Vec<u8> {
        self.doc.transact().encode_state_as_update_v1(&StateVector::default())
    }

    /// One of many kinds of edit, chosen by numbers.
    pub(super) fn any_edit(&self, kind: u8, a: u16, b: u16) -> Vec<u8> {
        let keys = ["label", "x", "a/b", "m~n", ""];
        let key = keys[usize::from(a) % keys.len()];
        let part_id = format!("p{}", b % 3);
        self.edit(|client, txn| {
            let part = client.parts.get(txn, &part_id);
            match (kind % 16, part) {
                (0..=2, _) => type_into(&client.notes, txn, a, b),
                (3, _) => {
                    client.meta.insert(txn, key, i64::from(b));
                }
                (4, _) => {
                    client.meta.remove(txn, key);
                }
                (5, _) => {
                    let list = ArrayPrelim::from([1, 2]);
                    client.meta.insert(txn, "list", list);
                }
                (6, _) => {
                    if let Some(Out::YArray(list)) = client.meta.get(txn, "list") {
                        list.insert(txn, u32::from(a) % (list.len(txn) + 1), MapPrelim::from([("n", i64::from(b))]));
                    }
                }
                (7, _) => {
                    if let Some(Out::YArray(list)) = client.meta.get(txn, "list") {
                        match list.get(txn, u32::from(a) % list.len(txn).max(1)) {
                            Some(Out::YMap(map)) => {
                                map.insert(txn, "n", "changed");
                            }
                            Some(_) => list.remove(txn, u32::from(a) % list.len(txn).max(1)),
                            None => {}
                        }
                    }
                }
                (8 | 9, None) | (10, _) => {
                    let part = MapPrelim::from([("kind", "box")]);
                    let part = client.parts.insert(txn, part_id.as_str(), part);
                    part.insert(txn, "label", TextPrelim::new("new"));
                }
                (8, Some(Out::YMap(part))) => {
                    part.insert(txn, key, i64::from(b));
                }
                (9, Some(Out::YMap(part))) => match part.get(txn, "label") {
                    Some(Out::YText(label)) => type_into(&label, txn, a, b),
                    _ => {
                        part.insert(txn, "label", "plain");
                    }
                },
                (11, _) => {
                    client.parts.remove(txn, &part_id);
                }
                (12, Some(Out::YMap(part))) => {
                    let inner: MapRef = part.insert(txn, "style", MapPrelim::from([("fill", "red")]));
                    inner.insert(txn, "deep", MapPrelim::from([(key, i64::from(a))]));
                }
                (13, Some(Out::YMap(part))) => {
                    if let Some(Out::YMap(style)) = part.get(txn, "style") {
                        style.insert(txn, key, Any::from(vec![Any::Null, Any::from(f64::from(a) / 4.0)]));
                    }
                }
                (14, _) => {
                    let at = if a.is_multiple_of(2) { 0 } else { client.notes.len(txn) };
                    client.notes.insert_embed(txn, at, Any::from_json(r#"{"image": 1}"#).unwrap());
                }
                _ => {
                    let xml = txn.get_xml_fragment("prosemirror");
                    if let Some(xml) = xml {
                        xml.push_back(txn, XmlTextPrelim::new("x"));
                    } else {
                        client.notes.push(txn, "\u{1f642}");
                    }
                }
            }
        })
    }
}

fn type_into(text: &TextRef, txn: &mut TransactionMut<'_>, a: u16, b: u16) {
    // Whole characters, as an editor does it: never half of a surrogate pair.
    let plain = text.get_string(txn);
    let embeds = text.len(txn) != super::text::units(&plain);
    let chars = plain.chars().count();
    let at = usize::from(a) % (chars + 1);
    let units = |text: &str| super::text::units(text);
    let head: String = plain.chars().take(at).collect();
    let cut: String = plain.chars().skip(at).take(usize::from(b) % 4).collect();
    if b.is_multiple_of(3) && !cut.is_empty() && !embeds {
        text.remove_range(txn, units(&head), units(&cut));
    } else {
        text.insert(txn, units(&head), ["a", "bc", "\u{1f642}", "\n", "\u{e9}"][usize::from(b) % 5]);
    }
}

/// A patch that fits `content`, most of the time.
pub(super) fn any_patch(content: &Value, kind: u8, a: u16, b: u16) -> Value {
    let part = format!("/parts/p{}", b % 3);
    let notes = content["notes"].as_str().unwrap();
    let half: String = notes.chars().take(usize::from(a) % (notes.chars().count() + 1)).collect();
    match kind % 10 {
        0 => json!([{"op": "replace", "path": "/notes", "value": format!("{half}{b}")}]),
        1 => json!([{"op": "add", "path": part, "value": {"kind": "k", "label": "l\u{1f642}", "x": a}}]),
        2 => json!([{"op": "replace", "path": format!("{part}/label"), "value": format!("label {b}")}]),
        3 => json!([{"op": "remove", "path": part}]),
        4 => json!([{"op": "add", "path": "/meta/list", "value": [a, {"b": b}]}]),
        5 => json!([{"op": "add", "path": "/meta/list/1", "value": a}, {"op": "remove", "path": "/meta/list/0"}]),
        6 => {
            json!([{"op": "move", "from": part, "path": "/parts/p9"}, {"op": "add", "path": "/meta/~1", "value": 2.0}])
        }
        7 => json!([{"op": "copy", "from": "/meta", "path": format!("{part}/a~1b")}]),
        8 => {
            json!([{"op": "add", "path": format!("{part}/x"), "value": b}, {"op": "replace", "path": "/notes", "value": half}])
        }
        _ => json!([{"op": "replace", "path": "", "value": {"meta": {"n": a}, "parts": {}, "notes": half}}]),
    }
}

/// Checks that `change` leads a JSON mirror and a copy made from the log to the document's content.
pub(super) fn follow(document: &Document, mirror: &mut Value, copy: &mut Document, change: &Change) {
    let patch = change.patch.clone().unwrap();
    let operations: json_patch::Patch = serde_json::from_value(patch.clone()).unwrap();
    json_patch::patch(mirror, &operations).unwrap_or_else(|error| panic!("{error}: {patch} on {mirror}"));
    assert_eq!(*mirror, document.content(), "after {patch}");
    copy.replay(&change.update).unwrap();
    assert_eq!(copy.content(), document.content());
}

pub(super) fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-4.0..4.0f64).prop_filter("whole numbers are written whole", |n| n.fract() != 0.0).prop_map(Value::from),
        "[a-c\u{1f642}/~]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("(label|x|a/b|~)", inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn object(key: &'static str, value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    proptest::collection::btree_map(key, value, 0..4).prop_map(|entries| Value::Object(entries.into_iter().collect()))
}

pub(super) fn content() -> impl Strategy<Value = Value> {
    let parts = object("p[0-2]", object("(label|x|style)", json_value()));
    (object("(title|list|label)", json_value()), parts, "[ab\u{1f642}]{0,8}")
        .prop_map(|(meta, parts, notes)| json!({"meta": meta, "parts": parts, "notes": notes}))
}
