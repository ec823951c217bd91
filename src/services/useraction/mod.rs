//! Port 200: what users do. One file for each action.

mod create;
mod delete;
mod edit;
mod history;
mod invite;
mod listing;
mod open;
mod redo;
mod refresh;
mod rename;
mod replace;
mod restore;
mod scroll;
mod search;
mod select;
mod sharing;
mod storing;
mod undo;
mod uninvite;

use std::{borrow::Cow, rc::Rc, sync::Arc};

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use self::listing::Listing;
use super::{
    HttpAction, HttpCall,
    call::{Call, Place},
    presence::Presence,
};
use crate::{
    access::Principal,
    ipc::messages::{Encoded, WfeDown},
    log::Log,
    metrics,
    open_things::{Command, Missed, MissedChange, OpenThings, View, Whole},
    protocol::{
        Codec, ErrorBody, ErrorCode, Outgoing, ThingId,
        action::{Action, ActionPush, EditPush, MissedBody, MissedPush, PORT},
        codec::Blob,
    },
    store::{Store, StoreError},
    wfe::{
        live_access::LiveAccess,
        recorder::Audit,
        sessions::{self, Sessions},
    },
};

/// Things whose past is read at once; who asks for more waits.
const READ_PAST_AT_ONCE: usize = 2;

/// What the actions work with.
pub struct UserActions {
    /// Accounts, shares, the list of Things.
    pub store: Store,
    /// The log of each Thing.
    pub log: Arc<dyn Log>,
    /// The Things that are open.
    pub things: Rc<OpenThings>,
    /// Who is connected.
    pub sessions: Rc<Sessions>,
    /// Whether they may still.
    pub live_access: Rc<LiveAccess>,
    /// Who is where.
    pub presence: Rc<Presence>,
    /// Where it is noted who did what to whose access.
    pub audit: Audit,
    /// Keeps the list of Things up to date.
    listing: Listing,
    /// Held while a Thing's past is read, which may be long.
    past: Semaphore,
}

impl UserActions {
    /// The service, and the task that keeps the list of Things up to date.
    pub fn start(
        store: Store,
        log: Arc<dyn Log>,
        things: Rc<OpenThings>,
        sessions: Rc<Sessions>,
        live_access: Rc<LiveAccess>,
        presence: Rc<Presence>,
        audit: Audit,
    ) -> Rc<Self> {
        let listing = Listing::start(store.clone(), log.clone(), things.clone());
        let past = Semaphore::new(READ_PAST_AT_ONCE);
        Rc::new(Self { store, log, things, sessions, live_access, presence, audit, listing, past })
    }

    /// Writes down what is still to be written.
    pub async fn finish(&self) {
        self.listing.write().await;
    }

    /// A Thing has changed: the list of Things is brought up to date.
    pub(super) fn note_change(&self, thing: ThingId) {
        self.listing.note(thing);
    }

    /// A session has opened a Thing; the others are told, unless its end was asked for meanwhile.
    pub(super) fn arrived(&self, place: sessions::Place, thing: ThingId, who: &Principal) {
        if self.sessions.caller(place).is_some() {
            self.presence.opened(place, thing, who);
        }
    }

    /// Does what an HTTP request asks for.
    pub fn http(self: &Rc<Self>, HttpCall { permit, what, answer }: HttpCall) {
        match what {
            HttpAction::UserAction(body) => self.run(Call::http(permit, body, answer)),
            HttpAction::Replace { content, only_at } => {
                replace::run(self, Call::http(permit, Value::Null, answer), content, only_at);
            }
        }
    }

