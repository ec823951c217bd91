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
        let tokens = Tokens::open(&fixture.store, ISSUER.into(), &Oauth::default()).unwrap();
        Self { fixture, tokens }
    }

    fn token(&self) -> String {
        self.tokens.issue(
            self.fixture.grant(&self.fixture.ada, "app", NOW + 600),
            &self.fixture.ada,
            "app",
            Scopes::ALL,
            NOW,
        )
    }

    fn refused(&self, token: &str) -> bool {
        matches!(self.tokens.verify(token, NOW + 1), Err(TokenError::Invalid(_)))
    }
}

impl Tokens {
    /// Signs anything with our own key, as whoever had stolen it.
    pub(in crate::wfe) fn sign_anything(&self, head: &str, body: &str) -> String {
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(body));
        let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &self.keys()[0].sign, Algorithm::EdDSA).unwrap();
        format!("{text}.{signature}")
    }
}

/// Header and claims.
pub(in crate::wfe) fn parts(token: &str) -> [Value; 2] {
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
fn a_token_of_an_ended_grant_is_refused_from_the_next_use_on() {
    let bench = Bench::new();
    let token = bench.token();
    let verified = bench.tokens.verify(&token, NOW).unwrap();
    bench.fixture.store.end_grant(verified.grant).unwrap();
    assert!(bench.refused(&token));
}

#[test]
fn a_token_of_another_server_is_refused() {
    let (bench, other) = (Bench::new(), Bench::new());
    assert!(bench.refused(&other.token()));
}
