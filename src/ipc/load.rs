//! What a process has to do, told to the supervisor: once a second, which also says that the process is alive, and
//! soon after clients have come or gone.

use std::{rc::Rc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::control::{Control, Report};
use crate::metrics;

/// A process that says nothing for several times as long hangs.
pub const TELL_EVERY: Duration = Duration::from_secs(1);
/// Clients that come or go soon after others that were told of are told of together.
const GATHER: Duration = Duration::from_millis(5);

/// What a process has to do. Counts begin with the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Clients that are connected now.
    pub clients: u32,
    /// Messages that came from clients. Not counted by WFE.
    pub received: u64,
    /// Messages that went to clients; one that goes to a hundred counts a hundred times in a `_stream`, once in an
    /// `_sfe`. Not counted by WFE.
    pub sent: u64,
    /// Bytes that wait to be written to clients or to other processes. Not counted by WFE.
    pub waiting_bytes: u64,
}

/// Tells the supervisor until it is gone. `clients_changed` is rung when clients have come or gone.
pub async fn tell(control: Control, clients_changed: Rc<Notify>, load: impl Fn() -> Load) {
    while control.report(&Report::Alive(load())).await.is_ok() {
        count(&control).await;
        tokio::time::sleep(GATHER).await;
        // Either way it is time to tell.
        let _ = tokio::time::timeout(TELL_EVERY, clients_changed.notified()).await;
    }
}

/// Tells the supervisor what this process has counted since it last told. Without a supervisor nobody wants to know.
pub async fn count(control: &Control) {
    let added = metrics::take();
    if !added.is_empty() {
        let _ = control.report(&Report::Counted(added)).await;
    }
}
