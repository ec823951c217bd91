//! Every message of this release, one after the other.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::{Number, Value, json};
use utoipa::PartialSchema as _;

use super::{
    Document, history,
    message::{Subject, THING},
};
use crate::protocol::{
    ErrorBody, ErrorCode, Outgoing, Role,
    action::{
        self, Action, ActionPush, Create, Created, Deleted, Edit, EditPush, Edited, Form, Invite, MissedBody,
        MissedPush, Open, Opened, Position, Refresh, Scroll, Search, Selected, SharePush, SharedWith, ThingEntry,
        Things, Uninvite,
    },
    codec::Blob,
    limits,
    message::Empty,
    notification::{Approval, Invited, Uninvited},
    presence::{Cursor, CursorAt, CursorPush, Present, State},
    schemas,
    session::{self, Access, Drain, ExpiresAt, Welcome},
    sync::{Sync, Synced},
};

const EPOCH: &str = "ca0cb02b";

/// Adds all of them.
pub(super) fn all(document: &mut Document) {
    session(document);
    lists(document);
    opening(document);
    editing(document);
    looking(document);
    creating_and_deleting(document);
    history::all(document);
    sharing(document);
    document_sync(document);
    presence(document);
    notifications(document);
    error(document);
}

fn session(document: &mut Document) {
    let (ping, refresh) = (Subject::session("ping"), Subject::session("refresh"));
    let welcome = Subject::session("welcome");
    let at = ExpiresAt { expires_at: 1_800_000_600 };
    document.push(
        welcome
            .push("Welcome", "The first message of the server: who is connected, where, and which limits hold.")
            .sends(&[example_welcome()]),
    );
    document.request(
        ping.request("Ping", "Ask for a sign of life, for clients that cannot send a WebSocket ping."),
        ping.reply("Pong", "The sign of life.").perhaps(&["thing"]).sends(&[Empty {}]),
    );
    document.request(
        refresh
            .request("Replace the token", "Give the live connection a new access token of the same user or client.")
            .takes(&[session::Refresh { token: "eyJ0eXAiOiJhdCtqd3QifQ.e30.c2ln".into() }]),
        refresh.reply("Token replaced", "The new token holds from now on.").sends(std::slice::from_ref(&at)),
    );
    document.push(
        Subject::session("token_expiring")
            .push(
                "Token expiring",
                "The token expires in 30 seconds. Without a `refresh` the connection is closed with 4501, 25 seconds \
                 after the expiry.",
            )
            .sends(&[at]),
    );
    document.push(
        Subject::session("access")
            .push(
                "Another role",
                "What you may do with a Thing that you have open has changed. The role `none` ends it: nothing about \
                 the Thing follows.",
            )
            .always(&["thing", "join"])
            .sends(&[Access { thing: THING.into(), role: "viewer".into() }]),
    );
    document.push(
        Subject::session("drain")
            .push(
                "Drain",
                "The server is about to close with 4001: come back after this delay, which is this client's own.",
            )
            .sends(&[Drain { retry_after_ms: 350 }]),
    );
}

fn lists(document: &mut Document) {
    let (scroll, search) = (Subject::action(Action::Scroll), Subject::action(Action::Search));
    let page = Things {
        things: vec![ThingEntry {
            thing: THING.into(),
            title: "Welcome".into(),
            role: "editor".into(),
            changed_at: 1_800_000_000_000,
        }],
        next: None,
    };
    let view = || Some(json!({"part": "lamp"}));
    document.request(
        scroll
            .request(
                "Scroll",
                "A page of the home page's feed; or, with `thing` and `view`, tell the others who have the Thing open \
                 where you look.",
            )
            .perhaps(&["id", "thing"])
            .may_take(&[Scroll { limit: Some(10), ..Scroll::default() }, Scroll { view: view(), ..Scroll::default() }]),
        scroll
            .reply("Scrolled", "The Things of the page, the newest first; nothing if it was about one Thing.")
            .may_send(&page),
    );
    document.push(
        scroll
            .push("Somebody scrolled", "Where in a Thing that you have open somebody else looks.")
            .always(&["thing", "join"])
            .sends_only(&["user", "view"], &ActionPush { view: view(), ..by_grace() }),
    );
    document.request(
        search
            .request("Search", "Find Things by their titles, labels and notes, among those that you may see.")
            .takes(&[Search { q: "welcome".into(), limit: None }]),
        search.reply("Found", "What fits, the best first.").sends(&[page]),
    );
}

