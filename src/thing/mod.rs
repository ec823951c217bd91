//! The document of a Thing: apply, patch, compare. Pure: nothing here awaits, reads a clock or
//! touches a file, and nothing here knows who made a change or who hears of it.
//!
//! A Thing is a Yjs document, so that what people type at once is merged. It is read and changed in
//! two forms: Yjs updates (version 1) and JSON with JSON Patch (RFC 6902); see [`Document`].
//!
//! | module | what it owns |
//! |---|---|
//! | `document` | [`Document`]: the order of checks around each change |
//! | `reader`, `inspect`, `known`, `order`, `state_vector` | judging a stranger's bytes before they are applied |
//! | `patching` | a JSON Patch, carried out on JSON |
//! | `writing`, `text` | a difference in JSON, as the smallest Yjs changes |
//! | `touched` | a Yjs change, as a JSON Patch |
//! | `undoing` | a change of the past, taken back |
//! | `json` | single values between the two |

mod document;
mod error;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod hostile;
mod inspect;
mod json;
mod known;
mod order;
mod patching;
#[cfg(test)]
mod properties;
mod reader;
mod state_vector;
#[cfg(test)]
mod tests;
mod text;
mod touched;
mod undoing;
mod writing;

pub use document::{Base, Change, Document};
pub use error::ThingError;
