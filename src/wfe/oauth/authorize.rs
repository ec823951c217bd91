//! `GET /oauth/authorize`: a code for the user who is logged in (RFC 6749 4.1, RFC 7636, RFC 9207).

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode, header::CACHE_CONTROL};
use oauth2::url::{Url, form_urlencoded};

use super::{FIRST_PARTY_CLIENT, client, granted, may_redirect};
use crate::{
    access::Principal,
    clock,
    store::{Client, Code},
    wfe::{App, body::Fields, login::AuthSession, pages, problem::Problem},
};

/// How long a code may be used.
const CODE_SECONDS: u64 = 60;

/// An error that goes to the client, at an address that is verified.
struct Refusal {
    error: &'static str,
    description: &'static str,
}

const fn refuse(error: &'static str, description: &'static str) -> Refusal {
    Refusal { error, description }
}

/// `GET /oauth/authorize`.
pub(in crate::wfe) async fn ask(
    State(app): State<App>,
    auth: AuthSession,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let Ok(fields) = Fields::parse(query.as_bytes()) else {
        return Ok(stop("A parameter is given twice."));
    };
    let Some(client) = client(app.store(), fields.get("client_id").unwrap_or_default())? else {
        return Ok(stop("No application is registered under this client_id."));
    };
    // Until this is certain, nothing is sent anywhere: not even an error.
    let redirect_uri = match fields.get("redirect_uri") {
        Some(uri) if may_redirect(&client, uri) => uri,
        _ => return Ok(stop("The application has not registered this redirect_uri.")),
    };
    let answer = |pairs: &[(&str, &str)]| redirect(redirect_uri, pairs, fields.get("state"), app.tokens().issuer());
    let (challenge, scopes) = match examine(&client, &fields, &headers) {
        Ok(good) => good,
        Err(Refusal { error, description }) => {
            return Ok(answer(&[("error", error), ("error_description", description)]));
        }
    };
    let Some(user) = auth.user else {
        let next: String = form_urlencoded::byte_serialize(format!("/oauth/authorize?{query}").as_bytes()).collect();
        return Ok(Redirect::to(&format!("/login?next={next}")).into_response());
    };
    let code = new_code(&app, &client, user.principal, redirect_uri, challenge, scopes)?;
    Ok(answer(&[("code", &code)]))
}

/// The challenge and the scopes of a request that may be granted.
fn examine(client: &Client, fields: &Fields, headers: &HeaderMap) -> Result<(String, String), Refusal> {
    if fields.get("response_type") != Some("code") {
        return Err(refuse("unsupported_response_type", "response_type must be code"));
    }
    if client.principal.name != FIRST_PARTY_CLIENT {
        return Err(refuse("unauthorized_client", "the consent page comes with a later release"));
    }
    // RFC 8252 8.6: any program on the user's machine can claim to be this client and open a browser
    // here. Only the program that logged in itself, which is no browser, is served without consent.
    if headers.keys().any(|name| name.as_str().starts_with("sec-fetch-")) {
        return Err(refuse("unauthorized_client", "this client logs in by itself, not in a browser"));
    }
    if fields.get("code_challenge_method") != Some("S256") {
        return Err(refuse("invalid_request", "code_challenge_method must be S256"));
    }
    let challenge = fields.get("code_challenge").unwrap_or_default();
    if !URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|hash| hash.len() == 32) {
        return Err(refuse("invalid_request", "code_challenge must be a SHA-256 hash in base64url"));
    }
    let Some(scopes) = granted(client, fields.get("scope")) else {
        return Err(refuse("invalid_scope", "the application may not have this scope"));
    };
    Ok((challenge.to_owned(), scopes.to_string()))
}

fn new_code(
    app: &App,
    client: &Client,
    user: Principal,
    redirect_uri: &str,
    challenge: String,
    scopes: String,
) -> Result<String, Problem> {
    let code = URL_SAFE_NO_PAD.encode(clock::random_bytes::<32>());
    let meaning =
        Code { client_id: client.principal.name.clone(), user, redirect_uri: redirect_uri.into(), challenge, scopes };
    let now = clock::unix_seconds();
    app.store().add_code(&code, &meaning, now, now + CODE_SECONDS)?;
    Ok(code)
}

fn redirect(uri: &str, pairs: &[(&str, &str)], state: Option<&str>, issuer: &str) -> Response {
    let Ok(mut url) = Url::parse(uri) else {
        return stop("The redirect_uri is not a URL.");
    };
    url.query_pairs_mut()
        .extend_pairs(pairs)
        .extend_pairs(state.map(|state| ("state", state)))
        .append_pair("iss", issuer);
    ([(CACHE_CONTROL, "no-store")], Redirect::to(url.as_str())).into_response()
}

fn stop(text: &str) -> Response {
    pages::refusal(StatusCode::BAD_REQUEST, "This link does not work", text)
}
