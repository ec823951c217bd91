//! How a request is named: in every line of the log that it leads to, in every process, and in `X-Request-Id` of its
//! answer. A proxy that is believed names it, else it is named here.

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderName, HeaderValue};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{App, peer};
use crate::{clock, metrics};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The name of a request that was named here; the stream that it may become is named the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnId(pub Uuid);

/// Names a request, answers with the name, and counts the answer.
pub(super) async fn name(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let given = app.proxies().request_id(peer::peer_address(&parts), |name| peer::lines(&parts.headers, name));
    let id = given.map(str::to_owned).unwrap_or_else(|| {
        let own = clock::new_id();
        parts.extensions.insert(OwnId(own));
        own.to_string()
    });
    let header = HeaderValue::from_str(&id);
    let span = tracing::info_span!("request", request_id = id);
    // The route, not the path: people have put tokens there.
    let route = parts.extensions.get::<MatchedPath>().cloned();
    let (method, began) = (parts.method.clone(), clock::now());
    async move {
        let mut response = next.run(Request::from_parts(parts, body)).await;
        let status = response.status().as_u16();
        let took_ms = u64::try_from((clock::now() - began).as_millis()).unwrap_or(u64::MAX);
        metrics::http(status);
        let route = route.as_ref().map_or("none", MatchedPath::as_str);
        tracing::debug!(%method, route, status, took_ms, "a request is answered");
        if let Ok(header) = header {
            response.headers_mut().insert(HEADER, header);
        }
        response
    }
    .instrument(span)
    .await
}

#[cfg(test)]
mod tests {
    use crate::wfe::fixture::Front;

    #[tokio::test]
    async fn every_answer_tells_the_name_of_its_request() {
        let front = Front::new();
        let (found, absent) = (front.get("/healthz", &[]).await, front.get("/nowhere", &[]).await);
        let (one, other) = (found.header("x-request-id"), absent.header("x-request-id"));
        assert!(one.parse::<uuid::Uuid>().is_ok() && other.parse::<uuid::Uuid>().is_ok() && one != other);
    }

    #[tokio::test]
    async fn only_a_proxy_that_is_believed_names_requests() {
        let header = [("x-request-id", "of-the-proxy")];
        let anyone = Front::new().get("/healthz", &header).await;
        assert_ne!(anyone.header("x-request-id"), "of-the-proxy");
        // Without a socket, requests come from 0.0.0.0.
        let believed = Front::with(|config| {
            config.server.trusted_proxies = vec!["0.0.0.0".to_owned().try_into().unwrap()];
        });
        assert_eq!(believed.get("/healthz", &header).await.header("x-request-id"), "of-the-proxy");
    }
}
