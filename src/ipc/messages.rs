//! What the processes say to each other. Up is toward WFE, down toward the clients.
//!
//! Soft state flows up: whoever comes back (a new `_sfe`, a new `_wfe`) is told by those below what is
//! connected, open and unanswered, so that a restart, a crash and a new link are one and the same path.

use std::net::IpAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    access::Caller,
    protocol::{
        Codec, Role, ThingId,
        action::{Form, Position},
    },
};

/// What WFE knows of a client when it hands the client's socket over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Admission {
    /// The new session's id, unguessable.
    pub session: Uuid,
    /// Who is connected, and by which right; none with `--echo`.
    pub caller: Option<Caller>,
    /// The groups that they are in.
    pub groups: Vec<String>,
    /// When the access token or login expires, seconds since 1970.
    pub expires_at: u64,
    /// The one Thing that the connection is for, if it is one of y-websocket or of server-sent events.
    pub thing: Option<ThingId>,
    /// The encoding that was agreed on.
    pub codec: Codec,
    /// What follows on the connection.
    pub becomes: Becomes,
    /// The other end of the TCP connection.
    pub peer: IpAddr,
    /// `X-Request-Id` and forwarding headers as they came; SFE's filter chain decides whether to believe them.
    pub headers: Vec<(String, String)>,
}

/// What a request for a stream turns its connection into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Becomes {
    /// A WebSocket.
    Websocket {
        /// The client's `Sec-WebSocket-Key`, for the 101 answer.
        key: String,
        /// What to answer as `Sec-WebSocket-Protocol`, if the client offered any.
        subprotocol: Option<String>,
    },
    /// Server-sent events.
    Events {
        /// How far the client has got.
        since: Option<Position>,
    },
}

/// How messages stand on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Framing {
    /// In the frames of a WebSocket, both ways.
    Websocket,
    /// As server-sent events, toward the client only.
    Events,
}

/// A packet from WFE to an SFE, with the client's socket.
#[derive(Debug, Serialize, Deserialize)]
pub struct Handover {
    /// Who comes.
    pub admission: Admission,
    /// What the client has sent behind its request head.
    pub read: Bytes,
}

/// A packet from an SFE to one of its `_stream`s, with the client's socket.
#[derive(Debug, Serialize, Deserialize)]
pub struct Placement {
    /// The session.
    pub session: Uuid,
    /// How the connection is named in logs.
    pub request_id: String,
    /// What the SFE wants to be told about the session if it has to start anew; opaque to `_stream`.
    pub context: Bytes,
    /// How the session encodes its messages.
    pub codec: Codec,
    /// How they stand on the connection.
    pub framing: Framing,
    /// Return every data frame as it came.
    pub echo: bool,
    /// The head of the answer, to be written first.
    pub answer: Bytes,
    /// The first message.
    pub welcome: Option<Bytes>,
    /// A request that counts as the client's first message.
    pub opening: Option<Bytes>,
    /// What the client has sent behind its request head.
    pub read: Bytes,
}

/// `_stream` to `_sfe`.
#[derive(Debug, Serialize, Deserialize)]
pub enum StreamUp {
    /// After a new link, one for each session that this process holds.
    Held(Held),
    /// After a new link, behind the last [`StreamUp::Held`].
    AllHeld,
    /// The socket has arrived; from here on it is this process's.
    Taken(Uuid),
    /// The socket could not be taken: there are no descriptors left.
    NoRoom(Uuid),
    /// A message of the client.
    Message {
        /// The session.
        session: Uuid,
        /// Numbers the messages of the session.
        sequence: u64,
        /// The message as it came.
        message: Bytes,
    },
    /// The connection is over.
    Gone(Uuid),
}

/// A session as its `_stream` knows it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Held {
    /// The session.
    pub session: Uuid,
    /// What the SFE had given.
    pub context: Bytes,
    /// What the session has open, and how far it has got.
    pub open: Vec<OpenThing>,
    /// Messages without a reply, in order.
    pub unanswered: Vec<(u64, Bytes)>,
}

