//! What the server holds as long as it runs, whichever program it runs: the claim on its data directory, and the sockets
//! on which it listens. So nobody is refused while the program is replaced.

use std::{
    fs::File,
    io,
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixListener,
    },
    time::Duration,
};

use anyhow::{Context, anyhow};

use super::{admin, data_directory};
use crate::{clock, config::Config};

/// How long a port may be in use before that is an error.
const PORT_FREE_WITHIN: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub struct Holdings {
    lock: File,
    /// For the administrator.
    pub admin: UnixListener,
    /// For Prometheus, if there is an address for it.
    pub metrics: Option<TcpListener>,
    /// For clients.
    pub listeners: Vec<TcpListener>,
}

impl Holdings {
    /// Claims the data directory, and listens where the settings say.
    ///
    /// # Errors
    /// Another server or program has one of them; the text says what to do.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let lock = data_directory::claim(&config.server.data)?;
        let mut listeners = Vec::new();
        for address in &config.server.listen {
            listeners.push(bind(address, "--listen ").await?);
        }
        let metrics = match &config.metrics.listen {
            Some(address) => Some(bind(address, "metrics.listen = ").await?),
            None => None,
        };
        Ok(Self { lock, admin: admin::bind(&config.server.data)?, metrics, listeners })
    }

    /// What the program before has held: as many of each kind as the settings say, in the order of
    /// [`Holdings::all`].
    ///
    /// # Errors
    /// There are too few.
    pub fn from_before(config: &Config, held: &mut impl Iterator<Item = OwnedFd>) -> anyhow::Result<Self> {
        let mut next = || held.next().context("a socket is missing");
        let (lock, admin) = (next()?.into(), next()?.into());
        let metrics = config.metrics.listen.as_ref().map(|_| next().map(Into::into)).transpose()?;
        let listeners = config.server.listen.iter().map(|_| next().map(Into::into)).collect::<anyhow::Result<_>>()?;
        Ok(Self { lock, admin, metrics, listeners })
    }

    /// All of it.
    pub fn all(&self) -> Vec<BorrowedFd<'_>> {
        let first = [self.lock.as_fd(), self.admin.as_fd()];
        let addresses = self.metrics.iter().chain(&self.listeners).map(AsFd::as_fd);
        first.into_iter().chain(addresses).collect()
    }

    /// Copies of the sockets for clients.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub fn for_wfe(&self) -> io::Result<Vec<OwnedFd>> {
        self.listeners.iter().map(|listener| listener.try_clone().map(OwnedFd::from)).collect()
    }

    /// Where clients are listened for.
    ///
    /// # Errors
    /// The system does not say.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }
}

/// Waits for the processes of a killed server, which hold its port until they have ended, too. An error says with
/// which setting another port is chosen.
async fn bind(address: &str, setting: &str) -> anyhow::Result<TcpListener> {
    let give_up = clock::now() + PORT_FREE_WITHIN;
    let bound = loop {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && clock::now() < give_up => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            bound => break bound,
        }
    };
    let listener = bound.map_err(|error| match address.rsplit_once(':') {
        Some((host, _)) if error.kind() == io::ErrorKind::AddrInUse => {
            anyhow!(
                "cannot listen on {address}: another program uses this port; choose another with \
                 {setting}{host}:PORT (0 picks a free one)"
            )
        }
        _ => anyhow!("cannot listen on {address}: {error}"),
    })?;
    // The standard library asks for a queue of 128, too short for all clients that come back at once.
    rustix::net::listen(&listener, 4096)?;
    Ok(listener)
}
