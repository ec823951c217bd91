//! Login, tokens and `_ajax` against a server that keeps the contract, or breaks it on purpose.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use oauth2::{PkceCodeChallenge, PkceCodeVerifier};
use serde_json::{Map, Value, json};

use super::{Credentials, Http, HttpError, Login};
use crate::protocol::action::Action;

/// What the server does otherwise than it should.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Fault {
    #[default]
    None,
    OtherState,
    OtherIssuer,
    Denied,
    /// The login cookie is forgotten once.
    ForgetsLogin,
}

#[derive(Default)]
struct Server {
    fault: Fault,
    url: String,
    logins: AtomicUsize,
    tokens: AtomicUsize,
    expires_in: u64,
}

type Fields = Map<String, Value>;

async fn started(fault: Fault) -> Arc<Server> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Arc::new(Server {
        fault,
        url: format!("http://{}", listener.local_addr().unwrap()),
        expires_in: 300,
        ..Server::default()
    });
    let ajax = |headers: HeaderMap, query: Query<Fields>, body: Option<Json<Value>>| async move {
        let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap());
        Json(json!({"query": query.0, "body": body.map(|body| body.0), "cookie": headers.contains_key(header::COOKIE),
            "authorization": authorization}))
    };
    let router = Router::new()
        .route("/login", post(log_in))
        .route("/oauth/authorize", get(authorize))
        .route("/oauth/token", post(token))
        .route("/_ajax/search", get(ajax))
        .route("/_ajax/select", post(ajax))
        .route("/_ajax/delete", post(|| async { problem(StatusCode::FORBIDDEN) }))
        .with_state(Arc::clone(&server));
    tokio::spawn(async move { axum::serve(listener, router).await });
    server
}

fn problem(status: StatusCode) -> Response {
    let body = json!({"title": "Forbidden", "detail": "your role does not allow that", "status": status.as_u16(),
        "code": 201, "name": "forbidden", "temporary": false});
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

async fn log_in(State(server): State<Arc<Server>>, Json(body): Json<Value>) -> Response {
    if body["username"] != "ada" || body["password"] != "right" {
        return problem(StatusCode::UNAUTHORIZED);
    }
    server.logins.fetch_add(1, Ordering::Relaxed);
    [(header::SET_COOKIE, "id=1; Path=/; HttpOnly")].into_response()
}

async fn authorize(State(server): State<Arc<Server>>, headers: HeaderMap, Query(query): Query<Fields>) -> Response {
    let forgotten = server.fault == Fault::ForgetsLogin
        && server.logins.load(Ordering::Relaxed) == 1
        && server.tokens.load(Ordering::Relaxed) > 0;
    if forgotten || !headers.contains_key(header::COOKIE) {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, "/login".to_owned())]).into_response();
    }
    assert_eq!(query["client_id"], "widgetapp-cli");
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["code_challenge_method"], "S256");
    assert_eq!(query["scope"], "stream things:read things:write");
    let state = match server.fault {
        Fault::OtherState => "another",
        _ => query["state"].as_str().unwrap(),
    };
    let issuer = match server.fault {
        Fault::OtherIssuer => "http://evil.example",
        _ => &server.url,
    };
    let answer = match server.fault {
        Fault::Denied => "error=access_denied&error_description=not+for+you".into(),
        // The code carries the challenge, so that the token endpoint can check the verifier.
        _ => format!("code={}", query["code_challenge"].as_str().unwrap()),
    };
    let location = format!("{}?{answer}&state={state}&iss={issuer}", query["redirect_uri"].as_str().unwrap());
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

