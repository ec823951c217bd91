//! Who calls an `_ajax/` endpoint or the old API: a login cookie, an access token, a name and password.

use std::sync::Arc;

use axum::http::request::Parts;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, header::AUTHORIZATION};
use oauth2::url::form_urlencoded;

use super::{
    App,
    login::{self, AuthSession},
    peer::ClientAddress,
    problem::Problem,
    sign_in::Credentials,
};
use crate::{
    access::{self, Caller, Door, Permit, Proof, Scopes},
    protocol::{ErrorCode, action::Action},
};

/// Names under which tokens are put into URLs.
const TOKENS_IN_URL: [&str; 4] = ["access_token", "token", "bearer_token", "ticket"];

/// The caller of a user action: an access token, else the login cookie.
///
/// `changes`, or tells others: then the request must not come from another site's page.
pub(super) async fn of_action(
    app: &App,
    auth: &AuthSession,
    headers: &HeaderMap,
    query: &str,
    changes: bool,
) -> Result<Arc<Caller>, Problem> {
    refuse_token_in_url(query)?;
    if let Some(token) = bearer(headers)? {
        let verified = app.verifier().verify(token).await?;
        return Ok(Arc::new(verified.caller()));
    }
    of_cookie(app, auth, headers, changes)
}

/// Leave to do this, by what is on record now.
pub(super) fn permit(app: &App, caller: &Arc<Caller>, action: Action, thing: Option<&str>) -> Result<Permit, Problem> {
    access::decide(app.store(), caller, Door::Http, action, thing).map_err(|error| {
        let lacks_scope = error.code == ErrorCode::InsufficientScope.number();
        let problem = Problem::from(error);
        if !lacks_scope {
            return problem;
        }
        let scope = access::needed_scope(action).name();
        problem.challenge(&format!(r#"Bearer error="insufficient_scope", scope="{scope}""#))
    })
}

/// The caller of the old API: name and password (HTTP Basic), else the login cookie.
pub(super) async fn of_old_api(
    app: &App,
    auth: &AuthSession,
    parts: &Parts,
    address: ClientAddress,
    changes: bool,
) -> Result<Arc<Caller>, Problem> {
    const CHALLENGE: &str = r#"Basic realm="WidgetApp", charset="UTF-8""#;
    refuse_token_in_url(parts.uri.query().unwrap_or_default())?;
    if changes {
        // Browsers send remembered Basic credentials along, as they do cookies.
        app.site().refuse_other_sites(&parts.headers)?;
    }
    let Some((name, password)) = basic(&parts.headers) else {
        return of_cookie(app, auth, &parts.headers, changes).map_err(|problem| problem.challenge(CHALLENGE));
    };
    let credentials = Credentials { name, password, address: address.0 };
    let checked = app.sign_in().check(&credentials).await;
    if checked.is_err() {
        app.note_login(&credentials, checked.as_ref());
    }
    match checked {
        Ok(user) => Ok(Arc::new(Caller::this_once(user.principal))),
        Err(refused) => Err(Problem::from(refused).challenge(CHALLENGE)),
    }
}

/// Whether a field of a URL is one of those in which programs put tokens.
pub(super) fn names_token(field: &str) -> bool {
    TOKENS_IN_URL.iter().any(|name| name.eq_ignore_ascii_case(field))
}

/// Logs would keep it (RFC 9700 2.3). Also beside another: one of them would be the wrong one (RFC 6750 2).
fn refuse_token_in_url(query: &str) -> Result<(), Problem> {
    match form_urlencoded::parse(query.as_bytes()).any(|(name, _)| names_token(&name)) {
        true => Err(ErrorCode::TokenInUrl.into()),
        false => Ok(()),
    }
}

fn of_cookie(app: &App, auth: &AuthSession, headers: &HeaderMap, changes: bool) -> Result<Arc<Caller>, Problem> {
    let caller = logged_in(auth).ok_or(ErrorCode::NotLoggedIn)?;
    if changes {
        app.site().refuse_other_sites(headers)?;
    }
    Ok(Arc::new(caller))
}

/// Whoever is logged in with the cookie.
pub(super) fn logged_in(auth: &AuthSession) -> Option<Caller> {
    let user = auth.user.as_ref()?;
    let proof = Proof::Login(login::kept_id(auth)?);
    Some(Caller { principal: user.principal.clone(), proof, scopes: Scopes::ALL })
}

/// The token of `Authorization: Bearer`, if that is how the request comes.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    Ok(authorization(headers)?.and_then(|(scheme, rest)| scheme.eq_ignore_ascii_case("bearer").then_some(rest)))
}

/// Name and password of `Authorization: Basic`, if that is how the request comes.
pub(super) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, rest) = authorization(headers).ok().flatten()?;
    let decoded = STANDARD.decode(scheme.eq_ignore_ascii_case("basic").then_some(rest)?).ok()?;
    let (name, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// Scheme and the rest of the one `Authorization` header.
fn authorization(headers: &HeaderMap) -> Result<Option<(&str, &str)>, Problem> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        return match headers.contains_key(AUTHORIZATION) {
            true => Err(Problem::new(ErrorCode::BadRequest, "\"Authorization\" is given twice")),
            false => Ok(None),
        };
    };
    let text =
        value.to_str().map_err(|_| Problem::new(ErrorCode::BadRequest, "\"Authorization\" is not plain text"))?;
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    Ok(Some((scheme, rest.trim())))
}
