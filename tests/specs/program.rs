//! A program that streams: bare messages over a bare websocket, as other people's programs send them.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{SinkExt as _, StreamExt as _, stream::SplitSink};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        handshake::client::generate_key,
        protocol::{
            Role,
            frame::{
                Frame,
                coding::{Data, OpCode},
            },
        },
    },
};
use widgetapp::protocol::{Codec, action::Action, codec::Blob, message::Request};

use crate::{
    described,
    product::PATIENCE,
    scene::{in_time, until},
    wording::like,
};

/// Stands for a frame that cannot be decoded.
const UNREADABLE: &str = "a frame that cannot be decoded";

/// A stream, and what came over it.
pub struct Program {
    writer: SplitSink<WebSocketStream<TcpStream>, Message>,
    codec: Codec,
    seen: Arc<Mutex<Seen>>,
    /// How many messages the feature has spoken of already.
    cursor: usize,
    last_id: u32,
}

/// What came over a stream.
#[derive(Default)]
pub struct Seen {
    /// Messages, CBOR's byte strings as lists of numbers.
    pub messages: Vec<Value>,
    /// The kinds of frames they came in.
    pub binary: Vec<bool>,
    /// The close code, or 0 for an end without one.
    pub closed: Option<u16>,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
    /// Requests that are not answered, by their ids.
    asked: HashMap<u64, Value>,
    /// What was not as the guides describe it.
    complaints: Vec<String>,
}

/// How a stream is opened.
pub struct Opening {
    /// Beside those of the handshake itself.
    pub headers: Vec<(&'static str, String)>,
    pub codec: Codec,
    /// Sent together with the head of the request, before any answer.
    pub first: Vec<Value>,
}

impl Opening {
    /// As most programs do it.
    pub fn with_token(token: &str, codec: Codec) -> Self {
        let headers = vec![
            ("Authorization", format!("Bearer {token}")),
            ("Sec-WebSocket-Protocol", codec.subprotocol().to_owned()),
        ];
        Self { headers, codec, first: Vec::new() }
    }

    /// The bytes that open the stream.
    pub fn bytes(&self, address: &str) -> Vec<u8> {
        let mut head = format!(
            "GET /_stream HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n",
            generate_key()
        );
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let mut bytes = (head + "\r\n").into_bytes();
        self.first.iter().for_each(|message| bytes.extend(self.frame(message)));
        bytes
    }

    /// A message as it goes over such a stream.
    pub fn frame(&self, message: &Value) -> Vec<u8> {
        let (data, opcode) = match self.codec {
            Codec::Json => (message.to_string().into_bytes(), Data::Text),
            Codec::Cbor | Codec::Yjs => (Codec::Cbor.encode(message), Data::Binary),
        };
        let mut frame = Frame::message(data, OpCode::Data(opcode), true);
        frame.header_mut().mask = Some([7, 1, 0, 9]);
        let mut bytes = Vec::new();
        frame.format(&mut bytes).expect("a vector can be written to");
        bytes
    }

    /// Opens a stream and never sends a byte again; all that came until the server closed it. Blocks.
    pub fn silently(&self, address: &str) -> Vec<u8> {
        use std::io::{Read as _, Write as _};
        let mut socket = std::net::TcpStream::connect(address).expect("the server listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
        socket.write_all(&self.bytes(address)).expect("the server reads");
        let mut received = Vec::new();
        // An end that is not orderly is one all the same: what came before it counts.
        let _ = socket.read_to_end(&mut received);
        received
    }
}

impl Program {
    /// Opens a stream; fails the step if that is refused.
    pub async fn connect(address: &str, opening: Opening) -> Self {
        let mut socket = TcpStream::connect(address).await.expect("the server listens");
        let bytes = opening.bytes(address);
        socket.write_all(&bytes).await.expect("the server reads");
        let (head, rest) = in_time("the server answers the handshake", answer_head(&mut socket)).await;
        assert!(head.starts_with("HTTP/1.1 101"), "the stream was refused: {head}{}", String::from_utf8_lossy(&rest));
        let subprotocol = header(&head, "sec-websocket-protocol");
        let codec = subprotocol.as_deref().and_then(Codec::from_subprotocol).unwrap_or(opening.codec);
        let mut seen = Seen { subprotocol, ..Seen::default() };
        opening.first.iter().for_each(|message| seen.ask(message));
        let seen = Arc::new(Mutex::new(seen));
        let websocket = WebSocketStream::from_partially_read(socket, rest, Role::Client, None).await;
        let (writer, mut reader) = websocket.split();
        let into = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut code = 0;
            while let Some(message) = reader.next().await {
                match message {
                    Ok(Message::Text(text)) => {
                        let message: Value = serde_json::from_str(&text).unwrap_or_else(|_| UNREADABLE.into());
                        locked(&into).take(false, message.clone(), &message);
                    }
                    Ok(Message::Binary(bytes)) => {
                        let message: ciborium::Value = codec.decode(&bytes).unwrap_or_else(|_| UNREADABLE.into());
                        let with_base64 = plain(message.clone(), &|bytes| STANDARD.encode(bytes).into());
                        locked(&into).take(true, plain(message, &Value::from), &with_base64);
                    }
                    Ok(Message::Close(frame)) => code = frame.map_or(1005, |frame| frame.code.into()),
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
            locked(&into).closed = Some(code);
        });
        Self { writer, codec, seen, cursor: 0, last_id: 1000 }
    }

    /// Closes the connection.
    pub async fn disconnect(&mut self) {
        // It may be closed already.
        let _ = self.writer.close().await;
    }

