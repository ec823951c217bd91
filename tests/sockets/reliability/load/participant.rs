//! One client of the load, whatever it is made of: what it writes and when, and what it remembers of it.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use widgetapp::{client::EditBody, clock};

use super::replica::Replica;
use crate::reliability::checker::{Edit, History, Mark, Seen};

/// Edits that are sent at once after a pause.
const MOST_AT_ONCE: usize = 20;
/// How long a client waits before it sends again what was refused as temporary.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// What all participants have in common.
pub struct Shared {
    /// No more is written; what is under way is finished.
    pub stop: AtomicBool,
    /// All is over at once.
    pub cut: AtomicBool,
    /// Participants that have the Thing open.
    pub ready: AtomicUsize,
    /// Participants that still write.
    pub writing: AtomicUsize,
    /// The last offset of each Thing that was acknowledged.
    pub last: Vec<AtomicU64>,
}

/// How long an edit waited: from when it was to be sent until it was acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    pub due: Instant,
    pub acknowledged: Instant,
}

/// An edit that is to be sent, or sent again.
pub struct Pending {
    pub key: String,
    pub change: EditBody,
    /// The last change that its author had.
    pub seen: u64,
    due: Instant,
    index: usize,
}

/// A client.
pub struct Participant {
    /// The last change that it has.
    pub known: u64,
    pub replica: Replica,
    pub history: History,
    pub waits: Vec<Wait>,
    /// When it lost its connection, and why.
    pub parted: Vec<(Instant, String)>,
    /// How often the server said that it could not do something now.
    pub put_off: usize,
    /// In the order in which they were made.
    pub unanswered: VecDeque<Pending>,
    shared: Arc<Shared>,
    thing_number: usize,
    random: StdRng,
    period: Duration,
    next_due: Instant,
    not_before: Instant,
    is_writing: bool,
}

impl Participant {
    /// A client that edits `per_second` times a second.
    pub fn new(
        number: usize,
        (thing_number, thing): (usize, &str),
        replica: Replica,
        per_second: f64,
        shared: Arc<Shared>,
    ) -> Self {
        let mut random = StdRng::seed_from_u64(number as u64);
        let (period, now) = (Duration::from_secs_f64(1.0 / per_second), clock::now());
        let client = format!("c{number}");
        let history =
            History { client, thing: thing.into(), edits: vec![], seen: vec![], replica: serde_json::Value::Null };
        let next_due = now + period.mul_f64(random.random());
        let (waits, parted, unanswered) = (vec![], vec![], VecDeque::new());
        Self {
            known: 0,
            replica,
            history,
            waits,
            parted,
            put_off: 0,
            unanswered,
            shared,
            thing_number,
            random,
            period,
            next_due,
            not_before: now,
            is_writing: true,
        }
    }

    /// It has the Thing open for the first time.
    pub fn is_ready(&mut self) {
        self.shared.ready.fetch_add(1, Ordering::Relaxed);
        self.next_due = clock::now() + self.period.mul_f64(self.random.random());
    }

    /// Makes the edits that are due, one at a time or a few at once. What cannot be sent in time is sent
    /// later, and has waited since it was due.
    pub fn write(&mut self, now: Instant) {
        if self.shared.stop.load(Ordering::Relaxed) || now < self.not_before {
            return;
        }
        while self.next_due <= now && self.unanswered.len() < MOST_AT_ONCE {
            let due = self.next_due;
            self.next_due += self.period;
            let count = if self.random.random_bool(0.125) { 4 } else { 1 };
            for _ in 0..count {
                let index = self.history.edits.len();
                let key = format!("{}-{index}", self.history.client);
                let change = self.replica.edit(&self.history.client, index, &key, &mut self.random);
                self.history.edits.push(Edit { key: key.clone(), sent: now, acknowledged: None });
                self.unanswered.push_back(Pending { key, change, seen: self.known, due, index });
            }
        }
    }

    /// Whether what is unanswered is to be sent.
    pub fn may_send(&self, now: Instant) -> bool {
        !self.unanswered.is_empty() && now >= self.not_before
    }

    /// It heard the whole state.
    pub fn heard_whole(&mut self, offset: u64) {
        self.known = offset;
        self.history.seen.push(Seen::Whole(offset));
    }

    /// It heard a change, or its own stands here.
    pub fn heard(&mut self, offset: u64, mark: Mark) {
        self.known = offset;
        self.history.seen.push(Seen::Change(offset, mark));
    }

    /// An edit is acknowledged.
    pub fn acknowledged(&mut self, key: &str, offset: u64, now: Instant) {
        let position = self.unanswered.iter().position(|pending| pending.key == key);
        let pending = position.and_then(|position| self.unanswered.remove(position)).expect("an edit that was sent");
        self.history.edits[pending.index].acknowledged = Some((now, offset));
        self.waits.push(Wait { due: pending.due, acknowledged: now });
        self.shared.last[self.thing_number].fetch_max(offset, Ordering::Relaxed);
    }

    /// An edit was refused. What was sent behind it may have been refused for its sake: all is sent again.
    pub fn put_off(&mut self, now: Instant) {
        self.put_off += 1;
        self.not_before = now + AGAIN_AFTER;
    }

    /// The connection is gone.
    pub fn lost_connection(&mut self, why: impl Into<String>) {
        self.parted.push((clock::now(), why.into()));
    }

    /// Whether it has nothing more to do: all that it wrote is acknowledged, and it has heard what all wrote.
    pub fn is_done(&mut self) -> bool {
        if self.shared.cut.load(Ordering::Relaxed) {
            return true;
        }
        if self.is_writing && self.shared.stop.load(Ordering::Relaxed) && self.unanswered.is_empty() {
            self.is_writing = false;
            self.shared.writing.fetch_sub(1, Ordering::Release);
        }
        self.shared.writing.load(Ordering::Acquire) == 0
            && self.known >= self.shared.last[self.thing_number].load(Ordering::Relaxed)
    }
}
