//! `redo`: makes the change again that the caller has taken back last, unless they have changed the Thing since.

use std::rc::Rc;

use super::{Call, UserActions, storing, undo};
use crate::open_things::NewContent;

pub(super) fn run(actions: &Rc<UserActions>, mut call: Call) {
    let asked = undo::check(actions, &mut call, NewContent::Redone);
    storing::store(actions, call, asked);
}
