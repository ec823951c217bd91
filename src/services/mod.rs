//! What stands behind the ports.

use serde_json::Value;

use crate::{
    access::Principal,
    protocol::{
        ErrorBody, ErrorCode, ThingId,
        action::{Action, Selected},
    },
};

/// The door through which HTTP calls the user actions.
#[derive(Clone)]
pub struct Services {}

impl Services {
    /// Does a user action for `caller` and returns the body of its reply.
    ///
    /// # Errors
    /// As the reply on port 200 would carry it.
    pub async fn call(
        &self,
        _caller: &Principal,
        _action: Action,
        _thing: Option<&str>,
        _body: Value,
    ) -> Result<Value, ErrorBody> {
        Err(ErrorCode::Unavailable.into())
    }

    /// Replaces the whole content of a Thing, if it is still at `only_at` (the legacy PUT).
    ///
    /// # Errors
    /// As for [`Services::call`]; `changed_meanwhile` if the Thing is not at that offset.
    pub async fn replace(
        &self,
        _caller: &Principal,
        _thing: ThingId,
        _content: Value,
        _only_at: Option<u64>,
    ) -> Result<Selected, ErrorBody> {
        Err(ErrorCode::Unavailable.into())
    }
}
