//! `history`: who changed a Thing, what of it, and when; the newest first, page by page.

use std::rc::Rc;

use super::{Call, UserActions, finish};
use crate::{
    open_things::{Command, changes_before},
    protocol::{
        ErrorBody, ErrorCode, ThingId,
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
    let later = actions.clone();
    // What was asked for before is in the log by then.
    let answer = Box::new(move |come: Result<(), ErrorBody>| match come {
        Ok(()) => drop(tokio::task::spawn_local(page(later, call, thing, before, limit))),
        Err(error) => finish::<()>(call, Err(error)),
    });
    actions.things.ask(thing, Command::Behind { answer });
}

async fn page(actions: Rc<UserActions>, call: Call, thing: ThingId, before: Option<u64>, limit: usize) {
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
}
