//! What an attacker would try: forged tokens at every door, and tricks with codes, redirects and secrets.
//! Nothing of it is accepted, and each is refused with the status and code that it should be.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey};
use oauth2::url::form_urlencoded;
use serde_json::{Value, json};

use super::{
    flow::{Flow, VERIFIER, pair},
    tokens::tests::parts,
};
use crate::{
    clock,
    wfe::fixture::{Answer, Front, SECRET, basic},
};

/// A door's tests: a good token and one that is changed in header or claims, signed with our own key.
struct Forger {
    front: Front,
    good: String,
}

impl Forger {
    fn new() -> Self {
        let front = Front::new();
        Self { good: front.token(&front.people.ada, "stream things:read"), front }
    }

    fn with(&self, header: impl FnOnce(&mut Value), claims: impl FnOnce(&mut Value)) -> String {
        let [mut head, mut body] = parts(&self.good);
        header(&mut head);
        claims(&mut body);
        self.front.app.tokens().sign_anything(&head.to_string(), &body.to_string())
    }

    fn with_header(&self, name: &str, value: impl Into<Value>) -> String {
        self.with(|head| head[name] = value.into(), |_| ())
    }

    fn with_claim(&self, name: &str, value: impl Into<Value>) -> String {
        self.with(|_| (), |claims| claims[name] = value.into())
    }