/// A Thing that a session has open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenThing {
    /// The Thing.
    pub thing: ThingId,
    /// The id of the request that opened it.
    pub join: u32,
    /// How its changes are sent.
    pub form: Form,
    /// What the client may do with it, as it was last told.
    pub role: Role,
    /// The life of the log.
    pub epoch: String,
    /// The last change that the client was sent.
    pub offset: u64,
    /// Where in it the client is; opaque to `_stream`.
    pub whereabouts: Whereabouts,
}

/// Where somebody is in a Thing that they have open, as they said last. It is stored nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whereabouts {
    /// Their cursor, as JSON.
    pub cursor: Option<String>,
    /// What a client of y-websocket says of itself.
    pub awareness: Option<Awareness>,
}

/// The awareness state of a client of y-websocket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awareness {
    /// The client's id in Yjs, which is this session's as long as it lasts.
    pub client: u64,
    /// Its own clock.
    pub clock: u32,
    /// Added to that for the others: they may have seen the same client before, over another connection.
    pub shift: u32,
    /// JSON, with the sender's name and colour in it.
    pub state: String,
}

/// `_sfe` to `_stream`.
#[derive(Debug, Serialize, Deserialize)]
pub enum StreamDown {
    /// A message for one session.
    Send {
        /// The session.
        session: Uuid,
        /// The client's message that this answers.
        answers: Option<u64>,
        /// What changes for the session with it.
        effect: Option<Effect>,
        /// The Thing that the message is about: it is not sent if the client's access to that ends first.
        about: Option<ThingId>,
        /// The encoded message; none if the client is told nothing (a request without an id).
        message: Option<Bytes>,
    },
    /// A message for everyone who has the Thing open.
    Push(Push),
    /// What to tell a new SFE about the session from now on.
    Context {
        /// The session.
        session: Uuid,
        /// Opaque.
        context: Bytes,
    },
    /// End a connection.
    Close {
        /// The session.
        session: Uuid,
        /// The close code.
        code: u16,
        /// For people; at most 123 bytes.
        reason: String,
    },
    /// A Thing cannot be continued for those who have it open: close them, they resume.
    Gap(ThingId),
}

/// What a reply changes in the state of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// The Thing is open from here on.
    Opened(OpenThing),
    /// The Thing is not open any more.
    Closed(ThingId),
    /// The reply stands at this place in the Thing's order.
    At(ThingId, u64),
    /// The client is somewhere else in the Thing.
    Whereabouts(ThingId, Whereabouts),
    /// The client has another role on the Thing; without one it is not open any more, and nothing that is about it
    /// and waits to be sent is sent.
    Role(ThingId, Option<Role>),
}

/// A message for everyone who has a Thing open.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Push {
    /// The Thing.
    pub thing: ThingId,
    /// The place in the log, if it is a change; else it is sent at once and never again.
    pub change: Option<Change>,
    /// Which of them hear it.
    pub to: To,
    /// It says where this session is now: what waits to be sent of where it was before is not sent any more.
    pub newest_of: Option<Uuid>,
    /// The message, encoded once for each way in which someone wants it, without `join`. What is no change is not
    /// told to those for whom it is not encoded.
    pub encoded: Vec<Encoded>,
}

/// To which sessions that have a Thing open something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum To {
    /// To all of them.
    Everyone,
    /// To all but the one that caused it, and hears of it by its reply.
    Others(Uuid),
    /// To one alone.
    One(Uuid),
}

impl To {
    /// All, but for `session` if one caused it.
    pub fn others(session: Option<Uuid>) -> Self {
        session.map_or(Self::Everyone, Self::Others)
    }

    /// Whether it goes to this one.
    pub fn includes(self, session: Uuid) -> bool {
        match self {
            Self::Everyone => true,
            Self::Others(other) => other != session,
            Self::One(only) => only == session,
        }
    }
}

/// Where a change stands, and how its sender would know it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    /// The life of the log.
    pub epoch: String,
    /// The offset.
    pub offset: u64,
    /// For a change sent again after a new link: who made it ([`Principal::id`]), and under which key.
    pub again: Option<(String, String)>,
}

