//! `undo`: takes back the last change that the caller made of a Thing and has not taken back, whichever program they
//! made it with. What others did stays.

use std::rc::Rc;

use super::{Call, UserActions, storing};
use crate::{open_things::NewContent, protocol::action::Undo};

pub(super) fn run(actions: &Rc<UserActions>, mut call: Call) {
    let asked = check(&mut call, NewContent::Undone);
    storing::store(actions, call, asked);
}

/// The same for `redo`.
pub(super) fn check(call: &mut Call, change: NewContent) -> storing::Asked {
    let (thing, _) = call.on()?;
    let Undo { key } = call.optional_body()?;
    Ok((thing, call.key(key)?, change))
}
