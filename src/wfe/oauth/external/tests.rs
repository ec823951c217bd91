//! What tokens of the external issuer are taken, and whom they stand for.

use serde_json::{Value, json};

use super::{
    External,
    keys::Pace,
    test_issuer::{Manner, TestIssuer},
};
use crate::{
    access::{self, Denied, Proof, Scopes},
    clock, config,
    store::fixture::Fixture,
    wfe::oauth::{external::ExternalToken, tokens::TokenError},
};
use std::{sync::Arc, time::Duration};

/// So that nothing waits for a minute.
pub(super) const HASTY: Pace = Pace { again: Duration::ZERO, ..Pace::USUAL };

/// An issuer, and what takes its tokens.
pub(super) struct Bench {
    pub people: Fixture,
    pub issuer: TestIssuer,
    pub external: Arc<External>,
}

impl Bench {
    pub async fn new() -> Self {
        Self::with(HASTY, |_| ()).await
    }

    pub async fn with(pace: Pace, change: impl FnOnce(&mut config::External)) -> Self {
        let (people, issuer) = (Fixture::new(), TestIssuer::start().await);
        let mut config = settings(&issuer);
        change(&mut config);
        let external = External::at_pace(&people.store, &config, pace).unwrap();
        tokio::spawn(external.clone().keep_keys());
        Self { people, issuer, external }
    }

    /// The good token with some other claims; null takes one away.
    pub async fn try_with(&self, changes: Value) -> Result<ExternalToken, TokenError> {
        self.external.verify(&self.issuer.token(&claims_with(&self.issuer, changes))).await
    }

    pub async fn why_not(&self, changes: Value) -> String {
        self.try_with(changes.clone()).await.expect_err(&changes.to_string()).to_string()
    }
}

pub(super) fn settings(issuer: &TestIssuer) -> config::External {
    config::External {
        issuer: Some(issuer.url.clone()),
        audience: Some("widgetapp".into()),
        organisation: Some("acme".into()),
        ..config::External::default()
    }
}

pub(super) fn claims_with(issuer: &TestIssuer, changes: Value) -> Value {
    issuer.claims(clock::unix_seconds(), &changes)
}

#[tokio::test]
async fn a_good_token_stands_for_the_user_that_it_names() {
    book::claims!("external-user", 1);
    let bench = Bench::new().await;
    for _ in 0..2 {
        let token = bench.try_with(json!({})).await.unwrap();
        assert_eq!((&token.caller.principal, token.client.as_deref()), (&bench.people.ada, Some("planner")));
        assert_eq!(token.caller.scopes, Scopes::ALL, "those that are ours");
        assert_eq!(access::may_stream(&bench.people.store, &token.caller), Ok(()));
    }
    for (who, what) in [
        ("nobody", "it is for \"nobody\", by its \"preferred_username\", and acme has no such user"),
        ("Ada", "no such user"),
        ("mallory", "no such user"),
        ("a\nb", "\"a\\nb\""),
    ] {
        let why = bench.why_not(json!({"preferred_username": who})).await;
        assert!(why.contains(what), "{why}");
    }
    for wrong in [json!(7), json!(["ada"]), Value::Null] {
        let why = bench.why_not(json!({"preferred_username": wrong})).await;
        assert!(why.contains("\"preferred_username\" is missing"), "{why}");
    }
}

#[tokio::test]
async fn a_user_who_is_disabled_or_whose_tokens_were_ended_is_refused_from_the_next_use_on() {
    let bench = Bench::new().await;
    let now = clock::unix_seconds();
    let again = json!({"iat": now - 5});
    let before = bench.try_with(again.clone()).await.unwrap().caller;
    bench.people.store.set_disabled("ada", true).unwrap();
    assert!(bench.why_not(again.clone()).await.contains("no such user"));
    assert_eq!(access::may_stream(&bench.people.store, &before), Err(Denied::Gone));
    bench.people.store.set_disabled("ada", false).unwrap();
    assert!(bench.why_not(again).await.contains("before all tokens of its user were ended"));
    assert_eq!(access::may_stream(&bench.people.store, &before), Err(Denied::TakenBack));
    bench.try_with(json!({"iat": now + 30})).await.expect("a younger one is good");
}

