//! What can end of someone's access, as an event. The store says it once the end is durable; whoever keeps
//! access alive, such as the live connections, listens ([`crate::store::Store::endings`]) and judges anew.

use uuid::Uuid;

use super::Principal;
use crate::protocol::ThingId;

/// Access that has ended: who relied on it has it no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessEnded {
    /// A group is not approved any more, or someone has left it: its (former) members are to be judged anew.
    Group(String),
    /// A user or client is disabled, gone, or logged out everywhere.
    Principal(Principal),
    /// What one authorisation gave is over: its access tokens and its refresh token.
    Grant(Uuid),
    /// An application is disabled: all that was granted to it is over, whoever granted it.
    Client(String),
    /// A Thing is not shared any more, or less.
    Thing {
        /// The Thing.
        thing: ThingId,
        /// With whom; none if that may be anyone, as when it was shared with a group.
        principal: Option<Principal>,
    },
}
