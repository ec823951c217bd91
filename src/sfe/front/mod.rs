//! The sessions of one SFE instance: what each message, reply and change leads to.
//!
//! No IO and no waiting: what is to be sent goes into the links' buffers.

mod access;
mod answers;
mod resume;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use super::{
    fan_out::FanOut,
    request_context::RequestContext,
    split::{self, Route},
    yjs,
};
use crate::{
    ipc::{
        link,
        messages::{
            Effect, Encoded, Holding, OpenThing, Push, Request, StreamDown, StreamUp, To, WfeDown, WfeUp, Whereabouts,
        },
    },
    limiter::{Limiter, Rate, Verdict},
    metrics,
    protocol::{
        CloseCode, Codec, ErrorBody, ErrorCode, Outgoing, RequestHead, Role, ThingId,
        action::{Action, Form},
        codec::append_with_join,
        message::Empty,
    },
};

/// The first message of a y-websocket connection, which is not the client's: see [`yjs::opening`].
const OPENING: u64 = 0;

/// What all sessions have in common.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Requests per second of one session.
    pub rate: Rate,
    /// Things that one session may have open.
    pub max_things: usize,
}

/// The sessions of this instance.
pub struct Front {
    terms: Terms,
    sessions: HashMap<Uuid, Session>,
    /// How many of them each `_stream` holds.
    counts: BTreeMap<u16, usize>,
    fan_out: FanOut,
    /// The links to those `_stream`s that have told what they hold.
    pub streams: BTreeMap<u16, link::Sender<StreamDown>>,
    wfe: Option<link::Sender<WfeUp>>,
    /// Whether messages of clients are taken; else they stay with the `_stream`s, for the next process.
    taking: bool,
    /// Edits that were unanswered when a link was new: a change that comes again answers them.
    unanswered_edits: HashMap<(ThingId, String, String), (Uuid, u64)>,
}

struct Session {
    stream: u16,
    context: RequestContext,
    limiter: Limiter,
    warned: bool,
    open: HashMap<ThingId, Opening>,
    /// Requests that WFE has not answered, in order.
    pending: BTreeMap<u64, Pending>,
}

/// A Thing that a session has open.
struct Opening {
    join: u32,
    role: Role,
    form: Form,
    whereabouts: Whereabouts,
}

struct Pending {
    head: RequestHead,
    thing: Option<ThingId>,
    action: Option<Action>,
    /// The last change of the Thing that had been passed on when the request came.
    seen: Option<u64>,
    message: Bytes,
}

#[derive(serde::Deserialize)]
struct Key {
    key: String,
}

impl Opening {
    fn of(open: &OpenThing) -> Self {
        Self { join: open.join, role: open.role, form: open.form, whereabouts: open.whereabouts.clone() }
    }
}

impl Session {
    fn connected(&self) -> WfeUp {
        WfeUp::Connected {
            session: self.context.session,
            caller: self.context.caller.clone(),
            open: self.open.iter().map(holding).collect(),
            request_id: self.context.request_id.clone(),
        }
    }

    /// The id in Yjs of a client of y-websocket.
    fn own_id(&self) -> Option<u64> {
        let awareness = self.open.values().find_map(|open| open.whereabouts.awareness.as_ref())?;
        Some(awareness.client)
    }

    /// Whether a request about a Thing may go on: it is open in one of these forms, or about to be opened.
    fn has_open(&self, thing: Option<ThingId>, forms: &[Form]) -> bool {
        let is_open = thing.and_then(|thing| self.open.get(&thing)).map(|open| forms.contains(&open.form));
        let opening = |pending: &Pending| pending.action == Some(Action::Open) && pending.thing == thing;
        is_open.unwrap_or_else(|| self.pending.values().any(opening))
    }
}

