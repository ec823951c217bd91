//! The pages for people: login and home, and what all pages have in common. They work without a script.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
};
use maud::{DOCTYPE, Markup, html};

use super::{
    App, body::Fields, caller, login::AuthSession, oauth::applications, organisation, problem::Problem,
    router::CONTENT_SECURITY_POLICY_TEXT,
};
use crate::{
    access::{self, Principal},
    protocol::{
        action::Things,
        limits::{MAX_QUERY_CHARS, MAX_TITLE_CHARS, PAGE_THINGS},
    },
    store::Cursor,
};

/// Lets the forms of a page lead beyond our own pages in the end. Browsers hold `form-action` also against
/// the redirects that follow.
pub(super) fn leading_to(mut page: Response, destination: Option<&str>) -> Response {
    let policy = destination.map(|destination| {
        CONTENT_SECURITY_POLICY_TEXT.replace("form-action 'self'", &format!("form-action 'self' {destination}"))
    });
    if let Some(policy) = policy.and_then(|policy| HeaderValue::from_str(&policy).ok()) {
        page.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    page
}

/// The login form; after a try that failed with a word on that. `destination` as in [`leading_to`].
pub(super) fn login(next: &str, refusal: Option<&Problem>, destination: Option<&str>) -> Response {
    let said = refusal.map(Problem::message);
    let content = html! {
        h1 { "Log in" }
        @if let Some(said) = said {
            p #refusal .refusal role="alert" { "Sorry, " (said) "." }
        }
        form method="post" action="/login" {
            input type="hidden" name="next" value=(next);
            label for="username" { "Name" }
            input #username name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus
                aria-describedby=[said.map(|_| "refusal")];
            label for="password" { "Password" }
            input #password type="password" name="password" autocomplete="current-password" required
                aria-describedby=[said.map(|_| "refusal")];
            button type="submit" { "Log in" }
        }
    };
    let mut page = page(StatusCode::OK, "Log in", None, &content);
    refusal.into_iter().for_each(|problem| problem.mark(&mut page));
    leading_to(page, destination)
}

/// `GET /`: the user's Things, or those that a search finds.
pub(super) async fn home(
    State(app): State<App>,
    auth: AuthSession,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (Some(caller), Some(user)) = (caller::logged_in(&auth), auth.user) else {
        return Ok(Redirect::to("/login").into_response());
    };
    let live = access::may_stream(app.store(), &caller).is_ok();
    let query = Fields::parse(query.unwrap_or_default().as_bytes())?;
    let sought = query.get("q");
    let things = match sought {
        Some(text) => app.store().search(&user.principal, text, PAGE_THINGS)?,
        None => app.store().feed(&user.principal, query.get("cursor").and_then(Cursor::read), PAGE_THINGS)?,
    };
    let administers = access::may_administer(app.store(), &Arc::new(caller)).is_ok();
    let content = html! {
        h1 { "Things" }
        @if administers { p { a href=(organisation::PATH) { "Administration" } } }
        form #create method="post" action="/things" .row {
            label for="new-title" { "New Thing" }
            input #new-title name="title" maxlength=(MAX_TITLE_CHARS) autocomplete="off";
            button type="submit" { "Create" }
        }
        form method="get" action="/" role="search" .row {
            label for="q" { "Search" }
            input #q type="search" name="q" maxlength=(MAX_QUERY_CHARS) value=(sought.unwrap_or_default());
            button type="submit" { "Search" }
        }
        p #news role="status" {}
        div #home data-live=(live) { (list(&things, sought)) }
        script type="module" src="/assets/home.js" {}
    };
    Ok(page(StatusCode::OK, "Things", Some(&user.principal), &content))
}

fn list(things: &Things, sought: Option<&str>) -> Markup {
    html! {
        p #said role="status" {
            @if things.things.is_empty() {
                @if sought.is_some() { "Nothing of yours has such a title." } @else { "Nothing is shared with you yet." }
            }
        }
        table #things {
            thead { tr { th scope="col" { "Title" } th scope="col" { "Your role" } th scope="col" { "Last change" } } }
            tbody {
                @for thing in &things.things {
                    tr {
                        th scope="row" { a href={ "/things/" (thing.thing) } { (thing.title) } }
                        td { (thing.role) }
                        td { (date(thing.changed_at)) }
                    }
                }
            }
        }
        @let older = things.next.as_ref().map(|next| format!("/?cursor={next}"));
        p #more data-cursor=[&things.next] hidden[older.is_none()] {
            a href=[older] rel="next" { "Older Things" }
        }
    }
}

/// A page that tells why something cannot be done.
pub(super) fn refusal(status: StatusCode, title: &str, text: &str) -> Response {
    page(status, title, None, &html! { h1 { (title) } p { (text) } })
}

pub(super) fn page(status: StatusCode, title: &str, user: Option<&Principal>, content: &Markup) -> Response {
    let heading = html! {
        a href="/" { "WidgetApp" }
        @if let Some(user) = user {
            nav { a href=(applications::PATH) { "Applications" } }
            form method="post" action="/logout" .row {
                span { (user.name) " (" (user.organisation) ")" }
                button type="submit" { "Log out" }
            }
        }
    };
    (status, whole(title, "page", &heading, &html! { main { (content) } })).into_response()
}

/// A page that takes the whole window.
pub(super) fn full(title: &str, heading: &Markup, content: &Markup) -> Response {
    whole(title, "editor", heading, content).into_response()
}

fn whole(title: &str, kind: &str, heading: &Markup, content: &Markup) -> impl IntoResponse + use<> {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " - WidgetApp" }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/widgetapp.css";
            }
            body class=(kind) {
                header { (heading) }
                (content)
            }
        }
    };
    ([(CACHE_CONTROL, "no-store")], markup)
}

pub(super) fn date(at_ms: u64) -> Markup {
    let time = i64::try_from(at_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    html! {
        @if let Some(time) = time {
            time datetime=(time) { (time.strftime("%Y-%m-%d %H:%M UTC")) }
        }
    }
}