async fn token(State(server): State<Arc<Server>>, headers: HeaderMap, Form(form): Form<Fields>) -> Response {
    let good = match form["grant_type"].as_str().unwrap() {
        "authorization_code" => {
            let verifier = PkceCodeVerifier::new(form["code_verifier"].as_str().unwrap().into());
            let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
            assert_eq!(form["client_id"], "widgetapp-cli");
            challenge.as_str() == form["code"]
        }
        // "app:s"
        "client_credentials" => headers[header::AUTHORIZATION] == "Basic YXBwOnM=",
        _ => false,
    };
    if !good {
        let error = json!({"error": "invalid_client", "error_description": "wrong secret"});
        return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
    }
    let number = server.tokens.fetch_add(1, Ordering::Relaxed);
    Json(json!({"access_token": format!("token {number}"), "token_type": "Bearer", "expires_in": server.expires_in}))
        .into_response()
}

fn user(server: &Server, password: &str) -> Login {
    let http = Http::new(&server.url, None).unwrap();
    let (name, password) = ("ada".into(), password.into());
    Login::new(http, Credentials::User { name, password })
}

fn client(server: &Server, secret: &str) -> Login {
    let http = Http::new(&server.url, None).unwrap();
    let (id, secret) = ("app".into(), secret.into());
    Login::new(http, Credentials::Client { id, secret })
}

#[tokio::test]
async fn a_user_gets_a_token_by_code_and_pkce_and_keeps_it_while_it_lives() {
    let server = started(Fault::None).await;
    let login = user(&server, "right");
    assert_eq!(login.access_token().await.unwrap(), "token 0");
    assert_eq!(login.access_token().await.unwrap(), "token 0");
    assert_eq!(server.logins.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_client_gets_a_token_for_its_secret() {
    let server = started(Fault::None).await;
    assert_eq!(client(&server, "s").access_token().await.unwrap(), "token 0");
    let error = client(&server, "wrong").access_token().await.unwrap_err();
    assert!(error.to_string().contains("wrong secret"), "{error}");
    assert!(!error.temporary());
}

#[tokio::test]
async fn a_wrong_password_is_told_in_the_servers_words() {
    let server = started(Fault::None).await;
    let error = user(&server, "wrong").access_token().await.unwrap_err();
    assert_eq!(error.to_string(), "your role does not allow that (forbidden, 401)");
}

#[tokio::test]
async fn an_answer_to_another_request_or_of_another_issuer_is_not_taken() {
    for (fault, why) in [
        (Fault::OtherState, "does not carry our state"),
        // The metadata that could vouch for the other name is not there.
        (Fault::OtherIssuer, "not found (404)"),
        (Fault::Denied, "not for you"),
    ] {
        let server = started(fault).await;
        let error = user(&server, "right").access_token().await.unwrap_err();
        assert!(error.to_string().contains(why), "{fault:?}: {error}");
        assert_eq!(server.tokens.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn a_login_that_has_ended_is_made_again() {
    let server = started(Fault::ForgetsLogin).await;
    let http = Http::new(&server.url, None).unwrap();
    http.log_in("ada", "right").await.unwrap();
    let scopes = ["stream", "things:read", "things:write"];
    http.user_token(&scopes).await.unwrap();
    assert!(matches!(http.user_token(&scopes).await, Err(HttpError::NotLoggedIn)));
    http.log_in("ada", "right").await.unwrap();
    http.user_token(&scopes).await.unwrap();
}

#[tokio::test]
async fn user_actions_go_over_ajax_as_the_contract_says() {
    let server = started(Fault::None).await;
    let fields = |value: Value| value.as_object().unwrap().clone();

    let login = user(&server, "right");
    let search = login.call(Action::Search, None, fields(json!({"q": "a b", "limit": 3})));
    assert_eq!(
        search.await.unwrap(),
        json!({"query": {"q": "a b", "limit": "3"}, "body": null, "cookie": true, "authorization": null})
    );
    let select = client(&server, "s");
    let select = select.call(Action::Select, Some("t"), Map::new());
    assert_eq!(
        select.await.unwrap(),
        json!({"query": {}, "body": {"thing": "t"}, "cookie": false, "authorization": "Bearer token 0"})
    );
    let error = login.call(Action::Delete, Some("t"), Map::new()).await.unwrap_err();
    assert_eq!(error.to_string(), "your role does not allow that (forbidden, 403)");
}
