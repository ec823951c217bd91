//! What a Thing does, one claim each.

use serde_json::{Value, json};
use yrs::{Any, Map as _, MapPrelim, Out, Text as _, updates::decoder::Decode as _};

use super::{Base, Document, ThingError, fixture::Client};
use crate::protocol::{
    ErrorCode,
    limits::{MAX_EDIT_BYTES, MAX_THING_BYTES},
};

fn with(content: Value) -> (Document, Vec<u8>) {
    let (document, change) = Document::initial("T", Some(content), 1).unwrap();
    (document, change.update)
}

fn replace(path: &str, value: impl Into<Value>) -> Value {
    json!([{"op": "replace", "path": path, "value": value.into()}])
}

#[test]
fn a_new_thing_has_its_title_and_the_three_roots() {
    let (document, change) = Document::initial("Kitchen", None, 1).unwrap();
    assert_eq!(document.content(), json!({"meta": {"title": "Kitchen"}, "parts": {}, "notes": ""}));
    assert_eq!(document.title().as_deref(), Some("Kitchen"));
    let mut copy = Document::new(2);
    copy.replay(&change.update).unwrap();
    assert_eq!(copy.content(), document.content());
}

#[test]
fn two_who_replaced_the_same_text_both_keep_what_they_typed() {
    book::claims!("merge-notes", 1);
    let (mut document, first) = with(json!({"notes": "hello", "parts": {"p": {"label": "box"}}}));
    for (path, texts, merged) in [
        ("/notes", ["hello A", "B hello"], "B hello A"),
        ("/parts/p/label", ["box \u{1f642}", "my box"], "my box \u{1f642}"),
    ] {
        let log = [first.clone(), document.state()];
        let updates: Vec<&[u8]> = log.iter().map(Vec::as_slice).collect();
        document.apply_patch(&replace(path, texts[0]), false).unwrap();
        assert!(document.needs_base(&replace(path, texts[1])));
        let base = Base { state: None, updates: &updates, own: &[] };
        let change = document.apply_patch_on(base, &replace(path, texts[1]), 77, true).unwrap();
        assert_eq!(change.patch, Some(replace(path, merged)));
        assert_eq!(document.content().pointer(path), Some(&json!(merged)));
    }
}

#[test]
fn who_goes_on_before_a_reply_has_come_builds_on_what_they_sent() {
    book::claims!("own-edits-seen", 1);
    let (mut document, first) = with(json!({"notes": "", "meta": {"list": []}}));
    let mut own: Vec<Vec<u8>> = Vec::new();
    for (typed, others) in [("H", "!"), ("He", "?"), ("Hello", "")] {
        let known: Vec<&[u8]> = own.iter().map(Vec::as_slice).collect();
        let base = Base { state: Some(&first), updates: &[], own: &known };
        let patch = json!([
            {"op": "replace", "path": "/notes", "value": typed},
            {"op": "add", "path": "/meta/list/-", "value": typed},
        ]);
        own.push(document.apply_patch_on(base, &patch, 7, false).unwrap().update);
        let notes = document.notes();
        document.apply_patch(&replace("/notes", format!("{others}{notes}")), false).unwrap();
    }
    assert_eq!(document.notes(), "?!Hello");
    assert_eq!(document.content()["meta"]["list"], json!(["H", "He", "Hello"]));
}

#[test]
fn own_edits_that_stand_on_unseen_changes_of_others_are_merged_like_theirs() {
    let (mut document, first) = with(json!({"notes": "seen"}));
    document.apply_patch(&replace("/notes", "seen, unseen"), false).unwrap();
    let own = document.apply_patch(&replace("/meta/title", "Mine"), false).unwrap().update;
    let base = Base { state: Some(&first), updates: &[], own: &[&own] };
    document.apply_patch_on(base, &replace("/notes", "I have seen"), 7, false).unwrap();
    assert_eq!((document.notes(), document.title()), ("I have seen, unseen".into(), Some("Mine".into())));
}

#[test]
fn of_two_values_for_one_place_the_later_one_stays_whoever_wrote_it() {
    book::claims!("last-value-wins", 2);
    for fresh in [10, 90] {
        let (mut document, change) =
            Document::initial("T", Some(json!({"meta": {"d": {"a": 0, "b": 0}}})), 50).unwrap();
        let base = Base { state: Some(&change.update), updates: &[], own: &[] };
        let inside = |key: &str| json!([{"op": "replace", "path": format!("/meta/d/{key}"), "value": 1}]);
        document.apply_patch(&inside("a"), false).unwrap();
        let second = document.apply_patch_on(base, &inside("b"), fresh, true).unwrap();
        assert_eq!(document.content()["meta"]["d"], json!({"a": 0, "b": 1}), "by {fresh}");
        assert_eq!(second.patch, Some(replace("/meta/d", json!({"a": 0, "b": 1}))));
    }
}

