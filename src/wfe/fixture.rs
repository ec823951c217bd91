//! The whole front end in memory, for tests: requests in, answers out, no socket.

use std::{cell::OnceCell, rc::Rc, sync::Arc};

use axum::{Router, body::to_bytes};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use super::{
    App, Ready,
    administration::Administration,
    live_access::LiveAccess,
    organisation::LiveSide,
    recorder::{Audit, Recorder},
    router, secret_hash,
};
use crate::{
    access::{Principal, Scopes},
    clock,
    config::Config,
    services::{Services, presence::Presence},
    store::{NewClient, audit::Keep, fixture::Fixture},
};

/// Its own address.
pub(super) const BASE: &str = "http://127.0.0.1:8080";
pub(super) const PASSWORD: &str = "correct horse";
pub(super) const SECRET: &str = "s3cr:et+/";

/// `Authorization` for HTTP Basic.
pub(super) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// The people of the demonstration behind a router.
pub(super) struct Front {
    pub people: Fixture,
    pub app: App,
    pub ready: Ready,
    router: Router,
    administration: OnceCell<Administration>,
    _recorder: Recorder,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Front {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        let people = Fixture::new();
        let mut config = Config::default();
        change(&mut config);
        let ready = Ready::default();
        let bound = ["127.0.0.1:8080".parse().unwrap()];
        let (audit, recorder) = Audit::new(people.store.clone(), Keep { days: 1, rows: 1000 });
        let channels = (Services::new().0, LiveSide::new().0);
        let app = App::new(Arc::new(config), people.store.clone(), channels, &bound, ready.clone(), audit).unwrap();
        let client = |id, secret: Option<&[u8]>, redirect_uris: &[String]| {
            let scopes = "stream things:read";
            let organisation = "acme";
            let client = NewClient { id, organisation, display_name: None, secret_hash: secret, redirect_uris, scopes };
            people.store.add_client(&client).unwrap();
        };
        client("system", Some(&secret_hash(SECRET)), &[]);
        client("web-app", None, &["https://app.test/cb".to_owned()]);
        client("native-app", None, &["http://127.0.0.1/callback".to_owned()]);
        client("site", Some(&secret_hash(SECRET)), &["https://site.test/cb".to_owned()]);
        let router = router(app.clone());
        Self { people, app, ready, router, administration: OnceCell::new(), _recorder: recorder }
    }

    /// What answers the administrator.
    pub fn administration(&self) -> &Administration {
        self.administration.get_or_init(|| {
            let presence = Rc::new(Presence::new(Rc::default()));
            let live_access = LiveAccess::new(self.people.store.clone(), Rc::default(), presence, false).unwrap();
            let keep = Keep { days: 1, rows: 1000 };
            Administration { app: self.app.clone(), live_access: Rc::new(live_access), keep }
        })
    }

    /// A token of ada's, or whoever's, with these scopes.
    pub fn token(&self, who: &Principal, scopes: &str) -> String {
        self.token_of(who, scopes, clock::unix_seconds())
    }

    /// The same, as it was issued at another time.
    pub fn token_of(&self, who: &Principal, scopes: &str, at: u64) -> String {
        let grant = self.people.grant(who, "app", at + 600);
        self.app.tokens().issue(grant, who, "app", Scopes::parse(scopes).unwrap(), at)
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, "").await
    }

    pub async fn post_json(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        self.send("POST", path, &headers, body).await
    }

    pub async fn post_form(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = [headers, &[("content-type", "application/x-www-form-urlencoded")]].concat();
        self.send("POST", path, &headers, body).await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(body.to_owned().into()).unwrap()).await
    }

    pub async fn answer(&self, request: Request<axum::body::Body>) -> Answer {
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.into()).unwrap() }
    }

    /// Gives ada her password and logs her in; the cookie, as `Cookie` wants it.
    pub async fn log_in(&self) -> String {
        self.log_in_as("ada").await
    }

    /// The same for somebody else.
    pub async fn log_in_as(&self, name: &str) -> String {
        let hash = self.app.passwords().hash(PASSWORD).await.unwrap();
        self.people.store.set_password(name, &hash).unwrap();
        self.log_in_again_as(name).await
    }

    /// One more login of somebody who has logged in.
    pub async fn log_in_again_as(&self, name: &str) -> String {
        let body = format!(r#"{{"username": "{name}", "password": "{PASSWORD}"}}"#);
        let answer = self.post_json("/login", &[], &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.cookie().split(';').next().unwrap().to_owned()
    }

    pub async fn give_password(&self) {
        let hash = self.app.passwords().hash(PASSWORD).await.unwrap();
        self.people.store.set_password("ada", &hash).unwrap();
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn cookie(&self) -> &str {
        self.header("set-cookie")
    }

    /// Status and code name of a problem.
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(self.json()["status"], self.status.as_u16());
        (self.status.as_u16(), self.json()["name"].as_str().unwrap().to_owned())
    }

    /// Refused with this status and code.
    pub fn is(&self, status: u16, name: &str) -> bool {
        self.problem() == (status, name.to_owned())
    }
}
