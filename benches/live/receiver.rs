//! Reads websocket frames of a server as cheaply as can be: counts them, and in some connections looks
//! for the moment of sending that is written into each.

use std::{cell::RefCell, rc::Rc};

use tokio::{io::AsyncReadExt, net::TcpStream};

use super::machine::now_nanos;

/// Stands before 16 hexadecimal digits: when the message was to be sent.
pub const MARK: &[u8] = b"@@sent=";

/// What the receivers have seen together.
#[derive(Debug, Default)]
pub struct Seen {
    /// Frames that carry a change.
    pub frames: u64,
    /// From the intended moment of sending to the receipt, in nanoseconds.
    pub latencies: Vec<u64>,
    /// When the last frame came.
    pub last_nanos: u64,
}

/// A message that is marked with a moment, `length` bytes long.
pub fn marked(nanos: u64, length: usize) -> String {
    let mut text = format!("{}{nanos:016x}", std::str::from_utf8(MARK).unwrap());
    while text.len() < length {
        text.push('.');
    }
    text
}

/// Reads until the connection ends. With `sample` the moments of sending are looked at.
pub async fn count(mut socket: TcpStream, mut unread: Vec<u8>, sample: bool, seen: Rc<RefCell<Seen>>) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let used = take_frames(&unread, sample, &seen);
        unread.drain(..used);
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => unread.extend_from_slice(&buffer[..length]),
        }
    }
}

/// Counts the whole frames in `bytes` and returns their length.
pub fn take_frames(bytes: &[u8], sample: bool, seen: &Rc<RefCell<Seen>>) -> usize {
    let (mut at, now) = (0, now_nanos());
    let mut seen = seen.borrow_mut();
    while let Some((start, end, data)) = frame(&bytes[at..]) {
        if data {
            seen.frames += 1;
            seen.last_nanos = now;
            if sample && let Some(sent) = moment(&bytes[at + start..at + end]) {
                seen.latencies.push(now.saturating_sub(sent));
            }
        }
        at += end;
    }
    at
}

/// Start of the payload, end of the frame, and whether it carries data: RFC 6455, section 5.2.
pub fn frame(bytes: &[u8]) -> Option<(usize, usize, bool)> {
    let (start, length) = match bytes.get(1)? & 0x7f {
        126 => (4, u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?) as usize),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize),
        length => (2, length as usize),
    };
    (bytes.len() >= start + length).then_some((start, start + length, bytes[0] & 0x0f < 8))
}

fn moment(payload: &[u8]) -> Option<u64> {
    let at = payload.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    u64::from_str_radix(std::str::from_utf8(payload.get(at..at + 16)?).ok()?, 16).ok()
}
