//! The message: one JSON object or CBOR map per websocket frame.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ErrorCode;

/// What every request says before its body. The service that the port names decodes the body.
///
/// ```
/// use widgetapp::protocol::{Codec, RequestHead};
/// let json = br#"{"port":200, "name":"widgetApp_useraction_open", "id":1,
///                 "thing":"67e55044-10b1-426f-9247-bb680e5fe0c8", "body":{"as":"json"}}"#;
/// let head: RequestHead = Codec::Json.decode(json).unwrap();
/// assert_eq!((head.port, head.id.map(u32::from)), (200, Some(1)));
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RequestHead {
    /// The service.
    pub port: u16,
    /// What is asked of it.
    pub name: String,
    /// Echoed in the one reply; without it there is no reply, only errors are told.
    #[serde(default)]
    #[schema(value_type = Option<u32>, format = Int64, minimum = 1, maximum = 4_294_967_295u64)]
    pub id: Option<std::num::NonZeroU32>,
    /// The Thing that it is about.
    #[serde(default)]
    pub thing: Option<String>,
    /// On an edit: the offset up to which the sender had seen the Thing. Optional; without it the
    /// server takes the last offset that it had sent to this connection.
    #[serde(default)]
    pub offset: Option<u64>,
}

/// A request of a client, whole. What clients encode; the server decodes [`RequestHead`] and body apart.
#[derive(Clone, Debug, Serialize)]
pub struct Request<'a, B> {
    /// The service.
    pub port: u16,
    /// What is asked of it.
    pub name: &'a str,
    /// Echoed in the reply.
    pub id: u32,
    /// The Thing that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thing: Option<&'a str>,
    /// On an edit: the offset up to which the sender has seen the Thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The payload.
    pub body: B,
}

/// The body of a message, where only that is wanted.
#[derive(Debug, Deserialize)]
#[serde(bound = "B: serde::de::DeserializeOwned")]
pub struct WithBody<B> {
    /// The payload; an absent one counts as null.
    pub body: B,
}

/// A message of the server: a reply (with `id`) or a push (without).
///
/// ```
/// use widgetapp::protocol::{Codec, Outgoing};
/// let push = Outgoing::push(0, "token_expiring", serde_json::json!({"expires_at": 5}));
/// assert_eq!(
///     Codec::Json.encode(&push),
///     br#"{"port":0,"name":"token_expiring","body":{"expires_at":5}}"#
/// );
/// ```
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Outgoing<'a, B> {
    /// The service.
    pub port: u16,
    /// What it is.
    pub name: &'a str,
    /// The request that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Int64, minimum = 1, maximum = 4_294_967_295u64)]
    pub id: Option<u32>,
    /// The Thing that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thing: Option<String>,
    /// The `id` of the request that opened the Thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Int64, minimum = 1, maximum = 4_294_967_295u64)]
    pub join: Option<u32>,
    /// Its place in the Thing's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The payload; absent on errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<B>,
    /// Why a request failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

impl<'a, B> Outgoing<'a, B> {
    /// A push about no Thing in particular.
    pub fn push(port: u16, name: &'a str, body: B) -> Self {
        Self { port, name, id: None, thing: None, join: None, offset: None, body: Some(body), error: None }
    }
}

impl<'a> Outgoing<'a, ()> {
    /// The reply to a request that failed.
    pub fn failure(port: u16, name: &'a str, id: Option<u32>, thing: Option<String>, error: ErrorBody) -> Self {
        Self { port, name, id, thing, join: None, offset: None, body: None, error: Some(error) }
    }
}

/// Why a request failed; the `error` of a reply, and part of the body of HTTP errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// The number, from the table of codes.
    pub code: u16,
    /// The name that belongs to the number.
    pub name: String,
    /// What was wrong and what to do, for people.
    pub message: String,
    /// Whether the same request may succeed later.
    pub temporary: bool,
    /// How long to wait before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ErrorBody {
    /// An error with a message of its own.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code: code.number(),
            name: code.name().into(),
            message: message.into(),
            temporary: code.temporary(),
            retry_after_ms: None,
        }
    }

    /// There is no room on the disk, or it fails; edits that meet that have a code of their own.
    pub fn cannot_store() -> Self {
        Self::new(ErrorCode::Unavailable, "the server cannot store anything just now; try again later")
            .retry_after(1000)
    }

    /// The same error, to be tried again after `millis`.
    pub fn retry_after(mut self, millis: u64) -> Self {
        self.retry_after_ms = Some(millis);
        self
    }
}

impl From<ErrorCode> for ErrorBody {
    fn from(code: ErrorCode) -> Self {
        Self::new(code, code.message())
    }
}

/// The body of a reply that has nothing more to say.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Empty {}

/// A message as a client receives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incoming {
    /// The service.
    pub port: u16,
    /// What it is.
    pub name: String,
    /// The request that it answers; absent on pushes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// The Thing that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thing: Option<String>,
    /// The `id` of the request that opened the Thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<u32>,
    /// Its place in the Thing's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The payload. Byte strings of CBOR are base64 text here, as they are in JSON.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub body: serde_json::Value,
    /// Why the request failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}
