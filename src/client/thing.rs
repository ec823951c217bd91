//! How far the client has got in one open Thing.
//!
//! Pure bookkeeping: which opening is the present one, and which offset comes next.

use std::time::Instant;

use crate::protocol::action::{Form, Position};

/// An open Thing.
#[derive(Debug)]
pub(super) struct OpenThing {
    pub form: Form,
    pub known: Position,
    pub state: State,
}

/// Where the opening stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Pushes with this `join` are taken.
    Open { join: u32 },
    /// To be opened again; nothing is taken or sent until then.
    Away,
    /// The request with this id opens it again. `whole`: without `since`.
    Opening { id: u32, whole: bool },
    /// The server asked to open it later.
    Later { at: Instant },
}

/// Where a change stands, seen from what is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is the next one, and is known from now on.
    Next,
    /// It is known already.
    Known,
    /// Something before it is missing.
    Gap,
}

impl OpenThing {
    /// Takes note of a change.
    pub(super) fn take(&mut self, offset: u64) -> Place {
        match offset.checked_sub(self.known.offset) {
            None | Some(0) => Place::Known,
            Some(1) => {
                self.known.offset = offset;
                Place::Next
            }
            Some(_) => Place::Gap,
        }
    }

    /// Whether a message with this `join` belongs to the present opening.
    pub(super) fn joined_by(&self, join: u32) -> bool {
        self.state == State::Open { join }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_rise_by_one() {
        let mut thing =
            OpenThing { form: Form::Json, known: Position { epoch: "e".into(), offset: 3 }, state: State::Away };
        assert_eq!(thing.take(3), Place::Known);
        assert_eq!(thing.take(4), Place::Next);
        assert_eq!(thing.take(6), Place::Gap);
        assert_eq!(thing.take(4), Place::Known);
        assert_eq!(thing.take(5), Place::Next);
        assert_eq!(thing.known.offset, 5);
    }
}
