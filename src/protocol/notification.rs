//! Port 203: what somebody is told of their access, on all their connections.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The port of this service.
pub const PORT: u16 = 203;

/// A Thing is shared with the receiver, or in another role than before: body of `invited`. The Thing stands in the
/// message's `thing`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Invited {
    /// Who shared it.
    pub by: String,
    /// The group of the receiver's with which it was shared, if not with them alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What the receiver may do with it from now on.
    pub role: String,
    /// Its title.
    pub title: String,
}

/// A share is ended: body of `uninvited`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Uninvited {
    /// Who ended it.
    pub by: String,
    /// The group of the receiver's with which it was shared, if not with them alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What the receiver may still do with it by another share; `none` without one.
    pub role: String,
}

/// A group of the receiver's may stream, or not any more: body of `approved` and `withdrawn`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    /// The group.
    pub group: String,
}
