//! Links between the processes: what they say to each other, and how sockets pass over.
//!
//! The supervisor makes every link (a pair of connected sockets, see [`control`]) and gives one end to
//! each side; so a process has neither names nor paths of the others, and nobody else can connect.
//! A link is a stream of messages ([`link`]) and a second socket that carries open client sockets
//! ([`passing`]). This module knows how bytes travel; what they mean is the matter of each side.

pub mod control;
pub mod link;
pub mod load;
pub mod messages;
pub mod passing;

pub use messages::Admission;

use std::fmt;

use serde::{Deserialize, Serialize};

/// The version of all that the processes say to each other. Whatever changes a message, what is counted
/// ([`crate::metrics::ALL`]) or the order in which something is said raises it: when the program is replaced while the
/// server runs, processes of two programs talk to each other only if both have the same.
pub const VERSION: u16 = 3;

/// A process of the server, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ProcessId {
    /// The WidgetApp Front End.
    Wfe,
    /// An instance of the Streaming Front End, numbered from 1.
    Sfe(u16),
    /// A holder of websockets: the number of its SFE, and its own within it.
    Stream(u16, u16),
}

impl ProcessId {
    /// What `ps` and `top` show.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Wfe => "_wfe",
            Self::Sfe(_) => "_sfe",
            Self::Stream(..) => "_stream",
        }
    }

    /// The instance of the SFE that it belongs to.
    pub fn instance(self) -> Option<u16> {
        match self {
            Self::Wfe => None,
            Self::Sfe(instance) | Self::Stream(instance, _) => Some(instance),
        }
    }

    /// The number that `-id` of the admin command takes; empty for WFE.
    pub fn number(self) -> String {
        match self {
            Self::Wfe => String::new(),
            Self::Sfe(sfe) => sfe.to_string(),
            Self::Stream(sfe, stream) => format!("{sfe}.{stream}"),
        }
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wfe => f.write_str("_wfe"),
            other => write!(f, "{} {}", other.kind(), other.number()),
        }
    }
}
