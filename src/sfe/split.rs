//! Step 3: which service a message is for. Pure.

use crate::{
    ipc::messages::{AWARENESS, QUERY_AWARENESS},
    protocol::{
        Codec, ErrorBody, ErrorCode, RequestHead, action, action::Action, notification, presence, session, sync,
    },
};

/// The services of this release and what SFE does with their messages.
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    /// Port 0, `ping`: answered here.
    Ping,
    /// Port 0, `refresh`: WFE checks the new token.
    Refresh,
    /// Port 200, `close`: only this session's matter, answered here.
    Close,
    /// Port 200: a user action, done by the service in WFE.
    UserAction(Action),
    /// Port 201: done in WFE, about a Thing that is open as Yjs.
    Sync,
    /// Port 202: done in WFE, about a Thing that is open.
    Presence,
}

/// The ports that a client is told of, by name.
pub const PORTS: [(&str, u16); 5] = [
    ("session", session::PORT),
    ("useraction", action::PORT),
    ("sync", sync::PORT),
    ("presence", presence::PORT),
    ("notifications", notification::PORT),
];

/// Finds the service.
///
/// # Errors
/// No service has this port, or the service does not know the name.
pub fn route(head: &RequestHead, codec: Codec) -> Result<Route, ErrorBody> {
    match (head.port, head.name.as_str()) {
        (session::PORT, "ping") => Ok(Route::Ping),
        (session::PORT, "refresh") => Ok(Route::Refresh),
        (action::PORT, name) if let Some(action) = Action::from_name(name) => Ok(match action {
            Action::Close => Route::Close,
            action => Route::UserAction(action),
        }),
        (sync::PORT, sync::SYNC) => Ok(Route::Sync),
        (presence::PORT, "cursor") => Ok(Route::Presence),
        (presence::PORT, AWARENESS | QUERY_AWARENESS) if codec == Codec::Yjs => Ok(Route::Presence),
        (port, name) if PORTS.iter().any(|(_, known)| *known == port) => {
            let shown: String = name.chars().take(80).collect();
            Err(ErrorBody::new(ErrorCode::UnknownName, format!("port {} does not know {shown:?}", head.port)))
        }
        (port, _) => Err(ErrorBody::new(ErrorCode::UnknownPort, format!("no service has port {port}"))),
    }
}
