//! What a Thing's content and a patch of it look like as JSON. The types only describe: the messages carry
//! plain JSON and texts, which others judge.

use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What a Thing contains.
#[derive(Debug, ToSchema)]
pub struct Content {
    /// What is known of the Thing: `title`, `description`, and any others.
    pub meta: Map<String, Value>,
    /// The parts by their ids. A part is an object with `kind`, `x`, `y`, `w`, `h`, `label`, `color`, and any others.
    pub parts: Map<String, Value>,
    /// A text for everything else.
    pub notes: String,
}

/// What a new Thing starts with, or what replaces all that is in it.
#[derive(Debug, ToSchema)]
pub struct NewContent {
    /// What is known of the Thing: `title`, `description`, and any others.
    pub meta: Option<Map<String, Value>>,
    /// The parts by their ids; each is an object.
    pub parts: Option<Map<String, Value>>,
    /// A text for everything else.
    pub notes: Option<String>,
}

/// Changes of a Thing's content, one after the other (RFC 6902). Paths point into the content: `/parts/lamp/x`.
#[derive(Debug, ToSchema)]
pub struct JsonPatch(pub Vec<Operation>);

/// One operation of a patch.
#[derive(Debug, ToSchema)]
pub struct Operation {
    /// What to do.
    pub op: Op,
    /// Where, as JSON Pointer (RFC 6901).
    pub path: String,
    /// From where, for `move` and `copy`.
    pub from: Option<String>,
    /// What, for `add`, `replace` and `test`.
    pub value: Option<Value>,
}

/// What an operation does.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(missing_docs, reason = "RFC 6902 says what each does")]
pub enum Op {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}
