//! New links: telling again what is here, asking again for what is unanswered, and answering edits whose
//! change comes again. A restart, a crash and a lost link are all this one path.

use std::{borrow::Cow, collections::HashMap, time::Instant};

use bytes::Bytes;
use uuid::Uuid;

use super::{Front, Key};
use crate::{
    ipc::{
        link,
        messages::{Change, Effect, Encoded, Held, StreamDown, WfeUp},
    },
    protocol::{
        Outgoing, ThingId,
        action::{Action, Edit, EditPush, Edited, Form},
        message::WithBody,
    },
    sfe::request_context::RequestContext,
};

impl Front {
    /// A `_stream` has told all that it holds over a new link.
    pub fn attach_stream(&mut self, stream: u16, link: link::Sender<StreamDown>, held: Vec<Held>, now: Instant) {
        self.streams.insert(stream, link);
        let (mut unanswered, mut after) = (Vec::new(), HashMap::new());
        for held in held {
            let Ok(context) = postcard::from_bytes::<RequestContext>(&held.context) else {
                tracing::error!(session = %held.session, "a session came back without its context");
                continue;
            };
            self.begin(stream, context, &held.open, now);
            for open in &held.open {
                let least = after.entry(open.thing).or_insert(open.offset);
                *least = open.offset.min(*least);
            }
            unanswered.push((held.session, held.unanswered, held.open));
        }
        // Once for all, from where the last of them is: for it, any later change would be a gap.
        for (thing, offset) in after {
            self.fan_out.rewind(thing, stream, offset);
            self.resume(thing, offset);
        }
        self.tell_wfe(&WfeUp::Resumed);
        for (session, messages, had) in unanswered {
            for (sequence, message) in messages {
                self.message(session, sequence, message, &had, now);
                self.await_again(session, sequence);
            }
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
            self.tell_wfe(&session.connected());
        }
        // A pending edit may have been made: its change came after what had been passed on when it was sent.
        let mut after: HashMap<ThingId, u64> =
            self.fan_out.iter().map(|(thing, topic)| (thing, topic.everyone_has())).collect();
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

    /// From now on messages of clients are left to the next process.
    pub fn stop_taking(&mut self) {
        self.taking = false;
    }

    /// Writes what waits. Tells whether all is written, and nothing is unanswered that cannot be asked again.
    pub fn settle(&self) -> bool {
        self.streams.values().for_each(link::Sender::flush);
        let mut pending = self.sessions.values().flat_map(|session| session.pending.values());
        self.waiting_bytes() == 0 && pending.all(|pending| pending.action.is_none_or(may_be_asked_again))
    }

    /// Writes what WFE is to be told, before this process ends.
    pub fn flush_wfe(&self) {
        self.wfe.iter().for_each(link::Sender::flush);
    }

    /// Bytes that wait to be written to the neighbours.
    pub fn waiting_bytes(&self) -> usize {
        let to_streams: usize = self.streams.values().map(link::Sender::waiting).sum();
        to_streams + self.wfe.as_ref().map_or(0, link::Sender::waiting)
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
            self.unanswered_edits.insert((thing, session.context.principal().id(), key), (id, sequence));
        }
    }

    /// Answers an edit whose change has come again and goes to these `_stream`s; whose it was. Its author's may not be
    /// among them: it still lacks changes before this one, which then comes once more behind those.
    pub(super) fn answer_again(
        &mut self,
        streams: &[u16],
        edit: (ThingId, String, String),
        change: &Change,
        encoded: &[Encoded],
    ) -> Option<Uuid> {
        let (id, sequence) = *self.unanswered_edits.get(&edit)?;
        if self.sessions.get(&id).is_some_and(|session| !streams.contains(&session.stream)) {
            return None;
        }
        self.unanswered_edits.remove(&edit);
        let edited = Edited { epoch: change.epoch.clone(), offset: change.offset, durable: true, patch: None };
        self.acknowledge(id, sequence, edit.0, edited, encoded).then_some(id)
    }

    /// What a patch came to is told in any case: whether it was merged with other changes is not known any more.
    fn acknowledge(
        &mut self,
        id: Uuid,
        sequence: u64,
        thing: ThingId,
        mut edited: Edited,
        encoded: &[Encoded],
    ) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        let Some(pending) = session.pending.remove(&sequence) else { return false };
        let (stream, codec) = (session.stream, session.context.protocol);
        let sent = codec.decode::<WithBody<Edit>>(&pending.message);
        if sent.is_ok_and(|sent| sent.body.patch.is_some())
            && let Some(push) = encoded.iter().find(|push| push.codec == codec && push.form == Some(Form::Json))
            && let Ok(push) = codec.decode::<WithBody<EditPush<'_>>>(&push.message)
        {
            edited.patch = push.body.patch.map(Cow::into_owned);
        }
        let reply = pending.head.id.map(|request| {
            codec.encode(&Outgoing {
                port: pending.head.port,
                name: &pending.head.name,
                id: Some(request.get()),
                thing: Some(thing.to_string()),
                join: session.open.get(&thing).map(|open| open.join),
                offset: Some(edited.offset),
                body: Some(&edited),
                error: None,
            })
        });
        let effect = Some(Effect::At(thing, edited.offset));
        let (answers, about, message) = (Some(sequence), Some(thing), reply.map(Bytes::from));
        self.tell_stream(stream, &StreamDown::Send { session: id, answers, effect, about, message });
        true
    }
}

/// Whether it comes to the same if an action is asked for again: it only reads, or is known by a key, its own or the
/// one that WFE gives it.
fn may_be_asked_again(action: Action) -> bool {
    matches!(
        action,
        Action::Edit
            | Action::Open
            | Action::Close
            | Action::Select
            | Action::Search
            | Action::Scroll
            | Action::Refresh
            | Action::Rename
            | Action::Restore
            | Action::Undo
            | Action::Redo
            | Action::History
    )
}
