//! `scroll`: a page of the home page's feed; or, with a Thing, where in it the caller looks, which its
//! other collaborators are told so that they can follow.

use std::rc::Rc;

use super::{Call, UserActions, done_by, failed, finish};
use crate::{
    protocol::{
        ErrorBody, ErrorCode,
        action::{ActionPush, Scroll},
        limits,
        message::Empty,
    },
    store::Cursor,
};

/// Largest `view`, encoded: it goes to everyone who has the Thing open.
const MAX_VIEW_BYTES: usize = 4096;

pub(super) fn run(actions: &Rc<UserActions>, mut call: Call) {
    let body = match call.optional_body::<Scroll>() {
        Ok(body) => body,
        Err(error) => return finish::<()>(call, Err(error)),
    };
    if call.on().is_ok() {
        let done = in_thing(actions, &call, body);
        return finish(call, done);
    }
    let cursor = match body.cursor.as_deref().map(Cursor::read) {
        // Who goes on from nowhere would read the first page for ever.
        Some(None) => {
            let why = "a \"cursor\" is the \"next\" of the page before; leave it out for the first page";
            return finish::<()>(call, Err(ErrorBody::new(ErrorCode::InvalidAction, why)));
        }
        given => given.flatten(),
    };
    let (store, caller) = (actions.store.clone(), call.caller().clone());
    let limit = body.limit.unwrap_or(limits::PAGE_THINGS).clamp(1, limits::MAX_PAGE_THINGS);
    tokio::task::spawn_local(async move {
        let page = tokio::task::spawn_blocking(move || store.feed(&caller, cursor, limit)).await;
        finish(call, super::search::page(page, failed));
    });
}

fn in_thing(actions: &UserActions, call: &Call, body: Scroll) -> Result<Empty, ErrorBody> {
    let (thing, _) = call.on()?;
    let view = body.view.ok_or_else(|| {
        ErrorBody::new(ErrorCode::InvalidAction, "scrolling in a Thing needs a \"view\": where in it you look")
    })?;
    if view.to_string().len() > MAX_VIEW_BYTES {
        return Err(ErrorBody::new(ErrorCode::TooLarge, format!("a \"view\" has at most {MAX_VIEW_BYTES} bytes")));
    }
    actions.tell_others(thing, call, &ActionPush { view: Some(view), ..done_by(call) });
    Ok(Empty {})
}
