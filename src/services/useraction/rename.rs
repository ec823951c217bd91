//! `rename`: another title. It is a change of the content like any other: the title stands at `/meta/title`.

use std::rc::Rc;

use super::{Call, UserActions, create::check_title, storing};
use crate::{open_things::NewContent, protocol::action::Rename};

pub(super) fn run(actions: &Rc<UserActions>, mut call: Call) {
    let asked = check(&mut call);
    storing::store(actions, call, asked);
}

fn check(call: &mut Call) -> storing::Asked {
    let (thing, _) = call.on()?;
    let Rename { title, key } = call.body()?;
    check_title(&title)?;
    Ok((thing, call.key(key)?, NewContent::Title(title)))
}
