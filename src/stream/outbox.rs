//! What waits to be written to one client: shared bytes, a bound, and nothing else. Pure.

use std::{collections::VecDeque, io, io::IoSlice};

use bytes::{Buf, Bytes};
use uuid::Uuid;

use crate::protocol::ThingId;

/// Frames given to one system call.
const FRAMES_PER_WRITE: usize = 128;
/// An emptied queue keeps room for this many frames.
const KEEP_FRAMES: usize = 8;

/// What a frame is about: its client may lose access to that before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// No Thing.
    Nothing,
    /// A push about a Thing.
    Push(ThingId),
    /// A push about where a session is in a Thing: a newer one takes its place.
    Newest(ThingId, Uuid),
    /// A reply about a Thing.
    Reply(ThingId),
}

impl About {
    fn thing(self) -> Option<ThingId> {
        match self {
            Self::Nothing => None,
            Self::Push(thing) | Self::Newest(thing, _) | Self::Reply(thing) => Some(thing),
        }
    }
}

/// The queue of one client. Its frames are shared with the queues of other clients.
#[derive(Debug, Default)]
pub struct Outbox {
    frames: VecDeque<(Bytes, About)>,
    bytes: usize,
    /// The first frame has been written in part.
    begun: bool,
}

impl Outbox {
    /// Puts a frame at the end. The caller watches [`Outbox::bytes`].
    pub fn push(&mut self, frame: Bytes) {
        self.push_about(frame, About::Nothing);
    }

    /// The same with what it is about.
    pub fn push_about(&mut self, frame: Bytes, about: About) {
        if !frame.is_empty() {
            if matches!(about, About::Newest(..)) {
                self.forget_older(about);
            }
            self.bytes += frame.len();
            self.frames.push_back((frame, about));
        }
    }

