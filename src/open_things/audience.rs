//! Who hears of a Thing's changes: the links to those SFEs where it is open.

use std::collections::HashMap;

use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use super::{
    Listener, MissedChange,
    past::{self, PastError},
};
use crate::{
    ipc::{
        link,
        messages::{Change, Encoded, Push, To, WfeDown},
    },
    log::{self, ChangeKind, Log},
    protocol::{
        Codec, Outgoing, ThingId,
        action::{self, Action, ActionPush, EditPush, Form},
        codec::Blob,
        yjs,
    },
};

/// The listeners of one Thing.
pub(super) struct Audience {
    thing: ThingId,
    links: HashMap<u64, Link>,
}

struct Link {
    sender: link::Sender<WfeDown>,
    /// How those behind it want to hear.
    ways: Vec<(Codec, Form)>,
    /// Changes up to here come to it another way.
    told_until: u64,
}

impl Audience {
    pub fn of(thing: ThingId) -> Self {
        Self { thing, links: HashMap::new() }
    }

    /// Whether nobody listens; links that are over do not count.
    pub fn is_empty(&self) -> bool {
        self.links.values().all(|link| link.sender.is_over())
    }

    pub fn join(&mut self, listener: &Listener, wanted: impl IntoIterator<Item = (Codec, Form)>) {
        let new = || Link { sender: listener.sender.clone(), ways: Vec::new(), told_until: 0 };
        let ways = &mut self.links.entry(listener.link).or_insert_with(new).ways;
        for way in wanted {
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
    }

    /// The same for a link that is sent the changes up to `until` apart: those of them that are still on
    /// their way into the log must not overtake the earlier ones. Who hears already goes on to hear each change in its
    /// turn, for answers to edits come in this order, too; whatever is sent again beside is for others behind that link.
    pub fn join_after(&mut self, listener: &Listener, wanted: impl IntoIterator<Item = (Codec, Form)>, until: u64) {
        let hears_already = self.links.contains_key(&listener.link);
        self.join(listener, wanted);
        if let Some(link) = self.links.get_mut(&listener.link).filter(|_| !hears_already) {
            link.told_until = until;
        }
    }

    /// What was to be told apart was not stored: everyone hears of whatever comes next.
    pub fn hear_all(&mut self) {
        self.links.values_mut().for_each(|link| link.told_until = 0);
    }

    pub fn leave(&mut self, link: u64) {
        self.links.remove(&link);
    }

    /// Whether somebody needs changes as JSON Patch.
    pub fn wants_patches(&self) -> bool {
        self.links.values().any(|link| link.ways.iter().any(|(_, form)| *form == Form::Json))
    }

    /// Sends a change to all, encoded once for each way in which it is wanted.
    pub fn hear(&self, epoch: &str, change: &Heard<'_>, except: Option<Uuid>) {
        if self.is_empty() {
            return;
        }
        let mut ways: Vec<(Codec, Form)> = Vec::new();
        for way in self.links.values().flat_map(|link| &link.ways) {
            if !ways.contains(way) {
                ways.push(*way);
            }
        }
        let push = WfeDown::Push(Push {
            thing: self.thing,
            change: Some(Change { epoch: epoch.into(), offset: change.offset, again: None }),
            to: To::others(except),
            newest_of: None,
            encoded: ways.iter().filter_map(|(codec, form)| change.encode(self.thing, *codec, *form)).collect(),
        });
        self.links.values().filter(|link| change.offset > link.told_until).for_each(|link| link.sender.send(&push));
    }

    /// Sends something that is not stored.
    pub fn tell(&self, except: Option<Uuid>, encoded: Vec<Encoded>) {
        let to = To::others(except);
        let push = WfeDown::Push(Push { thing: self.thing, change: None, to, newest_of: None, encoded });
        self.links.values().for_each(|link| link.sender.send(&push));
    }
}

/// A change, in all forms that are at hand.
pub(super) struct Heard<'a> {
    pub offset: u64,
    pub user: &'a str,
    pub kind: ChangeKind,
    pub what: &'a HeardChange,
}

#[derive(Clone, Debug)]
pub(super) enum HeardChange {
    Edited { update: Bytes, patch: Option<serde_json::Value> },
    Deleted,
}

impl Heard<'_> {
    fn encode(&self, thing: ThingId, codec: Codec, form: Form) -> Option<Encoded> {
        use std::borrow::Cow;
        let user = Cow::Borrowed(self.user);
        let message = match (self.what, form) {
            (HeardChange::Edited { update, .. }, _) if codec == Codec::Yjs => yjs::update_message(update),
            // Its connections are closed, as their access ends; until then it takes its place in the order.
            (HeardChange::Deleted, _) if codec == Codec::Yjs => Bytes::new(),
            (HeardChange::Edited { patch, .. }, Form::Json) => {
                let patch = Some(Cow::Borrowed(patch.as_ref()?));
                encode_change(codec, self.kind.action(), thing, self.offset, EditPush { user, patch, update: None })
            }
            (HeardChange::Edited { update, .. }, Form::Yjs) => {
                let update = Some(Blob(update.clone()));
                encode_change(codec, self.kind.action(), thing, self.offset, EditPush { user, patch: None, update })
            }
            (HeardChange::Deleted, _) => {
                let body = ActionPush { user, view: None, title: None };
                encode_change(codec, self.kind.action(), thing, self.offset, body)
            }
        };
        Some(Encoded { codec, form: Some(form), message })
    }
}

fn encode_change(codec: Codec, action: Action, thing: ThingId, offset: u64, body: impl Serialize) -> Bytes {
    codec
        .encode(&Outgoing {
            port: action::PORT,
            name: action.name(),
            id: None,
            thing: Some(thing.to_string()),
            join: None,
            offset: Some(offset),
            body: Some(body),
            error: None,
        })
        .into()
}

/// Sends changes again over one new link, with what their senders would know them by. Tells whether it could:
/// what is too long ago is not told change by change.
pub(super) fn send_again(
    log: &dyn Log,
    thing: ThingId,
    epoch: &str,
    changes: &[log::Change],
    wanted: &[(Codec, Form)],
    link: &link::Sender<WfeDown>,
) -> Result<bool, PastError> {
    let mut forms = HashMap::new();
    for (_, form) in wanted {
        if !forms.contains_key(form) {
            let Some(missed) = past::in_form(log, thing, changes, *form)? else { return Ok(false) };
            forms.insert(*form, missed);
        }
    }
    for (index, change) in changes.iter().enumerate() {
        let again = change.key.clone().map(|key| (change.principal.clone(), key));
        let encoded = wanted.iter().filter_map(|(codec, form)| {
            let missed = &forms[form][index];
            let what = match &missed.what {
                MissedChange::Patch(patch) => HeardChange::Edited { update: Bytes::new(), patch: Some(patch.clone()) },
                MissedChange::Update(update) => HeardChange::Edited { update: update.clone(), patch: None },
                MissedChange::Deleted => HeardChange::Deleted,
            };
            Heard { offset: change.offset, user: &change.user, kind: change.kind, what: &what }
                .encode(thing, *codec, *form)
        });
        let encoded = encoded.collect();
        let change = Some(Change { epoch: epoch.into(), offset: change.offset, again });
        link.send(&WfeDown::Push(Push { thing, change, to: To::Everyone, newest_of: None, encoded }));
    }
    Ok(true)
}
