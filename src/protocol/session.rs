//! Port 0: bodies of the session's own messages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The port of this service.
pub const PORT: u16 = 0;

/// The first message of the server, named `welcome`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Welcome {
    /// This connection, unguessable.
    pub session: String,
    /// Who is connected: a user's name or a client's id.
    pub user: String,
    /// Their organisation.
    pub organisation: String,
    /// When the access token expires, in seconds since 1970.
    pub expires_at: u64,
    /// How often the server pings.
    pub ping_ms: u64,
    /// How long it waits for the answer.
    pub pong_ms: u64,
    /// Largest message that the client may send.
    pub max_frame_bytes: usize,
    /// Things that may be open at once.
    pub max_things: usize,
    /// The services of this connection: name to port.
    pub ports: BTreeMap<String, u16>,
    /// The SFE instance that runs the session.
    pub sfe: String,
    /// The process that holds the websocket.
    pub stream: String,
    /// The machine.
    pub node: String,
}

/// Body of the request `refresh`: a new token for the live connection.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = NewToken)]
pub struct Refresh {
    /// The access token that replaces the present one. It must be the same user's.
    pub token: String,
}

/// Reply to `refresh`, and body of the push `token_expiring`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExpiresAt {
    /// Seconds since 1970.
    pub expires_at: u64,
}

/// Body of the push `access`: the user's role on an open Thing has changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Access {
    /// The Thing.
    pub thing: String,
    /// The role from now on; `none` ends it.
    pub role: String,
}

/// Body of the push `drain`: reconnect after this delay.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Drain {
    /// This client's own delay.
    pub retry_after_ms: u64,
}
