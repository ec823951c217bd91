//! Access that changes while a session lives: roles, new tokens, and tokens that expire.
//!
//! Decides nothing: WFE says who may do what.

use uuid::Uuid;

use super::{Front, Pending, Session, encode, encode_context};
use crate::{
    access::{Caller, Proof},
    ipc::messages::{Effect, StreamDown},
    protocol::{CloseCode, Codec, ErrorCode, Outgoing, Role, ThingId, limits, session},
};

impl Session {
    /// A token may be replaced a little late; a login ends when it ends.
    fn grace_seconds(&self) -> u64 {
        match self.context.caller.proof {
            Proof::Login(_) => 0,
            Proof::Token { .. } | Proof::External { .. } | Proof::ThisOnce => limits::EXPIRY_GRACE.as_secs(),
        }
    }
}

impl Front {
    /// What a session may do with a Thing that it has open has changed. What ends it comes last of all that it hears
    /// of the Thing: what it still waits for is answered before.
    pub(super) fn access(&mut self, id: Uuid, thing: ThingId, role: Option<Role>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(opening) = session.open.get_mut(&thing) else { return };
        let (stream, join, codec) = (session.stream, opening.join, session.context.protocol);
        // Without the one Thing that it is for, a connection is over.
        let is_for_it = session.context.thing.is_some();
        let mut cut_off = Vec::new();
        match role {
            Some(role) => opening.role = role,
            None => {
                session.open.remove(&thing);
                let about = |pending: &Pending| pending.thing == Some(thing);
                let sequences: Vec<u64> = session
                    .pending
                    .iter()
                    .filter(|(_, pending)| about(pending))
                    .map(|(sequence, _)| *sequence)
                    .collect();
                for sequence in sequences {
                    cut_off.extend(session.pending.remove(&sequence).map(|pending| (sequence, pending.head)));
                }
                self.leave(id, thing);
            }
        }
        for (sequence, head) in cut_off {
            self.refuse(id, sequence, &head, ErrorCode::AccessEnded.into());
        }
        let body = session::Access { thing: thing.to_string(), role: Role::name_of(role).into() };
        let push = Outgoing {
            thing: Some(thing.to_string()),
            join: Some(join),
            ..Outgoing::push(session::PORT, "access", body)
        };
        // y-websocket has no word for it.
        let message = (codec != Codec::Yjs).then(|| encode(codec, &push));
        let effect = Some(Effect::Role(thing, role));
        self.tell_stream(stream, &StreamDown::Send { session: id, answers: None, effect, about: None, message });
        if is_for_it && role.is_none() {
            self.close(id, CloseCode::Forbidden, CloseCode::Forbidden.message());
        }
    }

    /// A session has a new token: what it may do, and until when, is judged by that.
    pub(super) fn refreshed(&mut self, id: Uuid, caller: Caller, expires_at: u64) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.context.caller = caller;
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
            if unix_seconds >= expires_at.saturating_add(session.grace_seconds()) {
                expired.push(*id);
            } else if unix_seconds + limits::EXPIRY_WARNING.as_secs() >= expires_at
                && !session.warned
                && session.context.protocol != Codec::Yjs
            {
                session.warned = true;
                warned.push((*id, session.stream, session.context.protocol, expires_at));
            }
        }
        for (session, stream, codec, expires_at) in warned {
            let message =
                encode(codec, &Outgoing::push(session::PORT, "token_expiring", session::ExpiresAt { expires_at }));
            let (answers, effect, about, message) = (None, None, None, Some(message));
            self.tell_stream(stream, &StreamDown::Send { session, answers, effect, about, message });
        }
        for session in expired {
            self.close(session, CloseCode::TokenExpired, CloseCode::TokenExpired.message());
        }
    }
}
