//! The contract with clients, as types: the message, its two encodings, codes, limits and bodies.
//!
//! This is the only module that derives serde for what clients send and receive. It imports nothing
//! of ours, does no IO and holds no state, so every other module, the Rust client and other people's
//! test suites can rely on it alone.

pub mod action;
pub mod asyncapi;
pub mod codec;
pub mod codes;
pub mod content;
pub mod limits;
pub mod message;
pub mod misfit;
pub mod notification;
pub mod presence;
#[cfg(test)]
mod properties;
mod role;
pub mod schemas;
pub mod session;
pub mod sync;
mod thing_id;
pub mod ticket;
pub mod yjs;

pub use codec::{Codec, DecodeError};
pub use codes::{CloseCode, ErrorCode};
pub use message::{ErrorBody, Outgoing, RequestHead};
pub use role::Role;
pub use thing_id::ThingId;
