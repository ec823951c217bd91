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
        organisation,
    },
};

/// The button of an application.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the field of a form")]
struct EndApplication {
    /// The application's id.
    client: String,
}

/// A button of the groups.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the fields of a form")]
struct ApproveGroup {
    /// The group's name.
    group: String,
    /// `true` or `false`.
    approved: String,
}

pub(super) fn all() -> Vec<Endpoint> {
    vec![
        home(),
        create_thing(),
        thing_page(),
        asset(),
        login_page(),
        log_in(),
        log_out(),
        applications(),
        end_application(),
        organisation(),
        approve_group(),
        organisation_now(),
    ]
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

fn asset() -> Endpoint {
    let name = json!({"name": "name", "in": "path", "required": true, "description": "The name of the file.",
        "schema": {"type": "string"}});
    page("get", "/assets/{name}", "asset")
        .says("What pages load", "A style or a script. It may be kept, and asked for anew with its `ETag`.")
        .by(&[By::Nobody])
        .parameter(name)
        .answers_with(200, "The file.", "text/css; charset=utf-8", json!({"type": "string"}))
        .answers_with(200, "The file.", "text/javascript; charset=utf-8", json!({"type": "string"}))
        .answers_with(200, "The file.", "image/svg+xml", json!({"type": "string"}))
        .with_header(200, "ETag", "Another one for another edition.")
        .answers_bare(304, "The edition of `If-None-Match` is still the one.")
        .refuses(&[E::NotFound])
}

fn create_thing() -> Endpoint {
    let form = json!({"type": "object", "properties": {"title": {"type": "string"}}});
    page("post", "/things", "create_thing_by_form")
        .says("Create a Thing by form", "What the form of the home page does where there is no script.")
        .by(&[By::Cookie])
        .takes_either(&[("application/x-www-form-urlencoded", form)])
        .answers_bare(303, "The Thing is there.")
        .with_header(303, "Location", "Its page.")
        .refuses(&[E::NotLoggedIn, E::OriginNotAllowed, E::BadRequest, E::InvalidAction])
        .refuses(&[E::NotDurable, E::Unavailable])
}

fn thing_page() -> Endpoint {
    let id = json!({"name": "id", "in": "path", "required": true, "description": "The id of the Thing.",
        "schema": {"type": "string", "format": "uuid"}});
    page("get", "/things/{id}", "thing_page")
        .says("Page of a Thing", "The editor.")
        .by(&[By::Cookie])
        .parameter(id)
        .answers_page(200, "The page.")
        .answers_bare(303, "Nobody is logged in.")
        .with_header(303, "Location", "`/login`, which leads back.")
        .answers_page(404, "There is no such Thing, or it is not shared with the user.")
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
        .answers_page(
            503,
            "The form again: too many logins at once, or nothing can be stored; `Retry-After` says how long to wait.",
        )
        .refuses(&[E::WrongCredentials, E::OriginNotAllowed, E::UnsupportedMediaType])
        .refuses(&[E::TooManyRequests, E::Unavailable])
}

fn log_out() -> Endpoint {
    page("post", "/logout", "log_out")
        .says("Log out", "Ends the login on the server.")
        .by(&[By::Cookie, By::Nobody])
        .answers_bare(303, "Logged out.")
        .with_header(303, "Location", "`/login`.")
        .refuses(&[E::OriginNotAllowed, E::Unavailable])
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
        .refuses(&[E::OriginNotAllowed, E::UnsupportedMediaType, E::Unavailable])
}

fn organisation() -> Endpoint {
    page("get", organisation::PATH, "organisation")
        .says("Administration", "The page for the administrators of an organisation.")
        .by(&[By::Cookie])
        .answers_page(200, "The page.")
        .answers_page(403, "The user is no administrator.")
        .answers_bare(303, "Nobody is logged in.")
        .with_header(303, "Location", "`/login`, which leads back.")
        .refuses(&[E::Unavailable])
}

fn approve_group() -> Endpoint {
    let form = ("application/x-www-form-urlencoded", schemas::reference::<ApproveGroup>());
    page("post", organisation::PATH, "approve_group")
        .says(
            "Approve a group",
            "Approves a group of the administrator's organisation for streaming, or withdraws that, which ends its \
             members' streams.",
        )
        .by(&[By::Cookie])
        .uses(Schemas::taken::<ApproveGroup>)
        .takes_either(&[form])
        .answers_bare(303, "It is done.")
        .with_header(303, "Location", "The page again.")
        .refuses(&[E::NotLoggedIn, E::Forbidden, E::BadRequest, E::OriginNotAllowed, E::UnsupportedMediaType])
        .refuses(&[E::Unavailable])
}

fn organisation_now() -> Endpoint {
    let process = json!({"type": "object", "description": "As `widgetapp_admin -status -json` prints it."});
    let connected = json!({"type": "object", "required": ["name", "things"], "additionalProperties": false,
        "properties": {
            "name": {"type": "string", "description": "A user's name, or an application's id."},
            "things": {"type": "integer", "description": "How many Things are open over this stream."}}});
    let now = json!({"type": "object", "required": ["processes", "connected"], "additionalProperties": false,
        "properties": {
            "processes": {"type": "array", "items": process, "description": "Each process of the server."},
            "connected": {"type": "array", "items": connected, "description": "The streams of the organisation."}}});
    page("get", "/admin/now", "organisation_now")
        .says("Administration, as it is now", "What the page for the administrators of an organisation follows.")
        .by(&[By::Cookie])
        .answers_with(200, "The processes, and who is connected.", "application/json", now)
        .refuses(&[E::NotLoggedIn, E::Forbidden, E::Unavailable])
}
