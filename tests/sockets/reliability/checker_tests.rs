//! The checker finds each kind of broken promise: invented sessions, each with one fault put in.

use std::time::Duration;

use serde_json::json;
use widgetapp::clock;

use super::*;

/// Two clients, `a` and `b`, that take turns: the log has `a-1`, `b-2`, `a-3`, `b-4` behind the creation.
/// Each edit is sent when the one before it has been acknowledged. `b-5` was sent and never answered.
fn session() -> (Vec<History>, Stored) {
    let start = clock::now();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let key = |offset: u64| format!("{}-{offset}", if offset.is_multiple_of(2) { "a" } else { "b" });
    let changes = (1..=5).map(|offset| StoredChange { offset, key: (offset > 1).then(|| key(offset)), update: offset });
    let content = json!({"notes": "the same for all"});
    let stored = Stored { thing: "T".into(), changes: changes.collect(), content: content.clone() };
    let history = |client: &str, yjs: bool| {
        let own = (2..=5).filter(|offset| key(*offset).starts_with(client));
        let edit = |offset| Edit {
            key: key(offset),
            sent: at(10 * offset),
            acknowledged: Some((at(10 * offset + 1), offset)),
        };
        let mark = |offset| if yjs { Mark::Update(offset) } else { Mark::Key(key(offset)) };
        let changes = (2..=5).map(|offset| Seen::Change(offset, mark(offset)));
        History {
            client: client.into(),
            thing: "T".into(),
            edits: own.map(edit).collect(),
            seen: std::iter::once(Seen::Whole(1)).chain(changes).collect(),
            replica: content.clone(),
        }
    };
    let mut histories = vec![history("a", false), history("b", true)];
    histories[1].edits.push(Edit { key: "b-6".into(), sent: at(60), acknowledged: None });
    (histories, stored)
}

/// What is found when one thing about the session is otherwise.
fn found(change: impl FnOnce(&mut Vec<History>, &mut Stored)) -> Vec<Violation> {
    let (mut histories, mut stored) = session();
    change(&mut histories, &mut stored);
    check(&histories, &[stored]).violations
}

#[test]
fn a_faultless_session_passes_and_is_counted() {
    let (histories, stored) = session();
    let verdict = check(&histories, &[stored]);
    assert_eq!(verdict.violations, []);
    let counts = (verdict.acknowledged, verdict.unanswered, verdict.stored, verdict.heard);
    assert_eq!(counts, (4, 1, 5, 10));
    assert!(verdict.to_string().ends_with("lost 0, twice 0, out of order 0"), "{verdict}");
}

#[test]
fn an_unanswered_edit_may_be_stored() {
    let stored_too = found(|histories, stored| {
        stored.changes.push(StoredChange { offset: 6, key: Some("b-6".into()), update: 6 });
        histories[0].seen.push(Seen::Change(6, Mark::Key("b-6".into())));
        histories[1].seen.push(Seen::Change(6, Mark::Update(6)));
    });
    assert_eq!(stored_too, []);
}

#[test]
fn a_whole_state_takes_the_place_of_changes() {
    assert_eq!(found(|histories, _| histories[0].seen.splice(2..4, [Seen::Whole(4)]).for_each(drop)), []);
}

#[test]
fn a_hole_in_the_log_is_found() {
    let violations = found(|_, stored| drop(stored.changes.remove(2)));
    assert!(violations.contains(&Violation::Hole { thing: "T".into(), offset: 3 }), "{violations:?}");
}

#[test]
fn a_lost_edit_is_found() {
    // The end of the log is gone, as after a power cut.
    let violations = found(|_, stored| drop(stored.changes.pop()));
    let lost = Violation::Lost { client: "b".into(), key: "b-5".into() };
    assert!(violations.contains(&lost), "{violations:?}");
}

#[test]
fn an_edit_at_another_offset_is_found() {
    let violations = found(|histories, _| histories[0].edits[0].acknowledged.as_mut().unwrap().1 = 3);
    assert_eq!(violations, [Violation::Moved { key: "a-2".into(), acknowledged: 3, stored: 2 }]);
}

