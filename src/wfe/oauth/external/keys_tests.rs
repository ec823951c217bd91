//! Which keys are taken from a set, and how often it is fetched.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::keys::{KeySet, Keys, Looked, Pace, read_set};
use crate::clock;

const ALL: [Algorithm; 5] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];

fn bytes(count: usize) -> String {
    URL_SAFE_NO_PAD.encode(vec![7; count])
}

fn p256() -> Value {
    json!({"kid": "a", "kty": "EC", "crv": "P-256", "x": bytes(32), "y": bytes(32)})
}

fn rsa(size: usize) -> Value {
    json!({"kid": "a", "kty": "RSA", "n": bytes(size), "e": "AQAB"})
}

fn with(mut key: Value, name: &str, value: impl Into<Value>) -> Value {
    key[name] = value.into();
    key
}

/// By what algorithm the one key of a set would verify.
fn taken(key: Value, algorithms: &[Algorithm]) -> Option<Algorithm> {
    let set = read_set(json!({"keys": [key]}).to_string().as_bytes(), algorithms).ok()?;
    Some(set.get("a").unwrap().algorithm)
}

#[test]
fn each_key_is_for_one_algorithm_which_its_kind_decides() {
    let ed25519 = json!({"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": bytes(32)});
    let p384 = json!({"kid": "a", "kty": "EC", "crv": "P-384", "x": bytes(48), "y": bytes(48)});
    for (key, algorithm) in [
        (p256(), Algorithm::ES256),
        (p384, Algorithm::ES384),
        (ed25519, Algorithm::EdDSA),
        (rsa(256), Algorithm::RS256),
        (with(rsa(512), "alg", "PS256"), Algorithm::PS256),
        (with(with(p256(), "use", "sig"), "key_ops", json!(["verify"])), Algorithm::ES256),
        (with(p256(), "x5c", json!(["MIIB"])), Algorithm::ES256),
    ] {
        assert_eq!(taken(key.clone(), &ALL), Some(algorithm), "{key}");
    }
    assert_eq!(taken(rsa(256), &[Algorithm::PS256, Algorithm::RS256]), Some(Algorithm::PS256), "the first that fits");
    assert_eq!(taken(p256(), &[Algorithm::RS256]), None, "not one that is allowed");
}

#[test]
fn what_is_no_key_for_signatures_is_passed_over() {
    for key in [
        json!({"kid": "a", "kty": "oct", "k": bytes(32), "alg": "HS256"}),
        json!({"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": bytes(31)}),
        json!({"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": "!"}),
        json!({"kid": "a", "kty": "EC", "crv": "secp256k1", "x": bytes(32), "y": bytes(32)}),
        with(p256(), "x", bytes(31)),
        with(p256(), "x", ""),
        with(p256(), "kid", Value::Null),
        with(p256(), "kid", 7),
        with(p256(), "use", "enc"),
        with(p256(), "key_ops", json!(["sign"])),
        with(p256(), "alg", "HS256"),
        with(p256(), "alg", "none"),
        with(p256(), "alg", "RS256"),
        with(rsa(256), "alg", "HS256"),
        rsa(128),
        rsa(255),
        rsa(513),
        rsa(100_000),
        json!("a"),
        json!(null),
        json!({}),
    ] {
        assert_eq!(taken(key.clone(), &ALL), None, "{key}");
        // And it keeps no other key from being taken.
        let both = json!({"keys": [key, with(p256(), "kid", "b")]}).to_string();
        assert_eq!(read_set(both.as_bytes(), &ALL).unwrap().keys().collect::<Vec<_>>(), ["b"]);
    }
    for text in ["", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": []}"#, "null", "<html>"] {
        let why = read_set(text.as_bytes(), &ALL).err().unwrap();
        assert!(!why.contains('\n'), "{why}");
    }
}

