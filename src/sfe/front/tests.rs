//! What a new SFE tells WFE of the sessions that it is told of.

use std::os::unix::net::UnixStream;

use serde_json::json;
use tokio::task::LocalSet;

use super::*;
use crate::protocol::limits;
use crate::{
    access::{Caller, Kind, Principal, Proof},
    clock,
    ipc::messages::{Change, Held},
    protocol::{Role, action::Form},
};

fn context(session: Uuid) -> RequestContext {
    RequestContext {
        session,
        request_id: "r".into(),
        client_address: [127, 0, 0, 1].into(),
        caller: Caller::this_once(Principal { kind: Kind::User, name: "ada".into(), organisation: "acme".into() }),
        groups: vec![],
        expires_at: u64::MAX,
        thing: None,
        protocol: Codec::Json,
    }
}

/// An instance without sessions, the link to a `_stream`, what comes out at its other end, and what keeps it open.
fn with_a_stream() -> (Front, link::Sender<StreamDown>, link::Receiver<StreamDown>, impl Sized) {
    let (here, there) = UnixStream::pair().unwrap();
    let (stream, messages) = link::open::<StreamDown, StreamUp>(here).unwrap();
    let (stream_sender, sent) = link::open::<StreamUp, StreamDown>(there).unwrap();
    let front = Front::new(Terms { rate: Rate { per_second: 100, burst: 100 }, max_things: 8 });
    (front, stream, sent, (messages, stream_sender))
}

#[tokio::test]
async fn an_unanswered_edit_is_asked_again_as_made_on_what_its_own_client_had() {
    LocalSet::new()
        .run_until(async {
            let (here, there) = UnixStream::pair().unwrap();
            let (wfe, _replies) = link::open::<WfeUp, WfeDown>(here).unwrap();
            let (_, mut told) = link::open::<WfeDown, WfeUp>(there).unwrap();
            let (here, _there) = UnixStream::pair().unwrap();
            let (stream, _messages) = link::open::<StreamDown, StreamUp>(here).unwrap();
            let rate = Rate { per_second: 100, burst: 100 };
            let mut front = Front::new(Terms { rate, max_things: 8 });
            front.attach_wfe(wfe);

            let thing = ThingId(Uuid::from_u128(9));
            let patch = json!([{"op": "replace", "path": "/notes", "value": "abcd"}]);
            let edit = json!({"port": 200, "name": Action::Edit.name(), "id": 3, "thing": thing.to_string(),
                              "body": {"key": "k", "patch": patch}});
            let held = |session: u128, offset, unanswered| Held {
                session: Uuid::from_u128(session),
                context: encode_context(&context(Uuid::from_u128(session))),
                open: vec![OpenThing {
                    thing,
                    join: 1,
                    form: Form::Json,
                    role: Role::Editor,
                    epoch: "e".into(),
                    offset,
                    whereabouts: Whereabouts::default(),
                }],
                unanswered,
            };
            let unanswered = vec![(5, Bytes::from(edit.to_string()))];
            front.attach_stream(1, stream, vec![held(1, 7, vec![]), held(2, 10, unanswered)], clock::now());

            let (mut after, mut seen, mut messages) = (None, None, Vec::new());
            while seen.is_none() {
                told.receive(&mut messages).await.unwrap();
                for message in messages.drain(..) {
                    match message {
                        WfeUp::Resume { after: offset, .. } => after = Some(offset),
                        WfeUp::Request(request) => seen = Some((request.sequence, request.seen)),
                        _ => {}
                    }
                }
            }
            assert_eq!(after, Some(7), "the slowest client misses what came after 7");
            assert_eq!(seen, Some((5, Some(10))), "the author had the change 10");
        })
        .await;
}

#[tokio::test]
async fn what_ends_access_comes_behind_the_answers_to_all_that_was_under_way() {
    book::claims!("access-none", 1);
    LocalSet::new()
        .run_until(async {
            let (here, there) = UnixStream::pair().unwrap();
            let (wfe, _replies) = link::open::<WfeUp, WfeDown>(here).unwrap();
            let (_, _told) = link::open::<WfeDown, WfeUp>(there).unwrap();
            let (mut front, stream, mut sent, _open) = with_a_stream();
            front.attach_wfe(wfe);

            let (thing, session) = (ThingId(Uuid::from_u128(9)), Uuid::from_u128(1));
            let open = OpenThing {
                thing,
                join: 4,
                form: Form::Json,
                role: Role::Editor,
                epoch: "e".into(),
                offset: 7,
                whereabouts: Whereabouts::default(),
            };
            let held =
                Held { session, context: encode_context(&context(session)), open: vec![open], unanswered: vec![] };
            front.attach_stream(1, stream, vec![held], clock::now());
            let edit =
                json!({"port": 200, "name": Action::Edit.name(), "id": 3, "thing": thing.to_string(), "body": {}});
            let message = Bytes::from(edit.to_string());
            front.hear_stream(1, StreamUp::Message { session, sequence: 0, message }, clock::now());
            front.hear_wfe(WfeDown::Access { session, thing, role: None });
            // The answer of WFE comes too late, and so does a change of the Thing.
            front.hear_wfe(WfeDown::Reply { session, sequence: 0, effect: None, message: Some(Bytes::from("{}")) });
            let change = Change { epoch: "e".into(), offset: 8, again: None };
            let encoded = vec![Encoded { codec: Codec::Json, form: None, message: Bytes::from("{}") }];
            front.hear_wfe(WfeDown::Push(Push {
                thing,
                change: Some(change),
                to: To::Everyone,
                newest_of: None,
                encoded,
            }));
            front.hear_wfe(WfeDown::Notify { sessions: vec![session], thing: None, encoded: vec![] });

            let (mut messages, mut heard) = (Vec::new(), Vec::new());
            while heard.len() < 3 {
                sent.receive(&mut messages).await.unwrap();
                heard.append(&mut messages);
            }
            let said = |message: &StreamDown| match message {
                StreamDown::Send { message: Some(bytes), effect, .. } => {
                    let message: serde_json::Value = Codec::Json.decode(bytes).unwrap();
                    (message["name"].clone(), message["error"]["code"].clone(), effect.clone())
                }
                other => (format!("{other:?}").into(), json!(null), None),
            };
            assert_eq!(said(&heard[0]), (json!(Action::Edit.name()), json!(211), None));
            assert_eq!(said(&heard[1]), (json!("access"), json!(null), Some(Effect::Role(thing, None))));
            assert!(matches!(heard[2], StreamDown::Send { message: None, .. }), "nothing of what came later");
        })
        .await;
}

