//! `_ajax/<action>`: the user actions over HTTP, with the same bodies as on port 200.
//!
//! A GET takes its body from the query; a POST takes it from JSON, with the Thing as `thing` beside
//! the body's own fields.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    response::Response,
    routing::{MethodRouter, get, post},
};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::{
    App,
    body::{self, Fields},
    caller,
    login::AuthSession,
    problem::{Problem, json_answer},
};
use crate::{
    access::Caller,
    protocol::{ErrorCode, action::Action},
};

/// An action that changes nothing. Where somebody looks is told to others, though, and no other site may say it.
pub(super) fn by_get(action: Action) -> MethodRouter<App> {
    get(move |State(app): State<App>, auth: AuthSession, headers: HeaderMap, RawQuery(query): RawQuery| async move {
        let query = query.unwrap_or_default();
        let body = from_query(&query);
        let is_told = body.as_ref().is_ok_and(|body| body.contains_key("view"));
        let caller = caller::of_action(&app, &auth, &headers, &query, is_told).await?;
        call(&app, &caller, action, body?).await
    })
}

/// An action that may change something, or whose body does not fit a query.
pub(super) fn by_post(action: Action) -> MethodRouter<App> {
    let answer = move |State(app): State<App>,
                       auth: AuthSession,
                       headers: HeaderMap,
                       RawQuery(query): RawQuery,
                       body: Bytes| async move {
        let caller = caller::of_action(&app, &auth, &headers, &query.unwrap_or_default(), true).await?;
        call(&app, &caller, action, body::json(&headers, &body)?).await
    };
    post(answer)
}

async fn call(
    app: &App,
    caller: &Arc<Caller>,
    action: Action,
    mut body: Map<String, Value>,
) -> Result<Response, Problem> {
    let thing = match body.remove("thing") {
        None | Some(Value::Null) => None,
        Some(Value::String(thing)) => Some(thing),
        Some(_) => return Err(Problem::new(ErrorCode::BadRequest, "\"thing\" must be text")),
    };
    let permit = caller::permit(app, caller, action, thing.as_deref())?;
    let reply = app.services().call(permit, Value::Object(body)).await?;
    Ok(json_answer(StatusCode::OK, reply))
}

/// The fields of a query as a body: `limit` and `before` are numbers, `view` is JSON, the others are text. One that does
/// not fit is refused as it is in the body of a request on port 200.
pub(super) fn from_query(query: &str) -> Result<Map<String, Value>, Problem> {
    let fields = Fields::parse(query.as_bytes())?;
    let mut body = Map::new();
    for name in ["thing", "cursor", "q", "limit", "before", "view"] {
        let Some(text) = fields.get(name) else { continue };
        let misfit = |what: &str| Problem::new(ErrorCode::InvalidAction, format!("\"{name}\" is {what}"));
        let value = match name {
            "limit" | "before" => text.parse::<u64>().map_err(|_| misfit("a whole number from 0"))?.into(),
            "view" => serde_json::from_str(text).map_err(|error| misfit(&format!("JSON: {error}")))?,
            _ => text.into(),
        };
        body.insert(name.into(), value);
    }
    Ok(body)
}
