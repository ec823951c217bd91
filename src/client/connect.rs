//! Opening the websocket, and what it means if that fails.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Uri, header};
use rustls::ClientConfig;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config,
    tungstenite::{self, client::IntoClientRequest as _, protocol::WebSocketConfig},
};

use super::{
    tls::{BadCertificate, Distrust},
    token::TokenError,
};
use crate::protocol::{CloseCode, Codec, limits};

/// Name lookup, TCP, TLS and the websocket handshake together may take this long.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// What is read from the socket at once. The library reserves it for each connection.
const READ_BUFFER_BYTES: usize = 4 * 1024;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// There is no connection.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server answered, and refused the stream.
    #[error("{0}")]
    Refused(Refusal),
    /// The server closed the stream.
    #[error("the server closed the stream: {reason} (close code {code})")]
    Closed {
        /// The close code; 1005 if there was none.
        code: u16,
        /// What it means.
        reason: String,
    },
    /// The connection was dropped without a word, or nothing came for too long.
    #[error("the connection was dropped: {0}")]
    Dropped(String),
    /// Nobody answers at the server's address.
    #[error("cannot reach {server}: {why}")]
    Unreachable {
        /// The address.
        server: String,
        /// What went wrong.
        why: String,
    },
    /// The server's certificate is not trusted.
    #[error("the server's certificate is not trusted: {0}")]
    Untrusted(Distrust),
    /// There is no access token to connect with.
    #[error("no access token: {0}")]
    Token(#[from] TokenError),
    /// The address of the server is not one.
    #[error("\"{0}\" is not the address of a server; one looks like http://127.0.0.1:8080")]
    BadUrl(String),
    /// The certificate to trust is not one.
    #[error(transparent)]
    BadCertificate(#[from] BadCertificate),
    /// The server sent what the contract does not allow.
    #[error("the server does not follow the contract: {0}")]
    Protocol(String),
    /// The program itself ended the connection.
    #[error("this program closed the connection")]
    ByCaller,
}

/// How the server refused a stream: its problem document (RFC 9457), as far as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The number of the error code; 0 if the server named none.
    pub code: u16,
    /// The name that belongs to the number.
    pub name: String,
    /// What was wrong and what to do.
    pub detail: String,
    /// How long to wait before trying again.
    pub retry_after: Option<Duration>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the server refused the stream: {} ({}", self.detail, self.status)?;
        match self.name.as_str() {
            "" => f.write_str(")"),
            name => write!(f, " {name})"),
        }
    }
}

impl ConnectError {
    /// Whether trying again may help.
    pub fn temporary(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.status >= 500 || [408, 425, 429].contains(&refusal.status),
            Self::Closed { code, .. } => CloseCode::reconnect(*code),
            Self::Dropped(_) | Self::Unreachable { .. } => true,
            Self::Token(error) => error.temporary,
            Self::Untrusted(_) | Self::BadUrl(_) | Self::BadCertificate(_) | Self::Protocol(_) | Self::ByCaller => {
                false
            }
        }
    }

    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }
}

/// Where the streams of a server are.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// As the program gave it, for messages.
    server: String,
    uri: Uri,
    host: String,
    port: u16,
    codec: Codec,
    tls: Option<Arc<ClientConfig>>,
}

impl Target {
    /// Takes `http`, `https`, `ws` and `wss` addresses.
    pub(super) fn new(server: &str, codec: Codec, tls: Option<Arc<ClientConfig>>) -> Result<Self, ConnectError> {
        let bad = || ConnectError::BadUrl(server.into());
        let uri: Uri = server.trim_end_matches('/').parse().map_err(|_| bad())?;
        let (scheme, default_port) = match uri.scheme_str() {
            Some("http" | "ws") => ("ws", 80),
            Some("https" | "wss") => ("wss", 443),
            _ => return Err(bad()),
        };
        let authority = uri.authority().ok_or_else(bad)?;
        let base = uri.path().trim_end_matches('/');
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        Ok(Self {
            server: server.into(),
            host: host.into(),
            port: authority.port_u16().unwrap_or(default_port),
            uri: format!("{scheme}://{authority}{base}/_stream").parse().map_err(|_| bad())?,
            codec,
            tls,
        })
    }

    pub(super) async fn connect(&self, token: &str) -> Result<Socket, ConnectError> {
        tokio::time::timeout(CONNECT_WITHIN, self.handshake(token))
            .await
            .unwrap_or_else(|_| Err(self.unreachable(&"it does not answer")))
    }

