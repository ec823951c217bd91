//! `_ajax/ticket`: the bodies of the one request that is about a connection still to be opened.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of the request.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = TicketFor)]
pub struct TicketFor {
    /// The one Thing that may be opened with it; without this, any Thing of yours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thing: Option<String>,
}

/// A right to open one connection, in the sender's name.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Ticket)]
pub struct Ticket {
    /// Goes into the address as `?ticket=`; good for one use.
    pub ticket: String,
    /// When it is good no more, in seconds since 1970.
    pub expires_at: u64,
}
