//! What is said in which order.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    fixture::{Fixture, THING},
    *,
};

#[test]
fn requests_wait_for_the_welcome_and_keep_their_order() {
    let mut fixture = Fixture::new();
    fixture.open(Form::Json);
    assert_eq!(fixture.edit("a"), [] as [Value; 0]);
    assert_eq!(
        fixture.welcome(),
        [json!("welcome"), json!({"open": 1, "since": null}), json!({"edit": "a", "id": 2, "seen": null})]
    );
}

#[test]
fn pushes_and_own_acknowledgements_share_one_order() {
    let mut fixture = Fixture::opened(Form::Json);
    assert_eq!(fixture.push(1, 6), [json!({"pushed": "edit", "offset": 6})]);
    assert_eq!(fixture.edit("a"), [json!({"edit": "a", "id": 2, "seen": 6})]);
    assert_eq!(fixture.push(1, 7), [json!({"pushed": "edit", "offset": 7})]);
    assert_eq!(fixture.ack(2, 8), [json!({"acked": "a", "offset": 8, "change": true}), json!({"reply": "a"})]);
    assert_eq!(fixture.push(1, 9), [json!({"pushed": "edit", "offset": 9})]);
}

#[test]
fn what_is_known_already_or_of_an_earlier_opening_is_ignored() {
    let mut fixture = Fixture::opened(Form::Json);
    assert_eq!(fixture.push(1, 5), [] as [Value; 0]);
    assert_eq!(fixture.push(7, 6), [] as [Value; 0]);
    assert_eq!(fixture.push(1, 6).len(), 1);
    assert_eq!(fixture.push(1, 6), [] as [Value; 0]);
    // What comes twice under the present opening is against the contract; what is late, of an earlier one, is not.
    assert_eq!((fixture.session.repeated(), fixture.session.gaps()), (2, 0));
}

#[test]
fn a_gap_is_filled_from_the_log() {
    let mut fixture = Fixture::opened(Form::Json);
    assert_eq!(fixture.push(1, 8), [json!({"open": 2, "since": 5})]);
    assert_eq!(fixture.push(1, 9), [] as [Value; 0], "late, of the earlier opening");
    assert_eq!(fixture.edit("a"), [] as [Value; 0], "waits");
    let filled = fixture.recovered(2, 9);
    let offsets: Vec<u64> = filled.iter().filter_map(|output| output["offset"].as_u64()).collect();
    assert_eq!(offsets, [6, 7, 8, 9]);
    assert_eq!(filled.last().unwrap(), &json!({"edit": "a", "id": 3, "seen": 5}));
    assert_eq!(fixture.push(2, 10), [json!({"pushed": "edit", "offset": 10})]);
    assert_eq!((fixture.session.repeated(), fixture.session.gaps()), (0, 1));
}

#[test]
fn after_a_lost_connection_missed_changes_come_first_and_edits_again_in_their_order() {
    let mut fixture = Fixture::opened(Form::Json);
    fixture.edit("a");
    fixture.edit("b");
    assert_eq!(fixture.lose_connection(), [json!("disconnected")]);
    assert_eq!(fixture.edit("c"), [] as [Value; 0]);
    assert_eq!(fixture.welcome(), [json!("welcome"), json!({"open": 5, "since": 5})]);
    // Edit "a" had arrived before the connection was lost, and is among the missed changes.
    assert_eq!(
        fixture.recovered(5, 7),
        [
            json!({"pushed": "edit", "offset": 6}),
            json!({"pushed": "edit", "offset": 7}),
            json!({"edit": "a", "id": 2, "seen": 5}),
            json!({"edit": "b", "id": 3, "seen": 5}),
            json!({"edit": "c", "id": 4, "seen": 5}),
            json!("reconnected"),
        ]
    );
    assert_eq!(fixture.ack(2, 6), [json!({"acked": "a", "offset": 6, "change": false}), json!({"reply": "a"})]);
    assert_eq!(fixture.ack(3, 8)[0], json!({"acked": "b", "offset": 8, "change": true}));
}

#[test]
fn an_acknowledgement_beyond_a_gap_is_good_but_its_change_comes_from_the_log() {
    let mut fixture = Fixture::opened(Form::Json);
    fixture.edit("a");
    assert_eq!(
        fixture.ack(2, 8),
        [json!({"open": 3, "since": 5}), json!({"acked": "a", "offset": 8, "change": false}), json!({"reply": "a"})]
    );
}

#[test]
fn the_whole_state_instead_of_missed_changes_is_a_reset() {
    let mut fixture = Fixture::opened(Form::Json);
    fixture.edit("a");
    fixture.lose_connection();
    fixture.welcome();
    let whole = json!({"role": "editor", "epoch": "another", "offset": 2, "recovered": false, "content": {}});
    assert_eq!(
        fixture.reopened(3, whole),
        [json!({"reset": 2}), json!({"edit": "a", "id": 2, "seen": null}), json!("reconnected")]
    );
    assert_eq!(fixture.push(3, 3), [json!({"pushed": "edit", "offset": 3})]);
}

#[test]
fn a_list_of_missed_changes_with_a_hole_is_never_taken() {
    let mut fixture = Fixture::opened(Form::Json);
    fixture.lose_connection();
    fixture.welcome();
    let holed = json!({"role": "editor", "epoch": "e", "offset": 8, "recovered": true,
        "missed": [{"offset": 6, "body": {}}, {"offset": 8, "body": {}}]});
    assert_eq!(fixture.reopened(2, holed.clone()), [json!({"open": 3, "since": null})]);
    assert_eq!(fixture.reopened(3, holed)[0], json!({"lost": "internal"}));
}

