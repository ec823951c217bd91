//! `invite`: shares a Thing with somebody of the organisation, or in another role than before. They are told at
//! once, and what they have open follows.

use std::rc::Rc;

use super::{Call, UserActions, sharing};
use crate::protocol::action::Invite;

pub(super) fn run(actions: &Rc<UserActions>, mut call: Call) {
    let asked = call.body::<Invite>().and_then(|body| {
        let with = sharing::Named::of(body.user, body.group)?;
        Ok((with, Some(body.role)))
    });
    sharing::share(actions, call, asked);
}
