//! A websocket of a test's own: opened, refused, and what is said on it most often.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message, client::IntoClientRequest as _},
};

/// An open stream.
pub type Socket = WebSocketStream<TcpStream>;

/// There is no stream.
#[derive(Debug)]
pub struct NotOpen {
    /// How the server refused it, if it answered.
    pub status: Option<u16>,
    /// How long it asked to wait.
    pub retry_after: Option<Duration>,
    /// For people.
    pub why: String,
}

impl<E: std::error::Error> From<E> for NotOpen {
    fn from(error: E) -> Self {
        Self { status: None, retry_after: None, why: error.to_string() }
    }
}

/// Opens a stream with this access token.
pub async fn open(address: &str, token: &str) -> Result<Socket, NotOpen> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    open_on(socket, address, token).await
}

/// The same on a connection that is there.
pub async fn open_on(socket: TcpStream, address: &str, token: &str) -> Result<Socket, NotOpen> {
    let mut request = format!("ws://{address}/_stream").into_client_request()?;
    request.headers_mut().insert("Authorization", format!("Bearer {token}").parse()?);
    match tokio_tungstenite::client_async(request, socket).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(answer)) => {
            let status = answer.status().as_u16();
            let after = answer.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.parse().ok());
            let with = if after.is_some() { "with" } else { "without" };
            let why = format!("{status} {with} Retry-After");
            Err(NotOpen { status: Some(status), retry_after: after.map(Duration::from_secs), why })
        }
        Err(error) => Err(error.into()),
    }
}

/// A request on port 200.
pub fn request(id: u64, action: &str, thing: &str, body: &Value) -> Message {
    let name = format!("widgetApp_useraction_{action}");
    Message::text(json!({"port": 200, "name": name, "id": id, "thing": thing, "body": body}).to_string())
}
