//! Connections of server-sent events: the head of the answer, and the request that opens their one Thing. Pure.
//!
//! Inside, such a connection is like any other, of which the client never says a word.

use bytes::Bytes;

use crate::protocol::{
    Codec, ThingId,
    action::{self, Action, Form, Open, Position},
    message::Request,
};

/// The head of the answer. The events follow until the connection ends; nothing on the way may keep them back: neither
/// a cache nor a proxy that collects answers (nginx heeds `X-Accel-Buffering`).
pub fn head(request_id: &str) -> Bytes {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store, no-transform\r\n\
         X-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\nX-Request-Id: {request_id}\r\n\
         Connection: close\r\n\r\n"
    )
    .into()
}

/// The request that opens the Thing, from where the client has got to. It counts as the client's first message.
pub fn opening(thing: ThingId, since: Option<Position>) -> Bytes {
    let (thing, body) = (thing.to_string(), Open { since, form: Form::Json });
    let (port, name) = (action::PORT, Action::Open.name());
    Codec::Json.encode(&Request { port, name, id: 1, thing: Some(&thing), offset: None, body }).into()
}
