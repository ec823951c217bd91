//! `select`: one Thing as it is now. Its collaborators are told that the caller looks at it.

use std::rc::Rc;

use super::{Call, Place, UserActions, Whole, done_by, finish};
use crate::{
    open_things::{Command, Read},
    protocol::{
        ErrorCode,
        action::{Form, Selected},
    },
};

pub(super) fn run(actions: &Rc<UserActions>, call: Call) {
    let (thing, role) = match call.on() {
        Ok(permitted) => permitted,
        Err(error) => return finish::<()>(call, Err(error)),
    };
    actions.tell_others(thing, &call, &done_by(&call));
    let answer = Box::new(move |view: Result<super::View, _>| {
        let selected = view.and_then(|view| match view.whole {
            Some(Whole::Content(content)) => Ok(Selected {
                title: view.title,
                role: role.to_string(),
                content,
                epoch: view.epoch,
                offset: view.offset,
            }),
            _ => Err(ErrorCode::Internal.into()),
        });
        call.answer.finish(selected, Place::default());
    });
    actions.things.ask(thing, Command::Read(Read { since: None, form: Form::Json, join: None, answer }));
}