    /// Sends a message in the stream's own encoding.
    pub async fn send(&mut self, message: &Value) {
        locked(&self.seen).ask(message);
        let message = match self.codec {
            Codec::Json => Message::text(message.to_string()),
            Codec::Cbor | Codec::Yjs => Message::binary(self.codec.encode(message)),
        };
        self.send_frame(message).await;
    }

    /// Sends anything.
    pub async fn send_frame(&mut self, message: Message) {
        match self.writer.send(message).await {
            Ok(()) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => {}
            // The server may have closed meanwhile; what it said counts.
            Err(Error::Io(_)) => {}
            Err(error) => panic!("the message cannot be sent: {error}"),
        }
    }

    /// Sends without waiting for each to be written.
    pub async fn send_all(&mut self, messages: impl Iterator<Item = Value>) {
        for message in messages {
            locked(&self.seen).ask(&message);
            if self.writer.feed(Message::text(message.to_string())).await.is_err() {
                return;
            }
        }
        let _ = self.writer.flush().await;
    }

    /// Sends an edit by Yjs update: base64 in JSON, a byte string in CBOR.
    pub async fn send_update(&mut self, thing: &str, update: Vec<u8>) {
        #[derive(serde::Serialize)]
        struct Body {
            key: &'static str,
            update: Blob,
        }
        let (name, thing) = (Action::Edit.name(), Some(thing));
        let body = Body { key: "drawn", update: Blob(update.into()) };
        let request = Request { port: 200, name, id: 50, thing, offset: None, body };
        locked(&self.seen).ask(&json!(request));
        let bytes = self.codec.encode(&request);
        let message = match self.codec {
            Codec::Json => Message::text(String::from_utf8(bytes).expect("JSON is UTF-8")),
            Codec::Cbor | Codec::Yjs => Message::binary(bytes),
        };
        self.send_frame(message).await;
    }

    /// Sends a request and waits for its reply.
    pub async fn request(&mut self, mut request: Value) -> Value {
        self.last_id += 1;
        request["id"] = self.last_id.into();
        self.send(&request).await;
        let id = json!({"id": self.last_id});
        self.find("a reply", |message| like(&id, message)).await
    }

    /// Waits for a message that is like this one, after those that were spoken of before.
    pub async fn receive(&mut self, expected: &Value) -> Value {
        let from = self.cursor;
        let (at, found) = until(&format!("a message like {expected}"), || {
            let seen = self.seen();
            let found = seen.messages.iter().enumerate().skip(from).find(|(_, message)| like(expected, message));
            found.map(|(at, message)| (at, message.clone()))
        })
        .await;
        self.cursor = at + 1;
        found
    }

    /// Waits for a message anywhere.
    pub async fn find(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        until(what, || self.seen().messages.iter().find(|message| fits(message)).cloned()).await
    }

    /// Waits until everything that was sent to the stream so far has come: the answer to a look at the
    /// Thing stands behind all of its changes.
    pub async fn catch_up(&mut self, thing: &str) {
        self.request(json!({"port": 200, "name": "widgetApp_useraction_select", "thing": thing})).await;
    }

    /// What came. A step that fails while it looks leaves it as it is. Fails the step if something was not as the
    /// guides describe it.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        let seen = locked(&self.seen);
        if let Some(complaint) = seen.complaints.first() {
            panic!("{complaint}");
        }
        seen
    }

    /// For the report of a failure.
    pub fn account(&self) -> String {
        let seen = locked(&self.seen);
        let mut account = String::new();
        for message in &seen.messages {
            let _ = writeln!(account, "  {message}");
        }
        if let Some(code) = seen.closed {
            let _ = writeln!(account, "  closed with {code}");
        }
        account
    }
}

impl Seen {
    /// Notes a request until it is answered.
    fn ask(&mut self, request: &Value) {
        if let Some(id) = request["id"].as_u64() {
            self.asked.insert(id, request.clone());
        }
    }

    /// Takes a message, `described` with byte strings as base64 text.
    fn take(&mut self, binary: bool, message: Value, described: &Value) {
        let answered = described["id"].as_u64().and_then(|id| self.asked.remove(&id));
        self.complaints.extend(described::told(described).err());
        if let (Some(request), None) = (answered, described.get("error")) {
            self.complaints.extend(described::asked(&request).err());
        }
        self.messages.push(message);
        self.binary.push(binary);
    }
}

fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// CBOR as JSON.
fn plain(value: ciborium::Value, bytes_as: &dyn Fn(Vec<u8>) -> Value) -> Value {
    match value {
        ciborium::Value::Bytes(bytes) => bytes_as(bytes),
        ciborium::Value::Array(values) => values.into_iter().map(|value| plain(value, bytes_as)).collect(),
        ciborium::Value::Map(fields) => {
            let field =
                |(name, value): (ciborium::Value, _)| (name.into_text().unwrap_or_default(), plain(value, bytes_as));
            Value::Object(fields.into_iter().map(field).collect())
        }
        other => other.deserialized().unwrap_or_default(),
    }
}

/// The head of the answer, and what came behind it.
async fn answer_head(socket: &mut TcpStream) -> (String, Vec<u8>) {
    const END: &[u8] = b"\r\n\r\n";
    let mut bytes = Vec::new();
    loop {
        if let Some(at) = bytes.windows(END.len()).position(|window| window == END) {
            let rest = bytes.split_off(at + END.len());
            return (String::from_utf8_lossy(&bytes).into_owned(), rest);
        }
        let read = socket.read_buf(&mut bytes).await.expect("the server answers");
        assert!(read > 0, "the server closed the connection: {}", String::from_utf8_lossy(&bytes));
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
}
