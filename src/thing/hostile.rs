//! What holds for any bytes and any patch.

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use yrs::{
    Array as _, Doc, ReadTxn as _, StateVector, Text as _, Transact as _,
    updates::{decoder::Decode as _, encoder::Encode as _},
};

use super::{
    Document, ThingError,
    fixture::{Client, Step, follow, json_value},
};

/// A document with some of everything, and the client that made it.
fn busy() -> (Document, Client, Vec<Vec<u8>>) {
    let (mut document, client) = (Document::new(100), Client::new(1));
    let mut updates = vec![client.edit(|client, txn| client.notes.push(txn, &"some text \u{1f642} ".repeat(40)))];
    for step in 0..48u16 {
        updates.push(client.any_edit((step % 16) as u8, step * 7, step * 5));
    }
    for update in &updates {
        document.apply_update(update, false).unwrap();
    }
    (document, client, updates)
}

/// Applies hostile bytes. A refused update that does not poison leaves everything as it was, an
/// accepted one leaves a document that can be stored and loaded.
fn attack(document: &mut Document, update: &[u8]) -> Result<(), ThingError> {
    let before = (document.content(), document.state());
    match document.apply_update(update, true) {
        Ok(change) => {
            let mut mirror = before.0;
            let operations: json_patch::Patch = serde_json::from_value(change.patch.unwrap()).unwrap();
            json_patch::patch(&mut mirror, &operations).unwrap();
            assert_eq!(mirror, document.content());
            let mut copy = Document::load(&before.1, 7).unwrap();
            copy.replay(&change.update).unwrap();
            assert_eq!(copy.content(), mirror);
            assert_eq!(Document::load(&document.state(), 7).unwrap().content(), mirror);
            Ok(())
        }
        Err(error) => {
            if !error.poisons() {
                assert_eq!((document.content(), document.state()), before);
            }
            Err(error)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_are_refused_or_harmless(bytes in vec(any::<u8>(), 0..60)) {
        let (mut document, ..) = busy();
        let _ = attack(&mut document, &bytes);
    }

    #[test]
    fn mutated_updates_are_refused_or_harmless(
        edits in vec(any::<Step>(), 1..6),
        mutations in vec((any::<u8>(), any::<u16>(), any::<u8>()), 1..5),
    ) {
        let (mut document, client, updates) = busy();
        let before = client.doc.transact().state_vector();
        for (_, kind, a, b) in edits {
            client.any_edit(kind, a, b);
        }
        let mut update = client.doc.transact().encode_state_as_update_v1(&before);
        for (kind, at, value) in mutations {
            let at = usize::from(at) % update.len().max(1);
            match kind % 6 {
                0 if !update.is_empty() => update[at] ^= 1 << (value % 8),
                1 if !update.is_empty() => update[at] = value,
                2 => update.truncate(at),
                3 => update.insert(at, value),
                4 => {
                    update.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0x0f]);
                }
                _ => {
                    let other = &updates[usize::from(value) % updates.len()];
                    let cut = at.min(other.len());
                    update.truncate(at);
                    update.extend_from_slice(&other[cut..]);
                }
            }
        }
        let _ = attack(&mut document, &update);
    }

    #[test]
    fn arbitrary_patches_are_refused_or_harmless(
        operations in vec(("(add|remove|replace|move|copy|test)", path(), path(), json_value()), 0..6),
    ) {
        let (mut document, ..) = busy();
        let before = document.content();
        let operations: Vec<Value> = operations
            .into_iter()
            .map(|(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}))
            .collect();
        let mut mirror = before.clone();
        match document.apply_patch(&Value::Array(operations), true) {
            Ok(change) => follow(&document, &mut mirror, &mut Document::load(&busy().0.state(), 5).unwrap(), &change),
            Err(error) => {
                prop_assert!(!error.poisons());
                prop_assert_eq!(document.content(), before);
            }
        }
    }
}

fn path() -> impl Strategy<Value = String> {
    "(|/meta|/parts|/notes|/x)(|/p0|/p1|/list|/label|/-|/0)(|/label|/style|/0|/-|/n|/~1|/a~1b|/m~0n)(|/fill|/x)"
}

#[test]
fn a_clock_near_its_end_does_not_half_apply() {
    let mut document = Document::new(100);
    let client = Client::new(1);
    let text = client.edit(|client, txn| client.notes.push(txn, &"x".repeat(4_000)));
    document.apply_update(&text, false).unwrap();
    let bytes = [
        0x01, 0x01, 0x01, 0xa8, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xc4, 0x01, 0xa7, 0x1d, 0x01, 0xe1, 0x1b, 0x01, 0x65,
        0x00,
    ];
    let error = attack(&mut document, &bytes).unwrap_err();
    assert!(!error.poisons(), "{error}");
}

#[test]
fn a_claim_of_a_huge_length_reserves_nothing() {
    let mut document = Document::new(100);
    for bytes in [
        &[0xff, 0xff, 0xff, 0xff, 0x0f][..],
        &[0x01, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x01, 0x00][..],
        &[0x01, 0x01, 0x01, 0x00, 0x08, 0x01, 0x01, b'a', 0xff, 0xff, 0xff, 0xff, 0x0f][..],
        &[0x00, 0xff, 0xff, 0xff, 0xff, 0x0f][..],
    ] {
        assert!(matches!(attack(&mut document, bytes), Err(ThingError::InvalidUpdate(_))), "{bytes:?}");
    }
    assert_eq!(document.missing(&[0xff, 0xff, 0xff, 0xff, 0x0f]).err().map(|error| error.poisons()), Some(false));
}

#[test]
fn what_builds_on_unknown_changes_is_refused_and_welcome_after_them() {
    let mut document = Document::new(100);
    let client = Client::new(1);
    let first = client.edit(|client, txn| client.notes.push(txn, "one"));
    let second = client.edit(|client, txn| client.notes.push(txn, "two"));
    let deletion = client.edit(|client, txn| client.notes.remove_range(txn, 0, 1));
    assert_eq!(attack(&mut document, &second), Err(ThingError::IncompleteUpdate));
    assert_eq!(attack(&mut document, &deletion), Err(ThingError::IncompleteUpdate));
    for update in [first, second, deletion] {
        attack(&mut document, &update).unwrap();
    }
    assert_eq!(document.content()["notes"], "netwo");
    assert!(StateVector::decode_v1(&document.state_vector()).unwrap().encode_v1().len() > 1);
}

#[test]
fn a_text_with_things_in_it_that_are_no_text_does_not_break_under_a_patch() {
    let mut document = Document::new(100);
    let doc = Doc::with_client_id(1);
    let list = doc.get_or_insert_array("notes");
    let mut txn = doc.transact_mut();
    list.push_back(&mut txn, 5);
    let update = txn.encode_update_v1();
    document.apply_update(&update, false).unwrap();
    let error = document.apply_patch(&json!([{"op": "replace", "path": "/notes", "value": "x"}]), true).unwrap_err();
    assert!(!error.poisons());
}