#[test]
fn patches_that_are_always_one_change_late_need_few_ids() {
    let (mut document, _) = with(json!({"notes": ""}));
    for fresh in 1_000..1_100 {
        let seen = document.state();
        document.apply_patch(&replace("/meta/title", fresh), false).unwrap();
        let base = Base { state: Some(&seen), updates: &[], own: &[] };
        for word in ["a", "b"] {
            document.apply_patch_on(base, &replace("/notes", word), fresh, false).unwrap();
        }
    }
    let ids = yrs::StateVector::decode_v1(&document.state_vector()).unwrap().len();
    assert!(ids <= 3, "{ids}");
}

#[test]
fn a_part_deleted_meanwhile_stays_deleted_under_an_older_patch() {
    let (mut document, first) = with(json!({"parts": {"p": {"x": 1}}}));
    document.apply_patch(&json!([{"op": "remove", "path": "/parts/p"}]), false).unwrap();
    let base = Base { state: Some(&first), updates: &[], own: &[] };
    let change = document.apply_patch_on(base, &replace("/parts/p/x", 2), 5, true).unwrap();
    assert_eq!(change.patch, Some(json!([])));
    assert_eq!(document.content()["parts"], json!({}));
}

#[test]
fn a_patch_is_applied_as_a_whole_or_not_at_all() {
    book::claims!("patch-whole", 1);
    let (mut document, _) = with(json!({"notes": "n"}));
    let before = document.state();
    let patch = json!([
        {"op": "replace", "path": "/notes", "value": "changed"},
        {"op": "test", "path": "/meta/title", "value": "another"},
    ]);
    assert_eq!(document.apply_patch(&patch, true).unwrap_err().code(), ErrorCode::InvalidPatch);
    assert_eq!(document.state(), before);
}

#[test]
fn what_would_not_be_a_thing_is_refused() {
    book::claims!("content-shape", 1);
    let (mut document, _) = with(json!({}));
    for patch in [
        replace("/notes", 5),
        replace("/parts", json!([])),
        replace("/parts", json!({"p": 1})),
        replace("", json!({})),
        json!([{"op": "add", "path": "/other", "value": 1}]),
        json!([{"op": "remove", "path": "/meta"}]),
        json!([{"op": "jump", "path": "/meta"}]),
        json!({"op": "remove"}),
        json!("text"),
    ] {
        let error = document.apply_patch(&patch, true).unwrap_err();
        assert_eq!((error.code(), error.poisons()), (ErrorCode::InvalidPatch, false), "{patch}");
    }
    assert!(Document::initial("t", Some(json!([])), 1).is_err());
    assert!(Document::initial("t", Some(json!({"meta": 1})), 1).is_err());
}

#[test]
fn equal_numbers_are_equal_however_they_are_written() {
    let (mut document, _) = with(json!({"parts": {"p": {"x": 5.0, "y": 2.5}}}));
    assert_eq!(document.content()["parts"]["p"], json!({"x": 5, "y": 2.5}));
    document.apply_patch(&json!([{"op": "test", "path": "/parts/p/x", "value": 5.0}]), false).unwrap();
}

#[test]
fn copies_that_double_and_nest_without_end_are_refused() {
    let (mut document, _) = with(json!({"meta": {"a": {"b": "x".repeat(1_000)}}}));
    let doubling: Vec<Value> = (0..64).map(|_| json!({"op": "copy", "from": "/meta/a", "path": "/meta/a/b"})).collect();
    let error = document.apply_patch(&doubling.into(), false).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidPatch);
    let wide: Vec<Value> = (0..64)
        .flat_map(|n| {
            [
                json!({"op": "copy", "from": "/meta", "path": format!("/parts/{n}")}),
                json!({"op": "copy", "from": format!("/parts/{n}"), "path": format!("/meta/{n}")}),
            ]
        })
        .collect();
    assert!(document.apply_patch(&wide.into(), false).is_err());
}

