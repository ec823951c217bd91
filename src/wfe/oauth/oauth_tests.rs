//! The OAuth endpoints from outside.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::wfe::fixture::{BASE, Front, SECRET, basic};

#[tokio::test]
async fn a_confidential_client_gets_a_token_by_either_way_of_authentication() {
    book::claims!("client-credentials", 1);
    let front = Front::new();
    let by_header = basic("system", "s3cr%3Aet%2B%2F");
    let answer =
        front.post_form("/oauth/token", &[("authorization", &by_header)], "grant_type=client_credentials").await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"));
    assert_eq!(
        (&answer.json()["token_type"], &answer.json()["scope"]),
        (&"Bearer".into(), &"stream things:read".into())
    );
    let form = format!(
        "grant_type=client_credentials&client_id=system&client_secret={}&scope=stream",
        SECRET.replace('+', "%2B")
    );
    let token = front.post_form("/oauth/token", &[], &form).await.json();
    assert_eq!((&token["scope"], &token["expires_in"]), (&"stream".into(), &600.into()));
    let verified = front.app.tokens().verify(token["access_token"].as_str().unwrap(), crate::clock::unix_seconds());
    assert_eq!(verified.unwrap().principal.name, "system");
}

#[tokio::test]
async fn token_requests_that_are_wrong_are_answered_as_rfc_6749_says() {
    book::claims!("oauth-errors", 1);
    let front = Front::new();
    let good = basic("system", &SECRET.replace('+', "%2B"));
    let auth = Some(good.as_str());
    let bad = basic("system", "wrong");
    let cases = [
        (None, "grant_type=client_credentials", 401, "invalid_client"),
        (Some(bad.as_str()), "grant_type=client_credentials", 401, "invalid_client"),
        (None, "grant_type=client_credentials&client_id=system", 401, "invalid_client"),
        (None, "grant_type=client_credentials&client_id=ada&client_secret=x", 401, "invalid_client"),
        (auth, "grant_type=client_credentials&client_id=system&client_secret=x", 400, "invalid_request"),
        (auth, "grant_type=client_credentials&client_id=other", 400, "invalid_request"),
        (auth, "grant_type=client_credentials&scope=a&scope=b", 400, "invalid_request"),
        (auth, "", 400, "invalid_request"),
        (auth, "grant_type=password&username=ada&password=x", 400, "unsupported_grant_type"),
        (auth, "grant_type=client_credentials&scope=things%3Awrite", 400, "invalid_scope"),
        (auth, "grant_type=authorization_code&code=x", 400, "invalid_request"),
        (None, "grant_type=client_credentials&client_id=web-app", 400, "unauthorized_client"),
        (None, "grant_type=client_credentials&client_id=widgetapp-cli", 400, "unauthorized_client"),
        (auth, "grant_type=refresh_token", 400, "invalid_request"),
        (auth, "grant_type=refresh_token&refresh_token=x", 400, "invalid_grant"),
        (auth, "grant_type=client_credentials&client_assertion=x", 400, "invalid_request"),
    ];
    for (authorization, form, status, error) in cases {
        let headers: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
        let answer = front.post_form("/oauth/token", &headers, form).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (status, &error.into()), "{form}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("www-authenticate").starts_with("Basic"), status == 401 && authorization.is_some());
    }
    let json = front.post_json("/oauth/token", &[], "{}").await;
    assert_eq!(json.json()["error"], "invalid_request");
    front.people.store.set_disabled("system", true).unwrap();
    let answer = front.post_form("/oauth/token", &[("authorization", &good)], "grant_type=client_credentials").await;
    assert_eq!(answer.json()["error"], "invalid_client");
}

#[tokio::test]
async fn every_refusal_of_these_endpoints_has_the_form_of_oauth_whatever_refuses() {
    book::claims!("oauth-errors", 1);
    let front = Front::with(|config| {
        config.http.max_body_bytes = 100;
        config.http.body_timeout_seconds = 1;
    });
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect"] {
        let large = front.post_form(path, &[], &"x".repeat(101)).await;
        let endless = futures_util::stream::pending::<Result<axum::body::Bytes, std::io::Error>>();
        let slow = http::Request::post(path).body(axum::body::Body::from_stream(endless)).unwrap();
        let slow = front.answer(slow).await;
        let by_get = front.get(path, &[]).await;
        assert_eq!(by_get.header("allow"), "POST");
        for (answer, status) in [(large, 413), (slow, 408), (by_get, 405)] {
            let told = (answer.status.as_u16(), answer.json()["error"].as_str().unwrap().to_owned());
            assert_eq!(told, (status, "invalid_request".to_owned()), "{path}");
            assert!(answer.json()["error_description"].is_string() && answer.json()["code"].is_null());
            assert_eq!(answer.header("content-type"), "application/json");
            assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
        }
    }
}

