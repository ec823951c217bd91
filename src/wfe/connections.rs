//! Accepts connections and serves HTTP on them, until one becomes a stream and is handed over.
//!
//! hyper reads the request and is then parked, unanswered: the socket is taken out of it together with
//! whatever was read, and the 101 answer is left to the `_stream` that will hold the connection.

use std::{fs::File, io, net::SocketAddr, os::fd::OwnedFd, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream, UnixStream},
    sync::{Semaphore, mpsc, watch},
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::{Handover, Peer, handover::Passenger, process};
use crate::{
    limiter::seldom,
    protocol::{ErrorBody, ErrorCode},
};

/// Connections that speak HTTP at one time; more wait in the listening socket.
const MAX_CONNECTIONS: usize = 8192;
/// hyper's read buffer: the bound of a request head, and of what a client may send behind it before
/// it is handed over.
const MAX_BUFFER_BYTES: usize = 64 * 1024;
/// How long a TLS handshake may take.
const TLS_WITHIN: Duration = Duration::from_secs(10);

/// How long each connection lasts that is refused for want of a descriptor: what it asks has time to arrive.
const WITHOUT_DESCRIPTORS: Duration = Duration::from_millis(10);

/// What every connection needs.
#[derive(Clone)]
pub struct Connections {
    /// All URLs.
    pub router: Router,
    /// Where connections go that become streams.
    pub passengers: mpsc::Sender<Passenger>,
    /// How long a request head may take.
    pub header_timeout: Duration,
    /// Speaks TLS, if that is configured.
    pub tls: Option<TlsAcceptor>,
    /// Turns true when no more requests are taken.
    pub draining: watch::Receiver<bool>,
    room: Arc<Semaphore>,
    /// Nothing is sent: whoever receives learns of the end of the last connection.
    _working: mpsc::Sender<()>,
}

impl Connections {
    /// As the fields say.
    pub fn new(
        router: Router,
        passengers: mpsc::Sender<Passenger>,
        header_timeout: Duration,
        tls: Option<TlsAcceptor>,
        draining: watch::Receiver<bool>,
        working: mpsc::Sender<()>,
    ) -> Self {
        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Self { router, passengers, header_timeout, tls, draining, room, _working: working }
    }

    /// Accepts until draining.
    pub async fn accept(self, listener: TcpListener) {
        let mut draining = self.draining.clone();
        let mut spare = Spare::take();
        loop {
            let room = self.room.clone().acquire_owned().await.expect("the semaphore is never closed");
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = draining.wait_for(|draining| *draining) => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let connections = self.clone();
                    tokio::spawn(async move {
                        if let Err(error) = connections.serve(stream, peer).await {
                            tracing::debug!(%error, %peer, "a connection ended");
                        }
                        drop(room);
                    });
                }
                Err(error) if has_no_descriptor(&error) => {
                    seldom!(error, %error, "no descriptors are left: new connections are refused; allow more open files");
                    spare.refuse_one(&listener, self.tls.is_none()).await;
                }
                // The client was gone before it was accepted.
                Err(error) => tracing::debug!(%error, "a connection was not accepted"),
            }
        }
    }

    async fn serve(self, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
        // Frames are small and wanted at once.
        stream.set_nodelay(true)?;
        match &self.tls {
            None => {
                if let Some((admission, io, read)) = self.http(stream, peer).await? {
                    let socket = OwnedFd::from(io.into_std()?);
                    self.hand_over(Passenger { admission, read, socket }).await;
                }
            }
            Some(tls) => {
                let handshake = tokio::time::timeout(TLS_WITHIN, tls.accept(stream));
                let stream = handshake.await.map_err(|_| io::ErrorKind::TimedOut)??;
                if let Some((admission, mut io, read)) = self.http(stream, peer).await? {
                    let (mut here, there) = UnixStream::pair()?;
                    let socket = OwnedFd::from(there.into_std()?);
                    self.hand_over(Passenger { admission, read, socket }).await;
                    tokio::io::copy_bidirectional(&mut io, &mut here).await?;
                }
            }
        }
        Ok(())
    }

    /// Serves HTTP; what is left of the connection if it becomes a stream.
    async fn http<S>(&self, stream: S, peer: SocketAddr) -> io::Result<Option<(crate::ipc::Admission, S, bytes::Bytes)>>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let (let_through, mut admitted) = mpsc::channel(1);
        let router = self.router.clone();
        let service = tower::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(Handover(let_through.clone()));
            router.clone().oneshot(request)
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(MAX_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let (mut draining, mut told) = (self.draining.clone(), false);
        loop {
            let mut pinned = std::pin::Pin::new(&mut connection);
            tokio::select! {
                served = pinned.as_mut() => return served.map(|()| None).map_err(io::Error::other),
                Some(admission) = admitted.recv() => {
                    let parts = connection.into_parts();
                    return Ok(Some((admission, parts.io.into_inner(), parts.read_buf)));
                }
                Ok(_) = draining.wait_for(|draining| *draining), if !told => {
                    told = true;
                    pinned.graceful_shutdown();
                }
            }
        }
    }

    async fn hand_over(&self, passenger: Passenger) {
        // It fails only while the process ends; the socket closes, and the client tries again.
        let _ = self.passengers.send(passenger).await;
    }
}

/// A descriptor in reserve. When there are no others, a client can still be told so instead of waiting in vain.
struct Spare(Option<File>);

impl Spare {
    fn take() -> Self {
        Self(File::open("/dev/null").ok())
    }

    /// Takes a connection in place of the reserve, answers 503 if it speaks no TLS, and ends it.
    async fn refuse_one(&mut self, listener: &TcpListener, answer: bool) {
        self.0 = None;
        let accepted = listener.poll_accept(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        if let (std::task::Poll::Ready(Ok((stream, _))), true) = (&accepted, answer) {
            let error = ErrorBody::from(ErrorCode::Unavailable).retry_after(1000);
            // As far as it goes at once.
            let _ = stream.try_write(&process::raw_refusal(&error));
        }
        tokio::time::sleep(WITHOUT_DESCRIPTORS).await;
        if let std::task::Poll::Ready(Ok((stream, _))) = accepted {
            // What is unread when a socket is closed would take the answer back.
            let _ = stream.try_read(&mut [0; 16 * 1024]);
        }
        *self = Self::take();
    }
}

fn has_no_descriptor(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