    /// The good token's text and signature.
    fn signed(&self) -> (&str, &str) {
        self.good.rsplit_once('.').unwrap()
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

    /// Signed as HS256 with a secret.
    fn by_hmac(&self, secret: &[u8]) -> String {
        let [mut head, body] = parts(&self.good);
        head["alg"] = "HS256".into();
        let text = [&head, &body].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signature =
            jsonwebtoken::crypto::sign(text.as_bytes(), &EncodingKey::from_secret(secret), Algorithm::HS256).unwrap();
        format!("{text}.{signature}")
    }

    /// Every door that takes access tokens.
    async fn try_doors(&self, token: &str) -> Vec<Answer> {
        let bearer = format!("Bearer {token}");
        let stream = [
            ("authorization", bearer.as_str()),
            ("host", "127.0.0.1"),
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        vec![
            self.front.get("/_stream", &stream).await,
            self.front.get("/_ajax/scroll", &[("authorization", &bearer)]).await,
            self.front.get("/_ajax/search?q=a", &[("authorization", &bearer)]).await,
            self.front.post_json("/_ajax/create", &[("authorization", &bearer)], r#"{"title": "a"}"#).await,
        ]
    }

    async fn is_active(&self, token: &str) -> bool {
        let secret = basic("system", &SECRET.replace('+', "%2B"));
        let form = form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish();
        let answer = self.front.post_form("/oauth/introspect", &[("authorization", &secret)], &form).await;
        // The largest are not even read.
        assert!(answer.status == 200 || answer.status == 413, "{}", answer.text);
        answer.status == 200 && answer.json()["active"] != false
    }
}

fn forgeries(forger: &Forger) -> Vec<(String, String)> {
    let (text, signature) = forger.signed();
    let [head, body] = parts(&forger.good);
    let now = clock::unix_seconds();
    let sign = |head: &str, body: &str| forger.front.app.tokens().sign_anything(head, body);
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, token: String| all.push((name.to_owned(), token));

    for alg in ["none", "None", "nOnE", "HS256", "ES256", "RS256", "PS256", "EDDSA", "Ed25519", ""] {
        let token = forger.with_header("alg", alg);
        let unsigned = token.rsplit_once('.').unwrap().0.to_owned();
        add(&format!("alg {alg}"), token);
        add(&format!("alg {alg}, empty signature"), format!("{unsigned}."));
        add(&format!("alg {alg}, no signature"), unsigned);
    }
    for (at, secret) in forger.public_key().iter().enumerate() {
        add(&format!("HS256 with the public key, form {at}"), forger.by_hmac(secret));
    }
    let es256 = URL_SAFE_NO_PAD.encode(json!({"alg": "ES256", "typ": "at+jwt", "kid": head["kid"]}).to_string());
    let claims = text.split_once('.').unwrap().1;
    add("ECDSA r=s=0", format!("{es256}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 64])));
    add("EdDSA zeros", format!("{text}.{}", URL_SAFE_NO_PAD.encode([0; 64])));

    let headers: &[(&str, Value)] = &[
        ("typ", "JWT".into()),
        ("typ", "id+jwt".into()),
        ("typ", "logout+jwt".into()),
        ("typ", "at+JWT ".into()),
        ("typ", Value::Null),
        ("kid", "unknown".into()),
        ("kid", "../../../../dev/null".into()),
        ("kid", "' OR 1=1 --".into()),
        ("kid", "https://evil.test/key".into()),
        ("kid", "".into()),
        ("kid", Value::Null),
        ("jku", "https://evil.test/jwks".into()),
        ("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})),
        ("x5u", "https://evil.test/cert".into()),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!(["b64"])),
        ("b64", false.into()),
        ("enc", "A128GCM".into()),
        ("zip", "DEF".into()),
        ("cty", "JWT".into()),
    ];
    for (name, value) in headers {
        add(&format!("header {name}: {value}"), forger.with_header(name, value.clone()));
    }

    let claims: &[(&str, Value)] = &[
        ("iss", "https://evil.test".into()),
        ("iss", format!("{}/", crate::wfe::fixture::BASE).into()),
        ("aud", "https://evil.test".into()),
        ("aud", json!(["https://evil.test"])),
        ("exp", (now + 600).to_string().into()),
        ("exp", (-1).into()),
        ("exp", (1_u64 << 63).into()),
        ("exp", u64::MAX.into()),
        ("exp", 1.8e19.into()),
        ("exp", (now + 2 * 24 * 60 * 60).into()),
        ("exp", Value::Null),
        ("nbf", (now + 120).into()),
        ("iat", (now + 120).into()),
        ("iat", "yesterday".into()),
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
    for (name, value) in claims {
        add(&format!("claim {name}: {value}"), forger.with_claim(name, value.clone()));
    }
    for name in ["iss", "aud", "sub", "client_id", "exp", "iat", "jti", "scope", "organisation", "kind"] {
        add(&format!("no {name}"), forger.with(|_| (), |claims| drop(claims.as_object_mut().unwrap().remove(name))));
    }
    for twice in ["\"sub\":\"grace\",", "\"exp\":99999999999,", "\"scope\":\"stream things:write\","] {
        add(
            &format!("twice {twice}"),
            sign(&head.to_string(), &body.to_string().replacen('{', &format!("{{{twice}"), 1)),
        );
    }
    add("header twice", sign(&head.to_string().replacen('{', "{\"alg\":\"none\",", 1), &body.to_string()));
    add("claims that are no object", sign(&head.to_string(), "[]"));
    add("claims with bytes behind", sign(&head.to_string(), &format!("{body}{{}}")));

    for bad in ["", ".", "..", "...", "a.b.c", "null", "Bearer", "eyJ"] {
        add(&format!("{bad:?}"), bad.to_owned());
    }
    add("padded", format!("{}=", forger.good));
    add("padded with two", format!("{}==", forger.good));
    add("a fourth part", format!("{}.x", forger.good));
    add("a byte more", format!("{}A", forger.good));
    add("a byte less", forger.good[..forger.good.len() - 1].to_owned());
    add("another alphabet", format!("{text}.{}+", &signature[1..]));
    add("JWE", format!("{}.{}", forger.good, "AAAA.AAAA"));
    add("1 MB", format!("{}.{}", forger.good, "A".repeat(1 << 20)));
    add(
        "1 MB of claims",
        sign(&head.to_string(), &body.to_string().replacen('{', &format!("{{\"a\":\"{}\",", "b".repeat(1 << 20)), 1)),
    );
    let mut changed = body.clone();
    changed["sub"] = "grace".into();
    add(
        "changed claims",
        format!("{}.{}.{signature}", text.split_once('.').unwrap().0, URL_SAFE_NO_PAD.encode(changed.to_string())),
    );
    all
}

#[tokio::test]
async fn of_all_forged_access_tokens_none_is_accepted_at_any_door() {
    book::claims!("oauth-forgeries", 1);
    let forger = Forger::new();
    let now = clock::unix_seconds();
    for control in [forger.good.clone(), forger.with(|_| (), |_| ())] {
        assert!(forger.front.app.tokens().verify(&control, now).is_ok(), "the forging itself works");
    }
    assert!(forger.is_active(&forger.good).await);
    let all = forgeries(&forger);
    assert!(all.len() > 100, "{}", all.len());
    for (name, token) in all {
        assert!(forger.front.app.tokens().verify(&token, now).is_err(), "accepted: {name}");
        for answer in forger.try_doors(&token).await {
            assert!(answer.is(401, "invalid_token"), "{name}: {}", answer.text);
            assert_eq!((answer.json()["code"].as_u64(), answer.header("cache-control")), (Some(105), "no-store"));
            assert!(answer.header("www-authenticate").starts_with("Bearer error=\"invalid_token\""), "{name}");
        }
        if !token.is_empty() {
            assert!(!forger.is_active(&token).await, "{name}");
        }
    }
    let lines = format!("{}\n", forger.good);
    assert!(forger.front.app.tokens().verify(&lines, now).is_err());
}

#[tokio::test]
async fn an_expired_token_is_told_so_and_one_without_the_scope_is_forbidden() {
    let forger = Forger::new();
    let expired = forger.front.token_of(&forger.front.people.ada, "stream things:read", clock::unix_seconds() - 700);
    for answer in forger.try_doors(&expired).await {
        assert!(answer.is(401, "token_expired"), "{}", answer.text);
    }
    let narrow = forger.front.token(&forger.front.people.ada, "things:read");
    let answers = forger.try_doors(&narrow).await;
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
        assert!(answer.is(401, "not_logged_in"), "no token is taken there: {}", answer.text);
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