#[test]
fn an_edit_that_was_applied_twice_is_found() {
    let violations = found(|histories, stored| {
        stored.changes.push(StoredChange { offset: 6, key: Some("a-2".into()), update: 6 });
        histories[0].seen.push(Seen::Change(6, Mark::Key("a-2".into())));
        histories[1].seen.push(Seen::Change(6, Mark::Update(6)));
    });
    assert!(violations.contains(&Violation::AppliedTwice { key: "a-2".into(), offsets: [2, 6] }), "{violations:?}");
}

#[test]
fn a_change_that_was_delivered_twice_is_found() {
    let violations = found(|histories, _| {
        let again = histories[0].seen[2].clone();
        histories[0].seen.insert(2, again);
    });
    assert_eq!(violations, [Violation::HeardTwice { client: "a".into(), offset: 3 }]);
}

#[test]
fn a_change_that_was_skipped_is_found() {
    let violations = found(|histories, _| drop(histories[1].seen.remove(2)));
    assert_eq!(violations, [Violation::OutOfOrder { client: "b".into(), after: 2, offset: 4 }]);
}

#[test]
fn changes_in_another_order_are_found() {
    let violations = found(|histories, _| histories[0].seen.swap(2, 3));
    assert!(violations.contains(&Violation::OutOfOrder { client: "a".into(), after: 2, offset: 4 }), "{violations:?}");
}

#[test]
fn a_state_that_goes_back_is_found() {
    let violations = found(|histories, _| histories[0].seen.insert(4, Seen::Whole(2)));
    assert!(violations.contains(&Violation::OutOfOrder { client: "a".into(), after: 4, offset: 2 }), "{violations:?}");
}

#[test]
fn another_change_than_the_stored_one_is_found() {
    let violations = found(|histories, _| {
        histories[0].seen[3] = Seen::Change(4, Mark::Key("b-3".into()));
        histories[1].seen[3] = Seen::Change(4, Mark::Update(99));
    });
    let stored = Some("a-4".to_owned());
    let other = |client: &str, heard| Violation::OtherThanStored {
        client: client.into(),
        offset: 4,
        heard,
        stored: stored.clone(),
    };
    assert_eq!(violations, [other("a", Mark::Key("b-3".into())), other("b", Mark::Update(99))]);
}

#[test]
fn an_edit_that_overtook_an_acknowledged_one_is_found() {
    // b-3 was sent only after a-4 and b-5 had been acknowledged, a-4 first.
    let violations = found(|histories, _| histories[1].edits[0].sent += Duration::from_secs(30));
    assert_eq!(violations, [Violation::Overtook { sent_later: 3, acknowledged: 4, thing: "T".into() }]);
}

#[test]
fn edits_that_were_under_way_together_may_stand_in_either_order() {
    // b-3 was sent in the moment in which a-4 was acknowledged, and acknowledged long after it.
    let none = found(|histories, _| {
        let acknowledged = histories[0].edits[1].acknowledged.unwrap().0;
        histories[1].edits[0].sent = acknowledged;
        histories[1].edits[0].acknowledged = Some((acknowledged + Duration::from_secs(9), 3));
    });
    assert_eq!(none, []);
}

#[test]
fn a_client_that_missed_the_end_is_found() {
    let violations = found(|histories, _| drop(histories[0].seen.pop()));
    assert_eq!(violations, [Violation::Behind { client: "a".into(), at: 4, of: 5 }]);
}

#[test]
fn other_content_is_found() {
    let violations = found(|histories, _| histories[1].replica = json!({"notes": "something else"}));
    assert_eq!(violations, [Violation::Differs { client: "b".into() }]);
}

#[test]
fn each_kind_counts_where_it_belongs() {
    let (mut histories, mut stored) = session();
    stored.changes.push(StoredChange { offset: 6, key: Some("a-2".into()), update: 6 });
    histories[0].seen.swap(2, 3);
    let verdict = check(&histories, &[stored]);
    assert!(verdict.lost() > 0 && verdict.twice() > 0 && verdict.out_of_order() > 0, "{:?}", verdict.violations);
}
