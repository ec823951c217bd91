//! Links between the processes, and passing sockets over them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{access::Principal, protocol::Codec};

/// What WFE knows of a client when it hands the client's socket over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Admission {
    /// The new session's id, unguessable.
    pub session: Uuid,
    /// Who is connected; none with `--echo`.
    pub principal: Option<Principal>,
    /// Scopes of the access token; all of them for a login cookie.
    pub scopes: Vec<String>,
    /// When the access token or login expires, seconds since 1970.
    pub expires_at: u64,
    /// The encoding that was agreed on.
    pub codec: Codec,
    /// What to answer as `Sec-WebSocket-Protocol`, if the client offered any.
    pub subprotocol: Option<String>,
    /// The client's `Sec-WebSocket-Key`, for the 101 answer.
    pub websocket_key: String,
    /// The other end of the TCP connection.
    pub peer: IpAddr,
    /// `X-Request-Id` and forwarding headers as they came; SFE's filter chain decides whether to believe them.
    pub headers: Vec<(String, String)>,
}