#[tokio::test]
async fn a_page_of_any_site_may_ask_for_tokens_and_reads_nothing_else() {
    book::claims!("oauth-browser", 1);
    let front = Front::new();
    let page = [("origin", "https://board.test"), ("sec-fetch-site", "cross-site")];
    let cookie = front.log_in().await;
    let with_cookie = [&page[..], &[("cookie", &cookie)]].concat();
    let refused = front.post_form("/oauth/token", &page, "grant_type=refresh_token&client_id=web-app").await;
    let open = [
        refused,
        front.post_form("/oauth/revoke", &with_cookie, "client_id=web-app&token=x").await,
        front.get("/.well-known/oauth-authorization-server", &page).await,
        front.get("/.well-known/openid-configuration", &page).await,
        front.get("/.well-known/jwks.json", &with_cookie).await,
    ];
    for answer in open {
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!((answer.header("access-control-allow-credentials"), answer.cookie()), ("", ""));
    }
    for path in ["/", "/login", "/_ajax/search?q=a", "/oauth/authorize", "/account/applications", "/api/1.0/things"] {
        let answer = front.get(path, &with_cookie).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
}

/// Compared one with another they took a minute, for anyone who asked.
#[tokio::test]
async fn a_form_of_very_many_fields_is_read_in_one_go() {
    let front = Front::new();
    let mut form: String = (0..130_000).map(|n| format!("&{n:x}=a")).collect();
    form.truncate(front.app.config().http.max_body_bytes);
    let answer = front.post_form("/oauth/token", &[], &form).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (401, &"invalid_client".into()));
}

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const REDIRECT: &str = "http%3A%2F%2F127.0.0.1%3A4321%2Fcallback";

fn authorize(change: &[(&str, &str)]) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let usual = [
        ("response_type", "code"),
        ("client_id", "widgetapp-cli"),
        ("redirect_uri", REDIRECT),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("state", "a%20%26b"),
    ];
    let changed = usual.iter().map(|&(name, value)| {
        let new = change.iter().find(|change| change.0 == name);
        format!("{name}={}", new.map_or(value, |change| change.1))
    });
    let added = change.iter().filter(|change| !usual.iter().any(|usual| usual.0 == change.0));
    let all: Vec<_> = changed.chain(added.map(|(name, value)| format!("{name}={value}"))).collect();
    format!("/oauth/authorize?{}", all.join("&"))
}

async fn code(front: &Front, cookie: &str) -> String {
    let answer = front.get(&authorize(&[("scope", "stream")]), &[("cookie", cookie)]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let location = answer.header("location").to_owned();
    assert!(location.starts_with("http://127.0.0.1:4321/callback?code="), "{location}");
    assert!(location.contains("&state=a+%26b&iss=http%3A%2F%2F127.0.0.1%3A8080"), "{location}");
    let code = location.split_once("code=").unwrap().1;
    code.split('&').next().unwrap().to_owned()
}

fn redeem(code: &str) -> String {
    format!(
        "grant_type=authorization_code&client_id=widgetapp-cli&code={code}&redirect_uri={REDIRECT}&code_verifier={VERIFIER}"
    )
}

#[tokio::test]
async fn a_code_buys_one_token_for_the_user_who_is_logged_in() {
    let front = Front::new();
    let cookie = front.log_in().await;
    let code = code(&front, &cookie).await;
    let answer = front.post_form("/oauth/token", &[], &redeem(&code)).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["scope"]), (200, &"stream".into()), "{}", answer.text);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let verified = front.app.tokens().verify(&token, crate::clock::unix_seconds()).unwrap();
    assert_eq!((verified.principal, verified.client_id.as_str()), (front.people.ada.clone(), "widgetapp-cli"));
    let again = front.post_form("/oauth/token", &[], &redeem(&code)).await;
    assert_eq!((again.status.as_u16(), &again.json()["error"]), (400, &"invalid_grant".into()));
}

#[tokio::test]
async fn a_code_lives_a_minute() {
    let front = Front::new();
    let cookie = front.log_in().await;
    let code = code(&front, &cookie).await;
    let later = crate::clock::unix_seconds() + 60;
    let late = front.people.store.redeem_code(&code, later, |_| panic!("it has expired")).unwrap();
    assert_eq!(late, crate::store::Redeemed::Unknown);
    assert_eq!(front.post_form("/oauth/token", &[], &redeem(&code)).await.status, 200, "now it has not");
}

#[tokio::test]
async fn a_code_is_bound_to_its_client_redirect_uri_and_verifier() {
    let front = Front::new();
    let cookie = front.log_in().await;
    for (what, other) in [
        ("client_id=widgetapp-cli", "client_id=web-app"),
        ("%3A4321", "%3A4322"),
        (VERIFIER, "0123456789012345678901234567890123456789012"),
        (VERIFIER, "short"),
    ] {
        let form = redeem(&code(&front, &cookie).await);
        let answer = front.post_form("/oauth/token", &[], &form.replace(what, other)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &"invalid_grant".into()), "{other}");
        let answer = front.post_form("/oauth/token", &[], &form).await;
        assert_eq!(answer.json()["error"], "invalid_grant", "a wrong try uses the code up");
    }
}

