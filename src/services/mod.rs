//! What stands behind the ports: a folder or a file for each.
//!
//! Every action is defined once, whichever door it comes through: a stream or HTTP. The door has `access` decide
//! and brings the permit; the action decodes its body, does its work, and answers. It knows no process but the
//! one that it runs in.

pub mod call;
pub mod notification;
pub mod presence;
pub mod session;
pub mod sync;
pub mod useraction;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::{
    access::Permit,
    protocol::{ErrorBody, ErrorCode, action::Selected},
};

/// HTTP calls that may wait for the services.
const MAX_WAITING_CALLS: usize = 4096;

/// The door through which HTTP calls the user actions; clones share it.
#[derive(Clone, Debug)]
pub struct Services {
    calls: mpsc::Sender<HttpCall>,
}

/// A call by HTTP on its way.
#[derive(Debug)]
pub struct HttpCall {
    /// Who may do what.
    pub permit: Permit,
    /// How.
    pub what: HttpAction,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Result<Value, ErrorBody>>,
}

/// What is called by HTTP.
#[derive(Debug)]
pub enum HttpAction {
    /// A user action as on port 200, with this body.
    UserAction(Value),
    /// The legacy PUT.
    Replace {
        /// The Thing's new content.
        content: Value,
        /// Only if this is its last change.
        only_at: Option<u64>,
    },
}

impl Services {
    /// The door, and the end at which the calls arrive.
    pub fn new() -> (Self, mpsc::Receiver<HttpCall>) {
        let (calls, arriving) = mpsc::channel(MAX_WAITING_CALLS);
        (Self { calls }, arriving)
    }

    /// Does a user action that is permitted and returns the body of its reply.
    ///
    /// # Errors
    /// As the reply on port 200 would carry it.
    pub async fn call(&self, permit: Permit, body: Value) -> Result<Value, ErrorBody> {
        self.send(permit, HttpAction::UserAction(body)).await
    }

    /// Replaces the whole content of a Thing, if it is still at `only_at` (the legacy PUT), and returns the
    /// Thing as it is then.
    ///
    /// # Errors
    /// As for [`Services::call`]; `changed_meanwhile` if the Thing is not at that offset.
    pub async fn replace(
        &self,
        (edit, select): (Permit, Permit),
        content: Value,
        only_at: Option<u64>,
    ) -> Result<Selected, ErrorBody> {
        self.send(edit, HttpAction::Replace { content, only_at }).await?;
        let selected = self.call(select, Value::Null).await?;
        serde_json::from_value(selected).map_err(|_| ErrorCode::Internal.into())
    }

    async fn send(&self, permit: Permit, what: HttpAction) -> Result<Value, ErrorBody> {
        let (answer, answered) = oneshot::channel();
        self.calls
            .try_send(HttpCall { permit, what, answer })
            .map_err(|_| ErrorBody::from(ErrorCode::Unavailable).retry_after(1000))?;
        answered.await.unwrap_or_else(|_| Err(ErrorCode::Internal.into()))
    }
}
