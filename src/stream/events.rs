//! Server-sent events (HTML, section 9.2): the messages of a stream for clients that hold no WebSocket. A message is one
//! event; its `id` is the offset, where it has one, so that a client that comes back says how far it has got.
//!
//! Makes bytes and reads nothing: such a client says all that it has to say in its request.

use bytes::Bytes;

/// A comment, which clients pass over, and proxies take for a sign of life.
pub const KEEP_ALIVE: Bytes = Bytes::from_static(b":\n\n");

/// A message, which is JSON without line breaks, as one event.
pub fn event(message: &[u8], offset: Option<u64>) -> Bytes {
    let id = offset.map(|offset| format!("id: {offset}\n")).unwrap_or_default();
    [id.as_bytes(), b"data: ", message, b"\n\n"].concat().into()
}

/// How long the client is to wait before it comes back, in milliseconds; said with the event behind it.
pub fn retry(millis: u64) -> Bytes {
    format!("retry: {millis}\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_an_id_if_the_message_has_an_offset() {
        assert_eq!(event(b"{}", Some(7)), "id: 7\ndata: {}\n\n");
        assert_eq!(event(b"{}", None), "data: {}\n\n");
    }
}
