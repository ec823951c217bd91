//! `edit`: a change of a Thing's content, by JSON Patch or Yjs update. Answered when it is durable.

use std::rc::Rc;

use super::{Call, Place, UserActions, finish};
use crate::{
    clock, metrics,
    open_things::{self, Command, NewContent},
    protocol::{
        ErrorBody, ErrorCode, ThingId,
        action::{Edit, Edited},
    },
};

pub(super) fn run(actions: &Rc<UserActions>, mut call: Call) {
    let (thing, key, change) = match check(&mut call) {
        Ok(checked) => checked,
        Err(error) => return finish::<()>(call, Err(error)),
    };
    let (by, session) = (call.caller().clone(), call.session());
    let (actions_later, began) = (actions.clone(), clock::now());
    let answer = Box::new(move |edited: Result<Edited, ErrorBody>| {
        let offset = edited.as_ref().ok().map(|edited| edited.offset);
        if offset.is_some() {
            metrics::edited(clock::now() - began);
        }
        call.answer.finish(edited, Place { offset, ..Place::default() });
        if offset.is_some() {
            actions_later.listing.note(thing);
        }
    });
    actions.things.ask(thing, Command::Edit(open_things::Edit { by, key, change, session, answer }));
}

fn check(call: &mut Call) -> Result<(ThingId, Option<String>, NewContent), ErrorBody> {
    let (thing, _) = call.on()?;
    let seen = call.seen()?;
    let body: Edit = call.body()?;
    let key = call.key(Some(body.key))?;
    let change = match (body.patch, body.update) {
        (Some(patch), None) => NewContent::Patch { patch, seen },
        (None, Some(update)) => NewContent::Update(update.0),
        _ => {
            let why = "an edit has either a \"patch\" (JSON Patch) or an \"update\" (Yjs)";
            return Err(ErrorBody::new(ErrorCode::InvalidAction, why));
        }
    };
    Ok((thing, key, change))
}
