//! `GET /_stream`, and for one Thing `GET /_stream/yjs/THING` over y-websocket and `GET /_stream/events` as server-sent
//! events: who may open a stream. Answers every refusal itself, and hands the rest over.
//!
//! Nothing is answered to a request that may pass: the accept loop takes the socket away from under
//! it, and an SFE sends the head of the answer.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
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
    App,
    body::Fields,
    caller,
    login::{self, AuthSession},
    origin,
    peer::{ClientAddress, peer_address},
    problem::Problem,
    request_id::OwnId,
};
use crate::{
    access::{self, Caller, Door},
    clock,
    ipc::{Admission, messages::Becomes},
    protocol::{
        Codec, ErrorCode,
        action::{Action, Position},
    },
    proxies,
    store::audit::{Entry, Event},
};

/// Where to send the admission of a connection; the accept loop puts it into each request's
/// extensions. When something arrives, it takes the socket and drops the request.
#[derive(Clone, Debug)]
pub struct Handover(pub mpsc::Sender<Admission>);

/// Where one is taken, the name under which a one-time ticket is put into the URL.
const TICKET: &str = "ticket";
/// How far a client of server-sent events has got: the last `id` that it was sent.
const LAST_EVENT_ID: &str = "last-event-id";

/// `GET /_stream`.
pub(super) async fn open(
    State(app): State<App>,
    address: ClientAddress,
    auth: AuthSession,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let wanted = Wanted::websocket(&parts, None)?;
    begin(&app, address, &auth, &parts, wanted).await
}

/// `GET /_stream/yjs/THING`: one Thing, over a plain y-websocket connection.
pub(super) async fn open_yjs(
    State(app): State<App>,
    Path(thing): Path<String>,
    address: ClientAddress,
    auth: AuthSession,
    request: Request,
) -> Result<Response, Problem> {
    if app.config().server.echo {
        return Err(ErrorCode::NotFound.into());
    }
    let (parts, _) = request.into_parts();
    let wanted = Wanted::websocket(&parts, Some(thing))?;
    begin(&app, address, &auth, &parts, wanted).await
}

/// `GET /_stream/events?thing=THING`: what is pushed about one Thing, as server-sent events.
pub(super) async fn open_events(
    State(app): State<App>,
    address: ClientAddress,
    auth: AuthSession,
    request: Request,
) -> Result<Response, Problem> {
    if app.config().server.echo {
        return Err(ErrorCode::NotFound.into());
    }
    let (parts, _) = request.into_parts();
    let wanted = Wanted::events(&parts)?;
    begin(&app, address, &auth, &parts, wanted).await
}

/// What a request asks for, and what it shows beside a login cookie and an `Authorization`.
struct Wanted {
    /// The one Thing that it is about; none for a whole stream.
    thing: Option<String>,
    codec: Codec,
    becomes: Becomes,
    /// The token of a subprotocol entry.
    token: Option<String>,
    ticket: Option<String>,
}

impl Wanted {
    fn websocket(parts: &Parts, thing: Option<String>) -> Result<Self, Problem> {
        let ticket = token_in_url(parts, thing.is_some())?;
        let key = websocket_key(parts)?;
        let Offer { codec, chosen, token } = Offer::read(&parts.headers, thing.is_some())?;
        Ok(Self { thing, codec, becomes: Becomes::Websocket { key, subprotocol: chosen }, token, ticket })
    }

    fn events(parts: &Parts) -> Result<Self, Problem> {
        token_in_url(parts, false)?;
        if parts.method != Method::GET {
            return Err(ErrorCode::MethodNotAllowed.into());
        }
        let fields = Fields::parse(parts.uri.query().unwrap_or_default().as_bytes())?;
        let named = fields.get("thing").ok_or_else(|| Problem::new(ErrorCode::InvalidAction, "name a \"thing\""))?;
        let epoch = fields.get("epoch").unwrap_or_default().to_owned();
        let since = last_event_id(&parts.headers)?.map(|offset| Position { epoch, offset });
        let (thing, becomes) = (Some(named.to_owned()), Becomes::Events { since });
        Ok(Self { thing, codec: Codec::Json, becomes, token: None, ticket: None })
    }
}

/// The last change that a client of server-sent events has.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let mut ids = headers.get_all(LAST_EVENT_ID).iter();
    let offset = match (ids.next(), ids.next()) {
        (None, _) => return Ok(None),
        (Some(id), None) => id.to_str().ok().and_then(|id| id.parse().ok()),
        (Some(_), Some(_)) => None,
    };
    let why = "\"Last-Event-ID\" is the offset of the last change that you have";
    offset.map(Some).ok_or_else(|| Problem::new(ErrorCode::BadRequest, why))
}