#[tokio::test]
async fn a_login_ends_when_it_ends_and_a_token_a_little_later() {
    LocalSet::new()
        .run_until(async {
            let (mut front, stream, mut sent, _open) = with_a_stream();
            let held = |number: u128, proof| {
                let mut context = context(Uuid::from_u128(number));
                (context.expires_at, context.caller.proof) = (1000, proof);
                Held { session: context.session, context: encode_context(&context), open: vec![], unanswered: vec![] }
            };
            let token = Proof::Token { grant: Uuid::nil(), client: "app".into() };
            let sessions = vec![held(1, Proof::Login(vec![1])), held(2, token)];
            front.attach_stream(1, stream, sessions, clock::now());
            let (mut messages, mut closed) = (Vec::new(), Vec::new());
            for (now, expected) in [(999, vec![]), (1000, vec![1]), (1000 + limits::EXPIRY_GRACE.as_secs(), vec![1, 2])]
            {
                front.tick(now);
                // A last word to wait for.
                front.tell_stream(1, &StreamDown::Gap(ThingId(Uuid::from_u128(u128::from(now)))));
                while !matches!(messages.last(), Some(StreamDown::Gap(thing)) if thing.0.as_u128() == u128::from(now)) {
                    let mut more = Vec::new();
                    sent.receive(&mut more).await.unwrap();
                    messages.append(&mut more);
                }
                closed.extend(messages.iter().filter_map(|message| match message {
                    StreamDown::Close { session, code: 4501, .. } => Some(session.as_u128()),
                    _ => None,
                }));
                closed.sort_unstable();
                closed.dedup();
                assert_eq!(closed, expected, "at {now}");
            }
        })
        .await;
}

/// Two `_stream`s of a new instance have told what they hold, one after the other; what is sent again to the first
/// overtakes what the second still lacks.
#[tokio::test]
async fn an_edit_that_comes_again_is_answered_behind_what_its_author_lacks() {
    LocalSet::new()
        .run_until(async {
            let (mut front, stream, mut sent, _open) = with_a_stream();
            let (session, thing) = (Uuid::from_u128(1), ThingId(Uuid::from_u128(2)));
            let (epoch, whereabouts) = ("e".into(), Whereabouts::default());
            let open =
                OpenThing { thing, join: 1, form: Form::Json, role: Role::Editor, epoch, offset: 8, whereabouts };
            let edit = json!({
                "port": 200, "name": Action::Edit.name(), "id": 3, "thing": thing.to_string(),
                "body": {"key": "k", "patch": []}
            });
            let unanswered = vec![(0, Bytes::from(edit.to_string()))];
            let context = context(session);
            let principal = context.principal().id();
            let held = Held { session, context: encode_context(&context), open: vec![open], unanswered };
            front.attach_stream(1, stream, vec![held], clock::now());
            let push = |offset: u64, key: &str| {
                let change = Change { epoch: "e".into(), offset, again: Some((principal.clone(), key.into())) };
                let message = json!({"port": 200, "name": "edit", "body": {"user": "ada", "patch": []}}).to_string();
                let encoded = vec![Encoded { codec: Codec::Json, form: Some(Form::Json), message: message.into() }];
                WfeDown::Push(Push { thing, change: Some(change), to: To::Everyone, newest_of: None, encoded })
            };
            front.hear_wfe(push(10, "k"));
            front.hear_wfe(push(9, "another's"));
            front.hear_wfe(push(10, "k"));

            let (mut messages, mut heard) = (Vec::new(), Vec::new());
            while heard.len() < 3 {
                sent.receive(&mut messages).await.unwrap();
                heard.extend(messages.drain(..).map(|message| match message {
                    StreamDown::Push(Push { change: Some(change), to, .. }) => (change.offset, Some(to)),
                    StreamDown::Send { effect: Some(Effect::At(_, offset)), .. } => (offset, None),
                    other => panic!("{other:?}"),
                }));
            }
            assert_eq!(heard, [(9, Some(To::Everyone)), (10, None), (10, Some(To::Others(session)))]);
        })
        .await;
}
