//! `history`: who changed a Thing, what of it, and when; the newest first, page by page.

use std::rc::Rc;

use super::{Call, UserActions, finish};
use crate::{
    open_things::changes_before,
    protocol::{
        ErrorCode,
        action::{Changes, History},
        limits,
    },
};

pub(super) fn run(actions: &Rc<UserActions>, mut call: Call) {
    let asked = call.on().and_then(|(thing, _)| Ok((thing, call.optional_body::<History>()?)));
    let (thing, History { before, limit }) = match asked {
        Ok(asked) => asked,
        Err(error) => return finish::<()>(call, Err(error)),
    };
    let limit = limit.unwrap_or(limits::PAGE_CHANGES).clamp(1, limits::MAX_PAGE_CHANGES);
    let actions = actions.clone();
    tokio::task::spawn_local(async move {
        let turn = actions.past.acquire().await;
        let log = actions.log.clone();
        let page = tokio::task::spawn_blocking(move || changes_before(&*log, thing, before, limit)).await;
        drop(turn);
        // Access may have ended while this waited for its turn.
        let page = call.confirmed(&actions.store).and(page.unwrap_or_else(|_| Err(ErrorCode::Internal.into())));
        let page = page.map(|changes| {
            let oldest = changes.last().map_or(1, |change| change.offset);
            Changes { next: (oldest > 1).then_some(oldest), changes }
        });
        finish(call, page);
    });
}