impl Front {
    /// An instance without sessions.
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            sessions: HashMap::new(),
            counts: BTreeMap::new(),
            fan_out: FanOut::default(),
            streams: BTreeMap::new(),
            wfe: None,
            taking: true,
            unanswered_edits: HashMap::new(),
        }
    }

    /// Whether this session is here.
    pub fn has(&self, session: Uuid) -> bool {
        self.sessions.contains_key(&session)
    }

    /// How many sessions are here.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// The `_stream` with the fewest sessions.
    pub fn least_loaded(&self) -> Option<u16> {
        self.streams.keys().copied().min_by_key(|stream| self.counts.get(stream).copied().unwrap_or(0))
    }

    /// Step 1: a session begins, or is told of by its `_stream` with what it has open.
    pub fn begin(&mut self, stream: u16, context: RequestContext, open: &[OpenThing], now: Instant) {
        let session = Session {
            stream,
            limiter: Limiter::new(self.terms.rate, now),
            warned: false,
            open: open.iter().map(|open| (open.thing, Opening::of(open))).collect(),
            pending: BTreeMap::new(),
            context,
        };
        self.tell_wfe(&session.connected());
        open.iter().for_each(|open| self.fan_out.open(session.context.session, stream, session.context.protocol, open));
        *self.counts.entry(stream).or_default() += 1;
        self.sessions.insert(session.context.session, session);
    }

    /// What a `_stream` says.
    pub fn hear_stream(&mut self, stream: u16, message: StreamUp, now: Instant) {
        match message {
            StreamUp::Taken(session) => self.tell_wfe(&WfeUp::Taken(session)),
            StreamUp::Message { .. } if !self.taking => {}
            StreamUp::Message { session, sequence, message } => self.message(session, sequence, message, &[], now),
            StreamUp::NoRoom(session) => {
                self.end(session);
                self.tell_wfe(&WfeUp::NoRoom(session));
            }
            StreamUp::Gone(session) => self.end(session),
            StreamUp::Held(_) | StreamUp::AllHeld => {
                tracing::error!(stream, "told again what it holds");
            }
        }
    }

    /// Steps 3 and 4: a message of a client goes to its service. `had` is what the client had of its Things, where
    /// that is known better than by what was passed on last: of messages from before a new link.
    fn message(&mut self, id: Uuid, sequence: u64, message: Bytes, had: &[OpenThing], now: Instant) {
        let (rate, max_things) = (self.terms.rate, self.terms.max_things);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let verdict = session.limiter.request(rate, now);
        let message = match session.context.thing.filter(|_| sequence > OPENING) {
            None => message,
            Some(thing) => match yjs::heard(thing, session.own_id(), &message) {
                Ok(Some(request)) => request,
                Ok(None) => return self.tell_answer(id, sequence, None, None, None),
                Err(error) => return self.close(id, CloseCode::ProtocolError, &error.to_string()),
            },
        };
        let head: RequestHead = match session.context.protocol.decode(&message) {
            Ok(head) => head,
            Err(error) => return self.close(id, CloseCode::ProtocolError, &error.to_string()),
        };
        match verdict {
            Verdict::Allowed => {}
            Verdict::Refused(millis) => {
                return self.refuse(
                    id,
                    sequence,
                    &head,
                    ErrorBody::from(ErrorCode::TooManyRequests).retry_after(millis),
                );
            }
            Verdict::Abusive => {
                return self.close(id, CloseCode::TooManyRequests, CloseCode::TooManyRequests.message());
            }
        }
        let thing = head.thing.as_deref().and_then(|thing| thing.parse().ok());
        let action = match split::route(&head, session.context.protocol) {
            Err(error) => return self.refuse(id, sequence, &head, error),
            Ok(Route::Ping) => return self.answer(id, sequence, &head, &Empty {}, None),
            Ok(Route::Refresh) => None,
            Ok(Route::Close) => {
                metrics::action(Action::Close);
                return self.close_thing(id, sequence, &head);
            }
            Ok(Route::UserAction(action)) => Some(action),
            Ok(Route::Sync) if session.has_open(thing, &[Form::Yjs]) => None,
            Ok(Route::Presence) if session.has_open(thing, &[Form::Json, Form::Yjs]) => None,
            Ok(Route::Sync) => {
                let why = "this connection has not opened the Thing as \"yjs\"";
                return self.refuse(id, sequence, &head, ErrorBody::new(ErrorCode::NotOpen, why));
            }
            Ok(Route::Presence) => return self.refuse(id, sequence, &head, ErrorCode::NotOpen.into()),
        };
        if let (Some(Action::Open), Some(thing)) = (action, thing) {
            let opening = session.pending.values().filter(|pending| pending.action == Some(Action::Open)).count();
            if session.open.len() + opening >= max_things && !session.open.contains_key(&thing) {
                return self.refuse(id, sequence, &head, ErrorCode::TooManyThings.into());
            }
        }
        let open = thing.filter(|thing| session.open.contains_key(thing));
        let seen = open.and_then(|thing| {
            let had = had.iter().find(|open| open.thing == thing).map(|open| open.offset);
            had.or_else(|| Some(self.fan_out.get(thing)?.offset))
        });
        session.pending.insert(sequence, Pending { head, thing, action, seen, message });
        self.request(id, sequence);
    }

    fn request(&self, id: Uuid, sequence: u64) {
        let Some(session) = self.sessions.get(&id) else { return };
        let Some(pending) = session.pending.get(&sequence) else { return };
        self.tell_wfe(&WfeUp::Request(Request {
            session: id,
            sequence,
            codec: session.context.protocol,
            seen: pending.head.offset.or(pending.seen),
            message: pending.message.clone(),
        }));
    }

    fn close_thing(&mut self, id: Uuid, sequence: u64, head: &RequestHead) {
        let thing: Option<ThingId> = head.thing.as_deref().and_then(|thing| thing.parse().ok());
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match thing.filter(|thing| session.open.remove(thing).is_some()) {
            Some(thing) => {
                self.leave(id, thing);
                self.tell_wfe(&WfeUp::Closed { session: id, thing });
                self.answer(id, sequence, head, &Empty {}, Some(Effect::Closed(thing)));
            }
            None => self.refuse(id, sequence, head, ErrorCode::NotOpen.into()),
        }
    }

    fn leave(&mut self, session: Uuid, thing: ThingId) {
        if self.fan_out.close(session, thing) {
            self.tell_wfe(&WfeUp::Leave(thing));
        }
    }

    /// What WFE says.
    pub fn hear_wfe(&mut self, message: WfeDown) {
        match message {
            WfeDown::Reply { session, sequence, effect, message } => self.reply(session, sequence, effect, message),
            WfeDown::Push(push) => self.push(push),
            WfeDown::Notify { sessions, thing, encoded } => self.notify(&sessions, thing, &encoded),
            WfeDown::Gap(thing) => {
                let streams: Vec<u16> = self.fan_out.get(thing).into_iter().flat_map(|topic| topic.streams()).collect();
                streams.into_iter().for_each(|stream| self.tell_stream(stream, &StreamDown::Gap(thing)));
            }
            WfeDown::Refreshed { session, caller, expires_at } => self.refreshed(session, caller, expires_at),
            WfeDown::Access { session, thing, role } => self.access(session, thing, role),
            WfeDown::Close { session, code, reason } => {
                if let Some(found) = self.sessions.get(&session) {
                    self.tell_stream(found.stream, &StreamDown::Close { session, code, reason });
                }
            }
        }
    }

    fn reply(&mut self, id: Uuid, sequence: u64, effect: Option<Effect>, mut message: Option<Bytes>) {
        let known = self.sessions.get_mut(&id).and_then(|session| {
            let pending = session.pending.remove(&sequence)?;
            Some((session, pending))
        });
        let Some((session, pending)) = known else {
            // Answered already: by its change, or as the access ended. Or the client has gone meanwhile.
            if let Some(Effect::Opened(open)) = effect {
                self.tell_wfe(&WfeUp::Closed { session: id, thing: open.thing });
                if self.fan_out.get(open.thing).is_none() {
                    self.tell_wfe(&WfeUp::Leave(open.thing));
                }
            }
            return;
        };
        let codec = session.context.protocol;
        let mut join = pending.thing.and_then(|thing| session.open.get(&thing)).map(|open| open.join);
        match &effect {
            Some(Effect::Opened(open)) => {
                session.open.insert(open.thing, Opening::of(open));
                self.fan_out.open(id, session.stream, codec, open);
                // WFE has put the new join into this reply.
                join = None;
            }
            Some(Effect::Whereabouts(thing, now)) => {
                if let Some(opening) = session.open.get_mut(thing) {
                    opening.whereabouts = now.clone();
                }
            }
            Some(Effect::Closed(_) | Effect::Role(..) | Effect::At(..)) | None => {}
        }
        if let (Some(join), Some(reply)) = (join, &mut message) {
            *reply = with_join(codec, reply, join);
        }
        self.tell_answer(id, sequence, effect, pending.thing, message);
    }

    fn push(&mut self, mut push: Push) {
        let streams = match &push.change {
            Some(change) => self.fan_out.pass(push.thing, change.offset, &push.encoded),
            None => match push.to {
                To::One(session) => self.sessions.get(&session).map(|session| session.stream).into_iter().collect(),
                _ => self.fan_out.get(push.thing).into_iter().flat_map(|topic| topic.streams()).collect(),
            },
        };
        if let Some(change) = &mut push.change
            && let Some((principal, key)) = change.again.take()
            && let Some(session) = self.answer_again(&streams, (push.thing, principal, key), change, &push.encoded)
        {
            push.to = To::Others(session);
        }
        let down = StreamDown::Push(push);
        streams.into_iter().for_each(|stream| self.tell_stream(stream, &down));
    }

    fn notify(&self, sessions: &[Uuid], about: Option<ThingId>, encoded: &[Encoded]) {
        for id in sessions {
            let Some(session) = self.sessions.get(id) else { continue };
            let fitting = encoded.iter().find(|encoded| encoded.codec == session.context.protocol);
            let message = fitting.map(|encoded| encoded.message.clone());
            let (answers, effect) = (None, None);
            self.tell_stream(session.stream, &StreamDown::Send { session: *id, answers, effect, about, message });
        }
    }

    fn close(&self, id: Uuid, code: CloseCode, reason: &str) {
        if let Some(session) = self.sessions.get(&id) {
            let close = StreamDown::Close { session: id, code: code.number(), reason: reason.into() };
            self.tell_stream(session.stream, &close);
        }
    }

    fn end(&mut self, id: Uuid) {
        if let Some(session) = self.sessions.remove(&id) {
            if let Some(count) = self.counts.get_mut(&session.stream) {
                *count -= 1;
            }
            tracing::debug!(session = %id, request_id = session.context.request_id, "a session is over");
            session.open.keys().for_each(|thing| self.leave(id, *thing));
            self.tell_wfe(&WfeUp::Gone(id));
        }
    }

    fn tell_stream(&self, stream: u16, message: &StreamDown) {
        if let Some(link) = self.streams.get(&stream) {
            link.send(message);
        }
    }

    /// Without WFE nothing is lost: the next one is told everything.
    pub fn tell_wfe(&self, message: &WfeUp) {
        if let Some(link) = &self.wfe {
            link.send(message);
        }
    }
}

fn encode<B: Serialize>(codec: Codec, message: &Outgoing<'_, B>) -> Bytes {
    codec.encode(message).into()
}

fn holding((thing, open): (&ThingId, &Opening)) -> Holding {
    Holding { thing: *thing, role: open.role, whereabouts: open.whereabouts.clone() }
}

/// A message about a Thing that the session has open.
fn with_join(codec: Codec, message: &[u8], join: u32) -> Bytes {
    let mut joined = Vec::with_capacity(message.len() + 24);
    append_with_join(codec, message, join, &mut joined);
    joined.into()
}

/// The context as `_stream` keeps it.
pub fn encode_context(context: &RequestContext) -> Bytes {
    postcard::to_stdvec(context).expect("plain fields always encode").into()
}
