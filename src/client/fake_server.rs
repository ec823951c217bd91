//! A server for the client's tests, which does just what each test says.

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use super::{Client, Events};
use crate::protocol::{Codec, action::Form};

pub(crate) const THING: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

pub(crate) struct FakeServer(TcpListener);

impl FakeServer {
    pub(crate) async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// Takes a connection and welcomes it.
    pub(crate) async fn welcome(&self) -> Peer {
        let mut peer = self.upgrade().await;
        peer.send(json!({"port": 0, "name": "welcome", "body": {"session": "s", "user": "ada", "organisation": "acme",
            "expires_at": 1, "ping_ms": 25_000, "pong_ms": 10_000, "max_frame_bytes": 1_048_576, "max_things": 128,
            "ports": {"session": 0}, "sfe": "1", "stream": "1.1", "node": "n"}}))
            .await;
        peer
    }

    pub(crate) async fn upgrade(&self) -> Peer {
        let (tcp, _) = self.0.accept().await.unwrap();
        Peer::upgrade(tcp).await
    }

    pub(crate) async fn accept(&self) -> TcpStream {
        self.0.accept().await.unwrap().0
    }

    /// Takes a connection and answers its upgrade with this.
    pub(crate) async fn refuse(&self, response: &str) {
        let (mut tcp, _) = self.0.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(tcp.read_u8().await.unwrap());
        }
        tcp.write_all(response.as_bytes()).await.unwrap();
    }
}

/// One connection, seen from the server. Dropping it drops the connection without a word.
pub(crate) struct Peer<S = TcpStream> {
    socket: WebSocketStream<S>,
    pub token: String,
    codec: Codec,
}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Peer<S> {
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    pub(crate) async fn upgrade(io: S) -> Self {
        let (mut token, mut codec) = (String::new(), Codec::Json);
        let read_head = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            token = request.headers()["authorization"].to_str().unwrap().into();
            let subprotocol = request.headers()["sec-websocket-protocol"].clone();
            codec = Codec::from_subprotocol(subprotocol.to_str().unwrap()).unwrap();
            response.headers_mut().insert("sec-websocket-protocol", subprotocol);
            Ok(response)
        };
        let socket = accept_hdr_async(io, read_head).await.unwrap();
        Self { socket, token, codec }
    }

    pub(crate) async fn send(&mut self, message: impl Serialize) {
        self.feed(message).await;
        self.socket.flush().await.unwrap();
    }

    pub(crate) async fn feed(&mut self, message: impl Serialize) {
        let bytes = self.codec.encode(&message);
        let message = match self.codec {
            Codec::Json => Message::text(String::from_utf8(bytes).unwrap()),
            Codec::Cbor | Codec::Yjs => Message::binary(bytes),
        };
        self.socket.feed(message).await.unwrap();
    }

    pub(crate) async fn flush(&mut self) {
        self.socket.flush().await.unwrap();
    }

    /// The next request.
    pub(crate) async fn receive(&mut self) -> Value {
        loop {
            let message = self.socket.next().await.unwrap().unwrap();
            if message.is_text() || message.is_binary() {
                return self.codec.decode(&message.into_data()).unwrap();
            }
        }
    }

    /// The next request, which must be this; returns its id.
    pub(crate) async fn expect(&mut self, name: &str) -> u64 {
        let request = self.receive().await;
        assert!(request["name"].as_str().unwrap().ends_with(name), "{name}: {request}");
        request["id"].as_u64().unwrap()
    }

    /// Lets the client open the Thing at `offset`.
    pub(crate) async fn open_at(&mut self, offset: u64) {
        let id = self.expect("open").await;
        self.opened(id, json!({"role": "editor", "epoch": "e", "offset": offset, "recovered": false, "content": {}}))
            .await;
    }

    pub(crate) async fn opened(&mut self, id: u64, body: Value) {
        self.send(json!({"port": 200, "name": "widgetApp_useraction_open", "id": id, "thing": THING, "body": body}))
            .await;
    }

    pub(crate) async fn ack(&mut self, id: u64, offset: u64) {
        self.send(json!({"port": 200, "name": "widgetApp_useraction_edit", "id": id, "thing": THING,
            "offset": offset, "body": {"epoch": "e", "offset": offset, "durable": true}}))
            .await;
    }

    pub(crate) async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
        self.socket.close(Some(frame)).await.unwrap();
        self.closed().await;
    }

    /// Waits until the client closes; returns its close code.
    pub(crate) async fn closed(mut self) -> Option<u16> {
        while let Some(Ok(message)) = self.socket.next().await {
            if let Message::Close(frame) = message {
                return frame.map(|frame| frame.code.into());
            }
        }
        None
    }
}

/// A push of an edit, as it stands on the wire and in `missed`.
pub(crate) fn change(join: u64, offset: u64) -> Value {
    json!({"port": 200, "name": "widgetApp_useraction_edit", "thing": THING, "join": join,
        "offset": offset, "body": {"patch": [{"op": "add", "path": "/notes", "value": offset.to_string()}]}})
}

/// A client that is connected, and the server's end of it.
pub(crate) async fn connected(server: &FakeServer) -> (Client, Events, Peer) {
    let url = server.url();
    let (connected, peer) = tokio::join!(Client::connect(&url, "t"), server.welcome());
    let (client, events) = connected.unwrap();
    (client, events, peer)
}

/// Connected, with the Thing open at offset 5 under `join` 1.
pub(crate) async fn opened(server: &FakeServer) -> (Client, Events, Peer) {
    let (client, events, mut peer) = connected(server).await;
    let (opened, ()) = tokio::join!(client.open(THING, Form::Json), peer.open_at(5));
    assert_eq!(opened.unwrap().offset, 5);
    (client, events, peer)
}
