//! The server about itself.

use serde_json::json;

use super::{
    endpoint::{By, Endpoint},
    tag,
};
use crate::protocol::ErrorCode as E;

pub(super) fn all() -> Vec<Endpoint> {
    vec![
        probe("/healthz", "healthz", "Is it alive?", "Whether the process that serves HTTP answers.")
            .refuses(&[E::Unavailable]),
        probe("/readyz", "readyz", "Is it ready?", "Whether the server can take requests.").refuses(&[E::Unavailable]),
        description("/openapi.json", "openapi", "Describe the URLs", "This document (OpenAPI 3.1)."),
        description("/asyncapi.json", "asyncapi", "Describe the stream", "The messages of the stream (AsyncAPI 3.0)."),
    ]
}

fn about(path: &'static str, id: &str, summary: &str, description: &str) -> Endpoint {
    Endpoint::new("get", path, id, tag::SERVER).says(summary, description).by(&[By::Nobody])
}

fn probe(path: &'static str, id: &str, summary: &str, description: &str) -> Endpoint {
    about(path, id, summary, description).answers_with(
        200,
        "It is.",
        "text/plain; charset=utf-8",
        json!({"type": "string"}),
    )
}

fn description(path: &'static str, id: &str, summary: &str, description: &str) -> Endpoint {
    about(path, id, summary, description).answers_with(
        200,
        "The document.",
        "application/json",
        json!({"type": "object"}),
    )
}
