//! All URLs described in OpenAPI 3.1: what each takes and every answer that it gives.
//!
//! Made of the types that decode requests and encode answers, and of the table of codes. The server publishes it,
//! and the tests hold recorded traffic to it. What `/_stream` carries after its handshake is described in AsyncAPI.

mod actions;
mod endpoint;
mod oauth;
mod old_api;
mod pages;
mod server;
mod stream;

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header::CONTENT_TYPE};
use serde_json::{Map, Value, json};

use super::problem::{Document as Problem, status_of};
use crate::protocol::{ErrorBody, ErrorCode, asyncapi, schemas::Schemas};

const ABOUT: &str = "\
Every URL of a WidgetApp server. The stream at `/_stream` is described by the AsyncAPI document at `/asyncapi.json`, \
from its handshake on.

Every error is `application/problem+json` (RFC 9457) with a `code` and its `name`; the exceptions are pages for \
people and errors of `/oauth/token`, which RFC 6749 describes. An address that is not described here answers 404 \
`not_found`, another method 405 `method_not_allowed`. `HEAD` works wherever `GET` does. \
Every answer has an `X-Request-Id`, by which it is found in the server's log.

The schemas of answers are closed, so that they show exactly what this release sends. A later release may send more: \
clients ignore fields that they do not know, and so does the server.";

/// The guides' parts, and what belongs to them.
const TAGS: [(&str, &str); 6] = [
    (tag::ACTIONS, "What users do, by HTTP: the same as on port 200 of the stream, with the same bodies and results."),
    (tag::STREAM, "The door of the stream."),
    (tag::OLD_API, "The API of release 1.0, as it always was: for programs written before streaming."),
    (tag::OAUTH, "Access tokens (OAuth 2.0)."),
    (tag::PAGES, "Login and the pages for people."),
    (tag::SERVER, "The server about itself."),
];

mod tag {
    pub const ACTIONS: &str = "User actions";
    pub const STREAM: &str = "Stream";
    pub const OLD_API: &str = "Release 1.0";
    pub const OAUTH: &str = "OAuth";
    pub const PAGES: &str = "Pages";
    pub const SERVER: &str = "Server";
}

/// `GET /openapi.json`.
pub(super) async fn openapi() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    json_text(&TEXT)
}

/// `GET /asyncapi.json`.
pub(super) async fn asyncapi() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| asyncapi::document().to_string());
    json_text(&TEXT)
}

fn json_text(text: &'static str) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response()
}

/// The document.
pub fn document() -> Value {
    let (mut schemas, mut paths, mut examples) = (Schemas::default(), Map::new(), Map::new());
    let all = [actions::all(), stream::all(), old_api::all(), oauth::all(), pages::all(), server::all()];
    for endpoint in all.into_iter().flatten() {
        examples.extend(endpoint.refusals.iter().map(example));
        let (path, method) = (endpoint.path, endpoint.method);
        paths.entry(path).or_insert_with(|| json!({}))[method] = endpoint.describe(&mut schemas);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "WidgetApp",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Design documents called Things, together and live",
            "description": ABOUT,
            "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "servers": [{"url": "/", "description": "The server that publishes this document."}],
        "tags": TAGS.map(|(name, description)| json!({"name": name, "description": description})),
        "paths": paths,
        "components": {
            "schemas": schemas.finish(),
            "examples": examples,
            "securitySchemes": security_schemes(),
        },
    })
}

/// A code as a problem.
fn example(code: &ErrorCode) -> (String, Value) {
    let value = Problem::new(&ErrorBody::from(*code), status_of(*code));
    (code.name().to_owned(), json!({"summary": code.message(), "value": value}))
}

fn security_schemes() -> Value {
    json!({
        "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token from `/oauth/token` with the scope that is named."},
        "subprotocolToken": {"type": "apiKey", "in": "header", "name": "Sec-WebSocket-Protocol",
            "description": "An access token as an entry `bearer.TOKEN`, for browsers."},
        "loginCookie": {"type": "apiKey", "in": "cookie", "name": "widgetapp",
            "description": "The cookie that `/login` sets; behind HTTPS it is named `__Host-widgetapp`."},
        "password": {"type": "http", "scheme": "basic", "description": "A user's name and password."},
        "clientSecret": {"type": "http", "scheme": "basic",
            "description": "An OAuth client's id and secret. They may also come as `client_id` and `client_secret` \
                            in the form; a public client sends its `client_id` alone."},
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::wfe::fixture::Front;

    #[test]
    fn every_url_of_the_router_is_described_and_no_other() {
        let router = include_str!("../router.rs");
        let routed: BTreeSet<&str> =
            router.split(".route(\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
        let document = document();
        let described: BTreeSet<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(routed, described);
    }

    #[tokio::test]
    async fn every_method_that_a_url_takes_is_described_and_no_other() {
        let (front, document) = (Front::new(), document());
        for (path, item) in document["paths"].as_object().unwrap() {
            let answer = front.send("PATCH", path, &[], "").await;
            assert_eq!(answer.status, 405, "{path}");
            let taken =
                answer.header("allow").split(',').map(str::to_ascii_lowercase).filter(|method| method != "head");
            let described = item.as_object().unwrap().keys().cloned();
            assert_eq!(taken.collect::<BTreeSet<_>>(), described.collect::<BTreeSet<_>>(), "{path}");
        }
    }

    #[tokio::test]
    async fn the_documents_are_published() {
        let front = Front::new();
        assert_eq!(front.get("/openapi.json", &[]).await.json(), document());
        assert_eq!(front.get("/asyncapi.json", &[]).await.json(), asyncapi::document());
    }
}
