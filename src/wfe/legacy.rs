//! `/api/1.0/things`: the API of release 1.0, for programs written before streaming.
//!
//! A write here is a change like any other: it goes through the same services. The `ETag` is the
//! place in the Thing's log, `"EPOCH-OFFSET"`.

use std::sync::Arc;

use axum::{
    body::to_bytes,
    extract::{FromRequestParts, Path, Request, State},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    App, ajax, body, caller,
    login::AuthSession,
    peer::ClientAddress,
    problem::{Problem, json_answer},
};
use crate::{
    access::{Caller, Permit},
    protocol::{
        ErrorBody, ErrorCode,
        action::{Action, Created, Selected},
        content::Content,
    },
};

/// `GET /api/1.0/things?cursor&limit`.
pub(super) async fn list(State(app): State<App>, auth: AuthSession, request: Request) -> Result<Response, Problem> {
    let call = Call::read(&app, &auth, request, false).await?;
    let mut body = ajax::from_query(&call.query)?;
    body.retain(|name, _| name == "cursor" || name == "limit");
    let reply = app.services().call(call.permit(&app, Action::Scroll, None)?, Value::Object(body)).await?;
    Ok(json_answer(StatusCode::OK, reply))
}

/// `POST /api/1.0/things` with `{"title", "content"?}`.
pub(super) async fn create(State(app): State<App>, auth: AuthSession, request: Request) -> Result<Response, Problem> {
    let call = Call::read(&app, &auth, request, true).await?;
    let body: Value = body::json(&call.headers, &call.body)?;
    let reply = app.services().call(call.permit(&app, Action::Create, None)?, body).await?;
    let created: Created = read(reply)?;
    let selected = call.select(&app, &created.thing).await?;
    let mut response = whole(StatusCode::CREATED, &created.thing, selected);
    let location = HeaderValue::try_from(format!("/api/1.0/things/{}", created.thing));
    response.headers_mut().extend(location.ok().map(|location| (LOCATION, location)));
    Ok(response)
}

/// `GET /api/1.0/things/{id}`.
pub(super) async fn show(
    State(app): State<App>,
    Path(thing): Path<String>,
    auth: AuthSession,
    request: Request,
) -> Result<Response, Problem> {
    let call = Call::read(&app, &auth, request, false).await?;
    let selected = call.select(&app, &thing).await?;
    let tag = etag(&selected);
    if names_tag(&call.headers, IF_NONE_MATCH, &tag) == Some(true) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    Ok(whole(StatusCode::OK, &thing, selected))
}

/// `PUT /api/1.0/things/{id}` with `{"title"?, "content"}` or the content alone.
pub(super) async fn replace(
    State(app): State<App>,
    Path(thing): Path<String>,
    auth: AuthSession,
    request: Request,
) -> Result<Response, Problem> {
    let call = Call::read(&app, &auth, request, true).await?;
    let content = content_of(body::json(&call.headers, &call.body)?)?;
    let only_at = call.matched(&app, &thing).await?;
    let permits = (call.permit(&app, Action::Edit, Some(&thing))?, call.permit(&app, Action::Select, Some(&thing))?);
    let selected = app.services().replace(permits, content, only_at).await?;
    Ok(whole(StatusCode::OK, &thing, selected))
}

