//! Errors over HTTP: `application/problem+json` (RFC 9457), one table from code to status.
//!
//! The only errors that look otherwise are those of the OAuth endpoints, which RFC 6749 describes,
//! and pages for people.

use std::any::Any;

use axum::{
    Json,
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::TokenError;
use crate::{
    access::Denied,
    metrics,
    protocol::{ErrorBody, ErrorCode},
    store::StoreError,
};

/// An error on its way to an HTTP client.
#[derive(Clone, Debug)]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    error: ErrorBody,
    status: StatusCode,
    headers: HeaderMap,
}

impl Problem {
    /// An error with a message of its own.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        ErrorBody::new(code, message).into()
    }

    /// The same with another status, where the same code has two.
    pub(super) fn status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// The same with one more header.
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("we write these headers of plain text");
        self.0.headers.insert(name, value);
        self
    }

    /// The same, saying how to authenticate (RFC 9110, 6750, 7617).
    pub(super) fn challenge(self, challenge: &str) -> Self {
        self.header(WWW_AUTHENTICATE, challenge)
    }

    /// The same, to be tried again after `millis`.
    pub(super) fn retry_after(mut self, millis: u64) -> Self {
        self.0.error.retry_after_ms = Some(millis);
        self
    }

    /// What was wrong and what to do, for people.
    pub(super) fn message(&self) -> &str {
        &self.0.error.message
    }

    /// Gives a page that tells of it its status, and says when to try again.
    pub(super) fn mark(&self, page: &mut Response) {
        *page.status_mut() = self.0.status;
        if let Some(millis) = self.0.error.retry_after_ms {
            page.headers_mut().insert(RETRY_AFTER, millis.div_ceil(1000).into());
        }
    }
}

impl From<ErrorBody> for Problem {
    fn from(error: ErrorBody) -> Self {
        let code = ErrorCode::ALL.iter().copied().find(|code| code.number() == error.code);
        Self(Box::new(Inner {
            status: status_of(code.unwrap_or(ErrorCode::Internal)),
            headers: HeaderMap::new(),
            error,
        }))
    }
}

