//! The API of release 1.0.

use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    endpoint::{By, Endpoint},
    tag,
};
use crate::{
    protocol::{
        ErrorCode as E,
        action::{Create, Things},
        content::NewContent,
        schemas::{self, Schemas},
    },
    wfe::legacy::Whole,
};

const THINGS: &str = "/api/1.0/things";
const THING: &str = "/api/1.0/things/{id}";

/// New content, perhaps with a new title.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes one of two forms that are read as plain JSON")]
struct Replacement {
    /// The title; it becomes `meta.title`.
    title: Option<String>,
    /// What replaces all that is in the Thing.
    content: NewContent,
}

pub(super) fn all() -> Vec<Endpoint> {
    vec![list(), create(), show(), replace(), delete()]
}

fn endpoint(method: &'static str, path: &'static str, id: &str) -> Endpoint {
    let endpoint = Endpoint::new(method, path, id, tag::OLD_API).by(&[By::Password, By::Cookie]).refuses(&[
        E::BadRequest,
        E::TokenInUrl,
        E::NotLoggedIn,
        E::WrongCredentials,
        E::TooManyRequests,
        E::Unavailable,
    ]);
    if method == "get" { endpoint } else { endpoint.refuses(&[E::OriginNotAllowed]) }
}

/// About one Thing.
fn of_thing(method: &'static str, id: &str) -> Endpoint {
    let parameter = json!({"name": "id", "in": "path", "required": true, "description": "The id of the Thing.",
        "schema": {"type": "string", "format": "uuid"}});
    endpoint(method, THING, id).parameter(parameter).refuses(&[E::ThingNotFound, E::NotDurable])
}

fn condition(name: &str, description: &str) -> Value {
    json!({"name": name, "in": "header", "required": false, "description": description, "schema": {"type": "string"}})
}

const ETAG: &str = "The state that this is: `\"EPOCH-OFFSET\"`.";
const IF_MATCH: &str = "The `ETag` that you have read: the change is made only if the Thing is still the same.";

fn list() -> Endpoint {
    endpoint("get", THINGS, "list_things")
        .says("List Things", "A page of the Things that you may see, the newest first.")
        .query("cursor", false, "Where the page before ended (its `next`).")
        .parameter(json!({"name": "limit", "in": "query", "required": false, "description": "Most Things to return.",
            "schema": {"type": "integer"}}))
        .answers::<Things>(200, "The page.")
        .refuses(&[E::InvalidAction])
}

fn create() -> Endpoint {
    endpoint("post", THINGS, "create_thing")
        .says("Create a Thing", "Makes a new Thing, which is yours.")
        .takes::<Create>()
        .answers::<Whole<'_>>(201, "The new Thing.")
        .with_header(201, "ETag", ETAG)
        .with_header(201, "Location", "The path of the new Thing.")
        .refuses(&[E::UnsupportedMediaType, E::InvalidAction, E::InvalidPatch, E::ThingTooLarge, E::NotDurable])
}

fn show() -> Endpoint {
    of_thing("get", "show_thing")
        .says("Show a Thing", "The Thing as it is now.")
        .parameter(condition("If-None-Match", "An `ETag` that you have read: answered with 304 if it still holds."))
        .answers::<Whole<'_>>(200, "The Thing.")
        .with_header(200, "ETag", ETAG)
        .answers_bare(304, "It is still what you have read.")
        .with_header(304, "ETag", ETAG)
}

fn replace() -> Endpoint {
    let either = json!({"anyOf": [schemas::reference::<Replacement>(), schemas::reference::<NewContent>()]});
    of_thing("put", "replace_thing")
        .says(
            "Replace a Thing",
            "Puts other content in the place of all that is there. Those who stream the Thing see an edit like any \
             other. The body is the content alone, or has it as `content`, beside a `title`.",
        )
        .parameter(condition("If-Match", IF_MATCH))
        .uses(Schemas::taken::<Replacement>)
        .takes_either(&[("application/json", either)])
        .answers::<Whole<'_>>(200, "The Thing as it is now.")
        .with_header(200, "ETag", ETAG)
        .refuses(&[E::UnsupportedMediaType, E::Forbidden, E::ChangedMeanwhile, E::InvalidPatch, E::ThingTooLarge])
}

fn delete() -> Endpoint {
    of_thing("delete", "delete_thing")
        .says("Delete a Thing", "Ends a Thing that you own.")
        .parameter(condition("If-Match", IF_MATCH))
        .answers_bare(204, "There is no such Thing any more.")
        .refuses(&[E::Forbidden, E::ChangedMeanwhile])
}
