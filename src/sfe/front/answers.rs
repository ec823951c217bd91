//! Answers to clients, in the words of each.

use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use super::{Front, encode};
use crate::{
    ipc::messages::{Effect, StreamDown},
    metrics,
    protocol::{CloseCode, Codec, ErrorBody, Outgoing, RequestHead, ThingId, limits},
    sfe::yjs::{self, Said},
};

impl Front {
    /// Answers a message of a client, in its own words.
    pub(super) fn tell_answer(
        &self,
        id: Uuid,
        sequence: u64,
        effect: Option<Effect>,
        about: Option<ThingId>,
        message: Option<Bytes>,
    ) {
        let Some(session) = self.sessions.get(&id) else { return };
        let (message, close) = match message.map(|message| (session.context.protocol, message)) {
            None => (None, None),
            Some((Codec::Yjs, reply)) => match yjs::said(&reply) {
                Said::Nothing => (None, None),
                Said::Message(message) => (Some(message), None),
                Said::Close(code, reason) => (None, Some((code, reason))),
            },
            // The one Thing that the connection is for is not open: the client comes back, and is told why.
            Some((_, message)) if session.context.thing.is_some() && !matches!(effect, Some(Effect::Opened(_))) => {
                (Some(message), Some((CloseCode::Restart, CloseCode::Restart.message().into())))
            }
            Some((_, message)) => (Some(message), None),
        };
        let send = StreamDown::Send { session: id, answers: Some(sequence), effect, about, message };
        self.tell_stream(session.stream, &send);
        if let Some((code, reason)) = close {
            self.close(id, code, &reason);
        }
    }

    pub(super) fn answer(
        &self,
        id: Uuid,
        sequence: u64,
        head: &RequestHead,
        body: &impl Serialize,
        effect: Option<Effect>,
    ) {
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
        self.tell_answer(id, sequence, effect, None, message);
    }

    pub(super) fn refuse(&self, id: Uuid, sequence: u64, head: &RequestHead, error: ErrorBody) {
        let Some(session) = self.sessions.get(&id) else { return };
        metrics::error(error.code);
        let name: String = head.name.chars().take(limits::MAX_KEY_BYTES).collect();
        let reply = Outgoing::failure(head.port, &name, head.id.map(Into::into), head.thing.clone(), error);
        let message = Some(encode(session.context.protocol, &reply));
        self.tell_answer(id, sequence, None, None, message);
    }
}
