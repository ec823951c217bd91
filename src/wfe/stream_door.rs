//! `GET /_stream`: who may open a stream. Answers every refusal itself, and hands the rest over.
//!
//! Nothing is answered to a request that may pass: the accept loop takes the socket away from under
//! it, and an SFE sends the 101.

use axum::{
    extract::{Request, State},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Version,
    header::{CONNECTION, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE},
    request::Parts,
};
use oauth2::url::form_urlencoded;
use tokio::sync::mpsc;

use super::{
    App, caller,
    login::{self, AuthSession},
    origin,
    peer::{ClientAddress, peer_address},
    problem::Problem,
};
use crate::{
    access::{self, Caller, Denied},
    clock,
    ipc::Admission,
    protocol::{Codec, ErrorCode},
    proxies,
    store::audit::{Entry, Event},
};

/// Where to send the admission of a connection; the accept loop puts it into each request's
/// extensions. When something arrives, it takes the socket and drops the request.
#[derive(Clone, Debug)]
pub struct Handover(pub mpsc::Sender<Admission>);

/// Names under which tokens are put into URLs, where logs would keep them.
const TOKENS_IN_URL: [&str; 4] = ["access_token", "token", "bearer_token", "ticket"];

/// `GET /_stream`.
pub(super) async fn open(
    State(app): State<App>,
    address: ClientAddress,
    auth: AuthSession,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    refuse_token_in_url(&parts)?;
    let websocket_key = websocket_key(&parts)?;
    let offer = Offer::read(&parts.headers)?;
    let opener = if app.config().server.echo { None } else { Some(opener(&app, &auth, &parts.headers, &offer).await?) };
    if let Some(opener) = &opener {
        let soon = |millis| Problem::from(ErrorCode::TooManyRequests).retry_after(millis);
        app.openings().request(opener.caller.principal.clone(), clock::now()).map_err(soon)?;
        admit(&app, &opener.caller, address)?;
    }
    let groups = match opener.as_ref().map(|opener| (opener.caller.proof.groups(), &opener.caller.principal)) {
        Some((Some(groups), _)) => groups.to_vec(),
        Some((None, principal)) => app.store().groups_of(principal)?,
        None => Vec::new(),
    };
    let admission = Admission {
        session: clock::new_id(),
        groups,
        expires_at: opener.as_ref().map_or(u64::MAX, |opener| opener.expires_at),
        caller: opener.map(|opener| opener.caller),
        codec: offer.codec,
        subprotocol: offer.chosen,
        websocket_key,
        peer: peer_address(&parts),
        headers: forwarded(&parts.headers),
    };
    let unavailable = || Problem::from(ErrorCode::Unavailable).retry_after(1_000);
    let handover = parts.extensions.get::<Handover>().ok_or_else(unavailable)?;
    handover.0.send(admission).await.map_err(|_| unavailable())?;
    std::future::pending().await
}

/// Who opens the stream, by which right, and until when.
struct Opener {
    caller: Caller,
    expires_at: u64,
}