/// `DELETE /api/1.0/things/{id}`.
pub(super) async fn delete(
    State(app): State<App>,
    Path(thing): Path<String>,
    auth: AuthSession,
    request: Request,
) -> Result<Response, Problem> {
    let call = Call::read(&app, &auth, request, true).await?;
    call.matched(&app, &thing).await?;
    app.services().call(call.permit(&app, Action::Delete, Some(&thing))?, json!({})).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A request whose caller is known.
struct Call {
    caller: Arc<Caller>,
    headers: HeaderMap,
    query: String,
    body: Vec<u8>,
}

impl Call {
    async fn read(app: &App, auth: &AuthSession, request: Request, changes: bool) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let Ok(address) = ClientAddress::from_request_parts(&mut parts, app).await;
        let caller = caller::of_old_api(app, auth, &parts, address, changes).await?;
        let body = to_bytes(body, usize::MAX).await.map_err(|_| Problem::from(ErrorCode::BadRequest))?;
        Ok(Self {
            caller,
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body: body.into(),
        })
    }

    fn permit(&self, app: &App, action: Action, thing: Option<&str>) -> Result<Permit, Problem> {
        caller::permit(app, &self.caller, action, thing)
    }

    async fn select(&self, app: &App, thing: &str) -> Result<Selected, Problem> {
        read(app.services().call(self.permit(app, Action::Select, Some(thing))?, json!({})).await?)
    }

    /// Honours `If-Match`: the offset that the Thing must still be at, if the header is there.
    async fn matched(&self, app: &App, thing: &str) -> Result<Option<u64>, Problem> {
        if !self.headers.contains_key(IF_MATCH) {
            return Ok(None);
        }
        let selected = self.select(app, thing).await?;
        match names_tag(&self.headers, IF_MATCH, &etag(&selected)) {
            Some(true) => Ok(Some(selected.offset)),
            _ => Err(ErrorCode::ChangedMeanwhile.into()),
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(reply: Value) -> Result<T, Problem> {
    serde_json::from_value(reply).map_err(|error| {
        tracing::error!(%error, "a service's reply is not what the contract says");
        ErrorBody::from(ErrorCode::Internal).into()
    })
}

/// The new content; a title beside it becomes the content's own.
fn content_of(mut body: Map<String, Value>) -> Result<Value, Problem> {
    let bad = |text: &str| Problem::new(ErrorCode::BadRequest, text);
    let title = body.remove("title");
    let mut content = match body.remove("content") {
        Some(content) => content,
        None if body.is_empty() => return Err(bad("\"content\" is missing")),
        None => Value::Object(body),
    };
    match title {
        None => {}
        Some(Value::String(title)) => {
            let meta = content.as_object_mut().map(|content| content.entry("meta").or_insert_with(|| json!({})));
            let Some(Value::Object(meta)) = meta else {
                return Err(bad("\"content\" must be an object"));
            };
            meta.insert("title".into(), title.into());
        }
        Some(_) => return Err(bad("\"title\" must be text")),
    }
    Ok(content)
}

/// A Thing as the API of release 1.0 shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = LegacyThing)]
pub(super) struct Whole<'a> {
    /// Its id.
    #[schema(format = "uuid")]
    thing: &'a str,
    /// Its title.
    title: String,
    /// What the caller may do with it.
    #[schema(value_type = crate::protocol::Role)]
    role: String,
    /// The content.
    #[schema(value_type = Content)]
    content: Value,
    /// The life of the log.
    epoch: String,
    /// The content is as of this change.
    offset: u64,
}

fn whole(status: StatusCode, thing: &str, selected: Selected) -> Response {
    let tag = HeaderValue::try_from(etag(&selected));
    let Selected { title, role, content, epoch, offset } = selected;
    let mut response = json_answer(status, Whole { thing, title, role, content, epoch, offset });
    response.headers_mut().extend(tag.ok().map(|tag| (ETAG, tag)));
    response
}

fn etag(selected: &Selected) -> String {
    format!("\"{}-{}\"", selected.epoch, selected.offset)
}

/// Whether the header names this tag (or any, `*`); none if the header is absent.
/// `If-None-Match` compares weakly (RFC 9110 13.1.2), `If-Match` strongly.
fn names_tag(headers: &HeaderMap, header: HeaderName, tag: &str) -> Option<bool> {
    let weakly = header == IF_NONE_MATCH;
    let mut lists = headers.get_all(header).iter().peekable();
    lists.peek()?;
    let names = |list: &HeaderValue| {
        let given = list.to_str().unwrap_or_default().split(',').map(str::trim);
        let strip = |given| {
            if weakly { str::strip_prefix(given, "W/").unwrap_or(given) } else { given }
        };
        given.map(strip).any(|given| given == tag || given == "*")
    };
    Some(lists.any(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_put_takes_content_with_or_without_an_envelope() {
        let content = |body: Value| content_of(body.as_object().unwrap().clone()).ok();
        assert_eq!(content(json!({"content": {"notes": "a"}})), Some(json!({"notes": "a"})));
        assert_eq!(content(json!({"notes": "a"})), Some(json!({"notes": "a"})));
        assert_eq!(
            content(json!({"title": "T", "content": {"meta": {"description": "d"}}})),
            Some(json!({"meta": {"title": "T", "description": "d"}}))
        );
        for bad in
            [json!({}), json!({"title": "T"}), json!({"title": 1, "content": {}}), json!({"title": "T", "content": 1})]
        {
            assert_eq!(content(bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn tags_are_compared_as_rfc_9110_says() {
        let named = |header: HeaderName, list: &str| {
            names_tag(&HeaderMap::from_iter([(header.clone(), list.parse().unwrap())]), header, "\"e-1\"")
        };
        assert_eq!(names_tag(&HeaderMap::new(), IF_MATCH, "\"e-1\""), None);
        assert_eq!(named(IF_MATCH, "\"x\", \"e-1\""), Some(true));
        assert_eq!(named(IF_MATCH, "*"), Some(true));
        assert_eq!(named(IF_MATCH, "W/\"e-1\""), Some(false));
        assert_eq!(named(IF_NONE_MATCH, "W/\"e-1\""), Some(true));
        assert_eq!(named(IF_NONE_MATCH, "\"e-2\""), Some(false));
    }
}
