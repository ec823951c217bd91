//! The Rust client: one connection to `/_stream` that comes back by itself and goes on where it was.
//!
//! ```no_run
//! use widgetapp::{client::{Client, EditBody, Event}, protocol::action::Form};
//! # async fn example(token: &str, thing: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let (client, mut events) = Client::connect("http://127.0.0.1:8080", token).await?;
//! let opened = client.open(thing, Form::Json).await?;
//! println!("{:?} as of {}", opened.content, opened.offset);
//! tokio::spawn(async move {
//!     while let Some(event) = events.recv().await {
//!         println!("{event:?}");
//!     }
//! });
//! let patch = serde_json::json!([{"op": "add", "path": "/notes", "value": "Hello"}]);
//! let edited = client.edit(thing, EditBody::Patch(patch)).await?;
//! println!("durable at {}", edited.offset);
//! # Ok(())
//! # }
//! ```
//!
//! After a lost connection it opens each Thing again from where it was, gives out what was missed as if
//! it had just been pushed, and sends again what was not answered, if that is safe: edits under their
//! keys and in their order. Changes of one Thing come without a gap and none twice, or as
//! [`Event::Reset`]. Close codes from 4500 and refusals other than 429 and 5xx end it.
//!
//! It knows the contract ([`crate::protocol`]) and time ([`crate::clock`]), and nothing of the server.
//! From the program inwards:
//!
//! | file | what it is |
//! |---|---|
//! | `handle`, `builder`, `event` | what a program holds, chooses and hears |
//! | `driver` | the task that owns the connection |
//! | `session`, `thing`, `back_off` | what is said in which order, and when to try again: pure |
//! | `line`, `connect`, `tls`, `token`, `frame` | one websocket: how it is opened, read and written |
//! | `traffic` | what has gone over it, counted |
//! | `http`, `login` | HTTP: login, OAuth, `_ajax` |
//! | `demo` | the credentials of the demonstration |

mod back_off;
mod builder;
mod connect;
#[cfg(test)]
mod connection_tests;
mod demo;
mod driver;
mod event;
#[cfg(test)]
pub(crate) mod fake_server;
mod frame;
mod handle;
mod http;
#[cfg(test)]
mod http_tests;
mod line;
mod login;
mod session;
#[cfg(test)]
mod tests;
mod thing;
mod tls;
mod token;
mod traffic;

pub use self::{
    back_off::BackOff,
    builder::Builder,
    connect::{ConnectError, Refusal},
    demo::{Demo, DemoClient, DemoError, DemoUser},
    driver::MAX_UNANSWERED,
    event::{EditBody, Event, Events, MAX_WAITING_EVENTS},
    handle::{Client, NewEdit, Reply},
    http::{AccessToken, Http, HttpError, Problem},
    login::{Credentials, Login},
    session::RequestError,
    tls::{BadCertificate, Distrust},
    token::{TokenError, TokenSource},
    traffic::Traffic,
};
