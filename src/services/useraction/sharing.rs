//! What `invite` and `uninvite` have in common: whom, the write, and who is told.

use std::rc::Rc;

use serde_json::json;

use super::{Call, UserActions, failed, finish};
use crate::{
    access::{Principal, Role, Sharee},
    protocol::{
        ErrorBody, ErrorCode, ThingId,
        action::{SharePush, SharedWith},
    },
    store::{
        Store, StoreError,
        audit::{Entry, Event},
    },
};

/// Whom somebody names.
pub(super) enum Named {
    /// A user or client.
    One(String),
    /// A group.
    Group(String),
}

impl Named {
    /// Of the two fields of a body exactly one.
    pub fn of(user: Option<String>, group: Option<String>) -> Result<Self, ErrorBody> {
        match (user, group) {
            (Some(user), None) => Ok(Self::One(user)),
            (None, Some(group)) => Ok(Self::Group(group)),
            _ => Err(ErrorBody::new(ErrorCode::InvalidAction, "name either a \"user\" or a \"group\"")),
        }
    }

    fn name(&self) -> &str {
        let (Self::One(name) | Self::Group(name)) = self;
        name
    }
}

/// Gives or ends a share, tells everyone, and answers.
pub(super) fn share(actions: &Rc<UserActions>, call: Call, asked: Result<(Named, Option<Role>), ErrorBody>) {
    let checked = asked.and_then(|asked| Ok((call.on()?.0, asked)));
    let (thing, (named, role)) = match checked {
        Ok(checked) => checked,
        Err(error) => return finish::<()>(call, Err(error)),
    };
    let (actions, store, by) = (actions.clone(), actions.store.clone(), call.caller().clone());
    tokio::task::spawn_local(async move {
        let written = tokio::task::spawn_blocking(move || {
            let written = write(&store, thing, &named, role, &by);
            (written, by, named)
        });
        let Ok((written, by, named)) = written.await else {
            return finish::<()>(call, Err(ErrorCode::Internal.into()));
        };
        let outcome = written.as_ref().err().map_or(Entry::DONE, |error| code_of(error).name()).to_owned();
        let (event, role_name) = (if role.is_some() { Event::Invited } else { Event::Uninvited }, Role::name_of(role));
        if !matches!(written, Ok(false)) {
            let target = format!("{thing} {} {role_name}", named.name());
            actions.audit.note(
                Entry { request: call.session().map(|id| id.to_string()), ..Entry::of(&by, event, target) }
                    .ended(outcome),
            );
        }
        // Whoever lost access hears of it before the one who ended it hears that it is done.
        actions.live_access.catch_up();
        if let Ok(true) = written {
            let with = match named {
                Named::One(user) => SharedWith::User(user),
                Named::Group(group) => SharedWith::Group(group),
            };
            actions.tell_others(thing, &call, &SharePush { user: by.name, with, role: role_name.into() });
        }
        finish(call, written.map(|_| json!({})).map_err(|error| refused(&error)));
    });
}

/// Someone unknown and someone of another organisation are looked up, and answered, alike.
fn write(store: &Store, thing: ThingId, named: &Named, role: Option<Role>, by: &Principal) -> Result<bool, StoreError> {
    let with = match named {
        Named::One(name) => {
            let found = store.principal(name, &by.organisation)?;
            Sharee::Principal(found.ok_or_else(|| StoreError::Absent("user or client of this name".into()))?)
        }
        Named::Group(name) => Sharee::Group(name.clone()),
    };
    match role {
        Some(role) => store.share(thing, &with, role, by),
        None => store.unshare(thing, &with, by),
    }
}

fn code_of(error: &StoreError) -> ErrorCode {
    match error {
        StoreError::LastOwner => ErrorCode::LastOwner,
        StoreError::Absent(_) => ErrorCode::InviteeNotFound,
        _ => ErrorCode::Internal,
    }
}

fn refused(error: &StoreError) -> ErrorBody {
    match code_of(error) {
        ErrorCode::Internal => failed(error),
        code => code.into(),
    }
}
