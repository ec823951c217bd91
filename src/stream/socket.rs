//! The socket of a client: TCP, or one end of the pair whose other end WFE pumps to a TLS connection.

use std::{
    io::{self, IoSlice},
    os::fd::OwnedFd,
    time::Duration,
};

use rustix::net::{AddressFamily, Shutdown};
use tokio::{
    io::{Interest, Ready},
    net::{TcpStream, UnixStream},
};

/// An open socket, non-blocking.
#[derive(Debug)]
pub enum Socket {
    /// The client itself.
    Tcp(TcpStream),
    /// WFE, which speaks TLS with the client.
    Unix(UnixStream),
}

impl Socket {
    /// Takes a socket that another process has passed.
    ///
    /// # Errors
    /// It is no socket, or the runtime cannot watch it.
    pub fn new(socket: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        if rustix::net::sockopt::socket_domain(&socket)? == AddressFamily::UNIX {
            UnixStream::from_std(socket.into()).map(Self::Unix)
        } else {
            TcpStream::from_std(socket.into()).map(Self::Tcp)
        }
    }

    /// Waits until it can be read or written.
    ///
    /// # Errors
    /// The runtime ends.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        match self {
            Self::Tcp(socket) => socket.ready(interest).await,
            Self::Unix(socket) => socket.ready(interest).await,
        }
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// As of a non-blocking read.
    pub fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.try_read(into),
            Self::Unix(socket) => socket.try_read(into),
        }
    }

    /// Writes as much as the kernel takes.
    ///
    /// # Errors
    /// As of a non-blocking write.
    pub fn try_write(&self, frames: &[IoSlice<'_>]) -> io::Result<usize> {
        match (self, frames) {
            // One frame is the usual case, and a plain write is cheaper for the kernel than a vectored one.
            (Self::Tcp(socket), [frame]) => socket.try_write(frame),
            (Self::Tcp(socket), _) => socket.try_write_vectored(frames),
            (Self::Unix(socket), _) => socket.try_write_vectored(frames),
        }
    }

    /// Ends the connection if the client's side does not acknowledge within this time what is written. Through TLS,
    /// WFE's side always does.
    pub fn end_if_not_taken_within(&self, time: Duration) {
        if let Self::Tcp(socket) = self {
            let millis = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
            // Without it, the kernel gives up after some minutes.
            let _ = rustix::net::sockopt::set_tcp_user_timeout(socket, millis);
        }
    }

    /// Says that nothing more will be written.
    pub fn shut_down_write(&self) {
        // It fails only when the other side is gone, which the next read tells.
        let _ = match self {
            Self::Tcp(socket) => rustix::net::shutdown(socket, Shutdown::Write),
            Self::Unix(socket) => rustix::net::shutdown(socket, Shutdown::Write),
        };
    }
}
