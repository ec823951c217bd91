//! Login with name and password: by form for people, by JSON for programs; logout; the login cookie.

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use axum_login::{AuthManagerLayer, AuthManagerLayerBuilder};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};
use utoipa::ToSchema;

use super::{
    App,
    body::{self, Fields},
    oauth::authorize,
    pages,
    peer::ClientAddress,
    problem::{Problem, json_answer},
    sign_in::{Credentials, LoggedIn, SignIn},
};
use crate::{
    access::Principal,
    clock,
    protocol::{ErrorBody, ErrorCode},
    store::{
        Store,
        audit::{Entry, Event},
        login_hash,
    },
};

/// The login that a request came with.
pub(super) type AuthSession = axum_login::AuthSession<SignIn>;

/// Where a login keeps when it ends, seconds since 1970.
const EXPIRES_AT: &str = "expires_at";

/// The layer that reads and writes the login cookie.
pub(super) fn layer(app: &App) -> AuthManagerLayer<SignIn, Store> {
    let secure = app.site().secure_cookies;
    let sessions = SessionManagerLayer::new(app.store().clone())
        .with_name(cookie_name(secure))
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/");
    AuthManagerLayerBuilder::new(app.sign_in().clone(), sessions).build()
}

/// `__Host-` makes browsers refuse a cookie that another host of the domain has set; it demands HTTPS.
fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-widgetapp" } else { "widgetapp" }
}

/// When the login ends, seconds since 1970.
pub(super) async fn expires_at(auth: &AuthSession) -> u64 {
    auth.session.get(EXPIRES_AT).await.ok().flatten().unwrap_or(0)
}

/// What the store keeps of the login's id.
pub(super) fn kept_id(auth: &AuthSession) -> Option<Vec<u8>> {
    auth.session.id().map(|id| login_hash(&id))
}

/// `GET /login`.
pub(super) async fn page(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let query = Fields::parse(query.unwrap_or_default().as_bytes()).ok();
    let next = query.as_ref().and_then(|query| query.get("next"));
    let next = next.map_or("/", local_path);
    pages::login(next, None, authorize::destination_of(&app, next).as_deref())
}

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginForm {
    /// The user's name.
    username: String,
    /// The user's password.
    password: String,
    /// The path of the page to go on to.
    #[serde(default)]
    next: Option<String>,
}

/// Who has logged in, and what comes next.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginAnswer<'a> {
    /// The user's name.
    user: &'a str,
    /// The organisation that the user belongs to.
    organisation: &'a str,
    /// The path of the page to go on to; only pages of this server.
    next: String,
}

/// `POST /login`: a form answers with a page, JSON with JSON.
pub(super) async fn submit(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    mut auth: AuthSession,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    app.site().refuse_other_sites(&headers)?;
    let by_form = body::is_type(&headers, "application/x-www-form-urlencoded");
    let form = if by_form { read_form(&body)? } else { body::json(&headers, &body)? };
    let next = form.next.as_deref().map_or("/", local_path).to_owned();
    let credentials = Credentials { name: form.username, password: form.password, address };
    let checked = app.sign_in().check(&credentials).await;
    app.note_login(&credentials, checked.as_ref());
    let user = match checked.map_err(Problem::from) {
        Err(problem) if by_form => {
            let destination = authorize::destination_of(&app, &next);
            return Ok(pages::login(&next, Some(&problem), destination.as_deref()));
        }
        checked => checked?,
    };
    if let Err(problem) = begin(&app, &mut auth, &user).await {
        let destination = authorize::destination_of(&app, &next);
        return if by_form { Ok(pages::login(&next, Some(&problem), destination.as_deref())) } else { Err(problem) };
    }
    Ok(if by_form {
        Redirect::to(&next).into_response()
    } else {
        let Principal { name, organisation, .. } = &user.principal;
        json_answer(StatusCode::OK, LoginAnswer { user: name, organisation, next })
    })
}

/// Lets the user in, once that is stored. The store tells the log why if it cannot be.
async fn begin(app: &App, auth: &mut AuthSession, user: &LoggedIn) -> Result<(), Problem> {
    let failed = |_| Problem::from(ErrorBody::cannot_store());
    if auth.user.is_some() {
        // axum-login renews the id of a session only when nobody was logged in before.
        auth.session.cycle_id().await.map_err(failed)?;
    }
    auth.login(user).await.map_err(|_| ErrorBody::cannot_store())?;
    let expires_at = clock::unix_seconds() + app.config().http.login_seconds;
    auth.session.insert(EXPIRES_AT, expires_at).await.map_err(failed)?;
    let date = OffsetDateTime::from_unix_timestamp(i64::try_from(expires_at).unwrap_or(i64::MAX));
    auth.session.set_expiry(date.ok().map(Expiry::AtDateTime));
    // The layer would do it behind the answer, and put an empty one in its place if it fails.
    auth.session.save().await.map_err(failed)
}

/// `POST /logout`.
pub(super) async fn logout(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    mut auth: AuthSession,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.site().refuse_other_sites(&headers)?;
    if let Some(user) = &auth.user {
        let Principal { name, .. } = &user.principal;
        app.audit().note(Entry { address: Some(address), ..Entry::of(&user.principal, Event::LoggedOut, name) });
    }
    auth.logout().await.map_err(|_| ErrorBody::cannot_store())?;
    Ok(Redirect::to("/login").into_response())
}

fn read_form(body: &[u8]) -> Result<LoginForm, Problem> {
    let fields = Fields::parse(body)?;
    let field = |name: &str| {
        let text = fields.get(name).map(str::to_owned);
        text.ok_or_else(|| Problem::new(ErrorCode::BadRequest, format!("\"{name}\" is missing")))
    };
    let next = fields.get("next").map(str::to_owned);
    Ok(LoginForm { username: field("username")?, password: field("password")?, next })
}

/// The path if it leads to a page of ours, else the home page. Browsers read `\` as `/`, and drop
/// tabs and line ends, so that `//evil`, `/\evil` and `/<tab>/evil` all lead elsewhere.
fn local_path(next: &str) -> &str {
    let rest = next.strip_prefix('/');
    let local =
        rest.is_some_and(|rest| !rest.starts_with(['/', '\\'])) && next.bytes().all(|byte| byte.is_ascii_graphic());
    if local && !next.contains('\\') { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_leads_nowhere_else() {
        for good in ["/", "/oauth/authorize?client_id=a&state=%2F", "/a//b"] {
            assert_eq!(local_path(good), good);
        }
        for evil in
            ["//evil", "/\\evil", "https:evil", "https://evil", "evil", "", "/\t/evil", "/\n/evil", "/é", "\\/evil"]
        {
            assert_eq!(local_path(evil), "/", "{evil:?}");
        }
    }
}
