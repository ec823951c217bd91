//! What can happen to somebody's access. The store says it aloud after each such write; what is live is
//! judged again then.

use uuid::Uuid;

use super::{Principal, Role};
use crate::protocol::ThingId;

/// A change of access that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A Thing is shared in another role, or not any more.
    Shared {
        /// The Thing.
        thing: ThingId,
        /// With whom.
        with: Sharee,
        /// In which role from now on; none ends it.
        role: Option<Role>,
        /// Who did it.
        by: Principal,
    },
    /// A Thing is deleted.
    Deleted(ThingId),
    /// A group is approved for streaming, or not any more.
    Approved {
        /// The group.
        group: String,
        /// Whether it is now.
        approved: bool,
    },
    /// Something else about these: in a group or out of it, disabled, a new password, a token or a login that is
    /// taken back.
    Of(Vec<Principal>),
    /// These have other names from now on: a user, or all of an organisation. Told as they were.
    Renamed(Vec<Principal>),
    /// Groups that were of these names are of others, or gone, or the other way round.
    Groups(Vec<String>),
    /// What one authorisation gave is over: its access tokens and its refresh token.
    Grant(Uuid),
    /// An application is disabled, removed, or has another name: all that was granted to it is over, whoever granted it.
    Client(Principal),
    /// One login is over; what the store kept of its id.
    LoggedOut(Vec<u8>),
}

/// With whom a Thing is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sharee {
    /// A user or client.
    Principal(Principal),
    /// Everyone in a group of the Thing's organisation.
    Group(String),
}