/// A message in one encoding and form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Encoded {
    /// For sessions with this encoding.
    pub codec: Codec,
    /// For those who opened the Thing in this form; none if it is the same for both.
    pub form: Option<Form>,
    /// The message, without `join`.
    pub message: Bytes,
}

/// `_sfe` to `_wfe`.
#[derive(Debug, Serialize, Deserialize)]
pub enum WfeUp {
    /// The socket has arrived at a `_stream`; WFE's copy can be closed.
    Taken(Uuid),
    /// The socket was lost on its way; it has to be handed over again.
    Lost(Uuid),
    /// There is no room for this connection; it is to be refused.
    NoRoom(Uuid),
    /// A session is here.
    Connected {
        /// The session.
        session: Uuid,
        /// Whose it is, and by which right.
        caller: Caller,
        /// What it has open.
        open: Vec<Holding>,
        /// How the connection is named in logs.
        request_id: String,
    },
    /// A session has closed a Thing, or has not opened it after all.
    Closed {
        /// The session.
        session: Uuid,
        /// The Thing.
        thing: ThingId,
    },
    /// A session is over.
    Gone(Uuid),
    /// After a new link: send what came after these places, and go on from there.
    Resume {
        /// The Thing.
        thing: ThingId,
        /// The life of the log.
        epoch: String,
        /// The last change that everyone here has.
        after: u64,
        /// How those who have it open want it.
        wanted: Vec<(Codec, Form)>,
    },
    /// Nobody here has the Thing open any more.
    Leave(ThingId),
    /// After a new link, behind the last of the above: what follows is new.
    Resumed,
    /// A request for a service.
    Request(Request),
}

/// A Thing that a session has open, as its SFE knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The Thing.
    pub thing: ThingId,
    /// The role that the client was told of.
    pub role: Role,
    /// Where in the Thing it is.
    pub whereabouts: Whereabouts,
}

/// The name, on port 202, under which an SFE passes on what a client of y-websocket says of itself; no client's.
pub const AWARENESS: &str = "awareness";
/// The same for its question who is there.
pub const QUERY_AWARENESS: &str = "query_awareness";

/// A request on its way to a service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The session.
    pub session: Uuid,
    /// Which message of the session it is.
    pub sequence: u64,
    /// How the message is encoded, and its reply will be.
    pub codec: Codec,
    /// The last change of the Thing that this session's SFE had passed on.
    pub seen: Option<u64>,
    /// The client's message as it came.
    pub message: Bytes,
}

/// `_wfe` to `_sfe`.
#[derive(Debug, Serialize, Deserialize)]
pub enum WfeDown {
    /// A reply to a request.
    Reply {
        /// The session.
        session: Uuid,
        /// Which message it answers.
        sequence: u64,
        /// What changes for the session with it.
        effect: Option<Effect>,
        /// The reply, encoded; none if the request had no id and succeeded.
        message: Option<Bytes>,
    },
    /// A message for everyone who has a Thing open.
    Push(Push),
    /// A message for some sessions, whatever they have open.
    Notify {
        /// The sessions.
        sessions: Vec<Uuid>,
        /// The Thing that it is about.
        thing: Option<ThingId>,
        /// The message in every encoding.
        encoded: Vec<Encoded>,
    },
    /// What this SFE's sessions had of a Thing cannot be continued: close them, they resume.
    Gap(ThingId),
    /// The token of a session was replaced by one that expires then.
    Refreshed {
        /// The session.
        session: Uuid,
        /// Who it is, by the new right.
        caller: Caller,
        /// Seconds since 1970.
        expires_at: u64,
    },
    /// A session has another role on a Thing that it has open; none ends it.
    Access {
        /// The session.
        session: Uuid,
        /// The Thing.
        thing: ThingId,
        /// The role from now on.
        role: Option<Role>,
    },
    /// End a connection.
    Close {
        /// The session.
        session: Uuid,
        /// The close code.
        code: u16,
        /// For people.
        reason: String,
    },
}