impl From<ErrorCode> for Problem {
    fn from(code: ErrorCode) -> Self {
        ErrorBody::from(code).into()
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        ErrorBody::from(error).into()
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Scope(scope) => {
                let challenge = format!(r#"Bearer error="insufficient_scope", scope="{}""#, scope.name());
                Self::from(denied.code()).challenge(&challenge)
            }
            _ => denied.code().into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        crate::limiter::seldom!(error, %error, "the store failed at a request");
        ErrorBody::from(&error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        self.mark(&mut response);
        let Inner { error, status, headers } = *self.0;
        metrics::error(error.code);
        let code = ErrorCode::ALL.iter().find(|code| code.number() == error.code);
        if let Some(&code) = code {
            // For those who write it in another form.
            response.extensions_mut().insert(code);
            let challenge = challenge_of(code).map(HeaderValue::from_static);
            response.headers_mut().extend(challenge.map(|challenge| (WWW_AUTHENTICATE, challenge)));
        }
        response.headers_mut().extend(headers);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        *response.body_mut() = Body::from(json!(Document::new(&error, status)).to_string());
        response
    }
}

/// The body of every error by HTTP (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Document {
    /// Names the kind of problem: `urn:widgetapp:error:NAME`.
    r#type: String,
    /// What the code means.
    title: String,
    /// The status of the answer, again.
    status: u16,
    /// What was wrong and what to do, for people.
    detail: String,
    /// The number of the error, from the table of codes.
    code: u16,
    /// The name that belongs to the number.
    name: String,
    /// Whether the same request may succeed later.
    temporary: bool,
    /// How long to wait before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl Document {
    pub fn new(error: &ErrorBody, status: StatusCode) -> Self {
        let code = ErrorCode::ALL.iter().find(|code| code.number() == error.code);
        Self {
            r#type: format!("urn:widgetapp:error:{}", error.name),
            title: code.map_or(error.name.as_str(), |code| code.message()).into(),
            status: status.as_u16(),
            detail: error.message.clone(),
            code: error.code,
            name: error.name.clone(),
            temporary: error.temporary,
            retry_after_ms: error.retry_after_ms,
        }
    }
}

/// The status of each code.
pub(super) fn status_of(code: ErrorCode) -> StatusCode {
    use ErrorCode as E;
    match code {
        E::BadRequest | E::InvalidAction | E::UnknownPort | E::TokenInUrl | E::UnknownSubprotocol | E::BadUpgrade => {
            StatusCode::BAD_REQUEST
        }
        E::TokenMissing | E::InvalidToken | E::TokenExpired | E::NotLoggedIn | E::WrongCredentials => {
            StatusCode::UNAUTHORIZED
        }
        E::GroupNotApproved | E::InsufficientScope | E::OriginNotAllowed | E::Forbidden | E::AccessEnded => {
            StatusCode::FORBIDDEN
        }
        E::UnknownName | E::NotFound | E::ThingNotFound => StatusCode::NOT_FOUND,
        E::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        E::TooSlow => StatusCode::REQUEST_TIMEOUT,
        E::TooManyThings | E::NotOpen | E::IncompleteUpdate | E::LastOwner | E::NothingToUndo | E::NothingToRedo => {
            StatusCode::CONFLICT
        }
        E::ChangedMeanwhile => StatusCode::PRECONDITION_FAILED,
        E::TooLarge | E::EditTooLarge | E::ThingTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        E::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        E::InvalidPatch
        | E::InvalidUpdate
        | E::InviteeNotFound
        | E::NoSuchChange
        | E::InvalidSync
        | E::InvalidCursor
        | E::InvalidAwareness => StatusCode::UNPROCESSABLE_ENTITY,
        E::NotAnUpgrade => StatusCode::UPGRADE_REQUIRED,
        E::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        E::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        E::Unavailable | E::NotDurable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// How to authenticate, where the door does not say it otherwise.
fn challenge_of(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::TokenMissing => {
            Some(r#"Bearer error="invalid_token", error_description="an access token is needed""#)
        }
        ErrorCode::InvalidToken => {
            Some(r#"Bearer error="invalid_token", error_description="the access token is not valid""#)
        }
        ErrorCode::TokenExpired => {
            Some(r#"Bearer error="invalid_token", error_description="the access token has expired""#)
        }
        ErrorCode::InsufficientScope => Some(r#"Bearer error="insufficient_scope""#),
        ErrorCode::TokenInUrl => Some(r#"Bearer error="invalid_request""#),
        ErrorCode::NotLoggedIn => Some("Bearer"),
        _ => None,
    }
}

/// What a request gets whose handler panicked.
pub(super) fn of_panic(_: Box<dyn Any + Send>) -> Response {
    // The panic hook has told where; its text may hold what the client sent.
    tracing::error!("a request panicked");
    Problem::from(ErrorCode::Internal).into_response()
}

/// Gives the errors of the layers below, which come with an empty or plain body, the same form as ours.
pub(super) async fn complete(response: Response) -> Response {
    if !response.status().is_client_error() && !response.status().is_server_error() {
        return response;
    }
    let content_type = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    if content_type.is_some_and(|kind| !kind.starts_with(b"text/plain")) {
        return response;
    }
    let code = match response.status() {
        StatusCode::NOT_FOUND => ErrorCode::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
        status if status.is_client_error() => ErrorCode::BadRequest,
        _ => ErrorCode::Internal,
    };
    let mut problem = Problem::from(code).status(response.status());
    problem.0.headers = response.headers().clone();
    problem.0.headers.remove(CONTENT_LENGTH);
    problem.into_response()
}

/// A JSON answer that no cache may keep.
pub(super) fn json_answer(status: StatusCode, value: impl Serialize) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], Json(value)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_problem_says_everything_that_rfc_9457_and_the_contract_ask_for() {
        let problem = Problem::new(ErrorCode::TooManyRequests, "slowly").retry_after(1500);
        let response = problem.into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&body).unwrap(),
            json!({
                "type": "urn:widgetapp:error:too_many_requests",
                "title": "too many requests in a short time; wait and try again",
                "status": 429, "detail": "slowly", "code": 114, "name": "too_many_requests",
                "temporary": true, "retry_after_ms": 1500
            })
        );
    }

    #[tokio::test]
    async fn bare_errors_of_the_layers_below_become_problems_and_keep_their_headers() {
        let bare = (StatusCode::METHOD_NOT_ALLOWED, [("allow", "GET")], "no").into_response();
        let completed = complete(bare).await;
        assert_eq!(completed.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(
            (completed.status().as_u16(), &completed.headers()["allow"]),
            (405, &HeaderValue::from_static("GET"))
        );
        let panicked = of_panic(Box::new("secret"));
        assert_eq!((panicked.status().as_u16(), panicked.headers().contains_key(CONTENT_TYPE)), (500, true));
        assert_eq!(complete(Response::default()).await.status(), 200);
    }

    #[test]
    fn temporary_problems_are_server_errors_or_ask_for_patience() {
        for &code in ErrorCode::ALL {
            let status = status_of(code);
            let patience = status.is_server_error() || status == 429 || status == 408;
            assert_eq!(code.temporary(), patience, "{}", code.name());
        }
    }
}
