//! The front end from outside: login, `_ajax/`, the old API, and how errors look.

use crate::wfe::fixture::{Answer, BASE, Front, PASSWORD, basic};

/// Let through by the door: what the services say then is theirs.
fn passed(answer: &Answer) -> bool {
    !matches!(answer.status.as_u16(), 401 | 403 | 405 | 415)
}

#[tokio::test]
async fn errors_are_problems_and_every_answer_carries_the_security_headers() {
    let front = Front::new();
    let absent = front.get("/nowhere", &[]).await;
    assert!(absent.is(404, "not_found"));
    assert!(front.send("PUT", "/login", &[], "").await.is(405, "method_not_allowed"));
    for answer in [absent, front.get("/login", &[]).await, front.get("/healthz", &[]).await] {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn readiness_follows_the_flag_and_liveness_does_not() {
    let front = Front::new();
    assert!(front.get("/readyz", &[]).await.is(503, "unavailable"));
    assert_eq!(front.get("/healthz", &[]).await.text, "ok");
    front.ready.set(true);
    assert_eq!(front.get("/readyz", &[]).await.status, 200);
}

#[tokio::test]
async fn too_large_a_body_is_refused_whether_announced_or_not() {
    let front = Front::with(|config| config.http.max_body_bytes = 100);
    let big = "x".repeat(101);
    assert!(front.post_json("/login", &[], &big).await.is(413, "too_large"));
    assert!(front.post_json("/login", &[("content-length", "1000000000000")], "").await.is(413, "too_large"));
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let front = Front::with(|config| config.http.body_timeout_seconds = 1);
    let stream = futures_util::stream::pending::<Result<axum::body::Bytes, std::io::Error>>();
    let request = http::Request::post("/login").body(axum::body::Body::from_stream(stream)).unwrap();
    assert!(front.answer(request).await.is(408, "too_slow"));
}

#[tokio::test]
async fn a_login_by_form_leads_on_and_a_logout_ends_it_on_the_server() {
    let front = Front::new();
    front.give_password().await;
    assert_eq!(front.get("/", &[]).await.header("location"), "/login");
    let form = format!("username=ada&password={}&next=%2F%3Fq%3Da", PASSWORD.replace(' ', "+"));
    let answer = front.post_form("/login", &[("origin", BASE), ("sec-fetch-site", "same-origin")], &form).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/?q=a"));
    let cookie = answer.cookie();
    for part in ["widgetapp=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    front.people.thing(&front.people.ada, "<b>Bridge</b>", 1);
    let home = front.get("/", &[("cookie", cookie)]).await;
    assert!(home.text.contains("&lt;b&gt;Bridge") && home.text.contains("Log out"));
    assert_eq!(front.post_form("/logout", &[("cookie", cookie)], "").await.status, 303);
    assert_eq!(front.get("/", &[("cookie", cookie)]).await.header("location"), "/login");
}

#[tokio::test]
async fn each_login_gets_a_new_id_and_a_new_password_ends_them_all() {
    let front = Front::new();
    let first = front.log_in().await;
    let body = format!(r#"{{"username": "ada", "password": "{PASSWORD}", "next": "//evil"}}"#);
    let answer = front.post_json("/login", &[("cookie", &first)], &body).await;
    assert_eq!(answer.json()["next"], "/");
    let second = answer.cookie().split(';').next().unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(front.get("/", &[("cookie", &first)]).await.status, 303, "the old id is dead");
    assert_eq!(front.get("/", &[("cookie", &second)]).await.status, 200);
    front.people.store.set_password("ada", "another hash").unwrap();
    assert_eq!(front.get("/", &[("cookie", &second)]).await.status, 303);
}

#[tokio::test]
async fn behind_https_the_cookie_is_bound_to_this_host() {
    let front = Front::with(|config| config.server.public_url = Some("https://wfe.test".into()));
    front.give_password().await;
    let body = format!(r#"{{"username": "ada", "password": "{PASSWORD}"}}"#);
    let answer = front.post_json("/login", &[("origin", "https://wfe.test")], &body).await;
    assert!(answer.cookie().starts_with("__Host-widgetapp=") && answer.cookie().contains("Secure"));
}

#[tokio::test]
async fn wrong_logins_look_the_same_and_are_counted() {
    let front = Front::new();
    front.give_password().await;
    let login = async |name: &str, password: &str| {
        let body = format!(r#"{{"username": "{name}", "password": "{password}"}}"#);
        front.post_json("/login", &[], &body).await
    };
    let (known, unknown) = (login("ada", "x").await, login("nobody", "x").await);
    assert!(known.is(401, "wrong_credentials"));
    assert_eq!(known.text, unknown.text);
    for _ in 0..8 {
        assert!(login("ada", "x").await.is(401, "wrong_credentials"));
    }
    let answer = login("ada", PASSWORD).await;
    assert!(answer.is(429, "too_many_requests"));
    assert!(!answer.header("retry-after").is_empty());
    let old_api = front.get("/api/1.0/things", &[("authorization", &basic("ada", PASSWORD))]).await;
    assert!(old_api.is(429, "too_many_requests"));
}

#[tokio::test]
async fn logins_from_other_sites_and_odd_bodies_are_refused() {
    let front = Front::new();
    let good = r#"{"username": "ada", "password": "x"}"#;
    assert!(front.post_json("/login", &[("origin", "https://evil.test")], good).await.is(403, "origin_not_allowed"));
    assert!(front.post_json("/login", &[("sec-fetch-site", "cross-site")], good).await.is(403, "origin_not_allowed"));
    assert!(
        front.send("POST", "/login", &[("content-type", "text/plain")], good).await.is(415, "unsupported_media_type")
    );
    assert!(front.post_json("/login", &[], "{").await.is(400, "bad_request"));
    assert!(front.post_form("/login", &[], "username=ada").await.is(400, "bad_request"));
    assert!(front.post_form("/logout", &[("origin", "null")], "").await.is(403, "origin_not_allowed"));
}

#[tokio::test]
async fn ajax_by_token_needs_the_scope_of_the_action() {
    book::claims!("scope-things", 1);
    let front = Front::new();
    let bearer = |scopes| format!("Bearer {}", front.token(&front.people.linus, scopes));
    let (read, write) = (bearer("things:read"), bearer("things:write"));
    let (read, write) = (("authorization", read.as_str()), ("authorization", write.as_str()));
    for path in ["/_ajax/scroll", "/_ajax/search?q=a"] {
        assert!(passed(&front.get(path, &[read]).await), "not approved for streaming, but that is not asked here");
        let answer = front.get(path, &[write]).await;
        assert!(answer.is(403, "insufficient_scope"));
        assert_eq!(answer.header("www-authenticate"), r#"Bearer error="insufficient_scope", scope="things:read""#);
    }
    for path in ["/_ajax/select", "/_ajax/refresh"] {
        assert!(passed(&front.post_json(path, &[read], "{}").await));
        assert!(front.post_json(path, &[write], "{}").await.is(403, "insufficient_scope"));
    }
    for path in ["/_ajax/create", "/_ajax/edit", "/_ajax/delete"] {
        assert!(passed(&front.post_json(path, &[write], r#"{"title": "T"}"#).await));
        assert!(front.post_json(path, &[read], "{}").await.is(403, "insufficient_scope"));
    }
}

#[tokio::test]
async fn ajax_without_login_or_with_a_bad_token_is_refused() {
    let front = Front::new();
    let answer = front.get("/_ajax/scroll", &[]).await;
    assert!(answer.is(401, "not_logged_in") && answer.header("www-authenticate") == "Bearer");
    assert_eq!(answer.header("cache-control"), "no-store");
    let answer = front.get("/_ajax/scroll", &[("authorization", "Bearer x")]).await;
    assert!(answer.is(401, "invalid_token"));
    assert!(front.get("/_ajax/open", &[]).await.is(404, "not_found"));
    assert!(front.get("/_ajax/edit", &[]).await.is(405, "method_not_allowed"));
}

#[tokio::test]
async fn ajax_with_the_cookie_takes_json_from_our_own_pages_only() {
    book::claims!("ajax-json-only", 1);
    book::claims!("ajax-own-pages", 2);
    let front = Front::new();
    let cookie = front.log_in().await;
    let cookie = ("cookie", cookie.as_str());
    let body = r#"{"title": "T"}"#;
    assert!(passed(&front.get("/_ajax/scroll", &[cookie]).await));
    assert!(passed(&front.post_json("/_ajax/create", &[cookie], body).await));
    assert!(passed(&front.post_json("/_ajax/create", &[cookie, ("origin", BASE)], body).await));
    for foreign in [("origin", "http://evil"), ("origin", "null"), ("sec-fetch-site", "same-site")] {
        let answer = front.post_json("/_ajax/create", &[cookie, foreign], body).await;
        assert!(answer.is(403, "origin_not_allowed"), "{foreign:?}");
        let looking = front.get("/_ajax/scroll?thing=T&view=%7B%7D", &[cookie, foreign]).await;
        assert!(looking.is(403, "origin_not_allowed"), "others are told where somebody looks: {foreign:?}");
        assert!(passed(&front.get("/_ajax/scroll", &[cookie, foreign]).await), "nothing happens by reading");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let answer = front.send("POST", "/_ajax/create", &[cookie, ("content-type", kind)], body).await;
        assert!(answer.is(415, "unsupported_media_type"), "{kind}");
    }
    for bad in ["", "[]", "{", r#"{"thing": 1}"#] {
        assert!(front.post_json("/_ajax/select", &[cookie], bad).await.is(400, "bad_request"), "{bad}");
    }
    for (query, name) in
        [("limit=1&limit=2", "bad_request"), ("limit=many", "invalid_action"), ("view=%7B", "invalid_action")]
    {
        assert!(front.get(&format!("/_ajax/scroll?{query}"), &[cookie]).await.is(400, name), "{query}");
    }
}

#[tokio::test]
async fn the_old_api_takes_basic_or_the_cookie_and_no_token() {
    book::claims!("legacy-no-token", 1);
    let front = Front::new();
    let cookie = front.log_in().await;
    let (right, wrong) = (basic("ada", PASSWORD), basic("ada", "x"));
    assert!(passed(&front.get("/api/1.0/things", &[("authorization", &right)]).await));
    assert!(passed(&front.get("/api/1.0/things", &[("cookie", &cookie)]).await));
    let token = format!("Bearer {}", front.token(&front.people.ada, "things:read"));
    for (headers, name) in [
        (vec![], "not_logged_in"),
        (vec![("authorization", wrong.as_str())], "wrong_credentials"),
        (vec![("authorization", token.as_str())], "not_logged_in"),
    ] {
        let answer = front.get("/api/1.0/things", &headers).await;
        assert!(answer.is(401, name));
        assert!(answer.header("www-authenticate").starts_with("Basic "));
    }
    for method in ["PUT", "DELETE"] {
        let headers = [("cookie", cookie.as_str()), ("origin", "http://evil"), ("content-type", "application/json")];
        let answer = front.send(method, "/api/1.0/things/x", &headers, "{}").await;
        assert!(answer.is(403, "origin_not_allowed"));
    }
    let headers = [("authorization", right.as_str()), ("content-type", "application/json")];
    assert!(front.send("PUT", "/api/1.0/things/x", &headers, r#"{"notes": ""}"#).await.is(404, "thing_not_found"));
}
