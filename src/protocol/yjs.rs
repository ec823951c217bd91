//! The messages of y-websocket and y-protocols (version 1), as bytes: sync, awareness, refusals.
//!
//! Strangers send them: nothing is reserved by what they claim, and every number, text and count has a bound. What
//! the updates inside mean is not known here.

use bytes::Bytes;

use super::limits::{MAX_AWARENESS_BYTES, MAX_AWARENESS_CLIENTS};

const SYNC: u8 = 0;
const AWARENESS: u8 = 1;
const AUTH: u8 = 2;
const QUERY_AWARENESS: u8 = 3;
const STEP_1: u8 = 0;
const STEP_2: u8 = 1;
const UPDATE: u8 = 2;
const PERMISSION_DENIED: u8 = 0;

/// An awareness message that speaks of nobody. y-websocket gives a connection up on which no message has come for 30
/// seconds, and does not count pings.
pub const KEEP_ALIVE: &[u8] = &[AWARENESS, 1, 0];
/// The state of a client that is not there any more.
pub const GONE: &str = "null";

/// A message of y-websocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A sync message, see [`read_sync`].
    Sync(&'a [u8]),
    /// An awareness update, see [`read_awareness`].
    Awareness(&'a [u8]),
    /// Who is there?
    QueryAwareness,
}

/// A sync message of y-protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync<'a> {
    /// What the sender has, as a state vector; it wants what it lacks.
    Step1(&'a [u8]),
    /// What the receiver lacks, or a change: a Yjs update.
    Update(&'a [u8]),
}

/// What an awareness update says of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awareness<'a> {
    /// The client's id in Yjs.
    pub client: u64,
    /// Rises with each change of the state.
    pub clock: u32,
    /// JSON; [`GONE`] if the client is there no more.
    pub state: &'a str,
}

/// The bytes are no such message. The text says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a message of y-websocket: {0}")]
pub struct Malformed(&'static str);

const CUT: Malformed = Malformed("it ends too early");

/// Reads a message of y-websocket.
///
/// # Errors
/// It is none, or something follows it.
pub fn read(message: &[u8]) -> Result<Message<'_>, Malformed> {
    let mut reader = Reader(message);
    match reader.number()? {
        // y-websocket puts no length before a sync message.
        kind if kind == u64::from(SYNC) => read_sync(reader.0).map(|_| Message::Sync(reader.0)),
        kind if kind == u64::from(AWARENESS) => reader.last_bytes().map(Message::Awareness),
        kind if kind == u64::from(QUERY_AWARENESS) => reader.end().map(|()| Message::QueryAwareness),
        _ => Err(Malformed("its type is not one that a client sends")),
    }
}

/// Reads a sync message of y-protocols.
///
/// # Errors
/// It is none, or something follows it.
pub fn read_sync(data: &[u8]) -> Result<Sync<'_>, Malformed> {
    let mut reader = Reader(data);
    match reader.number()? {
        kind if kind == u64::from(STEP_1) => reader.last_bytes().map(Sync::Step1),
        kind if kind == u64::from(STEP_2) || kind == u64::from(UPDATE) => reader.last_bytes().map(Sync::Update),
        _ => Err(Malformed("a sync message is step 1, step 2 or an update")),
    }
}

/// Reads an awareness update.
///
/// # Errors
/// It is none, or something follows it; or it speaks of more than [`MAX_AWARENESS_CLIENTS`] clients.
pub fn read_awareness(data: &[u8]) -> Result<Vec<Awareness<'_>>, Malformed> {
    let mut reader = Reader(data);
    let count = usize::try_from(reader.number()?).unwrap_or(usize::MAX);
    if count > MAX_AWARENESS_CLIENTS {
        return Err(Malformed("it speaks of too many clients"));
    }
    let mut entries = Vec::new();
    for _ in 0..count {
        let client = reader.number()?;
        let clock = u32::try_from(reader.number()?).map_err(|_| Malformed("a clock beyond its range"))?;
        let state = std::str::from_utf8(reader.bytes()?).map_err(|_| Malformed("a state that is not UTF-8"))?;
        if state.len() > 2 * MAX_AWARENESS_BYTES {
            return Err(Malformed("an awareness state is too large"));
        }
        entries.push(Awareness { client, clock, state });
    }
    reader.end().map(|()| entries)
}

/// A sync message: what the server has.
pub fn step_1(state_vector: &[u8]) -> Vec<u8> {
    sync(STEP_1, state_vector)
}

/// A sync message: what the receiver lacks.
pub fn step_2(update: &[u8]) -> Vec<u8> {
    sync(STEP_2, update)
}

fn sync(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 6);
    out.push(kind);
    put_bytes(&mut out, bytes);
    out
}

/// A message of y-websocket with a sync message in it.
pub fn sync_message(data: &[u8]) -> Bytes {
    [&[SYNC], data].concat().into()
}

/// A message of y-websocket with a change in it.
pub fn update_message(update: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(update.len() + 7);
    out.extend_from_slice(&[SYNC, UPDATE]);
    put_bytes(&mut out, update);
    out.into()
}