#[tokio::test]
async fn an_expired_token_is_told_so_also_when_it_was_good_before() {
    let bench = Bench::new().await;
    let now = clock::unix_seconds();
    let expired = bench.try_with(json!({"iat": now - 600, "exp": now})).await;
    assert!(matches!(expired, Err(TokenError::Expired)));
    let token = bench.issuer.token(&claims_with(&bench.issuer, json!({"exp": now + 2})));
    bench.external.verify(&token).await.unwrap();
    while clock::unix_seconds() < now + 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(matches!(bench.external.verify(&token).await, Err(TokenError::Expired)));
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute_and_tokens_last_a_day_at_most() {
    let bench = Bench::new().await;
    let now = clock::unix_seconds();
    for good in [json!({"iat": now + 55}), json!({"nbf": now + 55}), json!({"exp": now + 86_400}), json!({"nbf": 0})] {
        bench.try_with(good).await.unwrap();
    }
    for (bad, why) in [
        (json!({"iat": now + 90}), "of the future"),
        (json!({"nbf": now + 90}), "of the future"),
        (json!({"exp": now + 86_500}), "longer than a day"),
        (json!({"cnf": {"jkt": "x"}}), "bound to a key"),
    ] {
        let refused = bench.why_not(bad).await;
        assert!(refused.contains(why), "{refused}");
    }
}

#[tokio::test]
async fn a_token_may_be_for_several_if_we_are_one_of_them() {
    let bench = Bench::new().await;
    bench.try_with(json!({"aud": ["others", "widgetapp"]})).await.unwrap();
    for bad in [json!([]), json!(["others"]), json!("widgetapp "), json!(["widgetapp", 7]), json!({"widgetapp": 1})] {
        bench.why_not(json!({"aud": bad})).await;
    }
}

#[tokio::test]
async fn scopes_are_found_by_the_configured_claim_and_prefix() {
    let bench = Bench::with(HASTY, |config| {
        (config.scope_claim, config.scope_prefix) = ("scp".into(), "api://widgetapp/".into());
    })
    .await;
    let scopes = async |scp: Value| bench.try_with(json!({"scp": scp})).await.unwrap().caller.scopes.to_string();
    assert_eq!(scopes(json!(["api://widgetapp/stream", "openid", "things:write"])).await, "stream");
    assert_eq!(scopes(json!("api://widgetapp/things:read api://widgetapp/admin")).await, "things:read");
    assert_eq!(scopes(json!("stream")).await, "", "a scope of somebody else's");
    assert!(bench.why_not(json!({})).await.contains("\"scp\" is missing"));
}

#[tokio::test]
async fn groups_of_the_token_count_where_they_are_groups_of_the_organisation() {
    book::claims!("external-groups", 1);
    let bench = Bench::with(HASTY, |config| config.groups_claim = Some("groups".into())).await;
    let store = &bench.people.store;
    let may = async |groups: Value| {
        let caller = bench.try_with(json!({"groups": groups})).await.unwrap().caller;
        let Proof::External { groups: Some(counting), .. } = &caller.proof else { panic!("{caller:?}") };
        (counting.join(" "), access::may_stream(store, &caller))
    };
    assert_eq!(may(json!(["designers", "spies", "staff"])).await, ("designers".into(), Ok(())));
    assert_eq!(may(json!("designers")).await, ("designers".into(), Ok(())));
    assert_eq!(may(json!(["reviewers"])).await, ("reviewers".into(), Err(Denied::NotApproved)));
    // What ada is in here does not count, and a group of another organisation least of all.
    for none in [json!([]), json!(["spies"]), Value::Null] {
        assert_eq!(may(none).await, (String::new(), Err(Denied::NotApproved)));
    }
    bench.why_not(json!({"groups": [7]})).await;
    bench.why_not(json!({"groups": {"designers": true}})).await;
}

#[tokio::test]
async fn a_plain_jwt_is_taken_only_if_that_is_set_and_never_an_id_token() {
    let good = |issuer: &TestIssuer, typ: Value, changes: Value| {
        let mut head = json!({"alg": "ES256", "kid": issuer.key_set()["keys"][0]["kid"]});
        if !typ.is_null() {
            head["typ"] = typ;
        }
        issuer.sign(&head.to_string(), &claims_with(issuer, changes).to_string())
    };
    let strict = Bench::new().await;
    let plain = Bench::with(HASTY, |config| config.plain_jwt = true).await;
    for typ in [json!("JWT"), json!("jwt"), json!("application/jwt"), Value::Null] {
        let token = good(&strict.issuer, typ.clone(), json!({}));
        let why = strict.external.verify(&token).await.unwrap_err().to_string();
        assert!(why.contains("oauth.external.plain_jwt"), "{why}");
        plain.external.verify(&good(&plain.issuer, typ.clone(), json!({}))).await.unwrap();
        for other in ["nonce", "at_hash", "c_hash", "events"] {
            let token = good(&plain.issuer, typ.clone(), json!({other: "x"}));
            assert!(plain.external.verify(&token).await.is_err(), "{other}");
        }
        let without_scope = good(&plain.issuer, typ, json!({"scope": null}));
        assert!(plain.external.verify(&without_scope).await.is_err());
    }
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        strict.external.verify(&good(&strict.issuer, json!(typ), json!({}))).await.unwrap();
        plain.external.verify(&good(&plain.issuer, json!(typ), json!({}))).await.unwrap();
    }
    for typ in [json!("id+jwt"), json!("logout+jwt"), json!("dpop+jwt"), json!(7)] {
        assert!(plain.external.verify(&good(&plain.issuer, typ, json!({}))).await.is_err());
    }
}

