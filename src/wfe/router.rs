//! All URLs, in one table.

use axum::{
    Router, middleware,
    routing::{get, post},
};
use http::{HeaderName, HeaderValue, header};
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};

use super::{
    App,
    ajax::{by_get, by_post},
    assets, body, editor, guides, health, legacy, login,
    oauth::{applications, authorize, client_request, consent, metadata, presented, token},
    openapi, organisation, pages, problem,
    problem::Problem,
    request_id, stream_door, tickets,
};
use crate::protocol::{ErrorCode, action::Action};

/// The whole front end as one service.
pub fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/", get(pages::home))
        .route("/assets/{name}", get(assets::serve))
        .route("/things", post(editor::create))
        .route("/things/{id}", get(editor::page))
        .route("/login", get(login::page).post(login::submit))
        .route("/logout", post(login::logout))
        .route("/account/applications", get(applications::page).post(applications::end))
        .route("/admin", get(organisation::page).post(organisation::approve))
        .route("/admin/now", get(organisation::follow))
        .route("/_ajax/scroll", by_get(Action::Scroll))
        .route("/_ajax/search", by_get(Action::Search))
        .route("/_ajax/select", by_post(Action::Select))
        .route("/_ajax/create", by_post(Action::Create))
        .route("/_ajax/edit", by_post(Action::Edit))
        .route("/_ajax/refresh", by_post(Action::Refresh))
        .route("/_ajax/rename", by_post(Action::Rename))
        .route("/_ajax/delete", by_post(Action::Delete))
        .route("/_ajax/restore", by_post(Action::Restore))
        .route("/_ajax/undo", by_post(Action::Undo))
        .route("/_ajax/redo", by_post(Action::Redo))
        .route("/_ajax/invite", by_post(Action::Invite))
        .route("/_ajax/uninvite", by_post(Action::Uninvite))
        .route("/_ajax/history", by_get(Action::History))
        .route("/_ajax/ticket", post(tickets::issue))
        .route("/api/1.0/things", get(legacy::list).post(legacy::create))
        .route("/api/1.0/things/{id}", get(legacy::show).put(legacy::replace).delete(legacy::delete))
        .route("/oauth/authorize", get(authorize::ask).post(consent::decide))
        .route("/_stream", get(stream_door::open))
        .route("/_stream/yjs/{thing}", get(stream_door::open_yjs))
        .route("/_stream/events", get(stream_door::open_events))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/openapi.json", get(openapi::openapi))
        .route("/asyncapi.json", get(openapi::asyncapi))
        .fallback(async || Problem::from(ErrorCode::NotFound))
        .method_not_allowed_fallback(async || Problem::from(ErrorCode::MethodNotAllowed));

    let read_whole = middleware::from_fn_with_state(app.clone(), body::read_whole);
    let from_any_page =
        SetResponseHeaderLayer::overriding(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let routes = routes
        .layer(login::layer(&app))
        .layer(read_whole.clone())
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(middleware::map_response(problem::complete));
    let for_applications = for_applications()
        .layer(read_whole)
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(middleware::map_response(client_request::complete))
        .layer(from_any_page);
    let mut wrapped = routes.merge(for_applications).merge(guides::routes(&app));
    for (name, value) in SECURITY_HEADERS {
        wrapped = wrapped.layer(SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value)));
    }
    wrapped.layer(middleware::from_fn_with_state(app.clone(), request_id::name)).with_state(app)
}

/// What applications ask by themselves. No cookie counts here, so a page of any site may ask and read the answer
/// (RFC 9700 2.6). Browsers send such requests without asking first whether they may.
fn for_applications() -> Router<App> {
    Router::new()
        .route("/oauth/token", post(token::issue))
        .route("/oauth/revoke", post(presented::revoke))
        .route("/oauth/introspect", post(presented::introspect))
        .route("/.well-known/oauth-authorization-server", get(metadata::server))
        .route("/.well-known/openid-configuration", get(metadata::server))
        .route("/.well-known/jwks.json", get(metadata::keys))
        .method_not_allowed_fallback(async || Problem::from(ErrorCode::MethodNotAllowed))
}

/// On every answer. `same-origin` and not `no-referrer`: with that, browsers hide the `Origin` of our own forms.
const SECURITY_HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_TEXT),
];

/// What our pages may do: run our own scripts, which talk to us alone; no frame.
pub(super) const CONTENT_SECURITY_POLICY_TEXT: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[cfg(test)]
#[path = "browser_tests.rs"]
mod browser_tests;
#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
