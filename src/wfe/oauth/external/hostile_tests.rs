//! An issuer that is hostile, broken or slow: it is never called more often, longer or elsewhere than it should be.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::{net::TcpSocket, task::JoinSet};

use super::{
    External,
    fetch::{MAX_BYTES, Source, WITHIN},
    keys::Pace,
    test_issuer::{KEYS_PATH, Manner, TestIssuer},
    tests::{Bench, claims_with, settings},
};
use crate::{
    clock,
    store::fixture::Fixture,
    wfe::{
        fixture::Front,
        oauth::{forgeries::is_active, tokens::TokenError},
    },
};

async fn refused(issuer: &TestIssuer, manner: Manner) -> String {
    issuer.behave(manner);
    let why = Source { issuer: issuer.url.clone(), jwks_uri: None }.fetch().await.unwrap_err();
    assert!(!why.contains('\n') && why.len() < 600, "one line: {why}");
    why
}

#[tokio::test]
async fn redirects_are_not_followed_wherever_they_lead() {
    book::claims!("external-calls", 1);
    let (issuer, other) = (TestIssuer::start().await, TestIssuer::start().await);
    let targets = [
        format!("{}{KEYS_PATH}", other.url),
        format!("{}{KEYS_PATH}", issuer.url),
        "http://169.254.169.254/latest/meta-data".into(),
        "https://idp.example/".into(),
    ];
    for target in targets {
        let why = refused(&issuer, Manner::Redirects(target)).await;
        assert!(why.contains("307") && why.contains("redirects are not followed"), "{why}");
    }
    assert_eq!((issuer.fetches(), other.fetches()), (0, 0));
}

#[tokio::test]
async fn the_description_can_send_nobody_to_another_server() {
    book::claims!("external-calls", 1);
    let (issuer, other) = (TestIssuer::start().await, TestIssuer::start().await);
    let port = other.url.rsplit_once(':').unwrap().1.to_owned();
    for uri in [
        format!("{}{KEYS_PATH}", other.url),
        format!("http://0x7f.1:{port}{KEYS_PATH}"),
        format!("http://localhost:{port}{KEYS_PATH}"),
        format!("http://[::1]:{port}{KEYS_PATH}"),
        format!("{}@127.0.0.1:{port}/keys", issuer.url),
        issuer.url.replace("http://", "http://ada@"),
        issuer.url.replace("http:", "https:"),
        "http://169.254.169.254/latest/meta-data".into(),
        "https://idp.example/keys".into(),
        "file:///etc/passwd".into(),
        "/keys".into(),
        String::new(),
        "x\n".repeat(10_000),
    ] {
        let why = refused(&issuer, Manner::Describes(json!({"issuer": issuer.url, "jwks_uri": uri}))).await;
        assert!(why.contains("another server; if that is right, name it as oauth.external.jwks_uri"), "{why}");
    }
    for named in [other.url.clone(), format!("{}/", issuer.url), issuer.url.to_uppercase(), String::new()] {
        let description = json!({"issuer": named, "jwks_uri": format!("{}{KEYS_PATH}", issuer.url)});
        let why = refused(&issuer, Manner::Describes(description)).await;
        assert!(why.contains("is about"), "{why}");
    }
    for broken in [json!([]), json!({}), json!({"issuer": issuer.url}), json!({"issuer": 7, "jwks_uri": 7})] {
        refused(&issuer, Manner::Describes(broken)).await;
    }
    assert_eq!((issuer.fetches(), other.fetches()), (0, 0));
}

#[tokio::test]
async fn the_administrator_can_name_another_server_for_the_keys() {
    let (issuer, keys) = (TestIssuer::start().await, TestIssuer::start().await);
    issuer.behave(Manner::Fails(500));
    let source = Source { issuer: issuer.url.clone(), jwks_uri: Some(format!("{}{KEYS_PATH}", keys.url)) };
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&source.fetch().await.unwrap()).unwrap(), keys.key_set());
}

