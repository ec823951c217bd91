//! What `rename`, `restore`, `undo` and `redo` have in common: a change that the server makes of the content. All who
//! have the Thing open are told of it under the action's name, the caller's own connection too, which cannot know what
//! it came to; the answer comes behind that, when it is stored.

use std::rc::Rc;

use super::{Call, Place, UserActions, finish};
use crate::{
    clock, metrics,
    open_things::{Command, Edit, NewContent},
    protocol::{
        ErrorBody, ThingId,
        action::{Changed, Edited},
    },
};

/// A change, under which key, of which Thing.
pub(super) type Asked = Result<(ThingId, Option<String>, NewContent), ErrorBody>;

pub(super) fn store(actions: &Rc<UserActions>, call: Call, asked: Asked) {
    let (thing, key, change) = match asked {
        Ok(asked) => asked,
        Err(error) => return finish::<()>(call, Err(error)),
    };
    let (by, later, began) = (call.caller().clone(), actions.clone(), clock::now());
    let answer = Box::new(move |edited: Result<Edited, ErrorBody>| {
        let offset = edited.as_ref().ok().map(|edited| edited.offset);
        let changed = edited.map(|Edited { offset, .. }| Changed { offset });
        call.answer.finish(changed, Place { offset, ..Place::default() });
        if offset.is_some() {
            metrics::edited(clock::now() - began);
            later.note_change(thing);
        }
    });
    actions.things.ask(thing, Command::Edit(Edit { by, key, change, session: None, answer }));
}