#[test]
fn the_first_key_of_a_name_counts_and_a_set_has_an_end() {
    let two = json!({"keys": [p256(), rsa(256)]}).to_string();
    assert_eq!(read_set(two.as_bytes(), &ALL).unwrap()["a"].algorithm, Algorithm::ES256);
    let many: Vec<_> = (0..500).map(|number| with(p256(), "kid", number.to_string())).collect();
    assert_eq!(read_set(json!({ "keys": many }).to_string().as_bytes(), &ALL).unwrap().len(), 100);
}

fn some_keys(names: &[&str]) -> KeySet {
    let keys: Vec<_> = names.iter().map(|name| with(p256(), "kid", *name)).collect();
    read_set(json!({ "keys": keys }).to_string().as_bytes(), &ALL).unwrap()
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn keys_are_fetched_at_once_then_every_ten_minutes_or_when_one_is_unknown() {
    let start = clock::now();
    let mut keys = Keys::new(Pace::USUAL);
    assert_eq!(keys.due(start), Duration::ZERO);
    assert!(matches!(keys.look("a", start), Looked::Wait));
    assert!(keys.begin(start) && !keys.begin(start), "one at a time");
    assert!(matches!(keys.look("a", start), Looked::Wait));
    keys.end(Some(some_keys(&["a"])), start);
    assert!(matches!(keys.look("a", start), Looked::Found(_)));
    assert!(matches!(keys.look("b", start), Looked::Unknown));
    assert_eq!(keys.due(start), seconds(600));
    assert!(!keys.begin(start + seconds(59)));
    assert!(matches!(keys.look("b", start + seconds(60)), Looked::Wait), "a fetch may tell");
    assert!(keys.begin(start + seconds(60)));
    keys.end(None, start + seconds(61));
    assert!(matches!(keys.look("b", start + seconds(61)), Looked::NotNow(wait) if wait == seconds(59)));
    assert!(matches!(keys.look("a", start + seconds(61)), Looked::Found(_)));
    assert_eq!(keys.due(start + seconds(61)), seconds(59), "a failed fetch is tried again");
}

#[test]
fn keys_that_nobody_has_confirmed_for_an_hour_count_no_more() {
    let start = clock::now();
    let mut keys = Keys::new(Pace::USUAL);
    assert!(keys.begin(start));
    keys.end(Some(some_keys(&["a"])), start);
    for minute in 1..60 {
        let now = start + seconds(60 * minute);
        assert!(keys.begin(now));
        keys.end(None, now);
        assert!(matches!(keys.look("a", now), Looked::Found(_)), "{minute}");
    }
    assert!(matches!(keys.look("a", start + seconds(3599)), Looked::Found(_)));
    assert!(!matches!(keys.look("a", start + seconds(3600)), Looked::Found(_)));
}

proptest! {
    /// Whoever asks for whatever and whenever: a fetch a minute at the most, and no key that was not published in
    /// the last hour.
    #[test]
    fn no_storm_of_unknown_keys_makes_more_than_a_fetch_a_minute(
        steps in prop::collection::vec((0..90_u64, 0..3_usize, any::<bool>()), 1..200),
    ) {
        let mut now: Instant = clock::now();
        let mut keys = Keys::new(Pace::USUAL);
        let (mut last_begun, mut published): (Option<Instant>, Option<(Instant, usize)>) = (None, None);
        let names = ["a", "b", "c"];
        for (passed, name, succeeds) in steps {
            now += seconds(passed);
            match keys.look(names[name], now) {
                Looked::Found(_) => {
                    let (at, which) = published.unwrap();
                    prop_assert!(now - at < seconds(3600) && which == name);
                }
                Looked::Wait => {
                    prop_assert!(keys.begin(now), "a fetch that is waited for begins");
                    prop_assert!(last_begun.is_none_or(|last| now - last >= seconds(60)));
                    last_begun = Some(now);
                    keys.end(succeeds.then(|| some_keys(&[names[name]])), now);
                    if succeeds {
                        published = Some((now, name));
                    }
                }
                Looked::NotNow(wait) => prop_assert!(!wait.is_zero() && wait <= seconds(60) && !keys.begin(now)),
                Looked::Unknown => prop_assert!(!keys.begin(now)),
            }
            prop_assert!(keys.due(now) <= seconds(600));
        }
    }
}
