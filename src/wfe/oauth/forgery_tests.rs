//! What an attacker would try: forged tokens at every door, and tricks with codes, redirects and secrets.
//! Nothing of it is accepted, and each is refused with the status and code that it should be.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use super::{
    flow::{Flow, VERIFIER, pair},
    forgeries::{Forge, is_active, is_refused_everywhere, try_doors},
};
use crate::{
    clock,
    wfe::fixture::{Front, SECRET, basic},
};

/// A door's tests: a good token of ours.
struct Forger {
    front: Front,
    good: String,
}

impl Forger {
    fn new() -> Self {
        let front = Front::new();
        Self { good: front.token(&front.people.ada, "stream things:read"), front }
    }

    /// The public key in all forms in which it could be taken for a secret.
    fn public_key(&self) -> Vec<Vec<u8>> {
        let jwks = self.front.app.tokens().jwks(clock::unix_seconds());
        let jwk = &jwks["keys"][0];
        let raw = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
        let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        let der = [&head[..], &raw].concat();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
        let text = jwk["x"].as_str().unwrap().as_bytes().to_vec();
        vec![raw, der, pem.trim().as_bytes().to_vec(), pem.into_bytes(), jwk.to_string().into_bytes(), text]
    }
}

#[tokio::test]
async fn of_all_forged_access_tokens_none_is_accepted_at_any_door() {
    book::claims!("oauth-forgeries", 1);
    let forger = Forger::new();
    let Forger { front, good } = &forger;
    let now = clock::unix_seconds();
    let sign = |head: &str, body: &str| front.app.tokens().sign_anything(head, body);
    let claims = [
        ("scope", "stream admin".into()),
        ("scope", json!(["stream"])),
        ("kind", "god".into()),
        ("kind", "client".into()),
        ("organisation", "rivals".into()),
        ("sub", "nobody".into()),
        ("sub", "system".into()),
        ("jti", clock::new_id().to_string().into()),
        ("jti", "".into()),
    ];
    let forge = Forge {
        good,
        sign: &sign,
        public_key: forger.public_key(),
        claims: &claims,
        needed: &["iss", "aud", "sub", "client_id", "exp", "iat", "jti", "scope", "organisation", "kind"],
        now,
    };
    for control in [good.clone(), forge.unchanged()] {
        assert!(front.app.tokens().verify(&control, now).is_ok(), "the forging itself works");
    }
    assert!(is_active(front, good).await);
    let all = forge.all();
    assert!(all.len() > 100, "{}", all.len());
    for (name, token) in all {
        assert!(front.app.tokens().verify(&token, now).is_err(), "accepted: {name}");
        is_refused_everywhere(front, &name, &token).await;
    }
    let lines = format!("{good}\n");
    assert!(front.app.tokens().verify(&lines, now).is_err());
}

#[tokio::test]
async fn an_expired_token_is_told_so_and_one_without_the_scope_is_forbidden() {
    let forger = Forger::new();
    let expired = forger.front.token_of(&forger.front.people.ada, "stream things:read", clock::unix_seconds() - 700);
    for answer in try_doors(&forger.front, &expired).await {
        assert!(answer.is(401, "token_expired"), "{}", answer.text);
    }
    let narrow = forger.front.token(&forger.front.people.ada, "things:read");
    let answers = try_doors(&forger.front, &narrow).await;
    for refused in [&answers[0], &answers[3]] {
        assert!(refused.is(403, "insufficient_scope"));
        assert!(refused.header("www-authenticate").starts_with("Bearer error=\"insufficient_scope\""));
    }
}

