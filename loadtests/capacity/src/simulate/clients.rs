//! Who is connected where, and what each client has been sent. Pure; knows nothing of queues.

use rand::{Rng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;

/// Of a client that is connected nowhere.
const AWAY: u32 = u32::MAX;
/// The first ceiling of the back-off, as that of the product's own client, in seconds.
const SHORTEST_CEILING: f64 = 0.5;
/// The ceiling that is never exceeded, in seconds.
const LONGEST_CEILING: f64 = 20.0;

/// See the module. The people of a Thing are neighbours: those of Thing `t` begin with number `t · per_thing`.
pub struct Clients {
    per_thing: u32,
    /// The `_stream` of each, or [`AWAY`].
    stream: Vec<u32>,
    /// The first change of its Thing that each has not been sent.
    next: Vec<u32>,
    /// Connections that failed since the last that did not.
    failures: Vec<u8>,
    /// Clients of each `_stream`.
    connected: Vec<u32>,
    away: u32,
}

impl Clients {
    /// All are connected, evenly and by chance.
    pub fn new(count: u32, per_thing: u32, streams: u32, chance: &mut ChaCha8Rng) -> Self {
        let mut stream: Vec<u32> = (0..count).map(|client| client % streams).collect();
        stream.shuffle(chance);
        let mut connected = vec![0; streams as usize];
        stream.iter().for_each(|stream| connected[*stream as usize] += 1);
        let (next, failures) = (vec![0; count as usize], vec![0; count as usize]);
        Self { per_thing, stream, next, failures, connected, away: 0 }
    }

    /// Things that they have open; the last may have fewer people than the others.
    pub fn things(&self) -> u32 {
        self.thing_of(self.count() - 1) + 1
    }

    /// All of them, connected or not.
    pub fn count(&self) -> u32 {
        u32::try_from(self.stream.len()).unwrap_or(u32::MAX)
    }

    /// How many are not connected.
    pub fn away(&self) -> u32 {
        self.away
    }

    /// The Thing that a client has open.
    pub fn thing_of(&self, client: u32) -> u32 {
        client / self.per_thing
    }

    /// Those who have a Thing open.
    pub fn people(&self, thing: u32) -> std::ops::Range<u32> {
        let first = thing * self.per_thing;
        first..first.saturating_add(self.per_thing).min(self.count())
    }

    /// Where a client is connected.
    pub fn stream_of(&self, client: u32) -> Option<u32> {
        Some(self.stream[client as usize]).filter(|stream| *stream != AWAY)
    }

    /// Those at a `_stream` that are to be sent a change and have not been.
    pub fn receivers(&self, thing: u32, stream: u32, author: u32, offset: u32) -> impl Iterator<Item = u32> {
        self.people(thing).filter(move |client| {
            let place = *client as usize;
            self.stream[place] == stream && self.next[place] <= offset && *client != author
        })
    }

    /// A client was sent a change.
    pub fn sent(&mut self, client: u32, offset: u32) {
        self.next[client as usize] = offset + 1;
    }

    /// A `_stream` is lost: its clients, who are away now.
    pub fn drop_all(&mut self, stream: u32) -> Vec<u32> {
        let dropped: Vec<u32> = (0..self.count()).filter(|client| self.stream[*client as usize] == stream).collect();
        dropped.iter().for_each(|client| self.stream[*client as usize] = AWAY);
        self.connected[stream as usize] = 0;
        self.away += u32::try_from(dropped.len()).unwrap_or(u32::MAX);
        dropped
    }

    /// How long a client waits after one more failure, in seconds: by chance, below a ceiling that doubles.
    pub fn back_off(&mut self, client: u32, chance: &mut ChaCha8Rng) -> f64 {
        let failures = &mut self.failures[client as usize];
        let ceiling = (SHORTEST_CEILING * f64::from(1u32 << (*failures).min(16))).min(LONGEST_CEILING);
        *failures = failures.saturating_add(1);
        ceiling * chance.random::<f64>()
    }

    /// The `_stream` with the fewest clients among those that are there.
    pub fn fewest(&self, is_up: impl Fn(u32) -> bool) -> Option<u32> {
        let all = (0..).zip(&self.connected).filter(|(stream, _)| is_up(*stream));
        all.min_by_key(|(_, clients)| **clients).map(|(stream, _)| stream)
    }

    /// A client is connected again to a `_stream`, at the end of its Thing: the first change that it missed.
    pub fn come_back(&mut self, client: u32, stream: u32, end: u32) -> u32 {
        let place = client as usize;
        (self.stream[place], self.failures[place]) = (stream, 0);
        self.connected[stream as usize] += 1;
        self.away -= 1;
        std::mem::replace(&mut self.next[place], end)
    }
}