#[tokio::test]
async fn a_slow_drip_is_cut_after_five_seconds_and_a_gigabyte_after_one_mebibyte() {
    book::claims!("external-calls", 1);
    let (slow, large) = (TestIssuer::start().await, TestIssuer::start().await);
    let begun = clock::now();
    let (why, flooded) = tokio::join!(refused(&slow, Manner::Drips), refused(&large, Manner::Floods));
    assert!(why.contains("longer than 5s") && begun.elapsed() < WITHIN + Duration::from_secs(3), "{why}");
    assert!(flooded.contains("more than 1048576 bytes"), "{flooded}");
    // Beyond what was read, no more than the buffers of two sockets.
    assert!(large.flooded() < 32 * MAX_BYTES as u64, "{}", large.flooded());
}

#[tokio::test]
async fn errors_and_nonsense_are_told_in_one_line() {
    let issuer = TestIssuer::start().await;
    for status in [204, 404, 500] {
        assert!(refused(&issuer, Manner::Fails(status)).await.contains(&status.to_string()));
    }
    // Nobody else gets the port of a socket that does not listen.
    let bound = TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = bound.local_addr().unwrap();
    let why = Source { issuer: format!("http://{gone}"), jwks_uri: None }.fetch().await.unwrap_err();
    assert!(why.contains("refused") && !why.contains('\n'), "{why}");
}

#[tokio::test]
async fn a_storm_of_unknown_keys_makes_no_fetch_beyond_the_first() {
    book::claims!("external-keys", 1);
    let bench = Arc::new(Bench::with(Pace::USUAL, |_| ()).await);
    bench.try_with(json!({})).await.unwrap();
    let mut storm = JoinSet::new();
    for number in 0..500 {
        let bench = bench.clone();
        storm.spawn(async move {
            let head = json!({"typ": "at+jwt", "alg": "ES256", "kid": format!("unknown-{number}")});
            let claims = claims_with(&bench.issuer, json!({}));
            bench.external.verify(&bench.issuer.sign(&head.to_string(), &claims.to_string())).await
        });
    }
    for refused in storm.join_all().await {
        assert!(matches!(refused, Err(TokenError::Foreign { .. })), "{refused:?}");
    }
    assert_eq!(bench.issuer.fetches(), 1);
}

#[tokio::test]
async fn many_who_wait_for_the_keys_wait_for_one_fetch() {
    let people = Fixture::new();
    let issuer = Arc::new(TestIssuer::start().await);
    let external = External::at_pace(&people.store, &settings(&issuer), Pace::USUAL).unwrap();
    let mut waiting = JoinSet::new();
    for _ in 0..200 {
        let (external, token) = (external.clone(), issuer.token(&claims_with(&issuer, json!({}))));
        waiting.spawn(async move { external.verify(&token).await });
    }
    tokio::spawn(external.keep_keys());
    assert!(waiting.join_all().await.iter().all(Result::is_ok));
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_delays_nobody_else() {
    book::claims!("external-away", 1);
    let issuer = TestIssuer::start().await;
    issuer.behave(Manner::Drips);
    let front = Front::with(|config| config.oauth.external = settings(&issuer));
    tokio::spawn(front.app.verifier().external().unwrap().clone().keep_keys());
    let own = front.token(&front.people.ada, "stream things:read");
    let foreign = format!("Bearer {}", issuer.token(&claims_with(&issuer, json!({}))));
    let others = async {
        for _ in 0..50 {
            assert!(is_active(&front, &own).await);
            tokio::task::yield_now().await;
        }
        clock::now()
    };
    let waiting = async {
        let answer = front.get("/_ajax/scroll", &[("authorization", &foreign)]).await;
        (answer, clock::now())
    };
    let ((answer, foreign_done), others_done) = tokio::join!(waiting, others);
    assert!(others_done < foreign_done, "they did not wait");
    assert!(answer.is(503, "unavailable"), "{}", answer.text);
    assert!(answer.header("retry-after").parse::<u64>().unwrap() <= 60, "{}", answer.header("retry-after"));
    assert!(answer.json()["detail"].as_str().unwrap().contains(&issuer.url), "{}", answer.text);
}
