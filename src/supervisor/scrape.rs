//! `GET /metrics` for Prometheus, at an address of its own. Any other request is answered 404 or 405.
//!
//! It takes no body, no login and few connections at once; what it tells is put together by the supervisor.

use std::{convert::Infallible, net::TcpListener as StdListener, sync::Arc, time::Duration};

use http::{Method, Request as HttpRequest, Response, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc, oneshot},
};

use super::admin::{Asked, Request};
use crate::metrics::exposition::CONTENT_TYPE;

/// Connections at once; more wait.
const CONNECTIONS: usize = 8;
/// How long one request and its answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Serves until the supervisor ends.
///
/// # Errors
/// The listener cannot be used.
pub fn listen(listener: &StdListener, asked: mpsc::Sender<Asked>) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener.try_clone()?)?;
    tokio::task::spawn_local(async move {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = room.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((connection, _)) => {
                    let asked = asked.clone();
                    tokio::task::spawn_local(async move {
                        let _ = tokio::time::timeout(ANSWER_WITHIN, serve(connection, &asked)).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    crate::limiter::seldom!(warn, %error, "cannot take a connection for metrics");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok(())
}

/// Answers one request on a connection.
async fn serve(connection: TcpStream, asked: &mpsc::Sender<Asked>) -> hyper::Result<()> {
    let service = service_fn(async |request| Ok::<_, Infallible>(answer(&request, asked).await));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(ANSWER_WITHIN).keep_alive(false);
    http.serve_connection(TokioIo::new(connection), service).await
}

async fn answer(request: &HttpRequest<Incoming>, asked: &mpsc::Sender<Asked>) -> Response<String> {
    let refusal = |status: StatusCode, why: &str| {
        let mut response = Response::new(format!("{why}\n"));
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != "/metrics" {
        return refusal(StatusCode::NOT_FOUND, "here is nothing but /metrics");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "/metrics takes GET");
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let (reply, answered) = oneshot::channel();
    let _ = asked.send(Asked { request: Request::Metrics, reply, connection: None }).await;
    match answered.await {
        Ok(Ok(texts)) => {
            let mut response = Response::new(texts.concat());
            response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(CONTENT_TYPE));
            response
        }
        _ => refusal(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping"),
    }
}
