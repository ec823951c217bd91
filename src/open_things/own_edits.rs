//! The last edits of each stream that has a Thing open: who sends an edit knows their own earlier ones, also those
//! whose replies have not come yet.

use std::collections::VecDeque;

use bytes::Bytes;
use uuid::Uuid;

/// Most bytes that are kept.
const MOST_BYTES: usize = 128 * 1024;
/// Most edits that are kept: more than all streams together send in the time of a reply.
const MOST_EDITS: usize = 1_000;

/// Bounded; the oldest go first. Whose edits are gone is merged with them as with those of others.
#[derive(Default)]
pub(super) struct OwnEdits {
    kept: VecDeque<OwnEdit>,
    bytes: usize,
}

struct OwnEdit {
    session: Uuid,
    offset: u64,
    /// A Yjs update.
    update: Bytes,
}

impl OwnEdits {
    /// An edit of this stream stands at `offset`; one that is known, or is older than one that is known, changes nothing.
    pub fn made(&mut self, session: Uuid, offset: u64, update: Bytes) {
        let last = self.kept.iter().rfind(|edit| edit.session == session);
        if last.is_some_and(|last| last.offset >= offset) {
            return;
        }
        self.bytes += update.len();
        self.kept.push_back(OwnEdit { session, offset, update });
        while self.bytes > MOST_BYTES || self.kept.len() > MOST_EDITS {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.bytes -= oldest.update.len();
        }
    }

    /// Those of this stream after the change `seen`, in their order.
    pub fn since(&self, session: Option<Uuid>, seen: u64) -> Vec<&[u8]> {
        let of_stream = |edit: &&OwnEdit| Some(edit.session) == session && edit.offset > seen;
        self.kept.iter().filter(of_stream).map(|edit| &edit.update[..]).collect()
    }

    /// Forgets all: they have not been stored.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_finds_its_own_edits_in_their_order() {
        let mut own = OwnEdits::default();
        let (ada, grace) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for (offset, session) in [(1, ada), (2, grace), (3, ada), (4, ada), (4, ada), (3, ada)] {
            own.made(session, offset, vec![offset as u8].into());
        }
        assert_eq!(own.since(Some(ada), 1), [[3], [4]]);
        assert_eq!(own.since(Some(grace), 0), [[2]]);
        assert!(own.since(Some(grace), 2).is_empty() && own.since(None, 0).is_empty());
    }

    #[test]
    fn they_are_bounded() {
        let mut own = OwnEdits::default();
        let ada = Uuid::from_u128(1);
        (1..=3000).for_each(|offset| own.made(ada, offset, Bytes::new()));
        assert_eq!(own.kept.len(), MOST_EDITS);
        (3001..=3100).for_each(|offset| own.made(ada, offset, vec![0; MOST_BYTES / 4].into()));
        assert_eq!(own.since(Some(ada), 0).len(), 4);
        own.made(ada, 3101, vec![0; 2 * MOST_BYTES].into());
        assert!(own.kept.is_empty() && own.bytes == 0);
    }
}
