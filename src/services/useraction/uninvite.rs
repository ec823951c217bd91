//! `uninvite`: ends a share. Live access that came by it ends at once.

use std::rc::Rc;

use super::{Call, UserActions, sharing};
use crate::protocol::action::Uninvite;

pub(super) fn run(actions: &Rc<UserActions>, mut call: Call) {
    let asked = call.body::<Uninvite>().and_then(|body| Ok((sharing::Named::of(body.user, body.group)?, None)));
    sharing::share(actions, call, asked);
}
