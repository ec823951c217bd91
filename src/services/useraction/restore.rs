//! `restore`: the content becomes again what it was after an earlier change. A change like any other: nothing that was
//! done in between is lost from the log, and it can be undone.

use std::rc::Rc;

use super::{Call, UserActions, finish, storing};
use crate::{
    open_things::{NewContent, content_at},
    protocol::{ErrorBody, ErrorCode, ThingId, action::Restore},
};

pub(super) fn run(actions: &Rc<UserActions>, mut call: Call) {
    let (thing, key, offset) = match check(&mut call) {
        Ok(checked) => checked,
        Err(error) => return finish::<()>(call, Err(error)),
    };
    let actions = actions.clone();
    tokio::task::spawn_local(async move {
        let turn = actions.past.acquire().await;
        let log = actions.log.clone();
        let content = tokio::task::spawn_blocking(move || content_at(&*log, thing, offset)).await;
        drop(turn);
        let content = content.unwrap_or_else(|_| Err(ErrorCode::Internal.into()));
        let asked = content.and_then(|content| {
            // Access may have ended meanwhile.
            call.confirmed(&actions.store)?;
            Ok((thing, key, NewContent::Restored(content)))
        });
        storing::store(&actions, call, asked);
    });
}

fn check(call: &mut Call) -> Result<(ThingId, Option<String>, u64), ErrorBody> {
    let (thing, _) = call.on()?;
    let Restore { offset, key } = call.body()?;
    Ok((thing, call.key(key)?, offset))
}