#[test]
fn edits_and_things_beyond_their_limits_are_refused() {
    let mut document = Document::new(1);
    let big = "x".repeat(MAX_EDIT_BYTES);
    assert_eq!(document.apply_patch(&replace("/notes", big), true).unwrap_err().code(), ErrorCode::EditTooLarge);
    assert_eq!(document.apply_update(&vec![0; MAX_EDIT_BYTES + 1], true).unwrap_err().code(), ErrorCode::EditTooLarge);
    let most = "x".repeat(MAX_EDIT_BYTES / 2);
    let refused = (0..=2 * MAX_THING_BYTES / most.len())
        .find_map(|n| {
            let add = json!([{"op": "add", "path": format!("/meta/{n}"), "value": most}]);
            document.apply_patch(&add, false).err()
        })
        .unwrap();
    assert_eq!(refused, ThingError::ThingTooLarge);
    assert!(document.state().len() <= MAX_THING_BYTES);
    document.apply_patch(&json!([{"op": "remove", "path": "/meta/0"}]), false).unwrap();
    document.apply_patch(&json!([{"op": "add", "path": "/meta/again", "value": most}]), false).unwrap();
}

#[test]
fn types_and_values_nested_without_end_are_refused_and_list_items_are_not() {
    let mut document = Document::new(100);
    let client = Client::new(1);
    let deep = client.edit(|client, txn| {
        let mut map: yrs::MapRef = client.insert_part(txn, "deep");
        for _ in 0..2_000 {
            map = map.insert(txn, "in", MapPrelim::default());
        }
    });
    assert!(matches!(document.apply_update(&deep, true), Err(ThingError::InvalidUpdate(_))));

    let client = Client::new(2);
    let value = client.edit(|client, txn| {
        let mut any = Any::Null;
        for _ in 0..100 {
            any = Any::from(vec![any]);
        }
        client.insert_part(txn, "value").insert(txn, "k", any);
    });
    assert!(matches!(document.apply_update(&value, true), Err(ThingError::InvalidUpdate(_))));

    let client = Client::new(3);
    let wide = client.edit(|client, txn| {
        let list: yrs::ArrayRef = client.insert_part(txn, "wide").insert(txn, "list", yrs::ArrayPrelim::default());
        for n in 0..200 {
            yrs::Array::push_back(&list, txn, MapPrelim::from([("n", n)]));
        }
    });
    document.apply_update(&wide, true).unwrap();
    for n in 0..50 {
        let one_more = client.edit(|client, txn| {
            if let Some(Out::YMap(part)) = client.part(txn, "wide")
                && let Some(Out::YArray(list)) = part.get(txn, "list")
            {
                yrs::Array::push_back(&list, txn, MapPrelim::from([("n", n)]));
            }
        });
        document.apply_update(&one_more, false).unwrap();
    }
}

#[test]
fn nobody_writes_in_the_name_of_the_server() {
    let mut document = Document::new(9);
    let impostor = Client::new(9);
    let update = impostor.edit(|client, txn| client.notes.push(txn, "x"));
    assert!(matches!(document.apply_update(&update, true), Err(ThingError::InvalidUpdate(_))));
}

#[test]
fn a_label_given_as_json_is_a_shared_text() {
    book::claims!("merge-label", 1);
    let (document, update) = with(json!({"parts": {"p": {"label": "l", "kind": "box"}}}));
    let client = Client::new(5);
    client.take(&update);
    let txn = yrs::Transact::transact(&client.doc);
    let Some(Out::YMap(part)) = client.part(&txn, "p") else { panic!("no part") };
    assert!(matches!(part.get(&txn, "label"), Some(Out::YText(_))));
    assert!(matches!(part.get(&txn, "kind"), Some(Out::Any(Any::String(_)))));
    assert_eq!(document.labels(), "l");
}

#[test]
fn what_someone_misses_completes_what_they_have() {
    let (mut document, first) = with(json!({"notes": "one"}));
    let mut other = Document::load(&first, 2).unwrap();
    document.apply_patch(&replace("/notes", "one two"), false).unwrap();
    let missing = document.missing(&other.state_vector()).unwrap();
    other.apply_update(&missing, false).unwrap();
    assert_eq!(other.content(), document.content());
}

#[test]
fn simple_patches_need_no_base() {
    let (document, _) = with(json!({"parts": {"p": {"x": 1, "label": "l"}}}));
    assert!(!document.needs_base(&replace("/parts/p/x", 2)));
    assert!(!document.needs_base(&json!([{"op": "add", "path": "/parts/p/y", "value": 2}])));
    assert!(document.needs_base(&replace("/parts/p/label", "m")));
    assert!(document.needs_base(&replace("/parts/q/x", 2)));
    assert!(document.needs_base(&json!([{"op": "remove", "path": "/parts/p"}])));
}

#[test]
fn a_document_can_be_sent_to_another_thread() {
    fn sendable<T: Send>() {}
    sendable::<Document>();
}
