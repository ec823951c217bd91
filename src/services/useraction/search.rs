//! `search`: the Things that fit a text, the best first; only what the caller may see.

use std::rc::Rc;

use tokio::task::JoinError;

use super::{Call, UserActions, failed, finish};
use crate::{
    protocol::{
        ErrorBody, ErrorCode,
        action::{Search, Things},
        limits,
    },
    store::StoreError,
};

pub(super) fn run(actions: &Rc<UserActions>, mut call: Call) {
    let body = match call.body::<Search>() {
        Ok(body) if body.q.chars().count() <= limits::MAX_QUERY_CHARS => body,
        Ok(_) => {
            let why = format!("a search text has at most {} characters", limits::MAX_QUERY_CHARS);
            return finish::<()>(call, Err(ErrorBody::new(ErrorCode::TooLarge, why)));
        }
        Err(error) => return finish::<()>(call, Err(error)),
    };
    let (store, caller) = (actions.store.clone(), call.caller().clone());
    let limit = body.limit.unwrap_or(limits::PAGE_THINGS).clamp(1, limits::MAX_PAGE_THINGS);
    tokio::task::spawn_local(async move {
        let page = tokio::task::spawn_blocking(move || store.search(&caller, &body.q, limit)).await;
        finish(call, self::page(page, failed));
    });
}

/// What the store found, or why not.
pub(super) fn page(
    found: Result<Result<Things, StoreError>, JoinError>,
    failed: impl Fn(&StoreError) -> ErrorBody,
) -> Result<Things, ErrorBody> {
    match found {
        Ok(Ok(things)) => Ok(things),
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Err(ErrorCode::Internal.into()),
    }
}
