//! What token, revocation and introspection requests have in common: they are forms, sent by a client that
//! authenticates, not too often, and refused in the form of RFC 6749 5.2.

use std::net::IpAddr;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts as _, Request},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ALLOW, AUTHORIZATION, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE},
};
use oauth2::url::form_urlencoded;
use serde::Serialize;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{client, secret_hash};
use crate::{
    clock,
    config::Oauth,
    limiter::{Limiters, Rate},
    protocol::ErrorCode,
    store::{
        Client, StoreError,
        audit::{Entry, Event},
    },
    wfe::{
        App,
        body::{self, Fields},
        caller,
        peer::ClientAddress,
        problem::json_answer,
        tries,
    },
};

/// A form that came with a client's id, and its secret if it has one.
pub(in crate::wfe) struct ClientRequest {
    pub(super) client: Client,
    pub(super) fields: Fields,
    address: IpAddr,
}

/// An error in the form of RFC 6749 5.2.
pub(in crate::wfe) struct Refusal {
    error: &'static str,
    description: &'static str,
    /// Whether the client tried HTTP Basic, and must be answered in kind.
    basic: bool,
    /// Milliseconds until it may be tried again.
    wait: Option<u64>,
    /// Whether it is the server that cannot, and not the client that asks too often.
    cannot: bool,
}

pub(super) const fn refuse(error: &'static str, description: &'static str) -> Refusal {
    Refusal { error, description, basic: false, wait: None, cannot: false }
}

/// Why a request is refused (RFC 6749 5.2).
#[derive(Serialize, ToSchema)]
pub(in crate::wfe) struct TokenError {
    /// The kind of error, as RFC 6749 names it.
    error: &'static str,
    /// What was wrong, for people.
    error_description: &'static str,
}

/// How often clients and addresses ask.
pub(in crate::wfe) struct TokenRequests {
    addresses: Limiters<IpAddr>,
    /// With the address where anyone can claim to be that client.
    clients: Limiters<(String, Option<IpAddr>)>,
}

impl TokenRequests {
    pub fn new(config: &Oauth) -> Self {
        let rate = Rate { per_second: config.requests_per_second, burst: config.request_burst };
        Self { addresses: Limiters::new(rate), clients: Limiters::new(rate) }
    }
}

impl FromRequest<App> for ClientRequest {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let Ok(ClientAddress(address)) = ClientAddress::from_request_parts(&mut parts, app).await;
        let requests = app.token_requests();
        let counted = tries::counted_as(address);
        requests.addresses.request(counted, clock::now()).map_err(too_many)?;
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(refuse("invalid_request", "parameters in the URL would be logged; send them in the body"));
        }
        if !body::is_type(&parts.headers, "application/x-www-form-urlencoded") {
            return Err(refuse("invalid_request", "send the parameters as application/x-www-form-urlencoded"));
        }
        let body = Bytes::from_request(Request::new(body), app)
            .await
            .map_err(|_| refuse("invalid_request", "the body could not be read"))?;
        let fields = Fields::parse(&body).map_err(|_| refuse("invalid_request", "a parameter is given twice"))?;
        let client = authenticate(app, &parts.headers, &fields)?;
        let claimed = client.secret_hash.is_none().then_some(counted);
        requests.clients.request((client.principal.name.clone(), claimed), clock::now()).map_err(too_many)?;
        Ok(Self { client, fields, address })
    }
}

impl ClientRequest {
    /// Notes that a grant of the client has ended, and why.
    pub(super) fn note_end(&self, app: &App, grant: Uuid, why: &str) {
        let entry = Entry::of(&self.client.principal, Event::GrantEnded, grant.to_string());
        app.audit().note(Entry { address: Some(self.address), ..entry.ended(why) });
    }

    /// A parameter that must be there.
    pub(super) fn needed(&self, name: &str, missing: &'static str) -> Result<&str, Refusal> {
        self.fields.get(name).ok_or(refuse("invalid_request", missing))
    }
}

/// The client, by HTTP Basic or by fields of the form; a public one by its id alone.
fn authenticate(app: &App, headers: &HeaderMap, fields: &Fields) -> Result<Client, Refusal> {
    let by_header = headers.contains_key(AUTHORIZATION);
    let wrong = Refusal { basic: by_header, ..refuse("invalid_client", "unknown client, or wrong client secret") };
    let (id, secret) = if by_header {
        let Some((id, secret)) = caller::basic(headers) else {
            return Err(wrong);
        };
        let (id, secret) = (form_decoded(&id), form_decoded(&secret));
        if fields.get("client_secret").is_some() || fields.get("client_id").is_some_and(|other| other != id) {
            return Err(refuse("invalid_request", "the client is named in two places"));
        }
        (id, Some(secret))
    } else {
        let Some(id) = fields.get("client_id") else {
            return Err(wrong);
        };
        (id.to_owned(), fields.get("client_secret").map(str::to_owned))
    };
    if fields.get("client_assertion").is_some() || fields.get("client_assertion_type").is_some() {
        return Err(refuse("invalid_request", "client assertions are not taken; send the client secret"));
    }
    let Some(client) = client(app.store(), &id)? else {
        return Err(wrong);
    };
    let right = match (&client.secret_hash, secret) {
        (Some(hash), Some(secret)) => secret_hash(&secret).ct_eq(hash).into(),
        (None, None) => true,
        // Basic with an empty password is how some libraries name a public client.
        (None, Some(secret)) => secret.is_empty(),
        (Some(_), None) => false,
    };
    if right { Ok(client) } else { Err(wrong) }
}

/// RFC 6749 2.3.1: id and secret are form-encoded before they go into the header.
fn form_decoded(text: &str) -> String {
    // A lone `&` or `=` belongs to the text of clients that do not encode.
    let text = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(text.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned())
}

fn too_many(wait: u64) -> Refusal {
    Refusal { wait: Some(wait), ..refuse("temporarily_unavailable", "too many requests; wait and try again") }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        crate::limiter::seldom!(error, %error, "the store failed at a token request");
        if error.is_of_the_disk() {
            let refusal =
                refuse("temporarily_unavailable", "the server cannot store anything just now; try again later");
            return Self { wait: Some(1000), cannot: true, ..refusal };
        }
        refuse("server_error", "the server failed at this request; it is safe to try again")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self.error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "temporarily_unavailable" if self.cannot => StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable" => StatusCode::TOO_MANY_REQUESTS,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut response = answer(status, &TokenError { error: self.error, error_description: self.description });
        if self.basic {
            let challenge = HeaderValue::from_static(r#"Basic realm="WidgetApp", charset="UTF-8""#);
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(millis) = self.wait {
            response.headers_mut().insert(RETRY_AFTER, millis.div_ceil(1000).into());
        }
        response
    }
}

/// Gives the errors of the layers around these endpoints the same form as ours.
pub(in crate::wfe) async fn complete(response: Response) -> Response {
    let Some(code) = response.extensions().get::<ErrorCode>().copied() else {
        return response;
    };
    let error = if response.status().is_server_error() { "server_error" } else { "invalid_request" };
    let mut ours = answer(response.status(), &TokenError { error, error_description: code.message() });
    ours.headers_mut().extend(response.headers().get(ALLOW).map(|methods| (ALLOW, methods.clone())));
    ours
}

/// An answer that nothing on its way may keep.
pub(super) fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = json_answer(status, body);
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_decoded() {
        assert_eq!(form_decoded("a%20b+c%3A%25"), "a b c:%");
        assert_eq!(form_decoded("a=b&c"), "a=b&c");
        assert_eq!(form_decoded(""), "");
    }
}
