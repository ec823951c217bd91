//! An address that nobody else gets.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A free port, from now on until this is dropped. Whoever is told of it may listen there, again and again: Linux lets
/// a socket listen where another one is bound that does not (`SO_REUSEADDR`, socket(7)), and gives a port where one is
/// bound to nobody who asks for any.
pub struct Reserved {
    _bound: TcpSocket,
    address: SocketAddr,
}

impl Reserved {
    /// One of this machine's own addresses, such as `127.0.0.1`.
    pub fn at(ip: &str) -> Self {
        let bound = TcpSocket::new_v4().expect("a socket");
        bound.set_reuseaddr(true).expect("it can be shared");
        bound.bind(SocketAddr::new(ip.parse().expect("an IPv4 address"), 0)).expect("a port is free");
        let address = bound.local_addr().expect("it is bound");
        Self { _bound: bound, address }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