async fn begin(
    app: &App,
    address: ClientAddress,
    auth: &AuthSession,
    parts: &Parts,
    wanted: Wanted,
) -> Result<Response, Problem> {
    let opener = if app.config().server.echo { None } else { Some(opener(app, auth, parts, &wanted).await?) };
    let mut opened = None;
    if let Some(opener) = &opener {
        let soon = |millis| Problem::from(ErrorCode::TooManyRequests).retry_after(millis);
        app.openings().request(opener.caller.principal.clone(), clock::now()).map_err(soon)?;
        admit(app, &opener.caller, address)?;
        if let Some(thing) = &wanted.thing {
            let permit = access::decide(app.store(), &opener.caller, Door::Stream, Action::Open, Some(thing))?;
            opened = permit.on().map(|(thing, _)| thing);
        }
        let later = |millis| Problem::from(ErrorCode::Unavailable).retry_after(millis);
        app.admissions().request(clock::now()).map_err(later)?;
    }
    let groups = match opener.as_ref().map(|opener| (opener.caller.proof.groups(), &opener.caller.principal)) {
        Some((Some(groups), _)) => groups.to_vec(),
        Some((None, principal)) => app.store().groups_of(principal)?,
        None => Vec::new(),
    };
    let admission = Admission {
        session: parts.extensions.get::<OwnId>().map_or_else(clock::new_id, |own| own.0),
        groups,
        expires_at: opener.as_ref().map_or(u64::MAX, |opener| opener.expires_at),
        caller: opener.map(|opener| Arc::unwrap_or_clone(opener.caller)),
        thing: opened,
        codec: wanted.codec,
        becomes: wanted.becomes,
        peer: peer_address(parts),
        headers: forwarded(&parts.headers),
    };
    let unavailable = || Problem::from(ErrorCode::Unavailable).retry_after(1_000);
    let handover = parts.extensions.get::<Handover>().ok_or_else(unavailable)?;
    handover.0.send(admission).await.map_err(|_| unavailable())?;
    std::future::pending().await
}

/// Who opens the stream, by which right, and until when.
struct Opener {
    caller: Arc<Caller>,
    expires_at: u64,
}

async fn opener(app: &App, auth: &AuthSession, parts: &Parts, wanted: &Wanted) -> Result<Opener, Problem> {
    let thing = wanted.thing.as_deref();
    let tokens = [wanted.ticket.as_deref(), caller::bearer(&parts.headers)?, wanted.token.as_deref()];
    if tokens.iter().flatten().count() > 1 {
        return Err(Problem::new(ErrorCode::BadRequest, "the access token is given in two places")
            .challenge(r#"Bearer error="invalid_request""#));
    }
    if let Some(secret) = &wanted.ticket {
        let ticket = app.tickets().take(secret, clock::now());
        let ticket = ticket.filter(|ticket| thing.is_some_and(|thing| ticket.opens(thing))).ok_or_else(|| {
            let why = "the ticket was used, has expired or is for something else; ask for a new one";
            Problem::new(ErrorCode::InvalidToken, why)
        })?;
        return Ok(Opener { caller: ticket.caller, expires_at: ticket.expires_at });
    }
    match (tokens.into_iter().flatten().next(), caller::logged_in(auth)) {
        (Some(token), _) => {
            let verified = app.verifier().verify(token).await?;
            Ok(Opener { expires_at: verified.expires_at(), caller: Arc::new(verified.caller()) })
        }
        (None, Some(caller)) => {
            // Browsers send the cookie with any page's request, so the page must be one of ours. For events of their own
            // page they say so without an `Origin`.
            let headers = &parts.headers;
            let events = matches!(wanted.becomes, Becomes::Events { .. });
            let says_origin = events || headers.contains_key(http::header::ORIGIN);
            if app.site().page(headers) != origin::Source::Us || !says_origin {
                return Err(ErrorCode::OriginNotAllowed.into());
            }
            Ok(Opener { caller: Arc::new(caller), expires_at: login::expires_at(auth).await })
        }
        (None, None) => Err(ErrorCode::TokenMissing.into()),
    }
}

/// Lets somebody in who is known, or refuses, which is recorded. Who is not known leaves no record: anyone could
/// fill it.
fn admit(app: &App, caller: &Caller, address: ClientAddress) -> Result<(), Problem> {
    access::may_stream(app.store(), caller).map_err(|denied| {
        let entry = Entry::of(&caller.principal, Event::StreamRefused, "/_stream").ended(denied.code().name());
        app.audit().note(Entry { address: Some(address.0), ..entry });
        denied.into()
    })
}

/// Refuses tokens in the URL; where one-time tickets are taken, returns the ticket.
fn token_in_url(parts: &Parts, takes_ticket: bool) -> Result<Option<String>, Problem> {
    let query = parts.uri.query().unwrap_or_default();
    let mut ticket = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if takes_ticket && name == TICKET {
            if ticket.replace(value.into_owned()).is_some() {
                return Err(Problem::new(ErrorCode::BadRequest, "the ticket is given twice"));
            }
        } else if caller::names_token(&name) {
            return Err(ErrorCode::TokenInUrl.into());
        }
    }
    Ok(ticket)
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
    fn read(headers: &HeaderMap, yjs: bool) -> Result<Self, Problem> {
        let known: &[Codec] = if yjs { &[Codec::Yjs] } else { &[Codec::Json, Codec::Cbor] };
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
                    codec = codec.or_else(|| known.iter().copied().find(|codec| codec.subprotocol() == entry));
                }
            }
        }
        if offered && codec.is_none() {
            if yjs {
                return Err(Problem::new(ErrorCode::UnknownSubprotocol, "offer widgetapp.v1.yjs, or no subprotocol"));
            }
            return Err(ErrorCode::UnknownSubprotocol.into());
        }
        Ok(Self { chosen: codec.map(|codec| codec.subprotocol().into()), codec: codec.unwrap_or(known[0]), token })
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
