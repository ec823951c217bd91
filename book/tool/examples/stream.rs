//! The messages of streams, as `stream.ws` writes them down. Knows not how they are sent.
//!
//! ```text
//! # A remark for the reader.
//! GET /_stream
//! Authorization: Bearer [TOKEN]
//!
//! < {"port": 0, "name": "welcome", "body": {...}}
//! > {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "[THING]",
//!    "body": {"as": "json"}}
//! <~ one of several messages that may come in any order
//! < close 4501 token_expired
//!
//! grace: GET /_stream
//! grace: Authorization: Bearer [TOKEN:grace]
//! grace< ...
//! grace> close 1000
//! ```
//!
//! The headers of the websocket handshake itself are added. JSON may be laid out in any way; lines that begin
//! with a space belong to the message above.

/// Its name in an example's folder.
pub const FILE: &str = "stream.ws";

/// As readers see it: the order of messages that may come in any order is not told.
pub(super) fn shown(text: &str) -> String {
    text.lines().map(|line| line.replacen("<~ ", "< ", 1) + "\n").collect()
}
