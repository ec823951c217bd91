//! What stands behind the ports: a folder for port 200, a file for port 0.
//!
//! Every action is defined once, whichever door it comes through: a stream or HTTP. It decodes its body,
//! has `access` decide, does its work, and answers. It knows no process but the one that it runs in.

pub mod call;
pub mod session;
pub mod useraction;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::{
    access::Principal,
    protocol::{
        ErrorBody, ErrorCode, ThingId,
        action::{Action, Selected},
    },
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
    /// Who calls.
    pub caller: Principal,
    /// What for.
    pub what: HttpAction,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Result<Value, ErrorBody>>,
}

/// What is called by HTTP.
#[derive(Debug)]
pub enum HttpAction {
    /// A user action, as on port 200.
    UserAction {
        /// Which.
        action: Action,
        /// The Thing, as the caller wrote it.
        thing: Option<String>,
        /// Its body.
        body: Value,
    },
    /// The legacy PUT.
    Replace {
        /// The Thing.
        thing: ThingId,
        /// Its new content.
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

    /// Does a user action for `caller` and returns the body of its reply.
    ///
    /// # Errors
    /// As the reply on port 200 would carry it.
    pub async fn call(
        &self,
        caller: &Principal,
        action: Action,
        thing: Option<&str>,
        body: Value,
    ) -> Result<Value, ErrorBody> {
        self.send(caller, HttpAction::UserAction { action, thing: thing.map(str::to_owned), body }).await
    }

    /// Replaces the whole content of a Thing, if it is still at `only_at` (the legacy PUT), and returns the
    /// Thing as it is then.
    ///
    /// # Errors
    /// As for [`Services::call`]; `changed_meanwhile` if the Thing is not at that offset.
    pub async fn replace(
        &self,
        caller: &Principal,
        thing: ThingId,
        content: Value,
        only_at: Option<u64>,
    ) -> Result<Selected, ErrorBody> {
        self.send(caller, HttpAction::Replace { thing, content, only_at }).await?;
        let selected = self.call(caller, Action::Select, Some(&thing.to_string()), Value::Null).await?;
        serde_json::from_value(selected).map_err(|_| ErrorCode::Internal.into())
    }

    async fn send(&self, caller: &Principal, what: HttpAction) -> Result<Value, ErrorBody> {
        let (answer, answered) = oneshot::channel();
        self.calls
            .try_send(HttpCall { caller: caller.clone(), what, answer })
            .map_err(|_| ErrorBody::from(ErrorCode::Unavailable).retry_after(1000))?;
        answered.await.unwrap_or_else(|_| Err(ErrorCode::Internal.into()))
    }
}
