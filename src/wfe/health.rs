//! Whether the server lives, and whether it can take requests.

use axum::{extract::State, response::IntoResponse};

use super::{App, problem::Problem};
use crate::protocol::ErrorCode;

/// `GET /healthz`: this process answers.
pub(super) async fn live() -> &'static str {
    "ok"
}

/// `GET /readyz`: and what it needs is there.
pub(super) async fn ready(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    if app.ready().is_set() { Ok("ready") } else { Err(Problem::from(ErrorCode::Unavailable).retry_after(1_000)) }
}
