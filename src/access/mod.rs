//! Who may do what: one decision, used by every door.
//!
//! Owns the table of which action needs which role and scope. Pure: who is in which group and what
//! is shared with whom is looked up in `store`; how a refusal is sent is the door's affair.

mod caller;
mod change;
mod charge;
mod decision;
mod scope;

use serde::{Deserialize, Serialize};

pub use self::{
    caller::{Caller, Proof},
    change::{Change, Sharee},
    charge::{Charge, may_administer},
    decision::{Denied, Door, Permit, Records, Standing, decide, may_stream, needed_role, needed_scope},
    scope::{Scope, Scopes},
};
pub use crate::protocol::Role;

/// Who asks: a user, or an OAuth client that acts for itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Principal {
    /// A user or a client.
    pub kind: Kind,
    /// The user's name or the client's id.
    pub name: String,
    /// The organisation that it belongs to.
    pub organisation: String,
}

impl Principal {
    /// One word for it, as `user:ada`: the log and the keys of edits know it by that.
    pub fn id(&self) -> String {
        match self.kind {
            Kind::User => format!("user:{}", self.name),
            Kind::Client => format!("client:{}", self.name),
        }
    }
}

/// What sort of principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A person with a login.
    User,
    /// An application with a client id and secret.
    Client,
}