#[tokio::test]
async fn authorization_requests_go_wrong_in_the_right_place() {
    let front = Front::new();
    let cookie = front.log_in().await;
    let ask = async |change: &[(&str, &str)]| front.get(&authorize(change), &[("cookie", &cookie)]).await;
    for change in [
        ("client_id", "nobody"),
        ("client_id", ""),
        ("redirect_uri", "https%3A%2F%2Fevil.test%2Fcallback"),
        ("redirect_uri", ""),
    ] {
        let answer = ask(&[change]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{change:?}");
    }
    let twice = format!("{}&client_id=widgetapp-cli", authorize(&[]));
    assert_eq!(front.get(&twice, &[("cookie", &cookie)]).await.status, 400);
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("scope", "admin"), "invalid_scope"),
        (("response_mode", "fragment"), "invalid_request"),
        (("request", "eyJ"), "request_not_supported"),
        (("request_uri", "https%3A%2F%2Fevil.test"), "request_uri_not_supported"),
        (("prompt", "select_account"), "invalid_request"),
        (("prompt", "none+login"), "invalid_request"),
    ] {
        let location = ask(&[change]).await.header("location").to_owned();
        assert!(location.starts_with(&format!("http://127.0.0.1:4321/callback?error={error}&")), "{location}");
        assert!(location.contains("&state=a+%26b&iss="), "{location}");
    }
}

#[tokio::test]
async fn the_first_party_client_needs_a_login_and_no_browser() {
    let front = Front::new();
    let answer = front.get(&authorize(&[]), &[]).await;
    assert!(answer.header("location").starts_with("/login?next=%2Foauth%2Fauthorize%3Fresponse_type%3Dcode"));
    let cookie = front.log_in().await;
    let answer = front.get(&authorize(&[]), &[("cookie", &cookie), ("sec-fetch-site", "none")]).await;
    assert!(answer.header("location").contains("error=unauthorized_client"));
}

#[tokio::test]
async fn the_metadata_advertises_only_what_answers_and_all_of_it() {
    book::claims!("oauth-stock", 1);
    let front = Front::new();
    let answer = front.get("/.well-known/oauth-authorization-server", &[]).await;
    let metadata = answer.json();
    assert_eq!(metadata["issuer"], BASE);
    assert_eq!(front.get("/.well-known/openid-configuration", &[]).await.json(), metadata);
    let mut endpoints = Vec::new();
    for (name, value) in metadata.as_object().unwrap() {
        if name.ends_with("_endpoint") || name.ends_with("_uri") {
            let path = value.as_str().unwrap().strip_prefix(BASE).unwrap();
            assert_ne!(front.get(path, &[]).await.status, 404, "{name}");
            endpoints.push(name.as_str());
        }
    }
    let all = ["authorization_endpoint", "introspection_endpoint", "jwks_uri", "revocation_endpoint", "token_endpoint"];
    assert_eq!(endpoints, all);
    for grant in metadata["grant_types_supported"].as_array().unwrap() {
        let form = format!("client_id=web-app&grant_type={}", grant.as_str().unwrap());
        let answer = front.post_form("/oauth/token", &[], &form).await;
        assert_ne!(answer.json()["error"], "unsupported_grant_type", "{grant}");
    }
    let keys = front.get("/.well-known/jwks.json", &[]).await.json();
    assert_eq!((&keys["keys"][0]["crv"], &keys["keys"][0]["d"]), (&"Ed25519".into(), &serde_json::Value::Null));
}

#[tokio::test]
async fn a_key_that_has_grown_old_is_replaced_and_its_tokens_stay_good() {
    book::claims!("oauth-keys", 1);
    // The first key is made between the two.
    let before = crate::clock::unix_seconds();
    let front = Front::with(|config| config.oauth.signing_key_seconds = 3_600);
    let (tokens, ada) = (front.app.tokens(), &front.people.ada);
    let now = crate::clock::unix_seconds();
    let ids = |at| -> Vec<String> {
        let keys = tokens.jwks(at);
        keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    let first = ids(now);
    let old = front.token_of(ada, "stream", before + 3_599);
    assert_eq!(ids(before + 3_599), first);
    let new = front.token_of(ada, "stream", now + 3_600);
    let both = ids(now + 3_600);
    assert_eq!((both.len(), &both[1]), (2, &first[0]), "the old key stays published");
    assert!(tokens.verify(&old, now + 3_601).is_ok() && tokens.verify(&new, now + 3_601).is_ok());
    assert_eq!(ids(now + 4_199), both);
    assert_eq!(ids(now + 4_200), both[..1], "until its last token has expired");
    tokens.rotate_keys(now + 4_200).unwrap();
    assert!(tokens.verify(&new, now + 4_199).is_ok(), "also when the administrator asks for it");
}
