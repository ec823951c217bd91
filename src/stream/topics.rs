//! Who has which Thing open and how far they have got; turns one change into everybody's frames.

use std::{collections::HashMap, rc::Rc, time::Instant};

use bytes::Bytes;
use uuid::Uuid;

use super::{
    connection::{Connection, frame},
    outbox::About,
};
use crate::{
    ipc::messages::{Effect, Encoded, Framing, OpenThing, Push},
    protocol::{CloseCode, Codec, ThingId, action::Form, codec},
};

/// The open Things of all connections of this process.
#[derive(Default)]
pub struct Topics {
    members: HashMap<ThingId, HashMap<Uuid, Member>>,
}

struct Member {
    connection: Rc<Connection>,
    open: OpenThing,
}

impl Topics {
    /// Carries out what a reply changes for `connection`.
    pub fn apply(&mut self, connection: &Rc<Connection>, effect: Effect, now: Instant) {
        match effect {
            Effect::Opened(open) => {
                connection.set_open(open.thing, true);
                let member = Member { connection: connection.clone(), open };
                self.members.entry(member.open.thing).or_default().insert(connection.session, member);
            }
            Effect::Closed(thing) => {
                connection.set_open(thing, false);
                self.remove(thing, connection.session);
            }
            Effect::Whereabouts(thing, whereabouts) => {
                let member = self.members.get_mut(&thing).and_then(|members| members.get_mut(&connection.session));
                member.into_iter().for_each(|member| member.open.whereabouts = whereabouts.clone());
            }
            Effect::Role(thing, Some(role)) => {
                let member = self.members.get_mut(&thing).and_then(|members| members.get_mut(&connection.session));
                member.into_iter().for_each(|member| member.open.role = role);
            }
            Effect::Role(thing, None) => {
                connection.set_open(thing, false);
                self.remove(thing, connection.session);
                connection.forget(thing, now);
            }
            Effect::At(thing, offset) => {
                let member = self.members.get_mut(&thing).and_then(|members| members.get_mut(&connection.session));
                // A repeated edit is answered with its first offset, which may be long past.
                if let Some(member) = member
                    && member.open.offset + 1 == offset
                {
                    member.open.offset = offset;
                }
            }
        }
    }

    fn remove(&mut self, thing: ThingId, session: Uuid) {
        if let Some(members) = self.members.get_mut(&thing) {
            members.remove(&session);
            if members.is_empty() {
                self.members.remove(&thing);
            }
        }
    }

    /// Forgets a connection that is over.
    pub fn forget(&mut self, connection: &Connection) {
        for thing in connection.open_things() {
            self.remove(thing, connection.session);
        }
    }

    /// The Things that a connection has open.
    pub fn opened_by(&self, connection: &Connection) -> Vec<OpenThing> {
        let things = connection.open_things();
        things
            .iter()
            .filter_map(|thing| self.members.get(thing)?.get(&connection.session))
            .map(|member| member.open.clone())
            .collect()
    }

    /// Puts a message into the queue of everyone who has its Thing open, and those connections into `written`.
    pub fn push(&mut self, push: &Push, now: Instant, written: &mut Vec<Rc<Connection>>) {
        let Some(members) = self.members.get_mut(&push.thing) else { return };
        let mut frames = Frames::of(&push.encoded);
        let about = push.newest_of.map_or(About::Push(push.thing), |who| About::Newest(push.thing, who));
        for (session, Member { connection, open }) in members {
            let is_sender = !push.to.includes(*session);
            if let Some(change) = &push.change {
                // The sender's reply stands here instead; others may have had it before a new link.
                if is_sender || change.offset <= open.offset && change.epoch == open.epoch {
                    continue;
                }
                if change.offset != open.offset + 1 || change.epoch != open.epoch {
                    crate::limiter::seldom!(
                        warn, thing = %push.thing, %session, has = open.offset, comes = change.offset,
                        "a change does not follow what a client has: it is to come back"
                    );
                    connection.close(CloseCode::Gap.number(), CloseCode::Gap.message(), now);
                    continue;
                }
            } else if is_sender {
                continue;
            }
            match frames.get(connection, open, push.change.as_ref().map(|change| change.offset)) {
                Some(frame) => connection.queue(frame, about, now),
                None if push.change.is_none() => continue,
                None => {
                    crate::limiter::seldom!(
                        warn, thing = %push.thing, %session, yjs = open.form == Form::Yjs,
                        "a change is not at hand in the form that a client wants: it is to come back"
                    );
                    connection.close(CloseCode::Gap.number(), CloseCode::Gap.message(), now);
                }
            }
            if let Some(change) = &push.change {
                open.offset = change.offset;
            }
            written.push(connection.clone());
        }
    }

    /// Closes everyone who has the Thing open; they come back and resume.
    pub fn close_all(&mut self, thing: ThingId, now: Instant) {
        for member in self.members.get(&thing).into_iter().flat_map(HashMap::values) {
            member.connection.close(CloseCode::Gap.number(), CloseCode::Gap.message(), now);
        }
    }
}

/// The frames of one push: made once for each encoding, form and `join`. Clients number their requests
/// alike, so the same few serve almost everybody.
struct Frames<'a> {
    encoded: &'a [Encoded],
    made: Vec<((Framing, Codec, Form, u32), Bytes)>,
}

impl<'a> Frames<'a> {
    /// More are made each time, rather than searched for.
    const MOST_KEPT: usize = 8;

    fn of(encoded: &'a [Encoded]) -> Self {
        Self { encoded, made: Vec::new() }
    }

    fn get(&mut self, connection: &Connection, open: &OpenThing, offset: Option<u64>) -> Option<Bytes> {
        let (framing, codec, form, join) = (connection.framing, connection.codec, open.form, open.join);
        let key = (framing, codec, form, join);
        if let Some((_, frame)) = self.made.iter().find(|(made, _)| *made == key) {
            return Some(frame.clone());
        }
        let fits = |encoded: &&Encoded| encoded.codec == codec && encoded.form.is_none_or(|wanted| wanted == form);
        let encoded = self.encoded.iter().find(fits)?;
        if encoded.message.is_empty() {
            return Some(Bytes::new());
        }
        let mut message = Vec::with_capacity(encoded.message.len() + 24);
        codec::append_with_join(codec, &encoded.message, join, &mut message);
        let frame = frame(framing, codec, &message, offset);
        if self.made.len() < Self::MOST_KEPT {
            self.made.push((key, frame.clone()));
        }
        Some(frame)
    }
}
