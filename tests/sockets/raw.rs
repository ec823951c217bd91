//! A websocket client that does what it is told, also what is forbidden: bytes on a TCP connection.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::product::{PATIENCE, Product};

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;
/// The bit of a message's last frame.
pub const LAST: u8 = 0x80;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A connection.
pub struct Raw {
    pub stream: TcpStream,
    unread: Vec<u8>,
}

/// A frame of the server: opcode and payload.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame(pub u8, pub Vec<u8>);

impl Frame {
    /// The code of a close frame.
    pub fn close_code(&self) -> Option<u16> {
        let code = self.1.first_chunk::<2>().filter(|_| self.0 == CLOSE)?;
        Some(u16::from_be_bytes(*code))
    }
}

/// A request to open a stream, with more header lines.
pub fn upgrade(address: &str, more: &[String]) -> String {
    let mut head = format!(
        "GET /_stream HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    );
    for line in more {
        head += line;
        head += "\r\n";
    }
    head + "\r\n"
}

/// A masked frame: FIN, RSV and opcode in `first`, the length as short as it can be.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(0x80 | length as u8),
        length @ 126..0x1_0000 => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// A close frame with this code.
pub fn close(code: u16, reason: &str) -> Vec<u8> {
    frame(LAST | CLOSE, &[&code.to_be_bytes()[..], reason.as_bytes()].concat())
}

impl Raw {
    /// A TCP connection, nothing sent.
    pub fn connect(product: &Product) -> Self {
        let stream = TcpStream::connect(product.address()).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Self { stream, unread: Vec::new() }
    }

    /// An open websocket of a server with `--echo`.
    pub fn open(product: &Product) -> Self {
        Self::open_with(product, &[])
    }

    /// An open websocket with this access token; the welcome is still to be read.
    pub fn open_as(product: &Product, token: &str) -> Self {
        Self::open_with(product, &[format!("Authorization: Bearer {token}")])
    }

    fn open_with(product: &Product, headers: &[String]) -> Self {
        let mut raw = Self::connect(product);
        raw.send(upgrade(product.address(), headers).as_bytes());
        raw.upgraded();
        raw
    }

    /// Sends bytes; that the server has closed is told by what is read afterwards.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Reads the head of an answer.
    pub fn head(&mut self) -> String {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(self.fill(), "the connection ended before an answer");
        };
        String::from_utf8(self.unread.drain(..end).collect()).expect("a head is text")
    }

    /// Whether anything at all is answered before the connection ends.
    pub fn is_answered(&mut self) -> bool {
        !self.unread.is_empty() || self.fill()
    }

    /// Reads the head that says that this is a websocket now.
    pub fn upgraded(&mut self) {
        let head = self.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    }

    /// Reads an answer that is no websocket: its head and its body.
    pub fn answer(&mut self) -> (String, Vec<u8>) {
        let head = self.head();
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let length: usize = length.expect("the answer has a length");
        while self.unread.len() < length {
            assert!(self.fill(), "the connection ended inside an answer");
        }
        (head, self.unread.drain(..length).collect())
    }

    /// The next frame; `None` when the server has closed the connection.
    pub fn receive(&mut self) -> Option<Frame> {
        let header = self.exactly(2)?;
        assert_eq!(header[1] & 0x80, 0, "servers do not mask");
        assert_eq!(header[0] & 0xf0, LAST, "this server does not fragment");
        let length = match header[1] {
            126 => u64::from(u16::from_be_bytes(self.exactly(2)?.try_into().expect("two bytes"))),
            127 => u64::from_be_bytes(self.exactly(8)?.try_into().expect("eight bytes")),
            short => short.into(),
        };
        let payload = self.exactly(usize::try_from(length).expect("a length"))?;
        Some(Frame(header[0] & 0x0f, payload))
    }

    /// Reads up to the close frame, and answers it: its code. Then the server must close the connection.
    pub fn closed_with(&mut self) -> Option<u16> {
        let code = loop {
            let received = self.receive()?;
            if received.0 == CLOSE {
                self.send(&frame(LAST | CLOSE, &received.1));
                break received.close_code();
            }
        };
        assert_eq!(self.receive(), None, "nothing follows a close frame");
        code
    }

    fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.unread.len() < length {
            if !self.fill() {
                return None;
            }
        }
        Some(self.unread.drain(..length).collect())
    }

    fn fill(&mut self) -> bool {
        let mut bytes = vec![0; 64 * 1024];
        match self.stream.read(&mut bytes) {
            Ok(0) => false,
            Ok(length) => {
                self.unread.extend_from_slice(&bytes[..length]);
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing came within {PATIENCE:?}: {error}"),
        }
    }
}
