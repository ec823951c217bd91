//! `undo`: takes back the last change that the caller made of a Thing and has not taken back, whichever program they
//! made it with. What others did stays.

use std::rc::Rc;

use super::{Call, UserActions, failed, storing};
use crate::{
    open_things::{Among, NewContent},
    protocol::action::Undo,
};

pub(super) fn run(actions: &Rc<UserActions>, mut call: Call) {
    let asked = check(actions, &mut call, NewContent::Undone);
    storing::store(actions, call, asked);
}

/// The same for `redo`.
pub(super) fn check(actions: &UserActions, call: &mut Call, change: fn(Among) -> NewContent) -> storing::Asked {
    let (thing, _) = call.on()?;
    let Undo { before, key } = call.optional_body()?;
    let since = actions.store.named_since(call.caller()).map_err(|error| failed(&error))?;
    Ok((thing, call.key(key)?, change(Among { since, before })))
}
