//! The page on which people see which applications work for them, and end that.

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};

use super::{
    FIRST_PARTY_CLIENT, FIRST_PARTY_NAME,
    consent::{in_plain_words, named},
};
use crate::{
    clock,
    protocol::ErrorCode,
    store::{
        Application,
        audit::{Entry, Event},
    },
    wfe::{App, body::Fields, login::AuthSession, pages, peer::ClientAddress, problem::Problem},
};

/// Where the page is.
pub(in crate::wfe) const PATH: &str = "/account/applications";

/// `GET /account/applications`.
pub(in crate::wfe) async fn page(State(app): State<App>, auth: AuthSession) -> Result<Response, Problem> {
    let Some(user) = auth.user.map(|user| user.principal) else {
        return Ok(log_in_first());
    };
    let applications = app.store().applications(&user, clock::unix_seconds())?;
    let content = html! {
        h1 { "Applications that work for you" }
        @if applications.is_empty() {
            p { "You have not allowed any application to work as you." }
        } @else {
            p { "What you end here ends at once. The application can come back only if you allow it again." }
            @for application in &applications { (section(application)) }
        }
    };
    Ok(pages::page(StatusCode::OK, "Applications", Some(&user), &content))
}

fn section(application: &Application) -> Markup {
    let id = &application.client;
    let built_in = (id == FIRST_PARTY_CLIENT).then_some(FIRST_PARTY_NAME);
    let shown = application.display_name.as_deref().or(built_in).unwrap_or(id);
    html! {
        section aria-label=(shown) {
            h2 { (named(shown, id)) }
            p { "It may, in your name:" }
            (in_plain_words(application.scopes))
            p {
                @if let (Some(since), Some(used)) = (application.since, application.used_at) {
                    "At work since " (pages::date(since * 1000)) ", last let in " (pages::date(used * 1000)) "."
                } @else {
                    "It is not at work now, and can begin again without asking you."
                }
            }
            form method="post" action=(PATH) {
                input type="hidden" name="client" value=(id);
                button type="submit" aria-label={ "End " (shown) } { "End" }
            }
        }
    }
}

/// `POST /account/applications`: a button of the page.
pub(in crate::wfe) async fn end(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    auth: AuthSession,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    app.site().demand_own_form(&headers)?;
    let Some(user) = auth.user.map(|user| user.principal) else {
        return Ok(log_in_first());
    };
    let form = Fields::parse(&body)?;
    let client = form.get("client").ok_or_else(|| Problem::new(ErrorCode::BadRequest, "\"client\" is missing"))?;
    if app.store().end_application(&user, client)? {
        app.audit().note(Entry { address: Some(address), ..Entry::of(&user, Event::ConsentWithdrawn, client) });
    }
    Ok(Redirect::to(PATH).into_response())
}

fn log_in_first() -> Response {
    Redirect::to(&format!("/login?next={PATH}")).into_response()
}
