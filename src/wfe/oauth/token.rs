//! `POST /oauth/token`: codes and client secrets for access tokens (RFC 6749 4.1.3, 4.4).

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{AUTHORIZATION, PRAGMA, WWW_AUTHENTICATE},
};
use oauth2::url::form_urlencoded;
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::{client, granted, secret_hash};
use crate::{
    access::{Principal, Scopes},
    clock,
    store::{Client, StoreError},
    wfe::{
        App,
        body::{self, Fields},
        caller,
        problem::json_answer,
    },
};

/// A new access token (RFC 6749 5.1).
#[derive(Serialize, ToSchema)]
pub(in crate::wfe) struct TokenAnswer {
    /// The access token, a JWT (RFC 9068). It is for the server; clients need not look into it.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// How long it is valid, in seconds.
    expires_in: u64,
    /// The scopes that it has, with spaces between.
    scope: String,
}

/// Why there is no token (RFC 6749 5.2).
#[derive(Serialize, ToSchema)]
pub(in crate::wfe) struct TokenError {
    /// The kind of error, as RFC 6749 names it.
    error: &'static str,
    /// What was wrong, for people.
    error_description: &'static str,
}

/// An error on its way to the client.
struct Refusal {
    error: &'static str,
    description: &'static str,
    /// Whether the client tried HTTP Basic, and must be answered in kind.
    basic: bool,
}

const fn refuse(error: &'static str, description: &'static str) -> Refusal {
    Refusal { error, description, basic: false }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed at a token request");
        refuse("server_error", "the server failed at this request; it is safe to try again")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self.error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut response = answer(status, &TokenError { error: self.error, error_description: self.description });
        if self.basic {
            let challenge = HeaderValue::from_static(r#"Basic realm="WidgetApp", charset="UTF-8""#);
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// `POST /oauth/token`.
pub(in crate::wfe) async fn issue(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    match respond(&app, &headers, &body) {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

fn respond(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    if !body::is_type(headers, "application/x-www-form-urlencoded") {
        return Err(refuse("invalid_request", "send the parameters as application/x-www-form-urlencoded"));
    }
    let fields = Fields::parse(body).map_err(|_| refuse("invalid_request", "a parameter is given twice"))?;
    let client = authenticate(app, headers, &fields)?;
    let (principal, scopes) = match fields.get("grant_type") {
        Some("authorization_code") => by_code(app, &client, &fields)?,
        Some("client_credentials") => by_secret(&client, &fields)?,
        Some(_) => {
            return Err(refuse("unsupported_grant_type", "there are authorization_code and client_credentials"));
        }
        None => return Err(refuse("invalid_request", "grant_type is missing")),
    };
    let tokens = app.tokens();
    let token = tokens.issue(&principal, &client.principal.name, scopes, clock::unix_seconds());
    Ok(answer(
        StatusCode::OK,
        &TokenAnswer {
            access_token: token,
            token_type: "Bearer",
            expires_in: tokens.lifetime_seconds(),
            scope: scopes.to_string(),
        },
    ))
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

fn by_secret(client: &Client, fields: &Fields) -> Result<(Principal, Scopes), Refusal> {
    if client.secret_hash.is_none() {
        return Err(refuse("unauthorized_client", "a public client cannot act for itself"));
    }
    let Some(scopes) = granted(client, fields.get("scope")) else {
        return Err(refuse("invalid_scope", "the client may not have this scope"));
    };
    Ok((client.principal.clone(), scopes))
}

fn by_code(app: &App, client: &Client, fields: &Fields) -> Result<(Principal, Scopes), Refusal> {
    let field =
        |name| fields.get(name).ok_or(refuse("invalid_request", "code, redirect_uri and code_verifier are needed"));
    let (code, redirect_uri, verifier) = (field("code")?, field("redirect_uri")?, field("code_verifier")?);
    // Used up by the first try, whatever comes of it: a code that was shown around is worth nothing.
    let code = app.store().redeem_code(code, clock::unix_seconds())?;
    let wrong = refuse("invalid_grant", "the code is unknown, used, expired, or does not belong to this request");
    let Some(code) = code else { return Err(wrong) };
    let bound = code.client_id == client.principal.name && code.redirect_uri == redirect_uri;
    let active = app.store().is_active(&code.user)?;
    if !bound || !active || !proves(verifier, &code.challenge) {
        return Err(wrong);
    }
    Ok((code.user, Scopes::parse(&code.scopes).unwrap_or_default()))
}

/// PKCE: whether the verifier is the one that the challenge was made of.
fn proves(verifier: &str, challenge: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(allowed)
        && bool::from(hash.as_bytes().ct_eq(challenge.as_bytes()))
}

/// RFC 6749 2.3.1: id and secret are form-encoded before they go into the header.
fn form_decoded(text: &str) -> String {
    // A lone `&` or `=` belongs to the text of clients that do not encode.
    let text = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(text.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned())
}

fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = json_answer(status, body);
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_of_rfc_7636_proves_its_challenge() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(proves("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge));
        assert!(!proves("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", challenge));
        assert!(!proves(challenge, challenge), "the plain method");
        assert!(!proves("short", &URL_SAFE_NO_PAD.encode(Sha256::digest("short"))));
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        assert_eq!(form_decoded("a%20b+c%3A%25"), "a b c:%");
        assert_eq!(form_decoded("a=b&c"), "a=b&c");
        assert_eq!(form_decoded(""), "");
    }
}