#[test]
fn what_is_not_safe_to_send_twice_fails_and_the_rest_is_sent_again() {
    let mut fixture = Fixture::welcomed();
    fixture.request("widgetApp_useraction_create", "create");
    fixture.request("widgetApp_useraction_search", "search");
    assert_eq!(
        fixture.lose_connection(),
        [json!({"failed": "create", "why": "connection lost; not known whether it was done"}), json!("disconnected")]
    );
    // Never sent, so it can still be sent.
    fixture.request("widgetApp_useraction_create", "second");
    assert_eq!(fixture.welcome(), [json!("welcome"), json!({"search": 2}), json!({"create": 3}), json!("reconnected")]);
}

#[test]
fn a_thing_that_is_gone_is_lost_and_its_edits_are_the_servers_to_refuse() {
    let mut fixture = Fixture::opened(Form::Json);
    fixture.edit("a");
    fixture.lose_connection();
    fixture.welcome();
    let gone = json!({"port": 200, "name": "widgetApp_useraction_open", "id": 3, "thing": THING,
        "error": {"code": 200, "name": "thing_not_found", "message": "m", "temporary": false}});
    assert_eq!(
        fixture.receive(gone),
        [json!({"lost": "thing_not_found"}), json!({"edit": "a", "id": 2, "seen": 5}), json!("reconnected")]
    );
}

#[test]
fn a_thing_that_is_refused_for_now_is_opened_when_the_server_asked() {
    let mut fixture = Fixture::opened(Form::Json);
    fixture.lose_connection();
    fixture.welcome();
    fixture.receive(json!({"port": 200, "name": "widgetApp_useraction_open", "id": 2, "thing": THING,
        "error": {"code": 115, "name": "unavailable", "message": "m", "temporary": true, "retry_after_ms": 700}}));
    let due = fixture.session.deadline().unwrap();
    assert_eq!(due - fixture.now, Duration::from_millis(700));
    fixture.session.tick(due - Duration::from_millis(1));
    assert_eq!(fixture.outputs(), [] as [Value; 0]);
    fixture.session.tick(due);
    assert_eq!(fixture.outputs(), [json!({"open": 3, "since": 5})]);
    assert_eq!(fixture.session.deadline(), None);
}

#[test]
fn after_the_role_is_none_nothing_about_the_thing_is_taken() {
    let mut fixture = Fixture::opened(Form::Json);
    fixture.receive(json!({"port": 0, "name": "access", "body": {"thing": THING, "role": "none"}}));
    assert_eq!(fixture.push(1, 6), [] as [Value; 0]);
    fixture.lose_connection();
    assert_eq!(fixture.welcome(), [json!("welcome"), json!("reconnected")]);
}

#[test]
fn a_closed_thing_is_not_opened_again() {
    let mut fixture = Fixture::opened(Form::Json);
    let close = Call::named(200, Action::Close.name().into(), Some(THING), json!({}));
    fixture.session.request(close, "close");
    fixture.receive(json!({"port": 200, "name": "widgetApp_useraction_close", "id": 2, "thing": THING, "body": {}}));
    fixture.lose_connection();
    assert_eq!(fixture.welcome(), [json!("welcome"), json!("reconnected")]);
}

#[test]
fn edits_of_a_thing_open_as_yjs_come_as_bytes_pushed_or_missed() {
    let edit = |offset: u64| {
        json!({"port": 200, "name": "widgetApp_useraction_edit", "thing": THING, "join": 1,
            "offset": offset, "body": {"update": "AP8H"}})
    };
    let mut fixture = Fixture::opened(Form::Yjs);
    let update = |offset: u64| json!({"update": [0, 255, 7], "offset": offset});
    assert_eq!(fixture.receive(edit(6)), [update(6)]);
    fixture.lose_connection();
    fixture.welcome();
    let missed = json!({"role": "editor", "epoch": "e", "offset": 7, "recovered": true, "missed": [edit(7)]});
    assert_eq!(fixture.reopened(2, missed)[0], update(7));
}

#[test]
fn a_request_larger_than_the_server_takes_is_not_sent() {
    let mut fixture = Fixture::welcomed();
    let change = EditBody::Patch(json!(["x".repeat(1_000)]));
    let body = CallBody::Edit(change.with_key("k".into()), None);
    fixture.session.request(Call::action(Action::Edit, Some(THING), body), "large");
    assert_eq!(fixture.outputs(), [json!({"refused": "large", "why": "edit_too_large"})]);
    assert_eq!(fixture.session.unanswered(), 0);
}

#[test]
fn the_end_is_told_to_everyone_who_waits() {
    let mut fixture = Fixture::opened(Form::Json);
    fixture.edit("a");
    let reason = "approval withdrawn".into();
    fixture.session.ended(ConnectError::Closed { code: 4503, reason });
    assert_eq!(
        fixture.outputs(),
        [
            json!({"failed": "a", "why": "the server closed the stream: approval withdrawn (close code 4503)"}),
            json!("ended")
        ]
    );
}

#[test]
fn the_session_passes_on_what_the_server_asks_of_it() {
    let mut fixture = Fixture::welcomed();
    assert_eq!(
        fixture.receive(json!({"port": 0, "name": "token_expiring", "body": {"expires_at": 5}})),
        [json!("token wanted"), json!({"pushed": "token_expiring", "offset": null})]
    );
    assert_eq!(
        fixture.receive(json!({"port": 0, "name": "drain", "body": {"retry_after_ms": 250}}))[0],
        json!({"leave": 250})
    );
}
