//! Port 201: bodies of the messages that synchronise Yjs documents.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::codec::Blob;

/// The port of this service.
pub const PORT: u16 = 201;
/// The name of its messages.
pub const SYNC: &str = "sync";

/// Body of the request and of the push `sync`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Sync {
    /// One sync message of y-protocols: step 1, step 2 or an update.
    pub data: Blob,
}

/// Reply to `sync`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Synced {
    /// Step 2, in reply to step 1: what the sender lacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Blob>,
    /// In reply to step 2 or an update: the life of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// The place in the log at which all that was sent is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// All that was sent is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durable: Option<bool>,
}
