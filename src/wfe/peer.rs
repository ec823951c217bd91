//! Who is at the other end of the TCP connection, and which address counts as the client's.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::FromRequestParts;
use http::{HeaderMap, request::Parts};

use super::App;

/// The other end of the TCP connection; the accept loop puts it into each request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The client's address: the peer's, or what a trusted proxy says it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientAddress(pub IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self(app.proxies().client_address(peer_address(parts), |name| lines(&parts.headers, name))))
    }
}

/// The lines of a header, in order.
pub(super) fn lines<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect()
}

/// The TCP peer; without an accept loop, as in tests, nobody.
pub(super) fn peer_address(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<Peer>();
    peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0.ip().to_canonical())
}