    async fn handshake(&self, token: &str) -> Result<Socket, ConnectError> {
        let bad = || ConnectError::BadUrl(self.server.clone());
        let mut request = self.uri.clone().into_client_request().map_err(|_| bad())?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| TokenError::lasting("it has characters that no access token has"))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        let subprotocol = HeaderValue::from_static(self.codec.subprotocol());
        request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);

        let tcp =
            TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|error| self.unreachable(&error))?;
        // Messages are small, and gathered by the client itself.
        tcp.set_nodelay(true).map_err(|error| self.unreachable(&error))?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(limits::MAX_ECHO_FRAME_BYTES))
            .max_frame_size(Some(limits::MAX_ECHO_FRAME_BYTES));
        let connector = self.tls.clone().map(Connector::Rustls);
        let (socket, _) = client_async_tls_with_config(request, tcp, Some(config), connector)
            .await
            .map_err(|error| self.handshake_error(error))?;
        Ok(socket)
    }

    fn unreachable(&self, why: &dyn std::fmt::Display) -> ConnectError {
        ConnectError::Unreachable { server: self.server.clone(), why: why.to_string() }
    }

    fn handshake_error(&self, error: tungstenite::Error) -> ConnectError {
        match error {
            tungstenite::Error::Http(response) => ConnectError::Refused(refusal(
                response.status().as_u16(),
                response.headers(),
                response.body().as_deref().unwrap_or_default(),
            )),
            tungstenite::Error::Io(error) => match Distrust::of(&error) {
                Some(why) => ConnectError::Untrusted(why),
                None => self.unreachable(&error),
            },
            error @ tungstenite::Error::Protocol(tungstenite::error::ProtocolError::HandshakeIncomplete) => {
                self.unreachable(&error)
            }
            error => ConnectError::Protocol(error.to_string()),
        }
    }
}

/// Reads a refusal, from what of it came together with its head.
fn refusal(status: u16, headers: &HeaderMap, body: &[u8]) -> Refusal {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Problem {
        title: String,
        detail: String,
        code: u16,
        name: String,
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let detail = [problem.detail, problem.title].into_iter().find(|text| !text.is_empty()).unwrap_or_else(|| {
        let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        reason.unwrap_or("it gave no reason").to_lowercase()
    });
    Refusal { status, code: problem.code, name: problem.name, detail, retry_after: retry_after(headers) }
}

/// `Retry-After` in seconds. Its other form, a date, is not used by the server.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_found_from_the_servers_address() {
        for (server, uri, host, port) in [
            ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/_stream", "127.0.0.1", 8080),
            ("https://example.org/", "wss://example.org/_stream", "example.org", 443),
            ("http://[::1]:80/base/", "ws://[::1]:80/base/_stream", "::1", 80),
            ("wss://example.org:444", "wss://example.org:444/_stream", "example.org", 444),
        ] {
            let target = Target::new(server, Codec::Json, None).unwrap();
            assert_eq!(target.uri.to_string(), uri);
            assert_eq!((target.host.as_str(), target.port), (host, port));
        }
        for server in ["", "example.org", "ftp://example.org", "http://"] {
            assert!(Target::new(server, Codec::Json, None).is_err(), "{server:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_the_server_said() {
        let body =
            br#"{"title": "Forbidden", "detail": "ask your administrator", "code": 108, "name": "group_not_approved"}"#;
        let error = ConnectError::Refused(refusal(403, &HeaderMap::new(), body));
        assert_eq!(error.to_string(), "the server refused the stream: ask your administrator (403 group_not_approved)");
        assert!(!error.temporary());
    }

    #[test]
    fn a_refusal_whose_body_did_not_come_is_still_one() {
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static("7"))]);
        let error = ConnectError::Refused(refusal(503, &headers, b"{\"tit"));
        assert_eq!(error.to_string(), "the server refused the stream: service unavailable (503)");
        assert!(error.temporary());
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    }

    #[test]
    fn refusals_and_close_codes_say_whether_to_come_back() {
        let refused = |status| ConnectError::Refused(refusal(status, &HeaderMap::new(), b"")).temporary();
        assert!([429, 500, 502, 503].into_iter().all(refused));
        assert!(![400, 401, 403, 404, 426].into_iter().any(refused));
        let closed = |code| {
            let reason = String::new();
            ConnectError::Closed { code, reason }.temporary()
        };
        assert!([1001, 1005, 4001, 4008, 4499].into_iter().all(closed));
        assert!(![4500, 4501, 4503, 4509, 4999].into_iter().any(closed));
    }
}
