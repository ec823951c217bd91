//! Every known forgery, made of a good token of the external issuer and tried at every door.

use jsonwebtoken::{Algorithm, EncodingKey, jwk::Jwk};
use serde_json::{Value, json};

use super::{
    test_issuer::{Manner, TestIssuer, sign},
    tests::{claims_with, settings},
};
use crate::{
    clock,
    wfe::{
        fixture::Front,
        oauth::forgeries::{Forge, is_active, is_refused_everywhere, try_doors},
    },
};

/// Made for this test; it guards nothing.
const RSA_KEY: &[u8] = include_bytes!("test_issuer_rsa.pem");
/// What no good token says.
fn wrong_claims() -> [(&'static str, Value); 13] {
    [
        ("scope", 7.into()),
        ("scope", json!({"stream": true})),
        ("scope", json!(["stream", 7])),
        ("preferred_username", "nobody".into()),
        ("preferred_username", "mallory".into()),
        ("preferred_username", "system".into()),
        ("preferred_username", "".into()),
        ("preferred_username", json!(["ada"])),
        ("groups", json!([["designers"]])),
        ("cnf", json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})),
        ("nbf", "now".into()),
        ("nbf", (-1).into()),
        ("iat", (-1).into()),
    ]
}
const NEEDED: [&str; 6] = ["iss", "aud", "exp", "iat", "scope", "preferred_username"];

fn front(issuer: &TestIssuer) -> Front {
    let front = Front::with(|config| {
        config.oauth.external = settings(issuer);
        config.oauth.external.groups_claim = Some("groups".into());
    });
    tokio::spawn(front.app.verifier().external().unwrap().clone().keep_keys());
    front
}

fn good_claims(issuer: &TestIssuer) -> Value {
    claims_with(issuer, json!({"groups": ["designers"]}))
}

#[tokio::test]
async fn of_all_forgeries_of_another_issuers_tokens_none_is_accepted_at_any_door() {
    book::claims!("external-forgeries", 1);
    let issuer = TestIssuer::start().await;
    let front = front(&issuer);
    let good = issuer.token(&good_claims(&issuer));
    let forge = Forge {
        good: &good,
        sign: &|head, body| issuer.sign(head, body),
        public_key: issuer.public_key(),
        claims: &wrong_claims(),
        needed: &NEEDED,
        now: clock::unix_seconds(),
    };
    for control in [good.clone(), forge.unchanged()] {
        front.app.verifier().verify(&control).await.expect("the forging itself works");
        assert!(is_active(&front, &control).await);
    }
    let all = forge.all();
    assert!(all.len() > 100, "{}", all.len());
    for (name, token) in all {
        assert!(front.app.verifier().verify(&token).await.is_err(), "accepted: {name}");
        is_refused_everywhere(&front, &name, &token).await;
    }
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn of_all_forgeries_with_an_rsa_key_none_is_accepted() {
    let issuer = TestIssuer::start().await;
    let key = EncodingKey::from_rsa_pem(RSA_KEY).unwrap();
    let mut jwk = Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap();
    jwk.common.key_id = Some("rsa".into());
    issuer.behave(Manner::Publishes(json!({"keys": [jwk]})));
    let front = front(&issuer);
    let sign = |head: &str, body: &str| sign(&key, Algorithm::RS256, head, body);
    let head = json!({"typ": "at+jwt", "alg": "RS256", "kid": "rsa"});
    let good = sign(&head.to_string(), &good_claims(&issuer).to_string());
    let json = json!(jwk);
    let public_key = ["n", "e"].map(|part| json[part].as_str().unwrap().as_bytes().to_vec());
    let forge = Forge {
        good: &good,
        sign: &sign,
        public_key: [&public_key[..], &[json.to_string().into_bytes()]].concat(),
        claims: &wrong_claims(),
        needed: &NEEDED,
        now: clock::unix_seconds(),
    };
    front.app.verifier().verify(&forge.unchanged()).await.expect("the forging itself works");
    for (name, token) in forge.all() {
        assert!(front.app.verifier().verify(&token).await.is_err(), "accepted: {name}");
    }
}

#[tokio::test]
async fn tokens_of_one_issuer_are_not_taken_for_those_of_the_other() {
    let issuer = TestIssuer::start().await;
    let front = front(&issuer);
    front.app.verifier().verify(&issuer.token(&good_claims(&issuer))).await.unwrap();
    let own = front.token(&front.people.ada, "stream things:read");
    let [head, body] = crate::wfe::oauth::tokens::tests::parts(&own);
    // Ours, signed by the other; the other's, signed by us; with the key's name of either.
    let mut tokens = vec![issuer.sign(&head.to_string(), &body.to_string()), issuer.token(&body)];
    let claims = good_claims(&issuer).to_string();
    for kid in [&head["kid"], &issuer.key_set()["keys"][0]["kid"]] {
        let head = json!({"typ": "at+jwt", "alg": "EdDSA", "kid": kid}).to_string();
        tokens.push(front.app.tokens().sign_anything(&head, &claims));
        tokens.push(front.app.tokens().sign_anything(&head.replace("EdDSA", "ES256"), &claims));
    }
    for token in tokens {
        is_refused_everywhere(&front, "of the other", &token).await;
    }
}

#[tokio::test]
async fn an_expired_token_is_told_so_and_one_without_the_scope_is_forbidden() {
    let issuer = TestIssuer::start().await;
    let front = front(&issuer);
    let now = clock::unix_seconds();
    let token = |changes: Value| {
        let mut claims = good_claims(&issuer);
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        issuer.token(&claims)
    };
    for answer in try_doors(&front, &token(json!({"iat": now - 700, "exp": now - 100}))).await {
        assert!(answer.is(401, "token_expired"), "{}", answer.text);
    }
    let answers = try_doors(&front, &token(json!({"scope": "openid things:read"}))).await;
    for refused in [&answers[0], &answers[3]] {
        assert!(refused.is(403, "insufficient_scope"), "{}", refused.text);
    }
    let answers = try_doors(&front, &token(json!({"groups": []}))).await;
    assert!(answers[0].is(403, "group_not_approved"), "{}", answers[0].text);
}

#[tokio::test]
async fn introspection_tells_of_another_issuers_token_and_revocation_leaves_it_to_the_issuer() {
    let issuer = TestIssuer::start().await;
    let front = front(&issuer);
    let secret = crate::wfe::fixture::basic("system", "s3cr%3Aet%2B%2F");
    let form = format!("token={}", issuer.token(&good_claims(&issuer)));
    let told = front.post_form("/oauth/introspect", &[("authorization", &secret)], &form).await.json();
    assert_eq!(
        (&told["active"], &told["username"], &told["iss"], &told["aud"], &told["scope"]),
        (
            &true.into(),
            &"ada".into(),
            &issuer.url.clone().into(),
            &"widgetapp".into(),
            &"stream things:read things:write".into()
        )
    );
    assert_eq!((&told["client_id"], &told["sub"]), (&"planner".into(), &Value::Null));
    let answer = front.post_form("/oauth/revoke", &[("authorization", &secret)], &form).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &"unsupported_token_type".into()));
}
