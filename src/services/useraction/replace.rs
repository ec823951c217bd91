//! The legacy PUT: other content in place of all that is there. An edit like any other for those who stream.

use std::rc::Rc;

use serde_json::Value;

use super::{Call, Place, UserActions, finish};
use crate::{
    clock, metrics,
    open_things::{Command, Edit, NewContent},
    protocol::{ErrorBody, action::Edited},
};

pub(super) fn run(actions: &Rc<UserActions>, call: Call, content: Value, only_at: Option<u64>) {
    let thing = match call.on() {
        Ok((thing, _)) => thing,
        Err(error) => return finish::<()>(call, Err(error)),
    };
    let (by, actions_later, began) = (call.caller().clone(), actions.clone(), clock::now());
    let answer = Box::new(move |edited: Result<Edited, ErrorBody>| {
        let done = edited.is_ok();
        call.answer.finish(edited, Place::default());
        if done {
            metrics::edited(clock::now() - began);
            actions_later.listing.note(thing);
        }
    });
    let change = NewContent::Replace { content, only_at };
    actions.things.ask(thing, Command::Edit(Edit { by, key: None, change, session: None, answer }));
}