#[tokio::test]
async fn a_header_may_have_what_changes_nothing() {
    let bench = Bench::new().await;
    let kid = &bench.issuer.key_set()["keys"][0]["kid"];
    let head = json!({"alg": "ES256", "kid": kid, "typ": "at+jwt", "x5t": "abc", "pi.atm": "1"});
    let claims = claims_with(&bench.issuer, json!({}));
    bench.external.verify(&bench.issuer.sign(&head.to_string(), &claims.to_string())).await.unwrap();
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it_and_an_old_one_counts_no_more() {
    let bench = Bench::new().await;
    let old = bench.issuer.token(&claims_with(&bench.issuer, json!({})));
    bench.external.verify(&old).await.unwrap();
    bench.issuer.rotate();
    bench.external.verify(&old).await.expect("nobody knows yet");
    bench.try_with(json!({})).await.expect("the new key is fetched");
    let why = bench.external.verify(&old).await.unwrap_err().to_string();
    assert!(why.contains("its key is not one of the issuer's"), "also though it was remembered: {why}");
}

#[tokio::test]
async fn a_remembered_token_counts_no_more_when_another_key_has_taken_the_name_of_its_own() {
    let bench = Bench::new().await;
    let old = bench.issuer.token(&claims_with(&bench.issuer, json!({})));
    bench.external.verify(&old).await.unwrap();
    bench.issuer.replace_key();
    let unknown = json!({"typ": "at+jwt", "alg": "ES256", "kid": "unknown"}).to_string();
    bench
        .external
        .verify(&bench.issuer.sign(&unknown, &claims_with(&bench.issuer, json!({})).to_string()))
        .await
        .unwrap_err();
    let why = bench.external.verify(&old).await.unwrap_err().to_string();
    assert!(why.contains("its signature is not good"), "{why}");
    bench.try_with(json!({})).await.expect("signed with the new key");
}

#[tokio::test]
async fn while_the_issuer_is_away_its_keys_count_on_and_unknown_ones_are_a_passing_trouble() {
    book::claims!("external-away", 1);
    let bench = Bench::new().await;
    let good = bench.issuer.token(&claims_with(&bench.issuer, json!({})));
    bench.external.verify(&good).await.unwrap();
    bench.issuer.behave(Manner::Fails(503));
    bench.issuer.rotate();
    let failed = bench.try_with(json!({})).await;
    assert!(matches!(failed, Err(TokenError::NoKeys { .. })), "{failed:?}");
    bench.external.verify(&good).await.expect("known keys count on");
    bench.issuer.behave(Manner::Good);
    bench.try_with(json!({})).await.expect("it is back");
}
