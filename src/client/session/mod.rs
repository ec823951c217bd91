//! The client's side of the conversation, apart from sockets, tasks and clocks.
//!
//! It is told what was asked, what came and what happened ([`Session::request`], [`Session::received`],
//! [`Session::disconnected`], ...) and says what to do ([`Session::output`]). `R` is whatever its owner
//! needs to hand a reply to the one who asked. Everything that is bounded by the contract (Things,
//! requests under way) is bounded by its owner, who asks [`Session::unanswered`] before he gives more.

mod call;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod model_tests;
mod resume;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use serde_json::Value;

pub use self::call::RequestError;
pub(crate) use self::call::{Call, CallBody};
use super::{
    connect::ConnectError,
    event::{EditBody, Event},
    frame::Frame,
    thing::{OpenThing, Place, State},
};
use crate::protocol::{
    Codec, ErrorCode,
    action::{self, Action, Form, Position},
    limits, session,
};

/// What the owner is to do next.
#[derive(Debug)]
pub(super) enum Output<R> {
    /// Send this message.
    Send(Vec<u8>),
    /// Tell the program.
    Event(Event),
    /// Answer the one who asked.
    Reply(R, Result<Frame, RequestError>),
    /// The token expires soon: send a new one.
    TokenWanted,
    /// The server asks to reconnect after this delay.
    Leave(Duration),
}

/// The state of the conversation; it outlives connections.
#[derive(Debug)]
pub(super) struct Session<R> {
    codec: Codec,
    last_id: u32,
    /// Largest message that the server takes.
    max_frame_bytes: usize,
    /// Whether the present connection has been welcomed.
    online: bool,
    /// Whether Things are being opened again after a connection was lost.
    resuming: bool,
    /// Requests without a reply, in the order in which they were first sent.
    pending: VecDeque<Pending<R>>,
    things: HashMap<String, OpenThing>,
    /// The earliest time at which a Thing is to be opened again.
    tick_at: Option<Instant>,
    /// Changes that came again within one opening, and changes that came before those in front of them.
    repeated: u64,
    gaps: u64,
    outputs: VecDeque<Output<R>>,
}

#[derive(Debug)]
struct Pending<R> {
    id: u32,
    call: Call,
    /// Sent on the present connection.
    sent: bool,
    reply: R,
}

impl<R> Session<R> {
    pub(super) fn new(codec: Codec) -> Self {
        Self {
            codec,
            last_id: 0,
            max_frame_bytes: limits::MAX_FRAME_BYTES,
            online: false,
            resuming: false,
            pending: VecDeque::new(),
            things: HashMap::new(),
            tick_at: None,
            repeated: 0,
            gaps: 0,
            outputs: VecDeque::new(),
        }
    }

    /// What to do next, until there is nothing.
    pub(super) fn output(&mut self) -> Option<Output<R>> {
        self.outputs.pop_front()
    }

    /// Requests that wait for their replies.
    pub(super) fn unanswered(&self) -> usize {
        self.pending.len()
    }

    /// Pushes of changes that had come before.
    pub(super) fn repeated(&self) -> u64 {
        self.repeated
    }

    /// How often the change before one was missing.
    pub(super) fn gaps(&self) -> u64 {
        self.gaps
    }

    /// Asks something; the answer comes as [`Output::Reply`] with `reply`.
    pub(super) fn request(&mut self, mut call: Call, reply: R) {
        if let (CallBody::Edit(_, seen @ None), Some(thing)) = (&mut call.body, &call.thing) {
            *seen = self.things.get(thing).map(|thing| thing.known.offset);
        }
        let id = self.next_id();
        self.pending.push_back(Pending { id, call, sent: false, reply });
        self.send_pending(self.pending.len() - 1);
    }

    fn next_id(&mut self) -> u32 {
        self.last_id = self.last_id.wrapping_add(1).max(1);
        self.last_id
    }

    /// Sends a request unless it has to wait for its Thing to be opened again. Returns false if it is
    /// not pending any more.
    fn send_pending(&mut self, index: usize) -> bool {
        let pending = &mut self.pending[index];
        let thing = pending.call.thing.as_ref().and_then(|thing| self.things.get(thing));
        if !self.online || pending.sent || !thing.is_none_or(OpenThing::is_open) {
            return true;
        }
        let bytes = pending.call.encode(self.codec, pending.id);
        if bytes.len() <= self.max_frame_bytes {
            pending.sent = true;
            self.outputs.push_back(Output::Send(bytes));
            return true;
        }
        // The server would close the connection for it, and again each time that it is sent again.
        let too_large = match pending.call.is(Action::Edit) {
            true => ErrorCode::EditTooLarge,
            false => ErrorCode::TooLarge,
        };
        if let Some(Pending { reply, .. }) = self.pending.remove(index) {
            let refused = RequestError::Refused(too_large.into());
            self.outputs.push_back(Output::Reply(reply, Err(refused)));
        }
        false
    }

