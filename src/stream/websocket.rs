//! RFC 6455 for one client, without IO: bytes go in, messages come out, and what has to be answered
//! (pongs, closing) goes to the outbox, in order with everything else.
//!
//! Frames are read by tungstenite. Those that the server sends are made here, because a server frame
//! is the same for every client: it is made once and shared.

use std::io::{self, Read, Write};

use bytes::Bytes;
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext},
};

use super::outbox::Outbox;
use crate::{
    metrics,
    protocol::{CloseCode, Codec},
};

/// Read buffer of an idle connection. Larger messages get theirs while they arrive.
const READ_BUFFER_BYTES: usize = 512;

/// The protocol state of one client.
#[derive(Debug)]
pub struct Websocket {
    context: Box<WebSocketContext>,
}

/// What came from the client.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// A text message, checked to be UTF-8.
    Text(Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A ping or a pong: a sign of life.
    Alive,
}

/// Why nothing more comes.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// The closing handshake is done, or the client began it and the answer is in the outbox.
    Closed,
    /// The client broke the protocol; the connection has to be closed with this code.
    Fault(CloseCode, String),
}

impl Websocket {
    /// A websocket whose handshake is done.
    pub fn new(max_message_bytes: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(max_message_bytes))
            .max_frame_size(Some(max_message_bytes));
        Self { context: Box::new(WebSocketContext::new(Role::Server, Some(config))) }
    }

    /// The next message in `input`, which is used up as far as it was needed; `None` when it is empty.
    ///
    /// # Errors
    /// Nothing more will come, see [`Ended`].
    pub fn receive(&mut self, input: &mut &[u8], outbox: &mut Outbox) -> Result<Option<Received>, Ended> {
        match self.context.read(&mut Wire { input, outbox }) {
            Ok(Message::Text(text)) => Ok(Some(Received::Text(text.into()))),
            Ok(Message::Binary(bytes)) => Ok(Some(Received::Binary(bytes))),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => Ok(Some(Received::Alive)),
            Ok(Message::Close(_)) => {
                // The answer is queued inside tungstenite; this puts it into the outbox.
                let _ = self.context.flush(&mut Wire { input, outbox });
                Err(Ended::Closed)
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => Err(Ended::Closed),
            Err(Error::Capacity(error)) => Err(Ended::Fault(CloseCode::TooBig, error.to_string())),
            Err(Error::Utf8(error)) => Err(Ended::Fault(CloseCode::InvalidText, error)),
            Err(error) => Err(Ended::Fault(CloseCode::BrokenFrame, error.to_string())),
        }
    }

    /// Puts a close frame into the outbox. `reason` is cut to what a close frame holds.
    pub fn close(&mut self, code: u16, reason: &str, outbox: &mut Outbox) {
        const MAX_REASON_BYTES: usize = 123;
        metrics::close(code);
        let reason = &reason[..reason.floor_char_boundary(MAX_REASON_BYTES)];
        // Errors say only that it is closed already.
        let _ = self.context.close(
            &mut Wire { input: &mut &[][..], outbox },
            Some(CloseFrame { code: code.into(), reason: reason.into() }),
        );
    }
}

/// Lets tungstenite read what has come and write to the outbox.
struct Wire<'a, 'b> {
    input: &'a mut &'b [u8],
    outbox: &'a mut Outbox,
}

impl Read for Wire<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { self.input.read(into) }
    }
}