async fn opener(app: &App, auth: &AuthSession, headers: &HeaderMap, offer: &Offer) -> Result<Opener, Problem> {
    let token = match (caller::bearer(headers)?, &offer.token) {
        (Some(_), Some(_)) => {
            return Err(Problem::new(ErrorCode::BadRequest, "the access token is given in two places")
                .challenge(r#"Bearer error="invalid_request""#));
        }
        (Some(token), None) => Some(token),
        (None, token) => token.as_deref(),
    };
    match (token, caller::logged_in(auth)) {
        (Some(token), _) => {
            let verified = app.verifier().verify(token).await?;
            Ok(Opener { expires_at: verified.expires_at(), caller: verified.caller() })
        }
        (None, Some(caller)) => {
            // Browsers send the cookie with any page's request, so the page must be one of ours.
            if app.site().page(headers) != origin::Source::Us || !headers.contains_key(http::header::ORIGIN) {
                return Err(ErrorCode::OriginNotAllowed.into());
            }
            Ok(Opener { caller, expires_at: login::expires_at(auth).await })
        }
        (None, None) => Err(ErrorCode::TokenMissing.into()),
    }
}

/// Lets somebody in who is known, or refuses, which is recorded. Who is not known leaves no record: anyone could
/// fill it.
fn admit(app: &App, caller: &Caller, address: ClientAddress) -> Result<(), Problem> {
    access::may_stream(app.store(), caller).map_err(|denied| {
        let code = denied.code();
        let entry = Entry::of(&caller.principal, Event::StreamRefused, "/_stream").ended(code.name());
        app.audit().note(Entry { address: Some(address.0), ..entry });
        match denied {
            Denied::Scope(scope) => {
                let challenge = format!(r#"Bearer error="insufficient_scope", scope="{}""#, scope.name());
                Problem::from(code).challenge(&challenge)
            }
            _ => code.into(),
        }
    })
}

fn refuse_token_in_url(parts: &Parts) -> Result<(), Problem> {
    let query = parts.uri.query().unwrap_or_default();
    let named = |name: &str| TOKENS_IN_URL.iter().any(|token| token.eq_ignore_ascii_case(name));
    if form_urlencoded::parse(query.as_bytes()).any(|(name, _)| named(&name)) {
        return Err(ErrorCode::TokenInUrl.into());
    }
    Ok(())
}

/// Checks the opening handshake (RFC 6455 4.2.1) and returns its key.
fn websocket_key(parts: &Parts) -> Result<String, Problem> {
    let headers = &parts.headers;
    let bad = |text: &str| Problem::new(ErrorCode::BadUpgrade, text);
    if !lists(headers, &UPGRADE, "websocket") {
        return Err(Problem::from(ErrorCode::NotAnUpgrade)
            .header(UPGRADE, "websocket")
            .header(CONNECTION, "Upgrade")
            .header(SEC_WEBSOCKET_VERSION, "13"));
    }
    if parts.version != Version::HTTP_11 || parts.method != Method::GET {
        return Err(bad("a WebSocket handshake is a GET of HTTP/1.1"));
    }
    if !lists(headers, &CONNECTION, "upgrade") {
        return Err(bad("\"Connection\" must contain \"Upgrade\""));
    }
    only(headers, &HOST).ok_or_else(|| bad("one \"Host\" is needed"))?;
    match only(headers, &SEC_WEBSOCKET_VERSION) {
        Some("13") => {}
        Some(_) => return Err(Problem::from(ErrorCode::NotAnUpgrade).header(SEC_WEBSOCKET_VERSION, "13")),
        None if headers.contains_key(SEC_WEBSOCKET_VERSION) => {
            return Err(bad("\"Sec-WebSocket-Version\" is given twice"));
        }
        None => return Err(Problem::from(ErrorCode::NotAnUpgrade).header(SEC_WEBSOCKET_VERSION, "13")),
    }
    let key = only(headers, &SEC_WEBSOCKET_KEY).ok_or_else(|| bad("one \"Sec-WebSocket-Key\" is needed"))?;
    if !STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16) {
        return Err(bad("\"Sec-WebSocket-Key\" must be 16 bytes in base64"));
    }
    Ok(key.to_owned())
}

/// What `Sec-WebSocket-Protocol` offers.
#[derive(Debug, PartialEq, Eq)]
struct Offer {
    codec: Codec,
    /// What to answer; none if only a token or nothing was offered.
    chosen: Option<String>,
    /// The token of an entry `bearer.T`, which is never echoed.
    token: Option<String>,
}

impl Offer {
    /// The first subprotocol that we know, in the client's order.
    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let (mut token, mut offered, mut codec) = (None, false, None);
        for list in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
            let list = list.to_str().map_err(|_| Problem::from(ErrorCode::UnknownSubprotocol))?;
            for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
                if let Some(given) = entry.strip_prefix("bearer.") {
                    if token.replace(given.to_owned()).is_some() {
                        return Err(Problem::new(ErrorCode::BadRequest, "the access token is given twice"));
                    }
                } else {
                    offered = true;
                    codec = codec.or_else(|| Codec::from_subprotocol(entry));
                }
            }
        }
        if offered && codec.is_none() {
            return Err(ErrorCode::UnknownSubprotocol.into());
        }
        Ok(Self { chosen: codec.map(|codec| codec.subprotocol().into()), codec: codec.unwrap_or(Codec::Json), token })
    }
}

/// Whether a header that is a list contains the word, in any case.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let texts = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|entry| entry.trim().eq_ignore_ascii_case(word))
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (Some(Ok(text)), None) => Some(text.trim()),
        _ => None,
    }
}

/// What proxies may have added, whole: of a list cut short, the wrong end could be left. Its bound is that of all
/// headers.
fn forwarded(headers: &HeaderMap) -> Vec<(String, String)> {
    let lines = |name: &'static str| headers.get_all(name).iter().map(move |line| (name, line));
    let all = proxies::HEADERS.into_iter().flat_map(lines);
    all.filter_map(|(name, line)| Some((name.to_owned(), line.to_str().ok()?.to_owned()))).collect()
}

#[cfg(test)]
#[path = "stream_door_tests.rs"]
mod tests;