#[tokio::test]
async fn a_token_in_the_url_is_never_taken() {
    let forger = Forger::new();
    let Forger { front, good } = &forger;
    let stream = front.get(&format!("/_stream?access_token={good}"), &[]).await;
    assert!(stream.is(400, "token_in_url"));
    let bearer = format!("Bearer {good}");
    for headers in [&[][..], &[("authorization", bearer.as_str())]] {
        for path in ["/_ajax/scroll", "/_ajax/search"] {
            let answer = front.get(&format!("{path}?q=a&access_token={good}"), headers).await;
            assert!(answer.is(400, "token_in_url"), "{path}: {}", answer.text);
        }
        let answer = front.post_json(&format!("/_ajax/create?access_token={good}"), headers, "{}").await;
        assert!(answer.is(400, "token_in_url"), "{}", answer.text);
        let answer = front.get(&format!("/api/1.0/things?access_token={good}"), headers).await;
        assert!(answer.is(400, "token_in_url"), "{}", answer.text);
    }
    let twice = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    assert!(front.get("/_ajax/scroll", &twice).await.is(400, "bad_request"));
    let in_body = format!("access_token={good}");
    assert!(front.post_form("/_ajax/create", &[], &in_body).await.is(401, "not_logged_in"));
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect"] {
        let path = format!("{path}?client_id=system&client_secret=x&token={good}");
        let answer = front.post_form(&path, &[], "grant_type=client_credentials").await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &"invalid_request".into()));
    }
}

#[tokio::test]
async fn a_code_or_an_error_goes_to_no_address_that_is_not_registered() {
    book::claims!("oauth-redirect", 1);
    let front = Front::new();
    let cookie = front.log_in().await;
    for (client, evil) in [
        ("web-app", "https://app.test/cb/"),
        ("web-app", "https://app.test/cb/../x"),
        ("web-app", "https://app.test/cb%2F..%2Fx"),
        ("web-app", "https://app.test/cb?x=1"),
        ("web-app", "https://app.test/cb#x"),
        ("web-app", "https://app.test/CB"),
        ("web-app", "https://APP.test/cb"),
        ("web-app", "HTTPS://app.test/cb"),
        ("web-app", "http://app.test/cb"),
        ("web-app", "https://app.test:443/cb"),
        ("web-app", "https://app.test:8443/cb"),
        ("web-app", "https://ada@app.test/cb"),
        ("web-app", "https://app.test@evil.test/cb"),
        ("web-app", "https://app.test.evil.test/cb"),
        ("web-app", "https://evil.test/https://app.test/cb"),
        ("web-app", "https://app.test\\@evil.test/cb"),
        ("web-app", "//app.test/cb"),
        ("web-app", " https://app.test/cb"),
        ("web-app", "https://app.test/cb\n"),
        ("web-app", "https://site.test/cb"),
        ("web-app", "javascript:alert(1)"),
        ("web-app", ""),
        ("native-app", "http://127.0.0.1:1/callback/x"),
        ("native-app", "http://localhost:1/callback"),
        ("native-app", "http://127.0.0.1:1@evil.test/callback"),
        ("native-app", "http://127.0.0.1.evil.test/callback"),
        ("native-app", "http://[::1]/callback"),
        ("native-app", "https://127.0.0.1/callback"),
        ("system", "https://app.test/cb"),
    ] {
        let flow = Flow::of(client, "");
        for change in [&[("redirect_uri", evil)][..], &[("redirect_uri", evil), ("response_type", "token")]] {
            let answer = front.get(&flow.url(change), &[("cookie", &cookie)]).await;
            assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{evil}");
            assert!(answer.text.contains("This link does not work"), "{evil}");
        }
    }
}

