//! What SFE knows about the sender of every message of a session.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    access::{Caller, Principal},
    protocol::{Codec, ThingId},
};

/// Built once by the filter chain, when the connection comes; kept by `_stream`, so that it outlives
/// the SFE process that built it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestContext {
    /// The session.
    pub session: Uuid,
    /// Names the connection in the logs of every process, and in those of a proxy in front.
    pub request_id: String,
    /// Where the client is, as far as a trusted proxy or the connection tells.
    pub client_address: IpAddr,
    /// Who it is, and by which right: a login or an access token, and what that allows.
    pub caller: Caller,
    /// Their groups, as of the start of the session.
    pub groups: Vec<String>,
    /// When that right expires, in seconds since 1970.
    pub expires_at: u64,
    /// The one Thing that the connection is for, if it is one of y-websocket or of server-sent events.
    pub thing: Option<ThingId>,
    /// How messages are encoded.
    pub protocol: Codec,
}

impl RequestContext {
    /// Who it is.
    pub fn principal(&self) -> &Principal {
        &self.caller.principal
    }
}
