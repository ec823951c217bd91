//! Coming back: opening Things again, and giving out what was missed meanwhile.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Call, CallBody, Output, Session};
use crate::{
    client::{
        event::Event,
        frame::{Body, Frame},
        thing::{OpenThing, State},
    },
    protocol::{
        ErrorBody, ErrorCode,
        action::{self, Action, Form, Open, Opened},
        codec::Blob,
        message::Incoming,
        session::Welcome,
    },
};

/// The wait before a Thing is opened again, if the server refuses it for now and names no time.
const OPEN_AGAIN_AFTER: Duration = Duration::from_secs(1);

impl<R> Session<R> {
    /// The server has welcomed a connection: everything goes on from where it was.
    pub(super) fn welcomed(&mut self, frame: Frame) {
        self.online = true;
        if let Ok(welcome) = serde_json::from_value::<Welcome>(frame.body.value) {
            self.max_frame_bytes = welcome.max_frame_bytes;
            self.event(Event::Welcome(welcome));
        }
        let away: Vec<String> = self.things.keys().cloned().collect();
        for thing in &away {
            self.reopen(thing, false);
        }
        self.send_all_pending();
        self.check_resumed();
    }

    /// Opens a Thing again, with all that came after what is known, or as a whole.
    pub(super) fn reopen(&mut self, thing: &str, whole: bool) {
        let id = self.next_id();
        let Some(open) = self.things.get_mut(thing) else {
            return;
        };
        if !self.online {
            open.state = State::Away;
            return;
        }
        open.state = State::Opening { id, whole };
        let body = Open { since: (!whole).then(|| open.known.clone()), form: open.form };
        let call = Call::action(Action::Open, Some(thing), CallBody::Open(body));
        self.outputs.push_back(Output::Send(call.encode(self.codec, id)));
    }

    /// The reply to [`Self::reopen`], or to nothing that is still wanted.
    pub(super) fn reopened(&mut self, now: Instant, id: u32, frame: Frame) {
        let opening = self.things.iter().find_map(|(name, thing)| match thing.state {
            State::Opening { id: own, whole } if own == id => Some((name.clone(), whole)),
            _ => None,
        });
        let Some((thing, whole)) = opening else {
            return;
        };
        match decode_opened(frame) {
            Err(error) if error.temporary => {
                let wait = error.retry_after_ms.map_or(OPEN_AGAIN_AFTER, Duration::from_millis);
                return self.open_later(&thing, now + wait);
            }
            Err(error) => {
                self.things.remove(&thing);
                self.event(Event::Lost { thing, error });
            }
            Ok(opened) => self.take_opened(thing, id, opened, whole),
        }
        self.send_all_pending();
        self.check_resumed();
    }

    fn take_opened(&mut self, thing: String, id: u32, mut opened: Opened, whole: bool) {
        let Some(open) = self.things.get(&thing) else {
            return;
        };
        if opened.content.is_some() || opened.update.is_some() {
            if open.known.epoch != opened.epoch {
                // How far an edit's author had seen the old log says nothing about the new one.
                self.forget_seen(&thing);
            }
            self.now_at(&thing, id, &opened);
            return self.event(Event::Reset { thing, opened });
        }
        let form = open.form;
        let missed = opened.missed.take().unwrap_or_default();
        match missed_messages(&thing, id, open.known.offset, &opened, missed) {
            Some(missed) => {
                self.now_at(&thing, id, &opened);
                for message in missed {
                    self.event(event_of(message, form));
                }
            }
            None if whole => {
                self.things.remove(&thing);
                let error = ErrorBody::new(ErrorCode::Internal, "the server did not send the whole Thing");
                self.event(Event::Lost { thing, error });
            }
            // Never a part of it: if the list has a hole, only the whole will do.
            None => self.reopen(&thing, true),
        }
    }

    fn now_at(&mut self, thing: &str, join: u32, opened: &Opened) {
        if let Some(thing) = self.things.get_mut(thing) {
            thing.known.epoch.clone_from(&opened.epoch);
            thing.known.offset = opened.offset;
            thing.state = State::Open { join };
        }
    }

    fn forget_seen(&mut self, thing: &str) {
        for pending in &mut self.pending {
            if let CallBody::Edit(_, seen) = &mut pending.call.body
                && !pending.sent
                && pending.call.thing.as_deref() == Some(thing)
            {
                *seen = None;
            }
        }
    }

    fn open_later(&mut self, thing: &str, at: Instant) {
        if let Some(thing) = self.things.get_mut(thing) {
            thing.state = State::Later { at };
            self.tick_at = Some(self.tick_at.map_or(at, |other| other.min(at)));
        }
    }

    fn check_resumed(&mut self) {
        if self.online && self.resuming && self.things.values().all(OpenThing::is_open) {
            self.resuming = false;
            self.event(Event::Reconnected);
        }
    }

    /// When [`Self::tick`] wants to be called.
    pub(in crate::client) fn deadline(&self) -> Option<Instant> {
        self.tick_at
    }

    /// Opens the Things whose time has come.
    pub(in crate::client) fn tick(&mut self, now: Instant) {
        self.tick_at = None;
        let mut due = Vec::new();
        for (name, thing) in &self.things {
            match thing.state {
                State::Later { at } if at <= now => due.push(name.clone()),
                State::Later { at } => self.tick_at = Some(self.tick_at.map_or(at, |other| other.min(at))),
                _ => {}
            }
        }
        for thing in due {
            self.reopen(&thing, false);
        }
    }
}

fn decode_opened(mut frame: Frame) -> Result<Opened, ErrorBody> {
    if let Some(error) = frame.error {
        return Err(error);
    }
    let update = frame.body.take_update();
    let mut opened: Opened = serde_json::from_value(frame.body.value)
        .map_err(|error| ErrorBody::new(ErrorCode::Internal, format!("the reply to \"open\" is malformed: {error}")))?;
    opened.update = update.map(Blob);
    Ok(opened)
}

/// The missed changes as pushes, if they are all of those from `known` to the reply's offset.
fn missed_messages(thing: &str, join: u32, known: u64, opened: &Opened, missed: Vec<Value>) -> Option<Vec<Incoming>> {
    let mut last = known;
    let mut messages = Vec::with_capacity(missed.len());
    for mut entry in missed {
        let offset = entry["offset"].as_u64()?;
        if offset <= last {
            continue;
        }
        if offset != last + 1 {
            return None;
        }
        last = offset;
        messages.push(Incoming {
            port: entry["port"].as_u64().map_or(Some(action::PORT), |port| port.try_into().ok())?,
            name: entry["name"].as_str().unwrap_or(Action::Edit.name()).into(),
            id: None,
            thing: Some(thing.into()),
            join: Some(join),
            offset: Some(offset),
            body: entry["body"].take(),
            error: None,
        });
    }
    (opened.recovered && last == opened.offset).then_some(messages)
}

fn event_of(mut message: Incoming, form: Form) -> Event {
    if form == Form::Yjs {
        let mut body = Body::from(message.body);
        if let Some(update) = body.take_update() {
            return Event::Update {
                thing: message.thing.unwrap_or_default(),
                offset: message.offset.unwrap_or_default(),
                update,
                body: body.into_value(),
            };
        }
        message.body = body.into_value();
    }
    Event::Message(message)
}
