//! Port 202: who has a Thing open, and where in it they are.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use utoipa::ToSchema;

use super::limits::{MAX_PART_BYTES, MAX_SELECTION_BYTES};

/// The port of this service.
pub const PORT: u16 = 202;

/// Where somebody points: body of the request `cursor`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cursor {
    /// Across, in the Thing's own measure.
    #[schema(value_type = f64)]
    pub x: Number,
    /// Down.
    #[schema(value_type = f64)]
    pub y: Number,
    /// The part that it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What is selected; others receive it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Value>,
}

impl Cursor {
    /// Whether it is within the limits.
    pub fn fits(&self) -> bool {
        let selection = self.selection.as_ref().map_or(0, |selection| selection.to_string().len());
        self.part.as_ref().is_none_or(|part| part.len() <= MAX_PART_BYTES) && selection <= MAX_SELECTION_BYTES
    }
}

/// Somebody who has the Thing open, by one connection: an entry of [`State`]; as body of `joined` and `left` it has no
/// cursor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Present {
    /// The connection: the `session` of its welcome.
    pub id: String,
    /// Who it is: a user's name or a client's id.
    pub user: String,
    /// Their colour, `#rrggbb`: the same on all of their connections.
    pub color: String,
    /// Where they point, if they have said that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<CursorAt>,
}

/// A [`Cursor`] as others are told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CursorAt {
    /// Across.
    #[schema(value_type = f64)]
    pub x: Number,
    /// Down.
    #[schema(value_type = f64)]
    pub y: Number,
    /// The part that it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What is selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Value>,
}

/// Everyone who has the Thing open, the receiver too: body of `state`. It replaces what was known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct State {
    /// Those who came first, in that order.
    pub present: Vec<Present>,
    /// How many more there are, of whom nothing is told.
    pub others: usize,
}

/// Somebody points elsewhere: body of the push `cursor`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CursorPush {
    /// The connection.
    pub id: String,
    /// Who it is.
    pub user: String,
    /// Their colour.
    pub color: String,
    /// Across.
    #[schema(value_type = f64)]
    pub x: Number,
    /// Down.
    #[schema(value_type = f64)]
    pub y: Number,
    /// The part that it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What is selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Value>,
}