    /// Forgets what says the same as of before, unless it has begun to be written.
    fn forget_older(&mut self, about: About) {
        let waiting = self.frames.iter().skip(usize::from(self.begun)).position(|(_, older)| *older == about);
        if let Some((frame, _)) = waiting.and_then(|at| self.frames.remove(at + usize::from(self.begun))) {
            self.bytes -= frame.len();
        }
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Forgets all that has not begun to be written, so that a last frame can follow at once.
    pub fn forget(&mut self) {
        self.frames.truncate(usize::from(self.begun));
        self.count();
    }

    /// Forgets what is about a Thing and has not begun to be written. Tells whether a reply was among it.
    pub fn forget_about(&mut self, thing: ThingId) -> bool {
        let (mut first, mut reply) = (self.begun, false);
        self.frames.retain(|(_, about)| {
            let begun = std::mem::take(&mut first);
            let forgotten = !begun && about.thing() == Some(thing);
            reply |= forgotten && matches!(about, About::Reply(_));
            !forgotten
        });
        self.count();
        reply
    }

    fn count(&mut self) {
        self.bytes = self.frames.iter().map(|(frame, _)| frame.len()).sum();
    }

    /// Writes as much as `write` takes, several frames in one call.
    ///
    /// # Errors
    /// What `write` fails with, [`io::ErrorKind::WouldBlock`] included; what was written is gone from the queue.
    pub fn write_to(&mut self, mut write: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>) -> io::Result<()> {
        while !self.frames.is_empty() {
            let mut slices = [IoSlice::new(&[]); FRAMES_PER_WRITE];
            let mut count = 0;
            for (slice, (frame, _)) in slices.iter_mut().zip(&self.frames) {
                *slice = IoSlice::new(frame);
                count += 1;
            }
            let written = write(&slices[..count])?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.advance(written);
        }
        if self.frames.capacity() > KEEP_FRAMES {
            self.frames.shrink_to(KEEP_FRAMES);
        }
        Ok(())
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        while let Some((front, _)) = self.frames.front_mut() {
            if written < front.len() {
                front.advance(written);
                self.begun |= written > 0;
                return;
            }
            written -= front.len();
            self.frames.pop_front();
            self.begun = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_byte_is_written_once_and_in_order(
            frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..300),
            takes in proptest::collection::vec(1usize..90, 1..50),
        ) {
            let mut outbox = Outbox::default();
            frames.iter().for_each(|frame| outbox.push(frame.clone().into()));
            let (mut wire, mut turn) = (Vec::new(), 0);
            outbox.write_to(|slices| {
                let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
                let take = takes[turn % takes.len()].min(all.len());
                turn += 1;
                wire.extend_from_slice(&all[..take]);
                Ok(take)
            }).unwrap();
            prop_assert_eq!(wire, frames.concat());
            prop_assert_eq!((outbox.bytes(), outbox.is_empty()), (0, true));
        }
    }

    #[test]
    fn forgetting_keeps_the_frame_that_is_half_written() {
        let mut outbox = Outbox::default();
        for frame in [&b"first"[..], b"second", b"third"] {
            outbox.push(Bytes::from_static(frame));
        }
        let mut calls = 0;
        let blocked = outbox.write_to(|_| {
            calls += 1;
            if calls == 1 { Ok(2) } else { Err(io::ErrorKind::WouldBlock.into()) }
        });
        assert_eq!(blocked.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        outbox.forget();
        let left = (Bytes::from_static(b"rst"), About::Nothing);
        assert_eq!((outbox.bytes(), outbox.frames.make_contiguous()), (3, &mut [left][..]));
    }

    #[test]
    fn of_where_somebody_is_only_the_newest_waits() {
        let thing = ThingId(Uuid::nil());
        let [ada, grace] = [1, 2].map(|who| About::Newest(thing, Uuid::from_u128(who)));
        let mut outbox = Outbox::default();
        for (frame, about) in
            [(&b"a1"[..], ada), (b"edit", About::Push(thing)), (b"g1", grace), (b"a2", ada), (b"a3.", ada)]
        {
            outbox.push_about(Bytes::from_static(frame), about);
        }
        let waiting = |outbox: &Outbox| outbox.frames.iter().map(|(frame, _)| frame.clone()).collect::<Vec<_>>();
        assert_eq!((waiting(&outbox), outbox.bytes()), (vec!["edit".into(), "g1".into(), "a3.".into()], 9));
        let mut calls = 0;
        let blocked = outbox.write_to(|_| {
            calls += 1;
            if calls == 1 { Ok(7) } else { Err(io::ErrorKind::WouldBlock.into()) }
        });
        assert!(blocked.is_err());
        outbox.push_about(Bytes::from_static(b"a4"), ada);
        assert_eq!((waiting(&outbox), outbox.bytes()), (vec!["3.".into(), "a4".into()], 4), "one has begun");
    }

    #[test]
    fn what_is_about_a_thing_is_forgotten_but_for_what_is_half_written() {
        let [lost, kept] = [1, 2].map(|number| ThingId(Uuid::from_u128(number)));
        let filled = |frames: &[(&'static [u8], About)]| {
            let mut outbox = Outbox::default();
            frames.iter().for_each(|(frame, about)| outbox.push_about(Bytes::from_static(frame), *about));
            outbox
        };
        let mut outbox =
            filled(&[(b"one", About::Push(lost)), (b"two", About::Push(lost)), (b"three", About::Push(kept))]);
        let mut calls = 0;
        let blocked = outbox.write_to(|_| {
            calls += 1;
            if calls == 1 { Ok(1) } else { Err(io::ErrorKind::WouldBlock.into()) }
        });
        assert!(blocked.is_err() && !outbox.forget_about(lost), "no reply is lost");
        let left: Vec<_> = outbox.frames.iter().map(|(frame, _)| &frame[..]).collect();
        assert_eq!((left, outbox.bytes()), (vec![&b"ne"[..], b"three"], 7));
        assert!(filled(&[(b"r", About::Reply(lost))]).forget_about(lost));
        assert!(!filled(&[(b"r", About::Reply(kept)), (b"n", About::Nothing)]).forget_about(lost));
    }
}
