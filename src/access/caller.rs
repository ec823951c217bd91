//! Who calls, and by which right. Plain data, which goes from process to process.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Principal, Scopes};

/// Someone who calls, and what lets them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Who it is.
    pub principal: Principal,
    /// How they showed it.
    pub proof: Proof,
    /// What the proof is good for.
    pub scopes: Scopes,
}

/// How someone showed who they are. It can be taken back, which ends what lives by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proof {
    /// The login cookie; what the store keeps of its id.
    Login(Vec<u8>),
    /// An access token.
    Token {
        /// The authorisation that it comes from: all its tokens end with it.
        grant: Uuid,
        /// The client that it was issued to.
        client: String,
    },
    /// An access token of the external issuer.
    External {
        /// When it was issued, seconds since 1970.
        issued_at: u64,
        /// The groups of their organisation that the token names, if it is the token that says which count.
        groups: Option<Vec<String>>,
    },
    /// Name and password, with the request itself; or the server's own call.
    ThisOnce,
}

impl Proof {
    /// The groups that count for streaming, if it is not those on record.
    pub fn groups(&self) -> Option<&[String]> {
        match self {
            Self::External { groups, .. } => groups.as_deref(),
            Self::Login(_) | Self::Token { .. } | Self::ThisOnce => None,
        }
    }
}

impl Caller {
    /// Someone whose name and password came with the request.
    pub fn this_once(principal: Principal) -> Self {
        Self { principal, proof: Proof::ThisOnce, scopes: Scopes::ALL }
    }
}
