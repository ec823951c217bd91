//! What has gone over the websockets of one client, counted. Knows lengths, and nothing of what they carry.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The length of a frame beside its payload: RFC 6455, section 5.2.
const SHORT: (usize, u64) = (126, 2);
const MIDDLE: (usize, u64) = (0x1_0000, 4);
const LONG: u64 = 10;
/// What a client masks its frames with.
const MASK: u64 = 4;

/// What has gone over the websockets of one client since it was made, also over those that are gone.
///
/// Bytes are those of the websocket's data frames, with their heads. Pings and the handshake are not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages of the server.
    pub received_messages: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Messages to the server, those included that were sent again.
    pub sent_messages: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Changes that came although they had come before. They were not given out again. The contract allows none.
    pub repeated: u64,
    /// Times at which a change came and the one before it had not. It was fetched. The contract allows none.
    pub gaps: u64,
}

/// The same while it is counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    received_messages: AtomicU64,
    received_bytes: AtomicU64,
    sent_messages: AtomicU64,
    sent_bytes: AtomicU64,
    repeated: AtomicU64,
    gaps: AtomicU64,
}

impl Counters {
    pub(super) fn received(&self, payload_bytes: usize) {
        self.received_messages.fetch_add(1, Relaxed);
        self.received_bytes.fetch_add(frame_bytes(payload_bytes), Relaxed);
    }

    pub(super) fn sent(&self, payload_bytes: usize) {
        self.sent_messages.fetch_add(1, Relaxed);
        self.sent_bytes.fetch_add(frame_bytes(payload_bytes) + MASK, Relaxed);
    }

    /// What the session has counted by itself.
    pub(super) fn out_of_place(&self, repeated: u64, gaps: u64) {
        self.repeated.store(repeated, Relaxed);
        self.gaps.store(gaps, Relaxed);
    }

    pub(super) fn read(&self) -> Traffic {
        Traffic {
            received_messages: self.received_messages.load(Relaxed),
            received_bytes: self.received_bytes.load(Relaxed),
            sent_messages: self.sent_messages.load(Relaxed),
            sent_bytes: self.sent_bytes.load(Relaxed),
            repeated: self.repeated.load(Relaxed),
            gaps: self.gaps.load(Relaxed),
        }
    }
}

fn frame_bytes(payload_bytes: usize) -> u64 {
    let head = [SHORT, MIDDLE].into_iter().find(|(below, _)| payload_bytes < *below).map_or(LONG, |(_, head)| head);
    payload_bytes as u64 + head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_as_long_as_rfc_6455_says() {
        let lengths = [(0, 2), (125, 127), (126, 130), (65_535, 65_539), (65_536, 65_546)];
        for (payload, frame) in lengths {
            assert_eq!(frame_bytes(payload), frame);
        }
        let counters = Counters::default();
        counters.sent(10);
        counters.received(10);
        let traffic = counters.read();
        assert_eq!((traffic.sent_bytes, traffic.received_bytes), (16, 12));
        assert_eq!((traffic.sent_messages, traffic.received_messages), (1, 1));
    }
}