fn opening(document: &mut Document) {
    let (open, close) = (Subject::action(Action::Open), Subject::action(Action::Close));
    document.request(
        open.request(
            "Open a Thing",
            "See a Thing as it is, or what you have missed of it, and hear of all that follows. The `id` is the \
             `join` of all that follows.",
        )
        .always(&["id", "thing"])
        .perhaps(&[])
        .may_take(&[Open::default(), Open { since: Some(position()), form: Form::Json }]),
        open.reply("Opened", "The whole Thing, or exactly what came after `since`.")
            .always(&["id", "thing", "join", "offset"])
            .perhaps(&[])
            .sends(&[example_opened(false), example_opened(true)]),
    );
    document.request(
        close.request("Close a Thing", "Hear no more of a Thing.").always(&["thing"]),
        close
            .reply("Closed", "Nothing with the `join` of this opening follows.")
            .always(&["id", "thing"])
            .perhaps(&[])
            .sends(&[Empty {}]),
    );
}

fn editing(document: &mut Document) {
    let edit = Subject::action(Action::Edit);
    let (key, epoch, user) = (|| "0f7b9c0e".to_owned(), || EPOCH.to_owned(), || "grace".into());
    // Two bytes are a Yjs update without changes.
    let (patch, update) = (|| Some(example_patch()), || Some(Blob(vec![0, 0].into())));
    document.request(
        edit.request("Change a Thing", "By JSON Patch or Yjs update. Safe to send again under the same `key`.")
            .always(&["thing"])
            .perhaps(&["id", "offset"])
            .takes(&[
                Edit { key: key(), patch: patch(), update: None },
                Edit { key: key(), patch: None, update: update() },
            ]),
        edit.reply("Changed", "The change is stored. The reply stands at the change's place among those of others.")
            .always(&["id", "thing", "offset"])
            .perhaps(&["join"])
            .sends(&[
                Edited { epoch: epoch(), offset: 5, durable: true, patch: None },
                Edited { epoch: epoch(), offset: 5, durable: true, patch: patch() },
            ]),
    );
    document.push(
        edit.push(
            "Somebody changed the Thing",
            "A change of a Thing that you have open, in the form in which you opened it.",
        )
        .always(&["thing", "join", "offset"])
        .sends(&[
            EditPush { user: user(), patch: patch().map(Cow::Owned), update: None },
            EditPush { user: user(), patch: None, update: update() },
        ]),
    );
}

fn looking(document: &mut Document) {
    let (select, refresh) = (Subject::action(Action::Select), Subject::action(Action::Refresh));
    document.request(
        select.request("Select a Thing", "See a Thing as it is now, without opening it.").always(&["thing"]),
        select.reply("Selected", "The Thing as it is now.").always(&["id", "thing"]).perhaps(&["join"]).sends(&[
            Selected {
                title: "Boat".into(),
                role: "editor".into(),
                content: example_content(),
                epoch: EPOCH.into(),
                offset: 5,
            },
        ]),
    );
    document.push(
        select
            .push("Somebody selected the Thing", "Somebody else looks at a Thing that you have open.")
            .always(&["thing", "join"])
            .sends_only(&["user"], &by_grace()),
    );
    document.request(
        refresh
            .request(
                "Refresh a Thing",
                "Fetch what you have missed, or the whole Thing, as JSON and without opening it.",
            )
            .always(&["thing"])
            .may_take(&[Refresh { since: Some(position()) }]),
        refresh
            .reply("Refreshed", "Exactly what came after `since`, or the whole Thing.")
            .always(&["id", "thing"])
            .perhaps(&["join"])
            .sends(&[example_opened(true), example_opened(false)]),
    );
    document.push(
        refresh
            .push("Somebody refreshed the Thing", "Somebody else has fetched a Thing anew that you have open.")
            .always(&["thing", "join"])
            .sends_only(&["user"], &by_grace()),
    );
}

fn creating_and_deleting(document: &mut Document) {
    let (create, delete) = (Subject::action(Action::Create), Subject::action(Action::Delete));
    document.request(
        create
            .request("Create a Thing", "Make a new Thing, which is yours.")
            .takes(&[Create { title: "Boat".into(), content: Some(json!({"notes": "It has to float."})) }]),
        create.reply("Created", "The new Thing is stored.").sends(&[Created { thing: THING.into(), offset: 1 }]),
    );
    document.push(
        create
            .push("Somebody created a Thing", "A new Thing that you may see.")
            .always(&["thing"])
            .sends_only(&["user", "title"], &ActionPush { title: Some("Boat".into()), ..by_grace() }),
    );
    document.request(
        delete.request("Delete a Thing", "End a Thing that you own.").always(&["thing"]),
        delete
            .reply("Deleted", "There is no such Thing any more.")
            .always(&["id", "thing", "offset"])
            .perhaps(&["join"])
            .sends(&[Deleted { offset: 5 }]),
    );
    document.push(
        delete
            .push("Somebody deleted the Thing", "The last change of a Thing that you have open.")
            .always(&["thing", "join", "offset"])
            .sends_only(&["user"], &by_grace()),
    );
}

