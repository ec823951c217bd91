//! What an owner has still to say, in the order in which it must be heard.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Answer, audience::HeardChange};
use crate::{
    log::{ChangeKind, LogError, Receipt},
    protocol::action::Edited,
};

/// A change that is applied and on its way into the log.
pub(super) struct Unstored {
    pub offset: u64,
    pub stored: Receipt,
    pub user: String,
    pub principal: String,
    pub kind: ChangeKind,
    pub what: HeardChange,
    pub session: Option<Uuid>,
    pub answer: Answer<Edited>,
    /// What the edit came to, if that is not what its author sent.
    pub merged: Option<Value>,
    /// The state up to here, to be stored behind it.
    pub snapshot: Option<Bytes>,
}

impl Unstored {
    /// The Yjs update, if the content changed.
    pub fn update(&self) -> Option<&Bytes> {
        match &self.what {
            HeardChange::Edited { update, .. } => Some(update),
            HeardChange::Deleted => None,
        }
    }
}

/// Something to say.
pub(super) enum Emission {
    /// A change, once it is durable.
    Change(Box<Unstored>),
    /// An answer that must not overtake the changes before it; it is told whether those were stored.
    Then(Box<dyn FnOnce(bool)>),
}

/// The queue.
#[derive(Default)]
pub(super) struct Emissions {
    queue: VecDeque<Emission>,
}

impl Emissions {
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub fn push(&mut self, emission: Emission) {
        self.queue.push_back(emission);
    }

    /// The changes that are applied but not stored.
    pub fn changes(&self) -> impl Iterator<Item = &Unstored> {
        self.queue.iter().filter_map(|emission| match emission {
            Emission::Change(unstored) => Some(&**unstored),
            Emission::Then(_) => None,
        })
    }

    /// Waits until the first change is stored, or is not.
    pub async fn settled(&mut self) -> Result<(), LogError> {
        match self.queue.front_mut() {
            Some(Emission::Change(unstored)) => (&mut unstored.stored).await.unwrap_or(Err(LogError::Closed)),
            Some(Emission::Then(_)) => Ok(()),
            None => std::future::pending().await,
        }
    }

    /// Whether the first change is stored, if that is known by now.
    pub fn already_settled(&mut self) -> Option<Result<(), LogError>> {
        match self.queue.front_mut()? {
            Emission::Change(unstored) => match unstored.stored.try_recv() {
                Ok(result) => Some(result),
                Err(oneshot::error::TryRecvError::Empty) => None,
                Err(oneshot::error::TryRecvError::Closed) => Some(Err(LogError::Closed)),
            },
            Emission::Then(_) => Some(Ok(())),
        }
    }

    pub fn pop(&mut self) -> Option<Emission> {
        let emission = self.queue.pop_front();
        if self.queue.is_empty() {
            self.queue.shrink_to(16);
        }
        emission
    }
}
