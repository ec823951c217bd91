//! `/_stream`, until it is a WebSocket.

use serde_json::json;

use super::{
    endpoint::{By, Endpoint},
    tag,
};
use crate::{access::Scope, protocol::ErrorCode as E};

const ABOUT: &str = "\
The opening handshake of a WebSocket (RFC 6455). It needs an access token with the scope `stream` of somebody whose \
group is approved, or the login cookie and an `Origin` of the server's own. What comes after the 101 is described at \
`/asyncapi.json`. A connection that is refused never reaches an SFE.";

pub(super) fn all() -> Vec<Endpoint> {
    vec![open()]
}

fn open() -> Endpoint {
    let header = |name: &str, required: bool, description: &str| {
        json!({"name": name, "in": "header", "required": required, "description": description,
            "schema": {"type": "string"}})
    };
    Endpoint::new("get", "/_stream", "open_stream", tag::STREAM)
        .says("Open a stream", ABOUT)
        .by(&[By::Token(Scope::Stream), By::Subprotocol, By::Cookie])
        .parameter(header("Connection", true, "`Upgrade`."))
        .parameter(header("Upgrade", true, "`websocket`."))
        .parameter(header("Sec-WebSocket-Version", true, "`13`."))
        .parameter(header("Sec-WebSocket-Key", true, "16 random bytes in base64."))
        .parameter(header(
            "Sec-WebSocket-Protocol",
            false,
            "`widgetapp.v1.json` (the default) or `widgetapp.v1.cbor`, the one you like best first, and perhaps \
             `bearer.TOKEN`.",
        ))
        .parameter(header("Origin", false, "Needed with the login cookie: the server's own address."))
        .answers_bare(101, "The connection is a stream from here on.")
        .with_header(101, "Sec-WebSocket-Accept", "Proof that the server has read the key.")
        .with_header(101, "Sec-WebSocket-Protocol", "The first subprotocol of yours that the server knows.")
        .refuses(&[E::BadRequest, E::TokenInUrl, E::UnknownSubprotocol, E::BadUpgrade, E::NotAnUpgrade])
        .refuses(&[E::TokenMissing, E::InvalidToken, E::TokenExpired])
        .refuses(&[E::GroupNotApproved, E::InsufficientScope, E::OriginNotAllowed])
        .refuses(&[E::TooManyRequests, E::Unavailable])
}
