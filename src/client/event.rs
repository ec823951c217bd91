//! What a program hears from its connection.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use super::connect::ConnectError;
use crate::protocol::{
    ErrorBody,
    action::{Edit, Opened},
    codec::Blob,
    message::Incoming,
    session::Welcome,
};

/// Events that wait for the program to read them; see [`Events`].
pub const MAX_WAITING_EVENTS: usize = 1_024;

/// The change that an edit makes.
#[derive(Clone, Debug, PartialEq)]
pub enum EditBody {
    /// JSON Patch (RFC 6902).
    Patch(Value),
    /// A Yjs update, version 1.
    Update(Bytes),
}

impl EditBody {
    pub(super) fn with_key(self, key: String) -> Edit {
        let (patch, update) = match self {
            Self::Patch(patch) => (Some(patch), None),
            Self::Update(update) => (None, Some(Blob(update))),
        };
        Edit { key, patch, update }
    }

    pub(super) fn without_key(edit: Edit) -> (String, Self) {
        let body = match edit.update {
            Some(Blob(update)) => Self::Update(update),
            None => Self::Patch(edit.patch.unwrap_or_default()),
        };
        (edit.key, body)
    }
}

/// Something that happened on the connection. Events of one Thing come in the order of its log.
#[derive(Clone, Debug)]
pub enum Event {
    /// A connection stands. The first one, and each one after a [`Event::Disconnected`].
    Welcome(Welcome),
    /// A push, or a change that was missed while the connection was away, as if it had been pushed.
    Message(Incoming),
    /// The same for an edit of a Thing that is open as [`Form::Yjs`](crate::protocol::action::Form::Yjs).
    Update {
        /// The Thing.
        thing: String,
        /// The edit's place in the Thing's log.
        offset: u64,
        /// The Yjs update, version 1.
        update: Bytes,
        /// The other members of the push's body.
        body: Value,
    },
    /// An own edit is in the log, durable. It stands here at its place in the order.
    Acked {
        /// The Thing.
        thing: String,
        /// The edit's place in the Thing's log.
        offset: u64,
        /// The edit's key.
        key: String,
        /// The change, to be applied here. `None` if it comes, or came, as a message: the connection was
        /// lost in between, and the edit is among the missed changes.
        change: Option<EditBody>,
    },
    /// The log does not have all that was missed: here is the whole state, which replaces what the
    /// program has.
    Reset {
        /// The Thing.
        thing: String,
        /// Its state, in the form in which it was opened.
        opened: Opened,
    },
    /// A Thing could not be opened again, and is not open any more.
    Lost {
        /// The Thing.
        thing: String,
        /// Why.
        error: ErrorBody,
    },
    /// The connection is gone; the client tries again by itself.
    Disconnected {
        /// Why.
        reason: ConnectError,
        /// When it tries again.
        retry_in: Duration,
    },
    /// All Things that were open have caught up.
    Reconnected,
    /// The connection is gone for good. The last event.
    Ended(ConnectError),
}

/// The events of one connection.
///
/// At most [`MAX_WAITING_EVENTS`] wait here. While that many wait, the client does not read its socket,
/// and so gets no replies either: a task that awaits a reply must not be the one that reads the events.
/// If it stays so, the server closes the connection with 4008; once the events are read, the client
/// comes back and resumes, and nothing is missed. Dropping `Events` discards all events, now and later,
/// and costs nothing.
#[derive(Debug)]
pub struct Events(pub(super) mpsc::Receiver<Event>);

impl Events {
    /// The next event; `None` after the last.
    pub async fn recv(&mut self) -> Option<Event> {
        self.0.recv().await
    }

    /// The next event if one waits.
    pub fn try_recv(&mut self) -> Option<Event> {
        self.0.try_recv().ok()
    }

    /// Moves up to `most` events to `into`, waiting for the first; returns how many, 0 after the last.
    pub async fn recv_many(&mut self, into: &mut Vec<Event>, most: usize) -> usize {
        self.0.recv_many(into, most).await
    }
}
