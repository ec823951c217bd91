//! Connections of y-websocket: requests are made of the client's messages, and messages of the replies. Pure.
//!
//! Inside, such a connection is like any other: it opens its one Thing `as: "yjs"`, and then uses ports 201 and 202.
//! Changes of others come ready from WFE, in the form that the client takes.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    ipc::messages::{AWARENESS, QUERY_AWARENESS},
    protocol::{
        CloseCode, Codec, ErrorBody, ErrorCode, ThingId,
        action::{self, Action, Form, Open},
        codec::Blob,
        message::{Empty, Request},
        presence,
        sync::{self, Sync},
        yjs::{self, Malformed, Message},
    },
};

/// What a reply is for such a client.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing: y-websocket has no word for it.
    Nothing,
    /// A message.
    Message(Bytes),
    /// The end: the client comes back and compares what it has with what there is, so that nothing is lost.
    Close(CloseCode, String),
}

/// The request that opens the Thing. It counts as the client's first message.
pub fn opening(thing: ThingId) -> Bytes {
    request(action::PORT, Action::Open.name(), thing, Open { since: None, form: Form::Yjs })
}

/// The request that a message of the client stands for; none if it asks for nothing. `own` is the client's id in
/// Yjs, if it has said it: clients repeat what they have heard of others.
///
/// # Errors
/// It is no message of y-websocket.
pub fn heard(thing: ThingId, own: Option<u64>, message: &Bytes) -> Result<Option<Bytes>, Malformed> {
    Ok(match yjs::read(message)? {
        Message::Sync(data) => {
            let data = Blob(message.slice_ref(data));
            Some(request(sync::PORT, sync::SYNC, thing, Sync { data }))
        }
        Message::Awareness(data) => {
            let mut entries = yjs::read_awareness(data)?;
            entries.retain(|entry| own.is_none_or(|own| own == entry.client));
            let data = Blob(yjs::awareness(&entries).into());
            (!entries.is_empty()).then(|| request(presence::PORT, AWARENESS, thing, Sync { data }))
        }
        Message::QueryAwareness => Some(request(presence::PORT, QUERY_AWARENESS, thing, Empty {})),
    })
}

fn request(port: u16, name: &str, thing: ThingId, body: impl Serialize) -> Bytes {
    let thing = thing.to_string();
    // With an id, for what has none is answered only if it fails.
    Codec::Yjs.encode(&Request { port, name, id: 1, thing: Some(&thing), offset: None, body }).into()
}

/// What to say for a reply.
pub fn said(reply: &[u8]) -> Said {
    #[derive(Deserialize)]
    struct Reply {
        port: u16,
        #[serde(default)]
        body: Option<Body>,
        #[serde(default)]
        error: Option<ErrorBody>,
    }
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        data: Option<Blob>,
    }
    match Codec::Yjs.decode::<Reply>(reply) {
        Ok(Reply { port, error: Some(error), .. }) => refused(port, &error),
        Ok(Reply { body: Some(Body { data: Some(data) }), .. }) => Said::Message(yjs::sync_message(&data.0)),
        Ok(_) | Err(_) => Said::Nothing,
    }
}

fn refused(port: u16, error: &ErrorBody) -> Said {
    let is = |code: ErrorCode| error.code == code.number();
    let code = match port {
        // Its access has ended, and the connection ends with that.
        _ if is(ErrorCode::AccessEnded) => return Said::Nothing,
        _ if is(ErrorCode::TooManyRequests) => CloseCode::TooManyRequests,
        _ if error.temporary => CloseCode::Restart,
        action::PORT => CloseCode::Forbidden,
        presence::PORT => CloseCode::ProtocolError,
        _ => return Said::Message(yjs::denied_message(&error.message)),
    };
    Said::Close(code, error.message.clone())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::protocol::{Outgoing, RequestHead, message::WithBody};

    const THING: ThingId = ThingId(Uuid::nil());

    #[test]
    fn a_client_repeats_others_in_vain() {
        let state = |client| yjs::Awareness { client, clock: 1, state: "{}" };
        let message = yjs::awareness_message(&[state(4), state(5)]);
        let asked = |own| {
            let request = heard(THING, own, &message).unwrap()?;
            let head: RequestHead = Codec::Yjs.decode(&request).unwrap();
            assert_eq!((head.port, head.name.as_str()), (presence::PORT, AWARENESS));
            let body: WithBody<Sync> = Codec::Yjs.decode(&request).unwrap();
            Some(yjs::read_awareness(&body.body.data.0).unwrap().len())
        };
        assert_eq!((asked(None), asked(Some(5)), asked(Some(6))), (Some(2), Some(1), None));
    }

    #[test]
    fn a_refused_change_is_told_and_one_that_may_succeed_later_is_sent_anew() {
        let failed = |port, code: ErrorCode| {
            said(&Codec::Yjs.encode(&Outgoing::failure(port, "sync", Some(1), None, code.into())))
        };
        let denied = yjs::denied_message(ErrorCode::Forbidden.message());
        assert_eq!(failed(sync::PORT, ErrorCode::Forbidden), Said::Message(denied));
        for (port, code, close) in [
            (sync::PORT, ErrorCode::NotDurable, CloseCode::Restart),
            (sync::PORT, ErrorCode::TooManyRequests, CloseCode::TooManyRequests),
            (action::PORT, ErrorCode::ThingNotFound, CloseCode::Forbidden),
            (presence::PORT, ErrorCode::InvalidAwareness, CloseCode::ProtocolError),
        ] {
            assert_eq!(failed(port, code), Said::Close(close, code.message().into()));
        }
    }
}
