//! A request of the client: how it is encoded, and whether it is safe to send twice.

use std::borrow::Cow;

use serde::Deserialize as _;
use serde_json::Value;

use crate::protocol::{
    Codec, ErrorBody,
    action::{self, Action, Edit, Open},
    message::Request,
    session,
};

/// A request did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RequestError {
    /// The server refused it.
    #[error("{} ({}, code {})", .0.message, .0.name, .0.code)]
    Refused(ErrorBody),
    /// The connection was lost between request and reply, and it is not safe to send this one twice.
    #[error("connection lost; not known whether it was done")]
    ConnectionLost,
    /// The connection is gone for good.
    #[error(transparent)]
    Ended(#[from] crate::client::ConnectError),
    /// The reply is not what the contract says.
    #[error("the server's reply does not follow the contract: {0}")]
    BadReply(String),
}

impl RequestError {
    /// Whether the same request may succeed later.
    pub fn temporary(&self) -> bool {
        match self {
            Self::Refused(error) => error.temporary,
            Self::ConnectionLost => false,
            Self::Ended(reason) => reason.temporary(),
            Self::BadReply(_) => false,
        }
    }
}

/// What to ask, of whom.
#[derive(Debug)]
pub(crate) struct Call {
    pub port: u16,
    pub name: Cow<'static, str>,
    pub thing: Option<String>,
    pub body: CallBody,
}

/// The payload of a [`Call`].
#[derive(Debug)]
pub(crate) enum CallBody {
    Value(Value),
    Open(Open),
    /// An edit, and the offset up to which its author had seen the Thing.
    Edit(Edit, Option<u64>),
}

impl Call {
    pub(crate) fn action(action: Action, thing: Option<&str>, body: CallBody) -> Self {
        Self { port: action::PORT, name: action.name().into(), thing: thing.map(Into::into), body }
    }

    /// A request by its name. An `open` is known as one, so that the Thing is looked after.
    pub(crate) fn named(port: u16, name: String, thing: Option<&str>, body: Value) -> Self {
        let opens = port == action::PORT && name == Action::Open.name();
        let body = match opens.then(|| Open::deserialize(&body)) {
            Some(Ok(open)) => CallBody::Open(open),
            _ => CallBody::Value(body),
        };
        Self { port, name: name.into(), thing: thing.map(Into::into), body }
    }

    pub(super) fn encode(&self, codec: Codec, id: u32) -> Vec<u8> {
        match &self.body {
            CallBody::Value(body) => codec.encode(&self.request(id, None, body)),
            CallBody::Open(body) => codec.encode(&self.request(id, None, body)),
            CallBody::Edit(body, seen) => codec.encode(&self.request(id, *seen, body)),
        }
    }

    fn request<'a, B>(&'a self, id: u32, offset: Option<u64>, body: B) -> Request<'a, B> {
        Request { port: self.port, name: &self.name, id, thing: self.thing.as_deref(), offset, body }
    }

    fn action_named(&self) -> Option<Action> {
        Action::from_name(&self.name).filter(|_| self.port == action::PORT)
    }

    /// Whether the request may be sent again although it may have been done: it only reads, or doing it
    /// twice is as doing it once. An edit has its key, and what is undone may have one.
    pub(super) fn repeatable(&self) -> bool {
        match self.action_named() {
            Some(Action::Create | Action::Delete) => false,
            Some(Action::Undo | Action::Redo) => {
                matches!(&self.body, CallBody::Value(body) if body["key"].is_string())
            }
            Some(_) => true,
            None => self.port == session::PORT,
        }
    }

    /// Whether the `offset` of the reply is the place of a change made by this request.
    pub(super) fn changes_the_thing(&self) -> bool {
        // Names that this version does not know count as changes: at worst the Thing is opened again.
        self.port == action::PORT && matches!(self.action_named(), None | Some(Action::Edit | Action::Delete))
    }

    pub(super) fn is(&self, action: Action) -> bool {
        self.action_named() == Some(action)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_safe_twice_is_sent_twice() {
        let repeatable = |port, name: &str| Call::named(port, name.into(), None, json!({})).repeatable();
        for action in Action::ALL {
            let safe = !matches!(action, Action::Create | Action::Delete | Action::Undo | Action::Redo);
            assert_eq!(repeatable(200, action.name()), safe, "{action}");
        }
        assert!(repeatable(0, "ping"));
        let keyed = Call::named(200, Action::Undo.name().into(), None, json!({"key": "k"}));
        assert!(keyed.repeatable(), "under its key it is undone once");
        assert!(!repeatable(200, "widgetApp_useraction_dance"));
        assert!(!repeatable(202, "cursor"));
    }

    #[test]
    fn an_edit_carries_its_key_and_what_its_author_had_seen() {
        let edit = super::super::EditBody::Patch(json!([])).with_key("k".into());
        let call = Call::action(Action::Edit, Some("t"), CallBody::Edit(edit, Some(4)));
        let json: Value = serde_json::from_slice(&call.encode(Codec::Json, 9)).unwrap();
        assert_eq!(
            json,
            json!({"port": 200, "name": "widgetApp_useraction_edit", "id": 9, "thing": "t", "offset": 4,
                   "body": {"key": "k", "patch": []}})
        );
    }
}
