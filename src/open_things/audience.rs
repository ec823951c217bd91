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
        messages::{Change, Encoded, Push, WfeDown},
    },
    log::{self, Log},
    protocol::{
        Codec, Outgoing, ThingId,
        action::{self, Action, ActionPush, EditPush, Form},
        codec::Blob,
    },
};

/// The listeners of one Thing.
pub(super) struct Audience {
    thing: ThingId,
    links: HashMap<u64, (link::Sender<WfeDown>, Ways)>,
}

/// The encodings and forms that are wanted behind a link.
type Ways = Vec<(Codec, Form)>;

impl Audience {
    pub fn of(thing: ThingId) -> Self {
        Self { thing, links: HashMap::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    pub fn join(&mut self, listener: &Listener, wanted: impl IntoIterator<Item = (Codec, Form)>) {
        let (_, ways) = self.links.entry(listener.link).or_insert_with(|| (listener.sender.clone(), Vec::new()));
        for way in wanted {
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
    }

    pub fn leave(&mut self, link: u64) {
        self.links.remove(&link);
    }

    /// Whether somebody needs changes as JSON Patch.
    pub fn wants_patches(&self) -> bool {
        self.links.values().any(|(_, ways)| ways.iter().any(|(_, form)| *form == Form::Json))
    }

    /// Sends a change to all, encoded once for each way in which it is wanted.
    pub fn hear(&self, epoch: &str, change: &Heard<'_>, except: Option<Uuid>) {
        if self.links.is_empty() {
            return;
        }
        let mut ways = Ways::new();
        for way in self.links.values().flat_map(|(_, ways)| ways) {
            if !ways.contains(way) {
                ways.push(*way);
            }
        }
        let push = WfeDown::Push(Push {
            thing: self.thing,
            change: Some(Change { epoch: epoch.into(), offset: change.offset, again: None }),
            except,
            encoded: ways.iter().filter_map(|(codec, form)| change.encode(self.thing, *codec, *form)).collect(),
        });
        self.links.values().for_each(|(sender, _)| sender.send(&push));
    }

    /// Sends something that is not stored.
    pub fn tell(&self, except: Option<Uuid>, encoded: Vec<Encoded>) {
        let push = WfeDown::Push(Push { thing: self.thing, change: None, except, encoded });
        self.links.values().for_each(|(sender, _)| sender.send(&push));
    }
}

/// A change, in all forms that are at hand.
pub(super) struct Heard<'a> {
    pub offset: u64,
    pub user: &'a str,
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
            (HeardChange::Edited { patch, .. }, Form::Json) => {
                let patch = Some(Cow::Borrowed(patch.as_ref()?));
                encode_change(codec, Action::Edit, thing, self.offset, EditPush { user, patch, update: None })
            }
            (HeardChange::Edited { update, .. }, Form::Yjs) => {
                let update = Some(Blob(update.clone()));
                encode_change(codec, Action::Edit, thing, self.offset, EditPush { user, patch: None, update })
            }
            (HeardChange::Deleted, _) => {
                encode_change(codec, Action::Delete, thing, self.offset, ActionPush { user, view: None, title: None })
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

/// Sends changes again over one new link, with what their senders would know them by.
pub(super) fn send_again(
    log: &dyn Log,
    thing: ThingId,
    epoch: &str,
    changes: &[log::Change],
    wanted: &[(Codec, Form)],
    link: &link::Sender<WfeDown>,
) -> Result<(), PastError> {
    let mut forms = HashMap::new();
    for (_, form) in wanted {
        if !forms.contains_key(form) {
            forms.insert(*form, past::in_form(log, thing, changes, *form)?);
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
            Heard { offset: change.offset, user: &change.user, what: &what }.encode(thing, *codec, *form)
        });
        let encoded = encoded.collect();
        let change = Some(Change { epoch: epoch.into(), offset: change.offset, again });
        link.send(&WfeDown::Push(Push { thing, change, except: None, encoded }));
    }
    Ok(())
}
