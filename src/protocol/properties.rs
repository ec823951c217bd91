//! What holds for every message, in both encodings.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    Codec, ErrorBody, ErrorCode, Outgoing, RequestHead,
    action::{Edit, Edited, Open, Opened, Position},
    codec::{Blob, append_with_join},
    message::{Incoming, Request, WithBody},
};

fn codecs() -> impl Strategy<Value = Codec> {
    prop_oneof![Just(Codec::Json), Just(Codec::Cbor)]
}

/// Any JSON value, a few levels deep.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_request_is_read_as_it_was_written(
        codec in codecs(), port: u16, name: String, id in 1u32.., thing: Option<String>, offset: Option<u64>,
        key: String, patch in proptest::option::of(values().prop_filter("absent", |value| !value.is_null())),
        update in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..200)),
    ) {
        let body = Edit { key, patch, update: update.map(|bytes| Blob(bytes.into())) };
        let message = codec.encode(&Request { port, name: &name, id, thing: thing.as_deref(), offset, body: &body });
        let head: RequestHead = codec.decode(&message).unwrap();
        prop_assert_eq!((head.port, head.name, head.id.map(u32::from)), (port, name, Some(id)));
        prop_assert_eq!((head.thing, head.offset), (thing, offset));
        let read: WithBody<Edit> = codec.decode(&message).unwrap();
        prop_assert_eq!((read.body.key, read.body.patch, read.body.update), (body.key, body.patch, body.update));
    }

    #[test]
    fn a_reply_is_read_as_it_was_written_and_a_join_changes_nothing_else(
        codec in codecs(), port: u16, name: String, id: Option<u32>, thing: Option<String>, offset: Option<u64>,
        epoch: String, at: u64, join: u32, patch in proptest::option::of(values()),
    ) {
        let body = Edited { epoch, offset: at, durable: true, patch };
        let message = codec.encode(&Outgoing {
            port, name: &name, id, thing: thing.clone(), join: None, offset, body: Some(&body), error: None,
        });
        let mut joined = Vec::new();
        append_with_join(codec, &message, join, &mut joined);
        let mut read: Incoming = codec.decode(&message).unwrap();
        prop_assert_eq!(&read.body, &serde_json::to_value(&body).unwrap());
        prop_assert_eq!((&read.name, read.id, &read.thing, read.offset), (&name, id, &thing, offset));
        read.join = Some(join);
        prop_assert_eq!(codec.decode::<Incoming>(&joined).unwrap(), read);
    }

    #[test]
    fn an_error_is_read_as_it_was_written(codec in codecs(), index in 0..ErrorCode::ALL.len(), text: String, wait: u64) {
        let error = ErrorBody::new(ErrorCode::ALL[index], text).retry_after(wait);
        let message = codec.encode(&Outgoing::failure(200, "x", Some(1), None, error.clone()));
        prop_assert_eq!(codec.decode::<Incoming>(&message).unwrap().error, Some(error));
    }

    #[test]
    fn arbitrary_bytes_are_an_error_or_a_message_but_never_a_panic(
        codec in codecs(), bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let _ = codec.decode::<RequestHead>(&bytes);
        let _ = codec.decode::<WithBody<Edit>>(&bytes);
        let _ = codec.decode::<WithBody<Open>>(&bytes);
        let _ = codec.decode::<Incoming>(&bytes);
    }

    #[test]
    fn a_damaged_message_is_an_error_or_a_message_but_never_a_panic(
        codec in codecs(), position in 0usize..400, byte: u8, cut in 0usize..400, value in values(),
    ) {
        let opened = Opened {
            role: "editor".into(), epoch: "e".into(), offset: 3, recovered: true,
            missed: Some(vec![value]), content: None, update: Some(Blob(vec![1, 2, 3].into())),
        };
        let mut message = codec.encode(&Outgoing::push(200, "x", &opened));
        let length = message.len();
        message[position % length] = byte;
        message.truncate(length - cut % length);
        let _ = codec.decode::<RequestHead>(&message);
        let _ = codec.decode::<WithBody<Opened>>(&message);
    }

    #[test]
    fn unknown_fields_are_ignored(codec in codecs(), name in "[a-z]{9,12}", value in values()) {
        let mut body = json!({"since": {"epoch": "e", "offset": 4}, "as": "yjs"});
        body[&name] = value.clone();
        let mut message = json!({"port": 200, "name": "x", "id": 1, "body": body});
        message[&name] = value;
        let message = codec.encode(&message);
        prop_assert_eq!(codec.decode::<RequestHead>(&message).unwrap().port, 200);
        let read: WithBody<Open> = codec.decode(&message).unwrap();
        prop_assert_eq!(read.body.since, Some(Position { epoch: "e".into(), offset: 4 }));
    }
}
