//! `POST /oauth/revoke` (RFC 7009) and `POST /oauth/introspect` (RFC 7662): ending a token, and asking about one.

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    client_request::{ClientRequest, Refusal, answer, refuse},
    external::{External, ExternalToken},
    refresh_token::RefreshToken,
    tokens::{TokenError, Verified},
};
use crate::{access::Caller, clock, store::Grant, wfe::App};

/// A token of a grant that has not ended.
enum Presented {
    Access(Verified),
    Refresh {
        grant: Grant,
        /// Whether it can be used; else it has been used, or has expired.
        good: bool,
    },
}

impl Presented {
    /// The hint of the request is not needed: the two kinds look different.
    fn find(app: &App, token: &str, now: u64) -> Result<Option<Self>, Refusal> {
        if let Some(refresh) = RefreshToken::read(token) {
            let found = app.store().grant_of_refresh(refresh.grant, refresh.hashes())?;
            return Ok(
                found.map(|(grant, is_present)| Self::Refresh { good: is_present && grant.refresh_until > now, grant })
            );
        }
        Ok(app.tokens().verify(token, now).ok().map(Self::Access))
    }

    fn grant(&self) -> Uuid {
        match self {
            Self::Access(token) => token.grant,
            Self::Refresh { grant, .. } => grant.id,
        }
    }

    fn client(&self) -> &str {
        match self {
            Self::Access(token) => &token.client_id,
            Self::Refresh { grant, .. } => &grant.client,
        }
    }
}

/// `POST /oauth/revoke`. Either token of a grant ends it, so that nothing is left of what a user ends.
pub(in crate::wfe) async fn revoke(State(app): State<App>, request: ClientRequest) -> Result<Response, Refusal> {
    let token = request.needed("token", "token is missing")?;
    if app.verifier().issuer_of(token).is_some() {
        return Err(refuse("unsupported_token_type", "the token is of another issuer; revoke it there"));
    }
    if let Some(presented) = Presented::find(&app, token, clock::unix_seconds())? {
        if presented.client() != request.client.principal.name {
            return Err(refuse("invalid_grant", "the token was issued to another client"));
        }
        if app.store().end_grant(presented.grant())? {
            request.note_end(&app, presented.grant(), "revoked");
        }
    }
    Ok(answer(StatusCode::OK, &json!({})))
}

/// `POST /oauth/introspect`: for clients with a secret, about tokens of their own organisation.
pub(in crate::wfe) async fn introspect(State(app): State<App>, request: ClientRequest) -> Result<Response, Refusal> {
    if request.client.secret_hash.is_none() {
        return Err(refuse("invalid_client", "only a client with a secret may ask about tokens"));
    }
    let token = request.needed("token", "token is missing")?;
    let told = match app.verifier().issuer_of(token) {
        Some(external) => describe_foreign(external, &request, external.verify(token).await)?,
        None => {
            let presented = Presented::find(&app, token, clock::unix_seconds())?;
            presented.and_then(|presented| describe(&app, &request, presented))
        }
    };
    Ok(answer(StatusCode::OK, &told.unwrap_or(json!({"active": false}))))
}

fn describe(app: &App, request: &ClientRequest, presented: Presented) -> Option<Value> {
    let asker = &request.client.principal;
    let issuer = app.tokens().issuer();
    match presented {
        Presented::Access(token) if token.principal.organisation == asker.organisation => Some(json!({
            "active": true,
            "token_type": "Bearer",
            "scope": token.scopes.to_string(),
            "client_id": token.client_id,
            "username": token.principal.name,
            "sub": token.principal.name,
            "organisation": token.principal.organisation,
            "iss": issuer,
            "aud": issuer,
            "iat": token.issued_at,
            "exp": token.expires_at,
            "jti": token.jti,
        })),
        // Nobody but its client has any business with a refresh token.
        Presented::Refresh { grant, good: true } if grant.client == asker.name => Some(json!({
            "active": true,
            "scope": grant.scopes,
            "client_id": grant.client,
            "username": grant.principal.name,
            "sub": grant.principal.name,
            "iss": issuer,
            "iat": grant.used_at,
            "exp": grant.refresh_until,
        })),
        _ => None,
    }
}

/// What is told of a token of the external issuer: as of our own, but for what is its issuer's affair.
fn describe_foreign(
    external: &External,
    request: &ClientRequest,
    verified: Result<ExternalToken, TokenError>,
) -> Result<Option<Value>, Refusal> {
    let token = match verified {
        Ok(token) => token,
        Err(TokenError::NoKeys { .. }) => {
            return Err(refuse(
                "server_error",
                "the keys of the token's issuer cannot be had at the moment; try again",
            ));
        }
        Err(TokenError::Store(error)) => return Err(error.into()),
        Err(_) => return Ok(None),
    };
    let Caller { principal, scopes, .. } = token.caller;
    if principal.organisation != request.client.principal.organisation {
        return Ok(None);
    }
    let mut told = json!({
        "active": true,
        "token_type": "Bearer",
        "scope": scopes.to_string(),
        "username": principal.name,
        "organisation": principal.organisation,
        "iss": external.issuer(),
        "aud": external.audience(),
        "iat": token.issued_at,
        "exp": token.expires_at,
    });
    for (name, value) in [("client_id", token.client), ("jti", token.id)] {
        if let Some(value) = value {
            told[name] = value.into();
        }
    }
    Ok(Some(told))
}
