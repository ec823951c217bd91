//! How a connection is to be.

use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot, watch};

use super::{
    connect::{ConnectError, Target},
    driver::{self, Driver},
    event::{Events, MAX_WAITING_EVENTS},
    handle::{Client, Shared},
    tls,
    token::TokenSource,
    traffic::Counters,
};
use crate::protocol::Codec;

/// Requests between their callers and the task that sends them.
const MAX_WAITING_REQUESTS: usize = 64;

/// The options of a connection; see [`Client::builder`].
#[derive(Clone, Debug)]
pub struct Builder {
    server: String,
    tokens: TokenSource,
    codec: Codec,
    tls_root: Option<Vec<u8>>,
    keep_trying: bool,
    max_waiting_events: usize,
}

impl Builder {
    pub(super) fn new(server: &str, tokens: TokenSource) -> Self {
        Self {
            server: server.into(),
            tokens,
            codec: Codec::Json,
            tls_root: None,
            keep_trying: false,
            max_waiting_events: MAX_WAITING_EVENTS,
        }
    }

    /// The encoding; JSON if not said. CBOR is smaller, and cheaper for Yjs updates.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Trusts the authorities in this PEM text only, instead of the system's. For a server with a
    /// certificate of its own.
    pub fn tls_root(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls_root = Some(pem.into());
        self
    }

    /// Whether the first connection, too, is tried until it stands, as later ones are. If not said, a
    /// server that cannot be reached is an error.
    pub fn keep_trying(mut self, keep_trying: bool) -> Self {
        self.keep_trying = keep_trying;
        self
    }

    /// How many events may wait to be read; [`MAX_WAITING_EVENTS`] if not said. See [`Events`].
    pub fn max_waiting_events(mut self, most: usize) -> Self {
        self.max_waiting_events = most.max(1);
        self
    }

    /// Connects, and waits until the server welcomes us.
    ///
    /// # Errors
    /// There is no connection, and trying again is not wanted or would not help.
    pub async fn connect(self) -> Result<(Client, Events), ConnectError> {
        tls::install_provider();
        let tls = self.tls_root.as_deref().map(tls::trusting).transpose()?;
        let (commands, commands_here) = mpsc::channel(MAX_WAITING_REQUESTS);
        let (stop, stop_here) = watch::channel(false);
        let (events_here, events) = mpsc::channel(self.max_waiting_events);
        let (ready, connected) = oneshot::channel();
        let (ended, counters) = (Arc::new(OnceLock::new()), Arc::new(Counters::default()));
        let driver = Driver {
            target: Target::new(&self.server, self.codec, tls)?,
            codec: self.codec,
            tokens: self.tokens,
            keep_trying: self.keep_trying,
            commands: commands_here,
            stop: stop_here,
            events: events_here,
            ready: Some(ready),
            ended: Arc::clone(&ended),
            counters: Arc::clone(&counters),
        };
        // Held while we wait: if the caller gives up, the task sees it go, and ends.
        let client = Client(Arc::new(Shared { commands, stop, ended, counters }));
        tokio::spawn(driver::run(driver));
        connected.await.unwrap_or(Err(ConnectError::ByCaller))?;
        Ok((client, Events(events)))
    }
}
