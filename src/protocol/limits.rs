//! The bounds of the contract, each with its unit in its name. What an administrator may change is
//! in `config`; its defaults are taken from here.

use std::time::Duration;

/// Largest websocket message that a client may send.
pub const MAX_FRAME_BYTES: usize = 1024 * 1024;
/// The same for a server started with `--echo`.
pub const MAX_ECHO_FRAME_BYTES: usize = 32 * 1024 * 1024;
/// Things that one connection may have open at once.
pub const MAX_THINGS: usize = 128;
/// Bytes that may wait for one client before it counts as too slow (close code 4008).
pub const MAX_QUEUE_BYTES: usize = 1024 * 1024;
/// Requests of one connection that may wait for their replies; beyond it the socket is not read.
pub const MAX_PENDING_REQUESTS: usize = 256;
/// Requests per second of one connection, averaged; see [`REQUEST_BURST`].
pub const REQUESTS_PER_SECOND: u32 = 200;
/// Requests that one connection may send at once after a pause.
pub const REQUEST_BURST: u32 = 1_000;
/// Streams per second that one user or client may open, averaged; see [`OPENING_BURST`].
pub const OPENINGS_PER_SECOND: u32 = 100;
/// Streams that one user or client may open at once after a pause, as when all come back after a crash.
pub const OPENING_BURST: u32 = 5_000;
/// Streams per second that a server lets in, whoever opens them. Those above it are told when to come again.
pub const ADMISSIONS_PER_SECOND: u32 = 1_000;
/// Largest `patch` or `update` of one edit, encoded.
pub const MAX_EDIT_BYTES: usize = 512 * 1024;
/// Largest encoded state of one Thing.
pub const MAX_THING_BYTES: usize = 16 * 1024 * 1024;
/// How deep a value may lie in a Thing's content as JSON: `/parts/lamp/x` is 3. Of a Yjs document that holds for shared
/// types, and again for plain values in one.
pub const MAX_NESTING: usize = 24;
/// Longest `key` of an edit.
pub const MAX_KEY_BYTES: usize = 128;
/// Longest title of a Thing.
pub const MAX_TITLE_CHARS: usize = 200;
/// How much of a Thing's labels, and of its notes, a search looks through.
pub const MAX_SEARCHED_BYTES: usize = 128 * 1024;
/// Longest search text.
pub const MAX_QUERY_CHARS: usize = 200;
/// Most Things in one answer of `scroll` or `search`.
pub const MAX_PAGE_THINGS: usize = 100;
/// Things in one answer of `scroll` or `search` if the caller names no limit.
pub const PAGE_THINGS: usize = 20;
/// Most changes in one answer of `history`.
pub const MAX_PAGE_CHANGES: usize = 100;
/// Changes in one answer of `history` if the caller names no limit.
pub const PAGE_CHANGES: usize = 20;
/// Most places that `history` names of one change.
pub const MAX_CHANGED_PLACES: usize = 10;
/// Most missed changes that a resume sends one by one; beyond it the whole state is sent.
pub const MAX_MISSED_CHANGES: u64 = 1_000;
/// Largest encoded `missed` list; beyond it the whole state is sent.
pub const MAX_MISSED_BYTES: usize = 512 * 1024;
/// Longest `part` of a cursor.
pub const MAX_PART_BYTES: usize = 128;
/// Largest `selection` of a cursor, encoded as JSON.
pub const MAX_SELECTION_BYTES: usize = 4 * 1024;
/// How often at most others are told that a cursor has moved; what comes in between is told as the newest.
pub const CURSOR_EVERY: Duration = Duration::from_millis(50);
/// People of whom those who have a Thing open are told one by one; of the others they know how many there are.
pub const MAX_PRESENT_TOLD: usize = 100;
/// Largest awareness state of one client of y-websocket, encoded as JSON.
pub const MAX_AWARENESS_BYTES: usize = 8 * 1024;
/// Clients that one awareness message may speak of.
pub const MAX_AWARENESS_CLIENTS: usize = 1_000;
/// Deepest nesting of a message's JSON or CBOR.
pub const MAX_DEPTH: usize = 64;
/// Tickets that are kept for one user or client at once.
pub const MAX_TICKETS_OF_ONE: usize = 100;
/// Tickets that are kept for all of them.
pub const MAX_TICKETS: usize = 16 * 1024;
/// How long a ticket may be used.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(30);
/// Longest access token.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// How often the server pings.
pub const PING_EVERY: Duration = Duration::from_millis(25_000);
/// How long it waits for an answer to a ping before it closes with 4012.
pub const PONG_WITHIN: Duration = Duration::from_millis(10_000);
/// How long before a token's expiry `token_expiring` is pushed.
pub const EXPIRY_WARNING: Duration = Duration::from_secs(30);
/// How long after a token's expiry the connection is closed with 4501.
pub const EXPIRY_GRACE: Duration = Duration::from_secs(25);
/// How long a closing handshake may take before the socket is dropped.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(5);