    fn send_all_pending(&mut self) {
        let mut index = 0;
        while index < self.pending.len() {
            index += usize::from(self.send_pending(index));
        }
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// A message came.
    pub(super) fn received(&mut self, now: Instant, frame: Frame) {
        match frame.id {
            Some(id) => self.replied(now, id, frame),
            None if frame.port == session::PORT => self.session_push(frame),
            None => self.push(frame),
        }
    }

    fn session_push(&mut self, frame: Frame) {
        let body = &frame.body.value;
        match frame.name.as_str() {
            "welcome" => return self.welcomed(frame),
            "token_expiring" => self.outputs.push_back(Output::TokenWanted),
            "drain" => {
                let delay = body["retry_after_ms"].as_u64().unwrap_or_default();
                self.outputs.push_back(Output::Leave(Duration::from_millis(delay)));
            }
            "access" if body["role"] == "none" => {
                if let Some(thing) = body["thing"].as_str() {
                    self.things.remove(thing);
                    self.send_all_pending();
                }
            }
            _ => {}
        }
        self.event(Event::Message(frame.into_incoming()));
    }

    fn push(&mut self, mut frame: Frame) {
        let thing = frame.thing.as_ref().and_then(|thing| self.things.get_mut(thing));
        if let Some(join) = frame.join
            && !thing.as_ref().is_some_and(|thing| thing.joined_by(join))
        {
            return; // Late, of an earlier opening.
        }
        let offset = frame.offset.filter(|_| frame.port == action::PORT);
        if let (Some(thing), Some(offset)) = (thing, offset) {
            if !thing.is_open() {
                return;
            }
            match thing.take(offset) {
                Place::Known => return self.repeated += 1,
                Place::Gap => {
                    self.gaps += 1;
                    return self.reopen(&frame.thing.unwrap_or_default(), false);
                }
                Place::Next => {}
            }
            if thing.form == Form::Yjs
                && let Some(update) = frame.body.take_update()
            {
                return self.event(Event::Update {
                    thing: frame.thing.unwrap_or_default(),
                    offset,
                    update,
                    body: frame.body.value,
                });
            }
        }
        self.event(Event::Message(frame.into_incoming()));
    }

    fn replied(&mut self, now: Instant, id: u32, mut frame: Frame) {
        let Some(index) = self.pending.iter().position(|pending| pending.id == id && pending.sent) else {
            return self.reopened(now, id, frame);
        };
        let Some(Pending { call, reply, .. }) = self.pending.remove(index) else {
            return;
        };
        if let Some(error) = frame.error.take() {
            return self.outputs.push_back(Output::Reply(reply, Err(RequestError::Refused(error))));
        }
        let (closes, changes) = (call.is(Action::Close), call.changes_the_thing());
        match (call.thing, call.body) {
            (Some(thing), CallBody::Open(open)) => self.opened(id, thing, open.form, &frame.body.value),
            (Some(thing), CallBody::Edit(edit, _)) => {
                self.acknowledged(thing, &frame, Some(EditBody::without_key(edit)));
            }
            (Some(thing), _) if changes => self.acknowledged(thing, &frame, None),
            (Some(thing), _) if closes => {
                self.things.remove(&thing);
            }
            _ => {}
        }
        self.outputs.push_back(Output::Reply(reply, Ok(frame)));
    }

    fn opened(&mut self, id: u32, thing: String, form: Form, reply: &Value) {
        let (Some(epoch), Some(offset)) = (reply["epoch"].as_str(), reply["offset"].as_u64()) else {
            return; // Whoever asked finds out by decoding the reply.
        };
        let known = Position { epoch: epoch.into(), offset };
        let state = State::Open { join: id };
        self.things.insert(thing, OpenThing { form, known, state });
        self.send_all_pending();
    }

    /// An own change is in the log. It stands at its place in the order only if it is the next one:
    /// otherwise it was among the missed changes, or what came before it is still to come.
    fn acknowledged(&mut self, thing: String, frame: &Frame, edit: Option<(String, EditBody)>) {
        let reply = &frame.body.value;
        let Some(offset) = frame.offset.or_else(|| reply["offset"].as_u64()) else {
            return;
        };
        let Some(open) = self.things.get_mut(&thing) else {
            return;
        };
        let same_epoch = reply["epoch"].as_str().is_none_or(|epoch| epoch == open.known.epoch);
        let place = match (open.is_open(), same_epoch) {
            (false, _) => Place::Known, // It is, or will be, among the missed changes.
            (true, false) => Place::Gap,
            (true, true) => open.take(offset),
        };
        if place == Place::Gap {
            self.gaps += u64::from(same_epoch);
            self.reopen(&thing, false);
        }
        if let Some((key, mut change)) = edit {
            // Others' changes that its author had not seen were merged with it.
            if let (EditBody::Patch(patch), merged) = (&mut change, &reply["patch"])
                && !merged.is_null()
            {
                *patch = merged.clone();
            }
            self.event(Event::Acked { thing, offset, key, change: (place == Place::Next).then_some(change) });
        }
    }

    /// The connection is gone, and will be tried again after `retry_in`.
    pub(super) fn disconnected(&mut self, reason: ConnectError, retry_in: Duration) {
        self.lose_connection();
        self.event(Event::Disconnected { reason, retry_in });
    }

    /// The connection is gone for good.
    pub(super) fn ended(&mut self, reason: ConnectError) {
        self.lose_connection();
        for pending in std::mem::take(&mut self.pending) {
            let error = RequestError::Ended(reason.clone());
            self.outputs.push_back(Output::Reply(pending.reply, Err(error)));
        }
        self.event(Event::Ended(reason));
    }

    fn lose_connection(&mut self) {
        self.resuming |= self.online;
        self.online = false;
        self.tick_at = None;
        // What was to be sent is sent anew after the next welcome, from what is pending.
        self.outputs.retain(|output| !matches!(output, Output::Send(_) | Output::TokenWanted | Output::Leave(_)));
        for thing in self.things.values_mut() {
            thing.state = State::Away;
        }
        let (kept, lost) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition::<VecDeque<_>, _>(|pending| !pending.sent || pending.call.repeatable());
        self.pending = kept;
        for pending in &mut self.pending {
            pending.sent = false;
        }
        for pending in lost {
            self.outputs.push_back(Output::Reply(pending.reply, Err(RequestError::ConnectionLost)));
        }
    }
}
