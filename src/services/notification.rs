//! Port 203: people are told on all their connections that something is shared with them, or not any more,
//! and that a group of theirs may stream, or not.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    access::{Principal, Records as _, Role, Sharee},
    ipc::messages::{Encoded, WfeDown},
    protocol::{
        Codec, Outgoing, ThingId,
        notification::{Approval, Invited, PORT, Uninvited},
    },
    store::Store,
    wfe::sessions::Sessions,
};

/// What people are told of.
pub enum Told<'a> {
    /// A Thing is shared with them, or this share is ended.
    Share {
        /// The Thing.
        thing: ThingId,
        /// Who did it.
        by: String,
        /// With whom the Thing is shared.
        with: &'a Sharee,
        /// Whether the share is given, or ended.
        given: bool,
    },
    /// A group of theirs may stream, or not any more.
    Approval {
        /// The group.
        group: &'a str,
        /// Whether it may.
        approved: bool,
    },
}

/// Tells these people, as far as they are connected.
pub fn tell(store: &Store, sessions: &Sessions, people: &[Principal], told: &Told<'_>) {
    match told {
        Told::Approval { group, approved } => {
            let name = if *approved { "approved" } else { "withdrawn" };
            push(sessions, people, None, name, Approval { group: (*group).to_owned() });
        }
        Told::Share { thing, by, with, given } => {
            let group = match with {
                Sharee::Group(group) => Some(group.clone()),
                Sharee::Principal(_) => None,
            };
            // Few roles, and as few messages to be encoded: each goes to everyone who has that role now.
            let mut by_role: BTreeMap<Option<Role>, Vec<Principal>> = BTreeMap::new();
            for who in people.iter().filter(|who| !sessions.of(who).is_empty()) {
                let role = store.role(who, *thing).unwrap_or(None);
                by_role.entry(role).or_default().push(who.clone());
            }
            for (role, people) in by_role {
                let (by, group, role_name) = (by.clone(), group.clone(), Role::name_of(role).to_owned());
                if !given {
                    push(sessions, &people, Some(*thing), "uninvited", Uninvited { by, group, role: role_name });
                } else if role.is_some() {
                    let title = store.title(*thing).unwrap_or_default();
                    push(sessions, &people, Some(*thing), "invited", Invited { by, group, role: role_name, title });
                }
            }
        }
    }
}

fn push(sessions: &Sessions, people: &[Principal], thing: Option<ThingId>, name: &str, body: impl Serialize) {
    let encode = |codec: Codec| {
        let message = Outgoing { thing: thing.map(|thing| thing.to_string()), ..Outgoing::push(PORT, name, &body) };
        Encoded { codec, form: None, message: codec.encode(&message).into() }
    };
    let encoded: Vec<Encoded> = [Codec::Json, Codec::Cbor].into_iter().map(encode).collect();
    for (link, sessions) in sessions.reached(people, None) {
        // About the access, not the Thing: it is sent even as the access to that ends.
        link.send(&WfeDown::Notify { sessions, thing: None, encoded: encoded.clone() });
    }
}