impl Write for Wire<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outbox.push(Bytes::copy_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// RFC 6455, section 5.2: a final, unmasked data frame.
fn header(opcode: u8, length: usize, out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match length {
        0..126 => out.push(length as u8),
        126..0x1_0000 => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const PING: u8 = 9;
const MAX_HEADER_BYTES: usize = 10;

/// A message as one frame.
pub fn frame(codec: Codec, message: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(MAX_HEADER_BYTES + message.len());
    header(if codec == Codec::Json { TEXT } else { BINARY }, message.len(), &mut out);
    out.extend_from_slice(message);
    out.into()
}

/// The header alone, to be followed by the message itself: for an echo, which copies nothing.
pub fn echo_header(received: &Received) -> Bytes {
    let (opcode, length) = match received {
        Received::Text(message) => (TEXT, message.len()),
        Received::Binary(message) => (BINARY, message.len()),
        Received::Alive => return Bytes::new(),
    };
    let mut out = Vec::with_capacity(MAX_HEADER_BYTES);
    header(opcode, length, &mut out);
    out.into()
}

/// An empty ping.
pub fn ping() -> Bytes {
    Bytes::from_static(&[0x80 | PING, 0])
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::frame::{
        Frame,
        coding::{CloseCode as Code, Data, OpCode},
    };

    use super::*;

    const MAX: usize = 1000;

    /// What comes of `bytes`, fed in pieces of `piece` bytes.
    fn feed(bytes: &[u8], piece: usize) -> (Vec<Received>, Option<Ended>, Outbox) {
        let (mut websocket, mut outbox, mut received) = (Websocket::new(MAX), Outbox::default(), vec![]);
        for mut piece in bytes.chunks(piece) {
            loop {
                match websocket.receive(&mut piece, &mut outbox) {
                    Ok(Some(message)) => received.push(message),
                    Ok(None) => break,
                    Err(ended) => return (received, Some(ended), outbox),
                }
            }
        }
        (received, None, outbox)
    }

    fn masked(mut frame: Frame) -> Vec<u8> {
        frame.header_mut().mask = Some([1, 2, 3, 4]);
        let mut bytes = vec![];
        frame.format(&mut bytes).unwrap();
        bytes
    }

    fn text(text: &str) -> Vec<u8> {
        masked(Frame::message(text.to_owned(), OpCode::Data(Data::Text), true))
    }

    fn fault(bytes: &[u8]) -> u16 {
        match feed(bytes, 7).1 {
            Some(Ended::Fault(code, _)) => code.number(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn messages_arrive_however_the_bytes_are_cut() {
        let bytes = [text("hello"), text(&"long ".repeat(100)), masked(Frame::ping(&b"x"[..]))].concat();
        for piece in [1, 2, 3, 100, 10_000] {
            let (received, ended, outbox) = feed(&bytes, piece);
            assert_eq!(received[0], Received::Text("hello".into()));
            assert_eq!(received[1], Received::Text("long ".repeat(100).into()));
            assert_eq!((received.len(), ended), (3, None));
            assert_eq!(outbox.bytes(), 3, "the pong waits in the outbox");
        }
    }

    #[test]
    fn a_broken_frame_is_answered_with_1002() {
        let unmasked = {
            let mut bytes = vec![];
            Frame::message("x", OpCode::Data(Data::Text), true).format(&mut bytes).unwrap();
            bytes
        };
        let continuation = masked(Frame::message("x", OpCode::Data(Data::Continue), true));
        let rsv = {
            let mut bytes = text("x");
            bytes[0] |= 0x40;
            bytes
        };
        let unknown = {
            let mut bytes = text("x");
            bytes[0] = 0x83;
            bytes
        };
        let fragmented_ping = {
            let mut bytes = masked(Frame::ping(&b"x"[..]));
            bytes[0] &= 0x7f;
            bytes
        };
        let new_inside = [masked(Frame::message("x", OpCode::Data(Data::Text), false)), text("y")].concat();
        let long_ping = masked(Frame::ping(vec![0; 126]));
        let short_close = [0x88, 0x81, 0, 0, 0, 0, 3];
        for bytes in
            [&unmasked[..], &continuation, &rsv, &unknown, &fragmented_ping, &new_inside, &long_ping, &short_close]
        {
            assert_eq!(fault(bytes), 1002, "{bytes:?}");
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_answered_with_1007() {
        assert_eq!(fault(&masked(Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true))), 1007);
        let split = [
            masked(Frame::message(vec![0xce], OpCode::Data(Data::Text), false)),
            masked(Frame::message(vec![0x41], OpCode::Data(Data::Continue), true)),
        ];
        assert_eq!(fault(&split.concat()), 1007);
    }

    #[test]
    fn a_message_that_is_too_big_is_refused_by_its_declared_length() {
        let mut declared = vec![0x82, 0xff];
        declared.extend_from_slice(&(1u64 << 40).to_be_bytes());
        declared.extend_from_slice(&[0; 4]);
        assert_eq!(fault(&declared), 1009);
        let part = |op, last| masked(Frame::message(vec![b'x'; MAX / 2 + 1], OpCode::Data(op), last));
        assert_eq!(fault(&[part(Data::Text, false), part(Data::Continue, true)].concat()), 1009);
    }

    #[test]
    fn a_close_is_answered_once() {
        let close = masked(Frame::close(Some(CloseFrame { code: Code::Normal, reason: "bye".into() })));
        let (_, ended, outbox) = feed(&[close, text("after")].concat(), 1000);
        assert_eq!(ended, Some(Ended::Closed));
        assert_eq!(outbox.bytes(), 2 + 2 + 3);
    }

    #[test]
    fn our_frames_are_read_by_a_client() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let frame = frame(Codec::Cbor, &vec![7; length]);
            let mut input = &frame[..];
            let mut client = WebSocketContext::new(Role::Client, None);
            let message = client.read(&mut Wire { input: &mut input, outbox: &mut Outbox::default() }).unwrap();
            assert_eq!(message.into_data().len(), length);
        }
    }
}
