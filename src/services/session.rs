//! Port 0, as far as it needs WFE: replacing the token of a live connection. The rest is the SFE's own.

use std::rc::Rc;

use super::call::{Place, StreamWay, Way};
use crate::{
    access,
    ipc::messages::{Request, WfeDown},
    protocol::{
        ErrorBody, ErrorCode,
        message::WithBody,
        session::{ExpiresAt, Refresh},
    },
    store::Store,
    wfe::{Verifier, sessions::Sessions},
};

/// `refresh`: the new token must be good for streaming and of the same user or client.
pub async fn refresh(verifier: Verifier, store: Store, sessions: Rc<Sessions>, request: Request, way: StreamWay) {
    let (session, link) = (way.session, way.listener.link);
    let verified = match body(&request) {
        Ok(body) => verifier.verify(&body.token).await.map_err(ErrorBody::from),
        Err(error) => Err(error),
    };
    // It may have ended meanwhile.
    let Some(caller) = sessions.caller((link, session)) else { return };
    let replaced = verified.and_then(|verified| {
        let (expires_at, renewed) = (verified.expires_at(), verified.caller());
        access::may_stream(&store, &renewed).map_err(access::Denied::code)?;
        if renewed.principal != caller.principal {
            let why = "the token belongs to someone else than this connection; open a new one for them";
            return Err(ErrorBody::new(ErrorCode::InvalidToken, why));
        }
        Ok((renewed, expires_at))
    });
    let replaced = replaced.map(|(caller, expires_at)| {
        sessions.renewed((link, session), caller.clone());
        way.listener.sender.send(&WfeDown::Refreshed { session, caller, expires_at });
        ExpiresAt { expires_at }
    });
    Way::Stream(way).finish(replaced, Place::default());
}

fn body(request: &Request) -> Result<Refresh, ErrorBody> {
    let decoded = request.codec.decode::<WithBody<Refresh>>(&request.message);
    let misfit = |why| ErrorBody::new(ErrorCode::BadRequest, format!("the body does not fit this action: {why}"));
    decoded.map(|decoded| decoded.body).map_err(misfit)
}
