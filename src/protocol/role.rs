//! What someone may do with a Thing, in the words of messages.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What someone may do with a Thing; each role includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
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

    /// The name in messages; `none` for no role.
    pub fn name_of(role: Option<Self>) -> &'static str {
        role.map_or("none", Self::name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
