//! The sessions of one SFE instance: what each message, reply and change leads to.
//!
//! No IO and no waiting: what is to be sent goes into the links' buffers.

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use super::{
    fan_out::FanOut,
    limiter::{Limiter, Rate, Verdict},
    request_context::RequestContext,
    split::{self, Route},
};
use crate::{
    ipc::{
        link,
        messages::{Effect, Encoded, Held, Push, Request, StreamDown, StreamUp, WfeDown, WfeUp},
    },
    protocol::{
        CloseCode, Codec, ErrorBody, ErrorCode, Outgoing, RequestHead, ThingId,
        action::{Action, Edited},
        limits,
        message::WithBody,
        session,
    },
};

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
    fan_out: FanOut,
    /// The links to those `_stream`s that have told what they hold.
    pub streams: BTreeMap<u16, link::Sender<StreamDown>>,
    wfe: Option<link::Sender<WfeUp>>,
    /// Edits that were unanswered when a link was new: a change that comes again answers them.
    unanswered_edits: HashMap<(ThingId, String, String), (Uuid, u64)>,
}

struct Session {
    stream: u16,
    context: RequestContext,
    limiter: Limiter,
    warned: bool,
    joins: HashMap<ThingId, u32>,
    /// Requests that WFE has not answered, in order.
    pending: BTreeMap<u64, Pending>,
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

impl Front {
    /// An instance without sessions.
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            sessions: HashMap::new(),
            fan_out: FanOut::default(),
            streams: BTreeMap::new(),
            wfe: None,
            unanswered_edits: HashMap::new(),
        }
    }

    /// Whether this session is here.
    pub fn has(&self, session: Uuid) -> bool {
        self.sessions.contains_key(&session)
    }

    /// The `_stream` with the fewest sessions.
    pub fn least_loaded(&self) -> Option<u16> {
        let count = |stream: u16| self.sessions.values().filter(|session| session.stream == stream).count();
        self.streams.keys().copied().min_by_key(|stream| count(*stream))
    }

    /// Step 1: a session begins.
    pub fn begin(&mut self, stream: u16, context: RequestContext, now: Instant) {
        self.tell_wfe(&WfeUp::Connected { session: context.session, principal: context.principal.clone() });
        let session = Session {
            stream,
            limiter: Limiter::new(self.terms.rate, now),
            warned: false,
            joins: HashMap::new(),
            pending: BTreeMap::new(),
            context,
        };
        self.sessions.insert(session.context.session, session);
    }

    /// What a `_stream` says.
    pub fn hear_stream(&mut self, stream: u16, message: StreamUp, now: Instant) {
        match message {
            StreamUp::Taken(session) => self.tell_wfe(&WfeUp::Taken(session)),
            StreamUp::Message { session, sequence, message } => self.message(session, sequence, message, now),
            StreamUp::Gone(session) => self.end(session),
            StreamUp::Held(_) | StreamUp::AllHeld => {
                tracing::error!(stream, "told again what it holds");
            }
        }
    }

    /// A `_stream` has told all that it holds over a new link.
    pub fn attach_stream(&mut self, stream: u16, link: link::Sender<StreamDown>, held: Vec<Held>, now: Instant) {
        self.streams.insert(stream, link);
        let (mut unanswered, mut after) = (Vec::new(), HashMap::new());
        for held in held {
            let Ok(context) = postcard::from_bytes::<RequestContext>(&held.context) else {
                tracing::error!(session = %held.session, "a session came back without its context");
                continue;
            };
            let codec = context.protocol;
            self.begin(stream, context, now);
            for open in &held.open {
                self.fan_out.open(held.session, stream, codec, open);
                if let Some(session) = self.sessions.get_mut(&held.session) {
                    session.joins.insert(open.thing, open.join);
                }
                let least = after.entry(open.thing).or_insert(open.offset);
                *least = open.offset.min(*least);
            }
            unanswered.extend(held.unanswered.into_iter().map(|(sequence, message)| (held.session, sequence, message)));
        }
        // Once for all, from where the last of them is: for it, any later change would be a gap.
        for (thing, offset) in after {
            self.fan_out.rewind(thing, offset);
            self.resume(thing, offset);
        }
        self.tell_wfe(&WfeUp::Resumed);
        for (session, sequence, message) in unanswered {
            self.message(session, sequence, message, now);
            self.await_again(session, sequence);
        }
    }

    /// Whether this is the link that is in use; an older one may end after its successor has come.
    pub fn uses_stream(&self, stream: u16, link: &link::Sender<StreamDown>) -> bool {
        self.streams.get(&stream).is_some_and(|used| used.is_same(link))
    }

    /// A `_stream` is gone, and its connections with it.
    pub fn lose_stream(&mut self, stream: u16) {
        self.streams.remove(&stream);
        let lost: Vec<_> =
            self.sessions.iter().filter(|(_, session)| session.stream == stream).map(|(id, _)| *id).collect();
        lost.into_iter().for_each(|session| self.end(session));
    }

    /// WFE is there again: it is told what is here, and asked again for what it has not answered.
    pub fn attach_wfe(&mut self, link: link::Sender<WfeUp>) {
        self.wfe = Some(link);
        for session in self.sessions.values() {
            self.tell_wfe(&WfeUp::Connected {
                session: session.context.session,
                principal: session.context.principal.clone(),
            });
        }
        // A pending edit may have been made: its change came after what had been passed on when it was sent.
        let mut after: HashMap<ThingId, u64> =
            self.fan_out.iter().map(|(thing, topic)| (thing, topic.offset)).collect();
        for pending in self.sessions.values().flat_map(|session| session.pending.values()) {
            if let (Some(thing), Some(seen)) = (pending.thing, pending.seen) {
                after.entry(thing).and_modify(|offset| *offset = seen.min(*offset));
            }
        }
        after.into_iter().for_each(|(thing, offset)| self.resume(thing, offset));
        self.tell_wfe(&WfeUp::Resumed);
        let mut again: Vec<(Uuid, u64)> = Vec::new();
        for (id, session) in &self.sessions {
            again.extend(session.pending.keys().map(|sequence| (*id, *sequence)));
        }
        for (session, sequence) in again {
            self.await_again(session, sequence);
            self.request(session, sequence);
        }
    }

    /// This link to WFE is over; requests wait for the next.
    pub fn lose_wfe(&mut self, link: &link::Sender<WfeUp>) {
        self.wfe.take_if(|used| used.is_same(link));
    }

    fn resume(&self, thing: ThingId, after: u64) {
        if let Some(topic) = self.fan_out.get(thing) {
            let (epoch, wanted) = (topic.epoch.clone(), topic.wanted());
            self.tell_wfe(&WfeUp::Resume { thing, epoch, after, wanted });
        }
    }

    /// Notes an unanswered edit under its key, so that its change answers it if it comes again.
    fn await_again(&mut self, id: Uuid, sequence: u64) {
        let Some(session) = self.sessions.get(&id) else { return };
        let Some(pending) = session.pending.get(&sequence) else { return };
        if let (Some(Action::Edit), Some(thing)) = (pending.action, pending.thing)
            && let Ok(WithBody { body: Key { key } }) = session.context.protocol.decode(&pending.message)
        {
            self.unanswered_edits.insert((thing, session.context.principal.id(), key), (id, sequence));
        }
    }

    /// Steps 3 and 4: a message of a client goes to its service.
    fn message(&mut self, id: Uuid, sequence: u64, message: Bytes, now: Instant) {
        let (rate, max_things) = (self.terms.rate, self.terms.max_things);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let verdict = session.limiter.request(rate, now);
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
        let action = match split::route(&head) {
            Err(error) => return self.refuse(id, sequence, &head, error),
            Ok(Route::Ping) => return self.answer(id, sequence, &head, &serde_json::json!({}), None),
            Ok(Route::Refresh) => None,
            Ok(Route::Close) => return self.close_thing(id, sequence, &head),
            Ok(Route::UserAction(action)) => Some(action),
        };
        let thing = head.thing.as_deref().and_then(|thing| thing.parse().ok());
        if let (Some(Action::Open), Some(thing)) = (action, thing) {
            let opening = session.pending.values().filter(|pending| pending.action == Some(Action::Open)).count();
            if session.joins.len() + opening >= max_things && !session.joins.contains_key(&thing) {
                return self.refuse(id, sequence, &head, ErrorCode::TooManyThings.into());
            }
        }
        let open = thing.filter(|thing| session.joins.contains_key(thing));
        let seen = open.and_then(|thing| self.fan_out.get(thing)).map(|topic| topic.offset);
        session.pending.insert(sequence, Pending { head, thing, action, seen, message });
        self.request(id, sequence);
    }

    fn request(&self, id: Uuid, sequence: u64) {
        let Some(session) = self.sessions.get(&id) else { return };
        let Some(pending) = session.pending.get(&sequence) else { return };
        self.tell_wfe(&WfeUp::Request(Request {
            session: id,
            sequence,
            principal: session.context.principal.clone(),
            codec: session.context.protocol,
            seen: pending.head.offset.or(pending.seen),
            message: pending.message.clone(),
        }));
    }

    fn close_thing(&mut self, id: Uuid, sequence: u64, head: &RequestHead) {
        let thing: Option<ThingId> = head.thing.as_deref().and_then(|thing| thing.parse().ok());
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match thing.filter(|thing| session.joins.remove(thing).is_some()) {
            Some(thing) => {
                self.leave(id, thing);
                self.answer(id, sequence, head, &serde_json::json!({}), Some(Effect::Closed(thing)));
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
            WfeDown::Notify { sessions, encoded } => self.notify(&sessions, &encoded),
            WfeDown::Gap(thing) => {
                let streams: Vec<u16> = self.fan_out.get(thing).into_iter().flat_map(|topic| topic.streams()).collect();
                streams.into_iter().for_each(|stream| self.tell_stream(stream, &StreamDown::Gap(thing)));
            }
            WfeDown::Refreshed { session, expires_at } => self.refreshed(session, expires_at),
            WfeDown::Close { session, code, reason } => {
                if let Some(found) = self.sessions.get(&session) {
                    self.tell_stream(found.stream, &StreamDown::Close { session, code, reason });
                }
            }
        }
    }

    fn reply(&mut self, id: Uuid, sequence: u64, effect: Option<Effect>, message: Option<Bytes>) {
        let known = self.sessions.get_mut(&id).and_then(|session| {
            session.pending.remove(&sequence)?;
            Some(session)
        });
        let Some(session) = known else {
            // Answered already by its change, or the client has gone meanwhile.
            if let Some(Effect::Opened(open)) = effect
                && self.fan_out.get(open.thing).is_none()
            {
                self.tell_wfe(&WfeUp::Leave(open.thing));
            }
            return;
        };
        let stream = session.stream;
        match &effect {
            Some(Effect::Opened(open)) => {
                session.joins.insert(open.thing, open.join);
                self.fan_out.open(id, stream, session.context.protocol, open);
            }
            Some(Effect::Closed(thing)) => {
                session.joins.remove(thing);
                self.leave(id, *thing);
            }
            Some(Effect::At(..)) | None => {}
        }
        self.tell_stream(stream, &StreamDown::Send { session: id, answers: Some(sequence), effect, message });
    }

    fn push(&mut self, mut push: Push) {
        if let Some(change) = &mut push.change {
            if let Some((principal, key)) = change.again.take() {
                let made = self.unanswered_edits.remove(&(push.thing, principal, key));
                if let Some((session, sequence)) = made {
                    let edited = Edited { epoch: change.epoch.clone(), offset: change.offset, durable: true };
                    if self.acknowledge(session, sequence, push.thing, &edited) {
                        push.except = Some(session);
                    }
                }
            }
            self.fan_out.passed(push.thing, change.offset);
        }
        let streams: Vec<u16> = self.fan_out.get(push.thing).into_iter().flat_map(|topic| topic.streams()).collect();
        let down = StreamDown::Push(push);
        streams.into_iter().for_each(|stream| self.tell_stream(stream, &down));
    }

    /// Answers an edit whose change has come again.
    fn acknowledge(&mut self, id: Uuid, sequence: u64, thing: ThingId, edited: &Edited) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        let Some(pending) = session.pending.remove(&sequence) else { return false };
        let (stream, codec) = (session.stream, session.context.protocol);
        let reply = pending.head.id.map(|request| {
            codec.encode(&Outgoing {
                port: pending.head.port,
                name: &pending.head.name,
                id: Some(request.get()),
                thing: Some(thing.to_string()),
                join: session.joins.get(&thing).copied(),
                offset: Some(edited.offset),
                body: Some(edited),
                error: None,
            })
        });
        let effect = Some(Effect::At(thing, edited.offset));
        let message = reply.map(Bytes::from);
        self.tell_stream(stream, &StreamDown::Send { session: id, answers: Some(sequence), effect, message });
        true
    }

    fn notify(&self, sessions: &[Uuid], encoded: &[Encoded]) {
        for id in sessions {
            let Some(session) = self.sessions.get(id) else { continue };
            let fitting = encoded.iter().find(|encoded| encoded.codec == session.context.protocol);
            let message = fitting.map(|encoded| encoded.message.clone());
            self.tell_stream(session.stream, &StreamDown::Send { session: *id, answers: None, effect: None, message });
        }
    }

    fn refreshed(&mut self, id: Uuid, expires_at: u64) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.context.expires_at = expires_at;
        session.warned = false;
        let (stream, context) = (session.stream, encode_context(&session.context));
        self.tell_stream(stream, &StreamDown::Context { session: id, context });
    }

    /// Warns of tokens that expire, and ends sessions whose token was not replaced.
    pub fn tick(&mut self, unix_seconds: u64) {
        let mut expired = Vec::new();
        let mut warned = Vec::new();
        for (id, session) in &mut self.sessions {
            let expires_at = session.context.expires_at;
            if unix_seconds >= expires_at.saturating_add(limits::EXPIRY_GRACE.as_secs()) {
                expired.push(*id);
            } else if unix_seconds + limits::EXPIRY_WARNING.as_secs() >= expires_at && !session.warned {
                session.warned = true;
                warned.push((*id, session.stream, session.context.protocol, expires_at));
            }
        }
        for (session, stream, codec, expires_at) in warned {
            let message =
                encode(codec, &Outgoing::push(session::PORT, "token_expiring", session::ExpiresAt { expires_at }));
            self.tell_stream(
                stream,
                &StreamDown::Send { session, answers: None, effect: None, message: Some(message) },
            );
        }
        for session in expired {
            self.close(session, CloseCode::TokenExpired, CloseCode::TokenExpired.message());
        }
    }

    fn answer(&self, id: Uuid, sequence: u64, head: &RequestHead, body: &impl Serialize, effect: Option<Effect>) {
        let Some(session) = self.sessions.get(&id) else { return };
        let message = head.id.map(|request| {
            let reply = Outgoing {
                port: head.port,
                name: &head.name,
                id: Some(request.get()),
                thing: head.thing.clone(),
                join: None,
                offset: None,
                body: Some(body),
                error: None,
            };
            encode(session.context.protocol, &reply)
        });
        self.tell_stream(session.stream, &StreamDown::Send { session: id, answers: Some(sequence), effect, message });
    }

    fn refuse(&self, id: Uuid, sequence: u64, head: &RequestHead, error: ErrorBody) {
        let Some(session) = self.sessions.get(&id) else { return };
        let name: String = head.name.chars().take(limits::MAX_KEY_BYTES).collect();
        let reply = Outgoing::failure(head.port, &name, head.id.map(Into::into), head.thing.clone(), error);
        let message = Some(encode(session.context.protocol, &reply));
        self.tell_stream(
            session.stream,
            &StreamDown::Send { session: id, answers: Some(sequence), effect: None, message },
        );
    }

    fn close(&self, id: Uuid, code: CloseCode, reason: &str) {
        if let Some(session) = self.sessions.get(&id) {
            let close = StreamDown::Close { session: id, code: code.number(), reason: reason.into() };
            self.tell_stream(session.stream, &close);
        }
    }

    fn end(&mut self, id: Uuid) {
        if let Some(session) = self.sessions.remove(&id) {
            session.joins.keys().for_each(|thing| self.leave(id, *thing));
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

/// The context as `_stream` keeps it.
pub fn encode_context(context: &RequestContext) -> Bytes {
    postcard::to_stdvec(context).expect("plain fields always encode").into()
}
