//! `open`: the content, or what was missed since a position; every later change follows without a gap.

use std::rc::Rc;

use super::{Call, Place, UserActions, View, finish, parts};
use crate::{
    open_things::{Command, Read},
    protocol::{
        Codec, ErrorBody, ErrorCode,
        action::{Open, Opened},
    },
    services::{call::Way, sync},
};

pub(super) fn run(actions: &Rc<UserActions>, mut call: Call) {
    let permitted = call.on().and_then(|(thing, _)| Ok((thing, call.optional_body::<Open>()?)));
    let (thing, body) = match permitted {
        Ok(permitted) => permitted,
        Err(error) => return finish::<()>(call, Err(error)),
    };
    let Way::Stream(way) = &call.answer else {
        return finish::<()>(call, Err(ErrorBody::new(ErrorCode::InvalidAction, "a Thing is opened on a stream")));
    };
    if !way.names_request() {
        let why = "opening a Thing needs an \"id\": it is the \"join\" of all that follows";
        return finish::<()>(call, Err(ErrorBody::new(ErrorCode::InvalidAction, why)));
    }
    if way.codec == Codec::Yjs {
        return sync::open(actions, call);
    }
    let join = Some((way.listener.clone(), way.codec));
    let (form, place) = (body.form, (way.listener.link, way.session));
    let later = actions.clone();
    let answer = Box::new(move |view: Result<View, ErrorBody>| {
        // Access may have ended while the content was fetched; from here on it is watched.
        let (view, (_, role)) = match view.and_then(|view| Ok((view, call.confirmed(&later.store)?))) {
            Ok(opened) => opened,
            Err(error) => return call.answer.refuse(error),
        };
        later.sessions.set_role(place, thing, Some(role));
        let (epoch, offset) = (view.epoch.clone(), view.offset);
        let (missed, content, update) = parts(view);
        let recovered = missed.is_some();
        let opened =
            Opened { role: role.to_string(), epoch: epoch.clone(), offset, recovered, missed, content, update };
        let who = call.caller().clone();
        call.answer
            .finish(Ok(opened), Place { offset: Some(offset), opened: Some((form, role, &epoch)), ..Place::default() });
        later.arrived(place, thing, &who);
    });
    actions.things.ask(thing, Command::Read(Read { since: body.since, form, join, answer }));
}