    /// Does what a session or an HTTP request asks for; the answer goes back through the call.
    pub fn run(self: &Rc<Self>, call: Call) {
        metrics::action(call.action());
        match call.action() {
            Action::Scroll => scroll::run(self, call),
            Action::Search => search::run(self, call),
            Action::Select => select::run(self, call),
            Action::Create => create::run(self, call),
            Action::Open => open::run(self, call),
            Action::Edit => edit::run(self, call),
            Action::Refresh => refresh::run(self, call),
            Action::Rename => rename::run(self, call),
            Action::Delete => delete::run(self, call),
            Action::Restore => restore::run(self, call),
            Action::Undo => undo::run(self, call),
            Action::Redo => redo::run(self, call),
            Action::History => history::run(self, call),
            Action::Invite => invite::run(self, call),
            Action::Uninvite => uninvite::run(self, call),
            // A session's own matter, answered by its SFE; by HTTP nothing is open.
            Action::Close => call.answer.refuse(ErrorCode::NotOpen.into()),
        }
    }

    /// Tells the others who have a Thing open what the caller did, without storing it.
    fn tell_others(&self, thing: ThingId, call: &Call, body: &impl Serialize) {
        let encoded = encode_for_all(call.action(), Some(thing), body);
        self.things.tell_if_open(thing, Command::Push { except: call.session(), encoded });
    }

    /// Tells everyone who may see a Thing, wherever they are connected, what the caller did.
    fn notify_entitled(&self, thing: ThingId, action: Action, call_session: Option<uuid::Uuid>, body: &ActionPush<'_>) {
        let entitled = match self.store.entitled(thing) {
            Ok(entitled) => entitled,
            Err(error) => return drop(failed(&error)),
        };
        let encoded = encode_for_all(action, Some(thing), body);
        for (link, sessions) in self.sessions.reached(&entitled, call_session) {
            link.send(&WfeDown::Notify { sessions, thing: Some(thing), encoded: encoded.clone() });
        }
    }
}

/// A push in every encoding.
fn encode_for_all(action: Action, thing: Option<ThingId>, body: &impl Serialize) -> Vec<Encoded> {
    let encode = |codec: Codec| {
        let message =
            Outgoing { thing: thing.map(|thing| thing.to_string()), ..Outgoing::push(PORT, action.name(), body) };
        Encoded { codec, form: None, message: codec.encode(&message).into() }
    };
    [Codec::Json, Codec::Cbor].into_iter().map(encode).collect()
}

/// Who did something, for those pushes that say no more.
fn done_by(call: &Call) -> ActionPush<'_> {
    ActionPush { user: call.caller().name.as_str().into(), view: None, title: None }
}

/// The store cannot answer; the caller may try again.
fn failed(error: &StoreError) -> ErrorBody {
    crate::limiter::seldom!(error, %error, "the store cannot be read or written");
    error.into()
}

/// Missed changes as they would have been pushed.
fn as_pushes(missed: Vec<Missed>) -> Vec<MissedPush> {
    let push = |Missed { offset, user, kind, what }: Missed| {
        let user = user.into();
        let body = match what {
            MissedChange::Deleted => MissedBody::Action(ActionPush { user, view: None, title: None }),
            MissedChange::Patch(patch) => {
                MissedBody::Edit(EditPush { user, patch: Some(Cow::Owned(patch)), update: None })
            }
            MissedChange::Update(update) => {
                MissedBody::Edit(EditPush { user, patch: None, update: Some(Blob(update)) })
            }
        };
        MissedPush { port: PORT, name: kind.action().name(), offset, body }
    };
    missed.into_iter().map(push).collect()
}

/// A view's parts as messages carry them: missed changes, content, update.
fn parts(view: View) -> (Option<Vec<MissedPush>>, Option<Value>, Option<Blob>) {
    let (content, update) = match view.whole {
        Some(Whole::Content(content)) => (Some(content), None),
        Some(Whole::Update(update)) => (None, Some(Blob(Bytes::clone(&update)))),
        None => (None, None),
    };
    (view.missed.map(as_pushes), content, update)
}

/// Answers a call without a place in a Thing's order.
fn finish<T: Serialize>(call: Call, result: Result<T, ErrorBody>) {
    call.answer.finish(result, Place::default());
}
