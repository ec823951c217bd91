//! Who has which Thing open and where in it they are; who is to be told what. Pure.
//!
//! Sessions are known anew when a process between here and the clients was replaced. Until that has settled nobody is
//! taken for gone; then everyone is told how it is, if they may have missed something.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    room::{Moved, Person, Room},
    stamp,
};
use crate::{
    access::Principal,
    ipc::messages::{Awareness, To, Whereabouts},
    protocol::{ThingId, limits::CURSOR_EVERY, yjs},
};

/// How long nothing must have changed with the links to the SFEs before who is told of no more counts as gone.
const SETTLED_AFTER: Duration = Duration::from_secs(3);
/// What was said so shortly before a link was lost may not have arrived.
const UNSURE: Duration = Duration::from_secs(1);
/// Everyone who has something open.
#[derive(Default)]
pub struct People {
    rooms: HashMap<ThingId, Room>,
    /// What each session has open.
    of: HashMap<Uuid, HashSet<ThingId>>,
    /// What is to be done later: tell where somebody is, or ([`SETTLING`]) that a room has settled.
    due: BTreeSet<(Instant, ThingId, Uuid)>,
    arrivals: u64,
}

const SETTLING: Uuid = Uuid::nil();

/// Something to be told.
#[derive(Debug)]
pub struct Say {
    /// About this Thing, to those who have it open.
    pub thing: ThingId,
    /// To which of them.
    pub to: To,
    /// What.
    pub what: What,
    /// Over these links.
    pub links: Vec<u64>,
}

/// What is told.
#[derive(Debug)]
pub enum What {
    /// Those who came first, and how many more there are.
    State(Vec<Person>, usize),
    /// Somebody has come.
    Joined(Person),
    /// Somebody has left.
    Left(Person),
    /// Somebody is elsewhere.
    Moved(Person, Moved),
}

/// Why what somebody says of themselves is not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// They have not opened the Thing.
    NotHere,
    /// It is no awareness state.
    Unfit,
}

/// Where somebody is from now on, if that is new, and what is to be said of it now.
type Taken = (Option<Whereabouts>, Option<Say>);

impl People {
    /// A session has opened a Thing; perhaps it had it open before.
    pub fn opened(&mut self, thing: ThingId, (link, session): (u64, Uuid), who: &Principal, now: Instant) -> Vec<Say> {
        let (room, mut say) = (self.rooms.entry(thing).or_default(), Vec::new());
        if !room.reach(session, link) {
            self.arrivals += 1;
            self.of.entry(session).or_default().insert(thing);
            room.arrive(self.arrivals, Person::new(session, link, who, Whereabouts::default(), now));
            if room.is_told_of(self.arrivals) {
                let joined = What::Joined(room.here[&self.arrivals].clone());
                say.push(room.say(thing, To::Others(session), joined, now));
            }
        }
        say.push(room.say(thing, To::One(session), room.state(), now));
        say
    }

    /// A session is told of over a new link, with what it has open.
    pub fn told(
        &mut self,
        (link, session): (u64, Uuid),
        who: &Principal,
        open: impl IntoIterator<Item = (ThingId, Whereabouts)>,
        now: Instant,
    ) {
        for (thing, whereabouts) in open {
            let room = self.rooms.entry(thing).or_default();
            if !room.reach(session, link) {
                self.arrivals += 1;
                self.of.entry(session).or_default().insert(thing);
                room.arrive(self.arrivals, Person::new(session, link, who, whereabouts, now));
                room.unsure = true;
            }
            self.settle_later(thing, now);
        }
    }

    /// A link is lost. Those behind it will be told of again, or not.
    pub fn lost(&mut self, link: u64, now: Instant) {
        let mut touched = Vec::new();
        for (thing, room) in &mut self.rooms {
            let Some(lost) = room.links.remove(&Some(link)) else { continue };
            *room.links.entry(None).or_default() += lost;
            let behind = room.here.values_mut().filter(|person| person.link == Some(link));
            behind.for_each(|person| person.link = None);
            room.unsure |= room.said_at.is_some_and(|at| now.saturating_duration_since(at) < UNSURE);
            touched.push(*thing);
        }
        touched.into_iter().for_each(|thing| self.settle_later(thing, now));
    }

    /// Sessions have closed a Thing, or may see it no more. Those who leave together are not told of each other.
    pub fn left(&mut self, thing: ThingId, sessions: &[Uuid], now: Instant) -> Vec<Say> {
        let Some(room) = self.rooms.get_mut(&thing) else { return Vec::new() };
        let say = room.leave(thing, sessions, now);
        for session in sessions {
            if let Some(things) = self.of.get_mut(session) {
                things.remove(&thing);
                if things.is_empty() {
                    self.of.remove(session);
                }
            }
        }
        if room.here.is_empty() {
            self.rooms.remove(&thing);
        }
        say
    }

