//! `create`: a new Thing. Those who may see it are told.

use std::rc::Rc;

use super::{Call, Place, UserActions, failed, finish};
use crate::{
    access::Principal,
    clock,
    log::{ChangeKind, Log, LogError, NewChange},
    protocol::{
        ErrorBody, ErrorCode, ThingId,
        action::{Action, ActionPush, Create, Created},
        limits,
    },
    store::Store,
    thing::Document,
};

pub(super) fn run(actions: &Rc<UserActions>, mut call: Call) {
    let body = match call.body::<Create>().and_then(check) {
        Ok(body) => body,
        Err(error) => return finish::<()>(call, Err(error)),
    };
    let actions = actions.clone();
    tokio::task::spawn_local(async move {
        let title = body.title.clone();
        let created = create(&*actions.log, &actions.store, call.caller(), body).await;
        let (session, user) = (call.session(), call.caller().name.clone());
        let thing = created.as_ref().ok().copied();
        let reply = created.map(|thing| Created { thing: thing.to_string(), offset: FIRST });
        call.answer.finish(reply, Place::default());
        if let Some(thing) = thing {
            actions.listing.note_new(thing);
            let push = ActionPush { user: user.into(), view: None, title: Some(title) };
            actions.notify_entitled(thing, Action::Create, session, &push);
        }
    });
}

/// The offset of what a Thing starts with.
const FIRST: u64 = 1;

fn check(body: Create) -> Result<Create, ErrorBody> {
    check_title(&body.title)?;
    Ok(body)
}

/// A Thing can be called so.
pub(super) fn check_title(title: &str) -> Result<(), ErrorBody> {
    let length = title.chars().count();
    if title.trim().is_empty() || length > limits::MAX_TITLE_CHARS {
        let why = format!("a \"title\" has 1 to {} characters; this one has {length}", limits::MAX_TITLE_CHARS);
        return Err(ErrorBody::new(ErrorCode::InvalidAction, why));
    }
    Ok(())
}

/// First the log, then the list: a Thing that is listed can always be opened.
async fn create(log: &dyn Log, store: &Store, owner: &Principal, body: Create) -> Result<ThingId, ErrorBody> {
    let (_, first) = Document::initial(&body.title, body.content, u64::from_le_bytes(clock::random_bytes()))
        .map_err(|error| ErrorBody::new(error.code(), error.to_string()))?;
    let thing = ThingId(clock::new_id());
    let epoch = clock::new_id().simple().to_string()[..8].to_owned();
    let at_millis = clock::unix_millis();
    let change = NewChange {
        user: owner.name.clone(),
        principal: owner.id(),
        key: None,
        kind: ChangeKind::Edit,
        update: first.update.into(),
        at_millis,
    };
    let stored = log.create(thing, epoch, change).await.unwrap_or(Err(LogError::Closed));
    stored.map_err(|error| {
        crate::limiter::seldom!(error, %error, "a new Thing could not be stored");
        ErrorBody::from(ErrorCode::NotDurable)
    })?;
    store.add_thing(thing, owner, &body.title, at_millis).map_err(|error| failed(&error))?;
    Ok(thing)
}
