//! The product under measurement, and a client as plain as can be.

use std::{
    io::{BufRead, BufReader},
    os::fd::AsFd,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use widgetapp::protocol::{
    Codec,
    action::{Action, PORT},
    message::Request,
};

use super::{machine, receiver};

/// The product, started for one measurement.
pub struct Server {
    process: Child,
    data: tempfile::TempDir,
    url: String,
    token: String,
}

impl Server {
    /// Starts it with its defaults, but without the limits on one user: one stands for many here.
    pub fn start() -> Self {
        Self::start_on(tempfile::TempDir::new().unwrap())
    }

    /// The same on data that is there.
    pub fn start_on(data: tempfile::TempDir) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_widgetapp"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .env("WIDGETAPP_STREAM__REQUESTS_PER_SECOND", "1000000")
            .env("WIDGETAPP_STREAM__REQUEST_BURST", "1000000")
            .env("WIDGETAPP_STREAM__OPENINGS_PER_SECOND", "1000000")
            .env("WIDGETAPP_STREAM__OPENING_BURST", "1000000")
            .env("WIDGETAPP_STREAM__ADMISSIONS_PER_SECOND", "1000000")
            .env("WIDGETAPP_STREAM__MAX_QUEUE_BYTES", "8388608")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("the server starts").to_owned();
        let mut server = Self { process, data, url, token: String::new() };
        server.token = server.new_token();
        server
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// An access token of the demonstration's external system.
    pub fn new_token(&self) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_widgetapp"))
            .args(["token", "--client", "demo-external-system", "--data"])
            .arg(self.data.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// All its processes.
    pub fn pids(&self) -> Vec<u32> {
        let output = Command::new(env!("CARGO_BIN_EXE_widgetapp_admin"))
            .args(["-status", "-json", "-data"])
            .arg(self.data.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let pid = |line: &str| serde_json::from_str::<Value>(line).unwrap()["pid"].as_u64();
        let workers = text.lines().filter_map(|line| u32::try_from(pid(line)?).ok());
        std::iter::once(self.process.id()).chain(workers).collect()
    }

    /// CPU time of all its processes.
    pub fn cpu(&self) -> Duration {
        self.pids().into_iter().map(machine::cpu).sum()
    }

    /// Memory of all its processes.
    pub fn pss_bytes(&self) -> u64 {
        self.pids().into_iter().map(machine::pss_bytes).sum()
    }

    /// A client.
    pub async fn connect(&self, codec: Codec) -> Client {
        self.connect_with(codec, &self.token).await
    }

    /// A client with this token.
    pub async fn connect_with(&self, codec: Codec, token: &str) -> Client {
        let address = self.url.split_once("://").unwrap().1;
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let mut client = Client { socket, unread: Vec::new(), codec, last_id: 0 };
        let head = format!(
            "GET /_stream HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: {}\r\nAuthorization: Bearer {token}\r\n\r\n",
            codec.subprotocol()
        );
        client.socket.write_all(head.as_bytes()).await.unwrap();
        let end = loop {
            if let Some(at) = client.unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            client.fill().await;
        };
        assert!(client.unread.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&client.unread));
        client.unread.drain(..end);
        let welcome = client.message().await;
        assert_eq!(welcome["name"], "welcome");
        client
    }

    /// A new Thing, made by the external system.
    pub async fn create(&self, client: &mut Client) -> String {
        let created = client.request(Action::Create, None, &json!({"title": "measured"})).await;
        created["body"]["thing"].as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A connection, without any comfort.
pub struct Client {
    pub socket: TcpStream,
    pub unread: Vec<u8>,
    codec: Codec,
    last_id: u32,
}

impl Client {
    async fn fill(&mut self) {
        let mut buffer = [0; 16 * 1024];
        let length = self.socket.read(&mut buffer).await.unwrap();
        assert!(length > 0, "the server closed the connection");
        self.unread.extend_from_slice(&buffer[..length]);
    }

    /// The next message.
    pub async fn message(&mut self) -> Value {
        loop {
            if let Some((start, end, data)) = receiver::frame(&self.unread) {
                let payload = self.unread[start..end].to_vec();
                self.unread.drain(..end);
                if data {
                    let value: ciborium::Value = match self.codec {
                        Codec::Json => return self.codec.decode(&payload).unwrap(),
                        Codec::Cbor | Codec::Yjs => self.codec.decode(&payload).unwrap(),
                    };
                    return to_json(value);
                }
            } else {
                self.fill().await;
            }
        }
    }

    /// A request as a frame. Its mask is zero, which leaves the payload as it is.
    pub fn frame<B: Serialize>(&mut self, action: Action, thing: Option<&str>, body: &B) -> Vec<u8> {
        self.last_id += 1;
        let request = Request { port: PORT, name: action.name(), id: self.last_id, thing, offset: None, body };
        let payload = self.codec.encode(&request);
        let mut frame = vec![if self.codec == Codec::Json { 0x81 } else { 0x82 }];
        match payload.len() {
            length @ 0..126 => frame.push(0x80 | length as u8),
            length @ 126..0x1_0000 => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                frame.push(0x80 | 127);
                frame.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(&payload);
        frame
    }

    /// Sends a request and waits for its reply.
    pub async fn request<B: Serialize>(&mut self, action: Action, thing: Option<&str>, body: &B) -> Value {
        let frame = self.frame(action, thing, body);
        self.socket.write_all(&frame).await.unwrap();
        loop {
            let message = self.message().await;
            if message["id"] == self.last_id {
                assert!(message["error"].is_null(), "{message}");
                return message;
            }
        }
    }

    /// Its socket twice: to write from any thread, and to read. The client can only make frames then.
    pub fn split(&mut self) -> (Arc<std::net::TcpStream>, TcpStream) {
        let descriptor = self.socket.as_fd().try_clone_to_owned().unwrap();
        let writing = std::net::TcpStream::from(descriptor);
        let reading = TcpStream::from_std(writing.try_clone().unwrap()).unwrap();
        (Arc::new(writing), reading)
    }

    /// Opens a Thing as Yjs.
    pub async fn open(&mut self, thing: &str) -> Value {
        self.request(Action::Open, Some(thing), &json!({"as": "yjs"})).await
    }
}

fn to_json(value: ciborium::Value) -> Value {
    use base64::Engine as _;
    match value {
        ciborium::Value::Map(pairs) => pairs
            .into_iter()
            .map(|(key, value)| (key.into_text().unwrap_or_default(), to_json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        ciborium::Value::Array(values) => values.into_iter().map(to_json).collect(),
        ciborium::Value::Bytes(bytes) => base64::engine::general_purpose::STANDARD.encode(bytes).into(),
        other => other.deserialized().unwrap_or(Value::Null),
    }
}