/// The one message that any request may be answered with.
fn sharing(document: &mut Document) {
    let (invite, uninvite) = (Subject::action(Action::Invite), Subject::action(Action::Uninvite));
    let grace = || Some("grace".to_owned());
    let push =
        |role: &str| SharePush { user: "ada".into(), with: SharedWith::User("grace".into()), role: role.to_owned() };
    document.request(
        invite
            .request(
                "Invite",
                "Share a Thing that you own with somebody or with a group, or in another role than before.",
            )
            .always(&["thing"])
            .takes(&[
                Invite { user: grace(), group: None, role: Role::Editor },
                Invite { user: None, group: Some("designers".into()), role: Role::Viewer },
            ]),
        invite.reply("Invited", "It is shared; those whom it concerns are told on port 203.").sends(&[Empty {}]),
    );
    document.push(
        invite
            .push("Somebody was invited", "With whom a Thing that you have open is shared from now on, and how.")
            .always(&["thing", "join"])
            .sends(&[push("editor")]),
    );
    document.request(
        uninvite
            .request("Uninvite", "End a share of a Thing that you own.")
            .always(&["thing"])
            .takes(&[Uninvite { user: grace(), group: None }]),
        uninvite.reply("Uninvited", "Access that came by the share has ended.").sends(&[Empty {}]),
    );
    document.push(
        uninvite
            .push("Somebody was uninvited", "A share of a Thing that you have open has ended.")
            .always(&["thing", "join"])
            .sends(&[push("none")]),
    );
}

fn document_sync(document: &mut Document) {
    let sync = Subject::sync();
    // As y-protocols writes them: somebody who has nothing, and an update without changes.
    let (step_1, step_2) = (|| Blob(vec![0, 1, 0].into()), || Blob(vec![1, 2, 0, 0].into()));
    document.request(
        sync.request(
            "Synchronise",
            "One sync message of y-protocols about a Thing that is open `as: \"yjs\"`: step 1 asks for what the sender \
             lacks; step 2 and updates are edits.",
        )
        .always(&["thing"])
        .takes(&[Sync { data: step_1() }, Sync { data: step_2() }]),
        sync.reply(
            "Synchronised",
            "Step 2, in reply to step 1. In reply to changes: all of them are stored; with the message's own `offset` \
             if something was new, which stands at that place among the changes of others.",
        )
        .always(&["id", "thing", "join"])
        .perhaps(&["offset"])
        .sends(&[
            Synced { data: Some(step_2()), ..Synced::default() },
            Synced { data: None, epoch: Some(EPOCH.into()), offset: Some(5), durable: Some(true) },
        ]),
    );
    document.push(
        sync.push("Step 1 of the server", "The server asks for changes of yours that it does not have.")
            .always(&["thing", "join"])
            .sends(&[Sync { data: step_1() }]),
    );
}

fn presence(document: &mut Document) {
    let number = |number: u32| Number::from(number);
    let cursor = || Cursor { x: number(10), y: number(20), part: Some("lamp".into()), selection: None };
    let at = || CursorAt { x: number(10), y: number(20), part: Some("lamp".into()), selection: None };
    let grace = |cursor| Present {
        id: "b6a3c9a1-3f0a-4a57-9a38-3e7dd2a9b4d2".into(),
        user: "grace".into(),
        color: "#1565c0".into(),
        cursor,
    };
    document.request(
        Subject::presence("cursor")
            .request("Point", "Tell the others who have the Thing open where in it you point.")
            .always(&["thing"])
            .takes(&[cursor()]),
        Subject::presence("cursor")
            .reply("Pointed", "They are told.")
            .always(&["id", "thing", "join"])
            .perhaps(&[])
            .sends(&[Empty {}]),
    );
    let Present { id, user, color, .. } = grace(None);
    let CursorAt { x, y, part, selection } = at();
    document.push(
        Subject::presence("cursor")
            .push("Somebody points elsewhere", "Only the newest of each is sent.")
            .always(&["thing", "join"])
            .sends(&[CursorPush { id, user, color, x, y, part, selection }]),
    );
    document.push(
        Subject::presence("state")
            .push(
                "Who is there",
                "After a Thing was opened, and whenever somebody may have missed something. It replaces what was known.",
            )
            .always(&["thing", "join"])
            .sends(&[State { present: vec![grace(Some(at()))], others: 0 }]),
    );
    for (name, title, summary) in [
        ("joined", "Somebody has come", "Somebody else has opened a Thing that you have open."),
        ("left", "Somebody has left", "Somebody else does not have it open any more."),
    ] {
        document.push(
            Subject::presence(name)
                .push(title, summary)
                .always(&["thing", "join"])
                .sends_only(&["id", "user", "color"], &grace(None)),
        );
    }
}

