//! `refresh`: what the caller has missed, or the whole content; the collaborators are told to fetch again.

use std::rc::Rc;

use super::{Call, Place, UserActions, done_by, finish, parts};
use crate::{
    open_things::{Command, Read, View},
    protocol::action::{Form, Opened, Refresh},
};

pub(super) fn run(actions: &Rc<UserActions>, mut call: Call) {
    let permitted = call.on().and_then(|permitted| {
        let body = call.optional_body::<Refresh>()?;
        Ok((permitted, body))
    });
    let ((thing, role), body) = match permitted {
        Ok(permitted) => permitted,
        Err(error) => return finish::<()>(call, Err(error)),
    };
    actions.tell_others(thing, &call, &done_by(&call));
    let answer = Box::new(move |view: Result<View, _>| {
        let refreshed = view.map(|view| {
            let (epoch, offset) = (view.epoch.clone(), view.offset);
            let (missed, content, update) = parts(view);
            Opened { role: role.to_string(), epoch, offset, recovered: missed.is_some(), missed, content, update }
        });
        call.answer.finish(refreshed, Place::default());
    });
    actions.things.ask(thing, Command::Read(Read { since: body.since, form: Form::Json, join: None, answer }));
}
