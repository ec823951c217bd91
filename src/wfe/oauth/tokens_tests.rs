//! What access tokens must be, and what must not pass for one (RFC 8725, RFC 9068).

use serde_json::Value;

use super::*;
use crate::store::fixture::Fixture;

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://wfe.test";

struct Bench {
    fixture: Fixture,
    tokens: Tokens,
}

impl Bench {
    fn new() -> Self {
        let fixture = Fixture::new();
        let tokens = Tokens::open(&fixture.store, ISSUER.into(), 600).unwrap();
        Self { fixture, tokens }
    }

    fn token(&self) -> String {
        self.tokens.issue(&self.fixture.ada, "app", Scopes::ALL, NOW)
    }

    fn refused(&self, token: &str) -> bool {
        matches!(self.tokens.verify(token, NOW + 1), Err(TokenError::Invalid(_)))
    }

    /// Signs with our own key what is made of a good token's header and claims.
    fn forged(&self, header: impl FnOnce(&mut Value), claims: impl FnOnce(&mut Value)) -> String {
        let [mut head, mut body] = parts(&self.token());
        header(&mut head);
        claims(&mut body);
        self.signed(&head.to_string(), &body.to_string())
    }

    fn signed(&self, head: &str, body: &str) -> String {
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(body));
        let key = &self.tokens.0.keys[0].sign;
        let signature = jsonwebtoken::crypto::sign(text.as_bytes(), key, Algorithm::EdDSA).unwrap();
        format!("{text}.{signature}")
    }
}

fn parts(token: &str) -> [Value; 2] {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    [0, 1].map(|_| serde_json::from_slice(&parts.next().unwrap()).unwrap())
}

#[test]
fn a_token_says_what_rfc_9068_demands_and_verifies() {
    book::claims!("token-jwt", 1);
    let bench = Bench::new();
    let token = bench.token();
    let [head, body] = parts(&token);
    assert_eq!((&head["typ"], &head["alg"]), (&"at+jwt".into(), &"EdDSA".into()));
    for claim in ["iss", "aud", "sub", "client_id", "exp", "iat", "jti", "scope"] {
        assert!(!body[claim].is_null(), "{claim}");
    }
    for _ in 0..2 {
        let verified = bench.tokens.verify(&token, NOW + 599).unwrap();
        assert_eq!((verified.principal, verified.scopes), (bench.fixture.ada.clone(), Scopes::ALL));
        assert_eq!((verified.expires_at, verified.client_id.as_str()), (NOW + 600, "app"));
    }
    assert!(!bench.refused(&bench.forged(|_| (), |_| ())), "the forging itself works");
}

#[test]
fn a_token_expires_to_the_second_also_when_it_is_remembered() {
    let bench = Bench::new();
    let token = bench.token();
    bench.tokens.verify(&token, NOW + 599).unwrap();
    assert!(matches!(bench.tokens.verify(&token, NOW + 600), Err(TokenError::Expired)));
    let fresh = Bench::new();
    assert!(matches!(fresh.tokens.verify(&fresh.token(), NOW + 601), Err(TokenError::Expired)));
}

#[test]
fn a_remembered_token_of_a_disabled_user_is_refused() {
    let bench = Bench::new();
    let token = bench.token();
    bench.tokens.verify(&token, NOW).unwrap();
    bench.fixture.store.set_disabled("ada", true).unwrap();
    assert!(bench.refused(&token));
}

#[test]
fn no_other_algorithm_passes() {
    let bench = Bench::new();
    for alg in ["none", "None", "nOnE", "HS256", "ES256", "EDDSA", ""] {
        let token = bench.forged(|head| head["alg"] = alg.into(), |_| ());
        assert!(bench.refused(&token), "{alg}");
        let unsigned = token.rsplit_once('.').unwrap().0;
        assert!(bench.refused(&format!("{unsigned}.")) && bench.refused(unsigned), "{alg}");
    }
}

#[test]
fn the_public_key_is_no_secret_for_hmac() {
    let bench = Bench::new();
    let public = &bench.tokens.jwks()["keys"][0];
    let raw = URL_SAFE_NO_PAD.decode(public["x"].as_str().unwrap()).unwrap();
    let [mut head, body] = parts(&bench.token());
    head["alg"] = "HS256".into();
    let text = [&head, &body].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    for secret in [raw, public.to_string().into_bytes(), public["x"].to_string().into_bytes()] {
        let key = EncodingKey::from_secret(&secret);
        let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256).unwrap();
        assert!(bench.refused(&format!("{text}.{signature}")));
    }
}

#[test]
fn headers_other_than_ours_are_refused() {
    let bench = Bench::new();
    let changes: &[(&str, Value)] = &[
        ("typ", "JWT".into()),
        ("typ", "logout+jwt".into()),
        ("typ", Value::Null),
        ("kid", "../../etc/passwd".into()),
        ("kid", "' OR 1=1 --".into()),
        ("kid", "https://evil.test/key".into()),
        ("kid", Value::Null),
        ("jku", "https://evil.test/jwks".into()),
        ("jwk", json!({"kty": "OKP"})),
        ("x5u", "https://evil.test/cert".into()),
        ("x5c", json!([])),
        ("crit", json!(["exp"])),
        ("enc", "A128GCM".into()),
    ];
    for (name, value) in changes {
        let token = bench.forged(|head| head[*name] = value.clone(), |_| ());
        assert!(bench.refused(&token), "{name}: {value}");
    }
}

#[test]
fn claims_that_are_missing_wrong_or_odd_are_refused() {
    let bench = Bench::new();
    let changes: &[(&str, Value)] = &[
        ("iss", "https://evil.test".into()),
        ("aud", "https://evil.test".into()),
        ("exp", "1800000600".into()),
        ("exp", (-1).into()),
        ("exp", 1.8e19.into()),
        ("iat", (NOW + 120).into()),
        ("scope", "admin".into()),
        ("kind", "god".into()),
        ("organisation", "rivals".into()),
        ("sub", "nobody".into()),
    ];
    for (name, value) in changes {
        let token = bench.forged(|_| (), |claims| claims[*name] = value.clone());
        assert!(bench.refused(&token), "{name}: {value}");
    }
    for name in ["iss", "aud", "sub", "client_id", "exp", "iat", "jti", "scope", "organisation", "kind"] {
        let drop = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove(name));
        assert!(bench.refused(&bench.forged(|_| (), drop)), "{name}");
    }
    let [head, body] = parts(&bench.token());
    let twice = body.to_string().replacen('{', "{\"sub\":\"grace\",", 1);
    assert!(bench.refused(&bench.signed(&head.to_string(), &twice)));
}

#[test]
fn changed_bytes_other_shapes_and_giants_are_refused() {
    let bench = Bench::new();
    let token = bench.token();
    let other = Bench::new();
    assert!(bench.refused(&other.token()), "another server's");
    let giant = format!("{}.{}", token, "A".repeat(1 << 20));
    let (text, signature) = token.rsplit_once('.').unwrap();
    let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
    for bad in ["", ".", "..", "a.b.c", &giant, &format!("{token}="), &format!("{token}.x"), &format!("{token}\n")] {
        assert!(bench.refused(bad));
    }
    assert!(bench.refused(&format!("{text}.{zeros}")) && bench.refused(&format!("{text}.{}A", signature)));
}
