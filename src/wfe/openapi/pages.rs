//! Login, logout and the pages for people.

use serde_json::json;
use utoipa::ToSchema;

use super::{
    endpoint::{By, Endpoint},
    tag,
};
use crate::{
    protocol::{
        ErrorCode as E,
        schemas::{self, Schemas},
    },
    wfe::{
        login::{LoginAnswer, LoginForm},
        oauth::applications,
    },
};

/// The button of an application.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the field of a form")]
struct EndApplication {
    /// The application's id.
    client: String,
}

pub(super) fn all() -> Vec<Endpoint> {
    vec![home(), style(), login_page(), log_in(), log_out(), applications(), end_application()]
}

fn page(method: &'static str, path: &'static str, id: &str) -> Endpoint {
    Endpoint::new(method, path, id, tag::PAGES)
}

fn home() -> Endpoint {
    page("get", "/", "home")
        .says("Home page", "The Things that the user may see, or those that a search finds.")
        .by(&[By::Cookie])
        .query("q", false, "What to look for.")
        .query("cursor", false, "Where the page before ended.")
        .answers_page(200, "The page.")
        .answers_bare(303, "Nobody is logged in.")
        .with_header(303, "Location", "`/login`.")
        .refuses(&[E::BadRequest])
}

fn style() -> Endpoint {
    page("get", "/assets/widgetapp.css", "style").says("Style", "How the pages look.").by(&[By::Nobody]).answers_with(
        200,
        "The style sheet.",
        "text/css; charset=utf-8",
        json!({"type": "string"}),
    )
}

fn login_page() -> Endpoint {
    page("get", "/login", "login_page")
        .says("Login page", "The form for name and password.")
        .by(&[By::Nobody])
        .query("next", false, "The path of the page to go on to.")
        .answers_page(200, "The page.")
}

fn log_in() -> Endpoint {
    let form = schemas::reference::<LoginForm>();
    page("post", "/login", "log_in")
        .says(
            "Log in",
            "Takes name and password and sets the login cookie. A form is answered with a page, JSON with JSON.",
        )
        .by(&[By::Nobody])
        .uses(Schemas::taken::<LoginForm>)
        .takes_either(&[("application/json", form.clone()), ("application/x-www-form-urlencoded", form)])
        .answers::<LoginAnswer<'_>>(200, "Logged in, by JSON.")
        .with_header(200, "Set-Cookie", "The login cookie.")
        .answers_bare(303, "Logged in, by form.")
        .with_header(303, "Set-Cookie", "The login cookie.")
        .with_header(303, "Location", "The page to go on to.")
        .answers_page(401, "The form again: the name or the password is wrong.")
        .answers_page(429, "The form again: too many wrong passwords; `Retry-After` says how long to wait.")
        .answers_page(503, "The form again: too many logins at once; `Retry-After` says how long to wait.")
        .refuses(&[E::WrongCredentials, E::OriginNotAllowed, E::UnsupportedMediaType])
        .refuses(&[E::TooManyRequests, E::Unavailable])
}

fn log_out() -> Endpoint {
    page("post", "/logout", "log_out")
        .says("Log out", "Ends the login on the server.")
        .by(&[By::Cookie, By::Nobody])
        .answers_bare(303, "Logged out.")
        .with_header(303, "Location", "`/login`.")
        .refuses(&[E::OriginNotAllowed])
}

fn applications() -> Endpoint {
    page("get", applications::PATH, "applications")
        .says("Applications", "The applications that the user has allowed to work for them.")
        .by(&[By::Cookie])
        .answers_page(200, "The page.")
        .answers_bare(303, "Nobody is logged in.")
        .with_header(303, "Location", "`/login`.")
}

fn end_application() -> Endpoint {
    let form = ("application/x-www-form-urlencoded", schemas::reference::<EndApplication>());
    page("post", applications::PATH, "end_application")
        .says(
            "End an application",
            "Ends all that the user has allowed an application, and the streams opened with it.",
        )
        .by(&[By::Cookie])
        .uses(Schemas::taken::<EndApplication>)
        .takes_either(&[form])
        .answers_bare(303, "It has ended, or nobody is logged in.")
        .with_header(303, "Location", "The page again, or `/login`.")
        .refuses(&[E::OriginNotAllowed, E::UnsupportedMediaType])
}
