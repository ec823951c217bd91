//! Request bodies: read whole, within a size and a time, before any handler sees the request.

use std::{collections::HashMap, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;

use super::{App, problem::Problem};
use crate::protocol::{Codec, ErrorCode};

/// Middleware: replaces the body by one that is all here.
pub(super) async fn read_whole(State(app): State<App>, request: Request, next: Next) -> Result<Response, Problem> {
    let limits = &app.config().http;
    let (parts, body) = request.into_parts();
    let announced = parts.headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if announced
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|length| length > limits.max_body_bytes as u64)
    {
        return Err(ErrorCode::TooLarge.into());
    }
    let read = to_bytes(body, limits.max_body_bytes);
    let bytes = match tokio::time::timeout(Duration::from_secs(limits.body_timeout_seconds), read).await {
        Err(_) => return Err(ErrorCode::TooSlow.into()),
        Ok(Err(error)) if is_length_limit(&error) => return Err(ErrorCode::TooLarge.into()),
        Ok(Err(_)) => return Err(Problem::new(ErrorCode::BadRequest, "the body could not be read")),
        Ok(Ok(bytes)) => bytes,
    };
    Ok(next.run(Request::from_parts(parts, Body::from(bytes))).await)
}

fn is_length_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<LengthLimitError>())
}

/// Reads a JSON body; it must be announced as `application/json`, which no form of another site can do.
pub(super) fn json<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    if !is_type(headers, "application/json") {
        return Err(ErrorCode::UnsupportedMediaType.into());
    }
    Codec::Json.decode(body).map_err(|error| Problem::new(ErrorCode::BadRequest, format!("the body: {error}")))
}

/// Whether the body is announced as this type; parameters like `charset` are passed over.
pub(super) fn is_type(headers: &HeaderMap, wanted: &str) -> bool {
    let Some(Ok(given)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else {
        return false;
    };
    let essence = given.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(wanted)
}

/// The fields of a form or query, each at most once.
pub(super) struct Fields(HashMap<String, String>);

/// A field came twice; the name says which.
pub(super) struct Repeated(pub String);

impl Fields {
    /// Reads `application/x-www-form-urlencoded` text.
    pub fn parse(text: &[u8]) -> Result<Self, Repeated> {
        let mut fields = HashMap::new();
        for (name, value) in oauth2::url::form_urlencoded::parse(text) {
            if fields.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(Repeated(name.into_owned()));
            }
        }
        Ok(Self(fields))
    }

    /// A field's text; an empty one counts as absent, as RFC 6749 wants it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl From<Repeated> for Problem {
    fn from(Repeated(name): Repeated) -> Self {
        Self::new(ErrorCode::BadRequest, format!("\"{}\" is given twice", name.escape_debug()))
    }
}
