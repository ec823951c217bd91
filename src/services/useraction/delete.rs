//! `delete`: the end of a Thing. It stands in the log like any change; from then on there is no such Thing.

use std::rc::Rc;

use super::{Call, Place, UserActions, failed, finish};
use crate::{
    open_things::Command,
    protocol::{ErrorBody, action::Deleted},
};

pub(super) fn run(actions: &Rc<UserActions>, call: Call) {
    let thing = match call.on() {
        Ok((thing, _)) => thing,
        Err(error) => return finish::<()>(call, Err(error)),
    };
    let (by, store) = (call.caller().clone(), actions.store.clone());
    let answer = Box::new(move |deleted: Result<u64, ErrorBody>| {
        let done = deleted.and_then(|offset| {
            store.delete_thing(thing).map_err(|error| failed(&error))?;
            Ok(offset)
        });
        let offset = done.as_ref().ok().copied();
        call.answer.finish(done.map(|offset| Deleted { offset }), Place { offset, ..Place::default() });
    });
    actions.things.ask(thing, Command::Delete { by, answer });
}
