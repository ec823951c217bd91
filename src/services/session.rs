//! Port 0, as far as it needs WFE: replacing the token of a live connection. The rest is the SFE's own.

use uuid::Uuid;

use super::call::{Call, Place};
use crate::{
    access, clock,
    ipc::messages::WfeDown,
    open_things::Listener,
    protocol::{
        ErrorBody, ErrorCode,
        session::{ExpiresAt, Refresh},
    },
    store::Store,
    wfe::Tokens,
};

/// `refresh`: the new token must be good for streaming and of the same user or client.
pub fn refresh(tokens: &Tokens, store: &Store, listener: &Listener, session: Uuid, mut call: Call) {
    let replaced = call.body::<Refresh>().and_then(|body| {
        let verified = tokens.verify(&body.token, clock::unix_seconds()).map_err(|error| error.code())?;
        let approved = store.streaming_approved(&verified.principal).map_err(|_| ErrorCode::Internal)?;
        access::may_stream(verified.scopes, approved)?;
        if verified.principal != call.caller {
            let why = "the token belongs to someone else than this connection; open a new one for them";
            return Err(ErrorBody::new(ErrorCode::InvalidToken, why));
        }
        Ok(verified.expires_at)
    });
    if let Ok(expires_at) = replaced {
        listener.sender.send(&WfeDown::Refreshed { session, expires_at });
    }
    call.answer.finish(replaced.map(|expires_at| ExpiresAt { expires_at }), Place::default());
}