fn notifications(document: &mut Document) {
    let (by, group) = (|| "ada".to_owned(), || "reviewers".to_owned());
    let invited = Invited { by: by(), group: None, role: "editor".into(), title: "Welcome".into() };
    document.push(
        Subject::notification("invited")
            .push("You are invited", "A Thing is shared with you, or with a group of yours, or in another role.")
            .always(&["thing"])
            .sends(&[invited]),
    );
    document.push(
        Subject::notification("uninvited")
            .push("You are uninvited", "A share with you or with a group of yours has ended.")
            .always(&["thing"])
            .sends(&[Uninvited { by: by(), group: None, role: "none".into() }]),
    );
    document.push(
        Subject::notification("approved")
            .push("Approved", "A group of yours may stream.")
            .sends(&[Approval { group: group() }]),
    );
    document.push(
        Subject::notification("withdrawn")
            .push("Approval withdrawn", "A group of yours may not stream any more; you do, by another one.")
            .sends(&[Approval { group: group() }]),
    );
}

fn error(document: &mut Document) {
    document.schemas.sent::<ErrorBody>();
    let fields = ["port", "name", "id", "thing", "join", "error"];
    let mut payload = schemas::with_fields(Outgoing::<Value>::schema(), &fields);
    payload["required"] = json!(["port", "name", "error"]);
    schemas::close(&mut payload);
    let refused = |code: ErrorCode| {
        Outgoing::failure(action::PORT, Action::Edit.name(), Some(2), Some(THING.into()), code.into())
    };
    let slowly = ErrorBody::from(ErrorCode::TooManyRequests).retry_after(250);
    let error = json!({
        "name": "error",
        "title": "Refused",
        "summary": "A request failed and changed nothing (only with `access_ended` is that not known). `port`, `name`, `id` \
                    and `thing` are those of the request.",
        "correlationId": {"location": "$message.payload#/id"},
        "payload": payload,
        "examples": [
            {"payload": refused(ErrorCode::Forbidden)},
            {"payload": refused(ErrorCode::InvalidPatch)},
            {"payload": Outgoing::failure(session::PORT, "ping", Some(2), None, slowly)},
        ],
    });
    document.messages.insert("error".into(), error);
}

fn example_welcome() -> Welcome {
    Welcome {
        session: "b6a3c9a1-3f0a-4a57-9a38-3e7dd2a9b4d2".into(),
        user: "ada".into(),
        organisation: "acme".into(),
        expires_at: 1_800_000_000,
        ping_ms: 25_000,
        pong_ms: 10_000,
        max_frame_bytes: limits::MAX_FRAME_BYTES,
        max_things: limits::MAX_THINGS,
        ports: BTreeMap::from([("session".into(), session::PORT), ("useraction".into(), action::PORT)]),
        sfe: "1".into(),
        stream: "1.1".into(),
        node: "host-1".into(),
    }
}

fn example_content() -> Value {
    json!({"meta": {"title": "Boat"}, "parts": {"lamp": {"kind": "box", "x": 10, "y": 20}}, "notes": ""})
}

pub(super) fn example_patch() -> Value {
    json!([{"op": "replace", "path": "/meta/title", "value": "Boat"}])
}

fn example_opened(recovered: bool) -> Opened<MissedPush> {
    let edit = EditPush { user: "grace".into(), patch: Some(Cow::Owned(example_patch())), update: None };
    let missed = MissedPush { port: action::PORT, name: Action::Edit.name(), offset: 5, body: MissedBody::Edit(edit) };
    Opened {
        role: "editor".into(),
        epoch: EPOCH.into(),
        offset: 5,
        recovered,
        missed: recovered.then(|| vec![missed]),
        content: (!recovered).then(example_content),
        update: None,
    }
}

fn position() -> Position {
    Position { epoch: EPOCH.into(), offset: 4 }
}

fn by_grace() -> ActionPush<'static> {
    ActionPush { user: "grace".into(), view: None, title: None }
}