/// An awareness update.
pub fn awareness(entries: &[Awareness<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, entries.len() as u64);
    for entry in entries {
        put_number(&mut out, entry.client);
        put_number(&mut out, entry.clock.into());
        put_bytes(&mut out, entry.state.as_bytes());
    }
    out
}

/// A message of y-websocket with an awareness update in it.
pub fn awareness_message(entries: &[Awareness<'_>]) -> Bytes {
    let mut out = vec![AWARENESS];
    put_bytes(&mut out, &awareness(entries));
    out.into()
}

/// A message of y-websocket: something was refused, and why.
pub fn denied_message(reason: &str) -> Bytes {
    let mut out = vec![AUTH, PERMISSION_DENIED];
    put_bytes(&mut out, reason.as_bytes());
    out.into()
}

/// The primitives of lib0: numbers of variable length, seven bits in each byte, the lowest first; and bytes after
/// their length.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A number of at most 53 bits, as JavaScript has them.
    fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0u64;
        for place in 0..8 {
            let (&byte, rest) = self.0.split_first().ok_or(CUT)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return if number < 1 << 53 { Ok(number) } else { Err(Malformed("a number beyond its range")) };
            }
        }
        Err(Malformed("a number that does not end"))
    }

    fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| CUT)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(CUT)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Bytes behind which nothing comes.
    fn last_bytes(mut self) -> Result<&'a [u8], Malformed> {
        let bytes = self.bytes()?;
        self.end().map(|()| bytes)
    }

    fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed("bytes follow it")) }
    }
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use yrs::{
        ClientID, StateVector,
        sync::{self, AwarenessUpdate, SyncMessage, awareness::AwarenessUpdateEntry},
        updates::{decoder::Decode as _, encoder::Encode as _},
    };

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (read(&bytes), read_sync(&bytes), read_awareness(&bytes));
        }

        #[test]
        fn what_begins_like_a_message_is_read_or_refused(
            kind in 0u8..4, rest in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let bytes = [&[kind], &rest[..]].concat();
            if let Ok(Message::Awareness(data)) = read(&bytes) {
                let _ = read_awareness(data);
            }
        }

        #[test]
        fn awareness_is_written_as_another_library_does_and_read_back(
            entries in proptest::collection::hash_map(0u64..1 << 53, (any::<u32>(), ".{0,20}"), 0..20),
        ) {
            let ours: Vec<_> = entries
                .iter()
                .map(|(client, (clock, state))| Awareness { client: *client, clock: *clock, state })
                .collect();
            let message = awareness_message(&ours);
            let Ok(Message::Awareness(data)) = read(&message) else { panic!("{message:?}") };
            prop_assert_eq!(read_awareness(data).unwrap(), ours);
            let clients: HashMap<_, _> = entries
                .iter()
                .map(|(client, (clock, state))| {
                    (ClientID::new(*client), AwarenessUpdateEntry { clock: *clock, json: state.as_str().into() })
                })
                .collect();
            let theirs = sync::Message::decode_v1(&message).unwrap();
            prop_assert_eq!(theirs, sync::Message::Awareness(AwarenessUpdate { clients }));
        }
    }

    #[test]
    fn sync_messages_are_those_of_another_library() {
        let update = vec![7; 300];
        let theirs = |message| sync::Message::Sync(message).encode_v1();
        assert_eq!(update_message(&update)[..], theirs(SyncMessage::Update(update.clone())));
        assert_eq!(sync_message(&step_2(&update))[..], theirs(SyncMessage::SyncStep2(update.clone())));
        let empty = StateVector::default();
        let asked = theirs(SyncMessage::SyncStep1(empty.clone()));
        assert_eq!(sync_message(&step_1(&empty.encode_v1()))[..], asked);
        assert_eq!(read(&asked), Ok(Message::Sync(&[0, 1, 0])));
        assert_eq!(read_sync(&[0, 1, 0]), Ok(Sync::Step1(&[0])));
        assert_eq!(denied_message("no")[..], sync::Message::Auth(Some("no".into())).encode_v1());
        assert_eq!(read(&sync::Message::AwarenessQuery.encode_v1()), Ok(Message::QueryAwareness));
        assert_eq!(awareness_message(&[])[..], *KEEP_ALIVE);
    }

    #[test]
    fn claims_are_not_believed() {
        let mut many = Vec::new();
        put_number(&mut many, 100_000);
        assert_eq!(read_awareness(&many), Err(Malformed("it speaks of too many clients")));
        assert_eq!(read_awareness(&[2, 1, 1, 0xff, 0xff, 0xff, 0xff, 7]), Err(CUT));
        assert_eq!(read(&[0xff; 20]), Err(Malformed("a number that does not end")));
        for broken in [&[][..], &[0], &[0, 3, 0], &[0, 2, 5, 1], &[0, 2, 1, 1, 1], &[1, 0, 0], &[2, 0, 0], &[3, 3]] {
            assert!(read(broken).is_err(), "{broken:?}");
        }
    }
}
