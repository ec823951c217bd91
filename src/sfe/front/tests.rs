//! What a new SFE tells WFE of the sessions that it is told of.

use std::os::unix::net::UnixStream;

use serde_json::json;
use tokio::task::LocalSet;

use super::*;
use crate::{
    access::{Caller, Kind, Principal},
    clock,
    ipc::messages::Held,
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
        protocol: Codec::Json,
    }
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
