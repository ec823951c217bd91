//! `POST /oauth/token`: codes, refresh tokens and client secrets for access tokens (RFC 6749 4.1.3, 4.4, 6).

use axum::{extract::State, response::Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    FIRST_PARTY_CLIENT,
    client_request::{ClientRequest, Refusal, answer, refuse},
    granted,
    refresh_token::RefreshToken,
};
use crate::{
    access::{Principal, Scopes},
    clock,
    store::{Code, FirstRefresh, FirstTokens, NewGrant, Redeemed, Turn, Turned},
    wfe::App,
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
    /// Gets the next access token; it is replaced with each use.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// What the client gets.
struct Issued {
    grant: Uuid,
    principal: Principal,
    scopes: Scopes,
    refresh: Option<RefreshToken>,
}

/// `POST /oauth/token`.
pub(in crate::wfe) async fn issue(State(app): State<App>, request: ClientRequest) -> Result<Response, Refusal> {
    let now = clock::unix_seconds();
    let issued = match request.fields.get("grant_type") {
        Some("authorization_code") => by_code(&app, &request, now)?,
        Some("refresh_token") => by_refresh_token(&app, &request, now)?,
        Some("client_credentials") => by_secret(&app, &request, now)?,
        Some(_) => {
            let known = "there are authorization_code, refresh_token and client_credentials";
            return Err(refuse("unsupported_grant_type", known));
        }
        None => return Err(refuse("invalid_request", "grant_type is missing")),
    };
    let Issued { grant, principal, scopes, refresh } = issued;
    let tokens = app.tokens();
    let body = TokenAnswer {
        access_token: tokens.issue(grant, &principal, &request.client.principal.name, scopes, now),
        token_type: "Bearer",
        expires_in: tokens.lifetime_seconds(),
        scope: scopes.to_string(),
        refresh_token: refresh.map(|refresh| refresh.text()),
    };
    Ok(answer(StatusCode::OK, &body))
}

fn by_secret(app: &App, request: &ClientRequest, now: u64) -> Result<Issued, Refusal> {
    let client = &request.client;
    if client.secret_hash.is_none() {
        return Err(refuse("unauthorized_client", "a public client cannot act for itself"));
    }
    let Some(scopes) = granted(client, request.fields.get("scope")) else {
        return Err(refuse("invalid_scope", "the client may not have this scope"));
    };
    let grant = NewGrant {
        id: clock::new_id(),
        principal: client.principal.clone(),
        client: client.principal.name.clone(),
        scopes: scopes.to_string(),
        first: FirstTokens { access_until: now + app.tokens().lifetime_seconds(), refresh: None },
    };
    app.store().add_grant(&grant, now)?;
    Ok(Issued { grant: grant.id, principal: grant.principal, scopes, refresh: None })
}

fn by_code(app: &App, request: &ClientRequest, now: u64) -> Result<Issued, Refusal> {
    let field = |name| request.needed(name, "code, redirect_uri and code_verifier are needed");
    let (code, redirect_uri, verifier) = (field("code")?, field("redirect_uri")?, field("code_verifier")?);
    let client = &request.client.principal.name;
    let mut refresh = None;
    // Used up by the first try, whatever comes of it: a code that was shown around is worth nothing.
    let redeemed = app.store().redeem_code(code, now, |code: &Code| {
        let bound = code.client_id == *client && code.redirect_uri == redirect_uri;
        (bound && proves(verifier, &code.challenge)).then(|| {
            // The built-in client logs in itself whenever it needs a token.
            refresh = (client != FIRST_PARTY_CLIENT).then(|| RefreshToken::new(code.grant));
            let first = refresh.as_ref().map(|token| first_refresh(app, token, now));
            FirstTokens { access_until: now + app.tokens().lifetime_seconds(), refresh: first }
        })
    })?;
    match redeemed {
        Redeemed::Granted(code) => {
            let scopes = Scopes::parse(&code.scopes).unwrap_or_default();
            Ok(Issued { grant: code.grant, principal: code.user, scopes, refresh })
        }
        Redeemed::Reused(ended) => {
            ended.into_iter().for_each(|grant| request.note_end(app, grant, "code_used_twice"));
            Err(BAD_CODE)
        }
        Redeemed::Refused | Redeemed::Unknown => Err(BAD_CODE),
    }
}

const BAD_CODE: Refusal =
    refuse("invalid_grant", "the code is unknown, used, expired, or does not belong to this request");
const BAD_REFRESH_TOKEN: Refusal =
    refuse("invalid_grant", "the refresh token is unknown, used, expired, ended, or of another client");

fn first_refresh(app: &App, token: &RefreshToken, now: u64) -> FirstRefresh {
    let config = &app.config().oauth;
    FirstRefresh {
        hashes: token.hashes(),
        until: now + config.refresh_token_idle_seconds,
        until_at_most: now + config.refresh_token_seconds,
    }
}

/// RFC 9700 4.14: each use replaces the token, and a second use of the same one ends the grant. There is no
/// time of grace: a client that missed the answer sends its user here again, and consent is remembered.
fn by_refresh_token(app: &App, request: &ClientRequest, now: u64) -> Result<Issued, Refusal> {
    let presented = request.needed("refresh_token", "refresh_token is missing")?;
    let presented = RefreshToken::read(presented).ok_or(BAD_REFRESH_TOKEN)?;
    let next = presented.next();
    let client = &request.client;
    let allowed = Scopes::parse(&client.scopes).unwrap_or_default();
    let mut scopes = Scopes::default();
    let turn = Turn {
        grant: presented.grant,
        presented: presented.hashes(),
        client: &client.principal.name,
        next: next.hashes().turn,
        idle_seconds: app.config().oauth.refresh_token_idle_seconds,
        access_until: now + app.tokens().lifetime_seconds(),
    };
    let turned = app.store().turn_refresh(&turn, now, |grant| {
        // What the client may have may be less by now.
        let kept = Scopes::parse(&grant.scopes).unwrap_or_default().within(allowed);
        scopes = request.fields.get("scope").map_or(Some(kept), Scopes::parse).unwrap_or_default();
        if kept.include(scopes) && !scopes.is_empty() {
            return Ok(());
        }
        Err(refuse("invalid_scope", "a refresh cannot give more than its user has allowed"))
    })?;
    match turned {
        Turned::Done(grant) => Ok(Issued { grant: grant.id, principal: grant.principal, scopes, refresh: Some(next) }),
        Turned::Refused(refusal) => Err(refusal),
        Turned::Reused => {
            request.note_end(app, presented.grant, "refresh_token_used_twice");
            Err(BAD_REFRESH_TOKEN)
        }
        Turned::Unknown => Err(BAD_REFRESH_TOKEN),
    }
}

/// PKCE: whether the verifier is the one that the challenge was made of.
fn proves(verifier: &str, challenge: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(allowed)
        && bool::from(hash.as_bytes().ct_eq(challenge.as_bytes()))
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
}
