//! `/_stream`, until it is a WebSocket, and its server-sent events.

use serde_json::{Value, json};

use super::{
    endpoint::{By, Endpoint},
    tag,
};
use crate::{access::Scope, protocol::ErrorCode as E};

const ABOUT: &str = "\
The opening handshake of a WebSocket (RFC 6455). It needs an access token with the scope `stream` of somebody whose \
group is approved, or the login cookie and an `Origin` of the server's own. What comes after the 101 is described at \
`/asyncapi.json`. A connection that is refused never reaches an SFE.";

const ABOUT_YJS: &str = "\
The same for one Thing over a plain y-websocket connection, for editors built on Yjs: sync and awareness messages of \
y-protocols in binary frames. A client that can send no header sends a `ticket`, which `/_ajax/ticket` gives.";

const ABOUT_EVENTS: &str = "\
What is pushed about one Thing, as server-sent events, for programs that hold no WebSocket. The data of each event is a \
message as `/asyncapi.json` describes it; the first are the `welcome` and the reply to an `open` in the form `json`. An \
event with a change, and that reply, have the offset as their `id`. Who comes back with the last one as `Last-Event-ID` \
gets what came after it.";

pub(super) fn all() -> Vec<Endpoint> {
    vec![open(), open_yjs(), open_events()]
}

fn open() -> Endpoint {
    handshake(Endpoint::new("get", "/_stream", "open_stream", tag::STREAM).says("Open a stream", ABOUT)).parameter(
        header(
            "Sec-WebSocket-Protocol",
            false,
            "`widgetapp.v1.json` (the default) or `widgetapp.v1.cbor`, the one you like best first, and perhaps \
             `bearer.TOKEN`.",
        ),
    )
}

fn open_yjs() -> Endpoint {
    let endpoint = Endpoint::new("get", "/_stream/yjs/{thing}", "open_yjs", tag::STREAM);
    handshake(endpoint.says("Open a Thing with y-websocket", ABOUT_YJS))
        .parameter(json!({"name": "thing", "in": "path", "required": true, "description": "The id of the Thing.",
            "schema": {"type": "string"}}))
        .query("ticket", false, "A ticket that was not used yet, in place of an access token or a login.")
        .parameter(header("Sec-WebSocket-Protocol", false, "`widgetapp.v1.yjs` or none, and perhaps `bearer.TOKEN`."))
        .refuses(&[E::ThingNotFound, E::NotFound])
}

fn open_events() -> Endpoint {
    Endpoint::new("get", "/_stream/events", "open_events", tag::STREAM)
        .says("Listen to a Thing as server-sent events", ABOUT_EVENTS)
        .by(&[By::Token(Scope::Stream), By::Cookie])
        .query("thing", true, "The id of the Thing.")
        .query(
            "epoch",
            false,
            "The life of the Thing's log to which `Last-Event-ID` belongs; without it, the one of now.",
        )
        .parameter(header("Last-Event-ID", false, "The last `id` that you have: only what came after it is sent."))
        .parameter(header(
            "Origin",
            false,
            "With the login cookie: the server's own address, if your browser sends one.",
        ))
        .answers_with(200, "The events, until the connection ends.", "text/event-stream", json!({"type": "string"}))
        .refuses(&[E::BadRequest, E::TokenInUrl, E::InvalidAction, E::ThingNotFound, E::NotFound])
        .refuses(&[E::TokenMissing, E::InvalidToken, E::TokenExpired])
        .refuses(&[E::GroupNotApproved, E::InsufficientScope, E::OriginNotAllowed])
        .refuses(&[E::TooManyRequests, E::Unavailable])
}

fn header(name: &str, required: bool, description: &str) -> Value {
    json!({"name": name, "in": "header", "required": required, "description": description,
        "schema": {"type": "string"}})
}

fn handshake(endpoint: Endpoint) -> Endpoint {
    endpoint
        .by(&[By::Token(Scope::Stream), By::Subprotocol, By::Cookie])
        .parameter(header("Connection", true, "`Upgrade`."))
        .parameter(header("Upgrade", true, "`websocket`."))
        .parameter(header("Sec-WebSocket-Version", true, "`13`."))
        .parameter(header("Sec-WebSocket-Key", true, "16 random bytes in base64."))
        .parameter(header("Origin", false, "Needed with the login cookie: the server's own address."))
        .answers_bare(101, "The connection is a stream from here on.")
        .with_header(101, "Sec-WebSocket-Accept", "Proof that the server has read the key.")
        .with_header(101, "Sec-WebSocket-Protocol", "The first subprotocol of yours that the server knows.")
        .refuses(&[E::BadRequest, E::TokenInUrl, E::UnknownSubprotocol, E::BadUpgrade, E::NotAnUpgrade])
        .refuses(&[E::TokenMissing, E::InvalidToken, E::TokenExpired])
        .refuses(&[E::GroupNotApproved, E::InsufficientScope, E::OriginNotAllowed])
        .refuses(&[E::TooManyRequests, E::Unavailable])
}