    /// Sessions are over.
    pub fn gone(&mut self, sessions: &[Uuid], now: Instant) -> Vec<Say> {
        let things: BTreeSet<ThingId> =
            sessions.iter().filter_map(|session| self.of.get(session)).flatten().copied().collect();
        things.into_iter().flat_map(|thing| self.left(thing, sessions, now)).collect()
    }

    /// Somebody points elsewhere; where they are from now on.
    ///
    /// # Errors
    /// They have not opened the Thing.
    pub fn cursor(&mut self, thing: ThingId, session: Uuid, cursor: String, now: Instant) -> Result<Taken, Refused> {
        let person = self.person(thing, session).ok_or(Refused::NotHere)?;
        person.whereabouts.cursor = Some(cursor);
        person.untold.cursor = true;
        let whereabouts = person.whereabouts.clone();
        Ok((Some(whereabouts), self.moved(thing, session, now)))
    }

    /// A client of y-websocket tells of itself, or repeats what it has heard of others; where it is from now on, if
    /// that is new.
    ///
    /// # Errors
    /// It has not opened the Thing, or its state is none.
    pub fn awareness(
        &mut self,
        thing: ThingId,
        session: Uuid,
        entries: &[yjs::Awareness<'_>],
        now: Instant,
    ) -> Result<Taken, Refused> {
        let room = self.rooms.get_mut(&thing).ok_or(Refused::NotHere)?;
        let Some((entry, shift)) = room.own(session, entries)? else { return Ok((None, None)) };
        let person = room.person(session).ok_or(Refused::NotHere)?;
        let stamped = stamp::stamp(entry.state, &person.who).ok_or(Refused::Unfit)?;
        let awareness = Awareness { client: entry.client, clock: entry.clock, shift, state: stamped.state };
        person.untold.awareness = true;
        person.untold.cursor |= stamped.cursor.is_some() && stamped.cursor != person.whereabouts.cursor;
        person.whereabouts = Whereabouts { cursor: stamped.cursor, awareness: Some(awareness) };
        let whereabouts = person.whereabouts.clone();
        Ok((Some(whereabouts), self.moved(thing, session, now)))
    }

    /// Everyone there, for one of them.
    ///
    /// # Errors
    /// They have not opened the Thing.
    pub fn state(&mut self, thing: ThingId, session: Uuid, now: Instant) -> Result<Say, Refused> {
        let room =
            self.rooms.get_mut(&thing).filter(|room| room.number.contains_key(&session)).ok_or(Refused::NotHere)?;
        Ok(room.say(thing, To::One(session), room.state(), now))
    }

    /// Says now, or soon, that somebody has moved.
    fn moved(&mut self, thing: ThingId, session: Uuid, now: Instant) -> Option<Say> {
        let room = self.rooms.get_mut(&thing)?;
        let told_of = room.is_told_of(*room.number.get(&session)?);
        let person = room.person(session)?;
        if !told_of {
            person.untold = Moved::default();
            return None;
        }
        if now < person.tell_at {
            self.due.insert((person.tell_at, thing, session));
            return None;
        }
        person.tell_at = now + CURSOR_EVERY;
        let untold = std::mem::take(&mut person.untold);
        let moved = What::Moved(person.clone(), untold);
        (untold != Moved::default()).then(|| room.say(thing, To::Others(session), moved, now))
    }

    fn settle_later(&mut self, thing: ThingId, now: Instant) {
        let Some(room) = self.rooms.get_mut(&thing) else { return };
        if let Some(earlier) = room.settles_at.replace(now + SETTLED_AFTER) {
            self.due.remove(&(earlier, thing, SETTLING));
        }
        self.due.insert((now + SETTLED_AFTER, thing, SETTLING));
    }

    /// When something is to be done next.
    pub fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, ..)| *at)
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Instant) -> Vec<Say> {
        let mut say = Vec::new();
        while let Some(&(at, thing, session)) = self.due.first().filter(|(at, ..)| *at <= now) {
            self.due.remove(&(at, thing, session));
            if session == SETTLING {
                say.extend(self.settle(thing, now));
            } else {
                say.extend(self.moved(thing, session, now));
            }
        }
        say
    }

    fn settle(&mut self, thing: ThingId, now: Instant) -> Vec<Say> {
        let Some(room) = self.rooms.get_mut(&thing) else { return Vec::new() };
        room.settles_at = None;
        let lost: Vec<Uuid> =
            room.here.values().filter(|person| person.link.is_none()).map(|person| person.session).collect();
        let unsure = std::mem::take(&mut room.unsure);
        let mut say: Vec<Say> = self.left(thing, &lost, now);
        if let Some(room) = self.rooms.get_mut(&thing).filter(|_| unsure) {
            say.push(room.say(thing, To::Everyone, room.state(), now));
        }
        say
    }

    fn person(&mut self, thing: ThingId, session: Uuid) -> Option<&mut Person> {
        self.rooms.get_mut(&thing)?.person(session)
    }
}

#[cfg(test)]
#[path = "people_tests.rs"]
mod tests;
