//! Who may do what.

use std::fmt;

use serde::{Deserialize, Serialize};

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

/// What sort of principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A person with a login.
    User,
    /// An application with a client id and secret.
    Client,
}

/// What someone may do with a Thing; each role includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// See it.
    Viewer,
    /// Change it.
    Editor,
    /// Share and delete it.
    Owner,
}

impl Role {
    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