#[tokio::test]
async fn pkce_is_demanded_of_every_client_and_cannot_be_talked_down() {
    book::claims!("oauth-pkce", 1);
    let front = Front::new();
    let cookie = front.log_in().await;
    for (client, redirect) in [("web-app", "https://app.test/cb"), ("site", "https://site.test/cb")] {
        let flow = Flow::of(client, redirect);
        for change in [
            &[("code_challenge", ""), ("code_challenge_method", "")][..],
            &[("code_challenge_method", "")],
            &[("code_challenge_method", "plain"), ("code_challenge", VERIFIER)],
            &[("code_challenge_method", "s256")],
            &[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=")],
        ] {
            let answer = front.get(&flow.url(change), &[("cookie", &cookie)]).await;
            let location = answer.header("location");
            assert!(location.starts_with(&format!("{redirect}?error=invalid_request&")), "{change:?}: {location}");
        }
    }
    let flow = Flow::of("web-app", "https://app.test/cb");
    for (from, to) in [
        (format!("code_verifier={VERIFIER}"), String::new()),
        (format!("code_verifier={VERIFIER}"), "code_verifier=".into()),
        (VERIFIER.into(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into()),
        (VERIFIER.into(), VERIFIER.to_lowercase()),
        (VERIFIER.into(), format!("{VERIFIER}a")),
        ("app.test".into(), "app.test%2Fx".into()),
    ] {
        let form = flow.redeem(&flow.code(&front, &cookie).await);
        let changed = form.replace(&from, &to);
        assert_ne!(form, changed);
        let answer = front.post_form("/oauth/token", &[], &changed).await;
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(
            answer.status == 400 && ["invalid_grant", "invalid_request"].contains(&error.as_str()),
            "{to}: {error}"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let code = flow.code(&front, &cookie).await;
    let stolen = Flow { client: "native-app", ..Flow::of("", "https://app.test/cb") };
    assert_eq!(front.post_form("/oauth/token", &[], &stolen.redeem(&code)).await.json()["error"], "invalid_grant");
    pair(&front.post_form("/oauth/token", &[], &flow.redeem(&flow.code(&front, &cookie).await)).await);
}

#[tokio::test]
async fn a_client_with_a_secret_proves_it_in_exactly_one_way() {
    let front = Front::new();
    let cookie = front.log_in().await;
    let flow = Flow::of("site", "https://site.test/cb");
    let encoded = SECRET.replace('%', "%25").replace('+', "%2B").replace(':', "%3A");
    let good = basic("site", &encoded);
    let wrong = basic("site", "s3cret");
    let bare = basic("site", SECRET);
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(Headers<'_>, String, u16, &str)] = &[
        (&[], String::new(), 401, "invalid_client"),
        (&[], "&client_secret=wrong".into(), 401, "invalid_client"),
        (&[], "&client_secret=".into(), 401, "invalid_client"),
        (&[("authorization", &wrong)], String::new(), 401, "invalid_client"),
        // As it is and not form-encoded, `+` means a space.
        (&[("authorization", &bare)], String::new(), 401, "invalid_client"),
        (&[("authorization", "Bearer x")], String::new(), 401, "invalid_client"),
        (&[("authorization", "Basic !")], String::new(), 401, "invalid_client"),
        (&[("authorization", &good), ("authorization", &good)], String::new(), 401, "invalid_client"),
        (&[("authorization", &good)], format!("&client_secret={encoded}"), 400, "invalid_request"),
        (&[], format!("&client_secret={encoded}&client_secret={encoded}"), 400, "invalid_request"),
        (&[], format!("&client_secret={encoded}&client_assertion=x"), 400, "invalid_request"),
    ];
    for (headers, more, status, error) in cases {
        let form = format!("{}{more}", flow.redeem("some code"));
        let answer = front.post_form("/oauth/token", headers, &form).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (*status, &Value::from(*error)),
            "{headers:?}{more}"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        let tried_basic = !headers.is_empty() && *status == 401;
        assert_eq!(answer.header("www-authenticate").starts_with("Basic "), tried_basic, "{headers:?}");
    }
    for headers in [vec![("authorization", good.as_str())], vec![]] {
        let more = if headers.is_empty() { format!("&client_secret={encoded}") } else { String::new() };
        let form = format!("{}{more}", flow.redeem(&flow.code(&front, &cookie).await));
        pair(&front.post_form("/oauth/token", &headers, &form).await);
    }
}
