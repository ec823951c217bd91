//! Those who have one Thing open. Pure.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Instant,
};

use uuid::Uuid;

use super::people::{Refused, Say, What};
use crate::{
    access::Principal,
    ipc::messages::{Awareness, To, Whereabouts},
    protocol::{ThingId, limits::MAX_PRESENT_TOLD, yjs},
};

/// Clients of y-websocket that are remembered when they have left a Thing.
const DEPARTED_KEPT: usize = 256;

/// Those who have one Thing open.
#[derive(Default)]
pub struct Room {
    /// In the order in which they came.
    pub here: BTreeMap<u64, Person>,
    /// The place of each session in it.
    pub number: HashMap<Uuid, u64>,
    /// How many are reached over each link; those whose link was lost under none.
    pub links: BTreeMap<Option<u64>, usize>,
    departed: VecDeque<(Principal, Awareness)>,
    /// When it counts as settled, unless something changes with the links before.
    pub settles_at: Option<Instant>,
    /// Somebody may have missed something since a link was lost.
    pub unsure: bool,
    /// When something was said last.
    pub said_at: Option<Instant>,
}

/// Somebody, by one connection.
#[derive(Clone, Debug)]
pub struct Person {
    /// The connection.
    pub session: Uuid,
    /// Who it is.
    pub who: Principal,
    /// Where they are.
    pub whereabouts: Whereabouts,
    /// The link over which they are reached; none if that was lost.
    pub link: Option<u64>,
    /// Before this nothing more is told of where they are.
    pub tell_at: Instant,
    /// What was not told yet.
    pub untold: Moved,
}

/// What is new of where somebody is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// The cursor.
    pub cursor: bool,
    /// The awareness state.
    pub awareness: bool,
}

impl Person {
    /// Somebody who has come just now.
    pub fn new(session: Uuid, link: u64, who: &Principal, whereabouts: Whereabouts, now: Instant) -> Self {
        let untold = Moved::default();
        Self { session, who: who.clone(), whereabouts, link: Some(link), tell_at: now, untold }
    }
}

impl Room {
    /// Somebody has come, under a number that grows with each.
    pub fn arrive(&mut self, number: u64, person: Person) {
        self.number.insert(person.session, number);
        *self.links.entry(person.link).or_default() += 1;
        self.here.insert(number, person);
    }

    /// Somebody is reached over this link now. Tells whether they are here at all.
    pub fn reach(&mut self, session: Uuid, link: u64) -> bool {
        let Some(person) = self.person(session) else { return false };
        let before = person.link.replace(link);
        *self.links.entry(Some(link)).or_default() += 1;
        self.unlink(before);
        true
    }

    fn unlink(&mut self, link: Option<u64>) {
        if let Some(count) = self.links.get_mut(&link) {
            *count -= 1;
            if *count == 0 {
                self.links.remove(&link);
            }
        }
    }

    /// Somebody, if they are here.
    pub fn person(&mut self, session: Uuid) -> Option<&mut Person> {
        self.here.get_mut(self.number.get(&session)?)
    }

    /// Only those who came first are told of.
    pub fn is_told_of(&self, number: u64) -> bool {
        self.here.len() <= MAX_PRESENT_TOLD || self.here.keys().take(MAX_PRESENT_TOLD).any(|known| *known == number)
    }

    /// Who is here, as newcomers are told it.
    pub fn state(&self) -> What {
        let told = self.here.values().take(MAX_PRESENT_TOLD).cloned().collect();
        What::State(told, self.here.len().saturating_sub(MAX_PRESENT_TOLD))
    }

    /// Something to be told over all links that it concerns.
    pub fn say(&mut self, thing: ThingId, to: To, what: What, now: Instant) -> Say {
        self.unsure |= self.links.contains_key(&None);
        self.said_at = Some(now);
        let links = match to {
            To::One(session) => self.person(session).and_then(|person| person.link).into_iter().collect(),
            To::Everyone | To::Others(_) => self.links.keys().copied().flatten().collect(),
        };
        Say { thing, to, what, links }
    }

    /// Sessions leave together: what is to be told to those who stay. Those of whom it was not told until now, because
    /// too many came before them, may have come up.
    pub fn leave(&mut self, thing: ThingId, sessions: &[Uuid], now: Instant) -> Vec<Say> {
        // None: all are told of.
        let last_told = self.here.keys().nth(MAX_PRESENT_TOLD - 1).copied();
        let mut left = Vec::new();
        for session in sessions {
            let Some(number) = self.number.remove(session) else { continue };
            let Some(person) = self.here.remove(&number) else { continue };
            self.unlink(person.link);
            if let Some(awareness) = &person.whereabouts.awareness {
                self.departed.truncate(DEPARTED_KEPT - 1);
                self.departed.push_front((person.who.clone(), awareness.clone()));
            }
            if last_told.is_none_or(|last| number <= last) {
                left.push(person);
            }
        }
        let mut say: Vec<Say> =
            left.into_iter().map(|person| self.say(thing, To::Everyone, What::Left(person), now)).collect();
        // Those who were not told of until now, and came first of them.
        let told_now = self.here.iter().take(MAX_PRESENT_TOLD);
        let told_now = told_now.filter(|(number, _)| last_told.is_some_and(|last| **number > last));
        let told_now: Vec<Person> = told_now.map(|(_, person)| person.clone()).collect();
        for next in told_now {
            let moved =
                Moved { cursor: next.whereabouts.cursor.is_some(), awareness: next.whereabouts.awareness.is_some() };
            say.push(self.say(thing, To::Others(next.session), What::Joined(next.clone()), now));
            say.push(self.say(thing, To::Others(next.session), What::Moved(next, moved), now));
        }
        say
    }

    /// What a client says of itself, and what is to be added to its clock; none if it only repeats others. The first
    /// id that it names and that is nobody else's is its own.
    pub fn own<'a, 'b>(
        &mut self,
        session: Uuid,
        entries: &'a [yjs::Awareness<'b>],
    ) -> Result<Option<(&'a yjs::Awareness<'b>, u32)>, Refused> {
        let person = self.person(session).ok_or(Refused::NotHere)?;
        if let Some(known) = person.whereabouts.awareness.clone() {
            let newer = |entry: &&yjs::Awareness<'_>| entry.client == known.client && entry.clock > known.clock;
            return Ok(entries.iter().find(newer).map(|entry| (entry, known.shift)));
        }
        let who = person.who.clone();
        let of_others = |client: u64| {
            let here = self.here.values().filter_map(|other| other.whereabouts.awareness.as_ref());
            let mut left = self.departed.iter().filter(|(other, _)| *other != who).map(|(_, awareness)| awareness);
            here.chain(&mut left).any(|awareness| awareness.client == client)
        };
        let own = entries.iter().find(|entry| entry.state != yjs::GONE && !of_others(entry.client));
        Ok(own.map(|entry| {
            let before = self.departed.iter().find(|(_, awareness)| awareness.client == entry.client);
            let told = before.map_or(0, |(_, awareness)| awareness.clock.saturating_add(awareness.shift) + 1);
            (entry, told.saturating_sub(entry.clock))
        }))
    }
}
