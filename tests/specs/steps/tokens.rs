//! Access tokens: how programs get them, what they say, and how they end.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cucumber::{gherkin::Step, then, when};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};
use widgetapp::clock;

use super::Name;
use crate::{
    person::Person,
    scene::{Scene, until_async},
    web,
    wording::{self, like},
};

/// Tokens are looked at once a second, and expiry is told in whole seconds.
const TOLERANCE_SECONDS: u64 = 2;

#[when(regex = r"^the external system asks for a token( by HTTP Basic)? with:$")]
async fn asks_for_token(scene: &mut Scene, basic: String, step: &Step) {
    let form = step.docstring.as_ref().expect("the form is given").trim().to_owned();
    scene.answer = Some(web::ask_for_token(scene, form, !basic.is_empty()).await);
}

#[then(expr = "they are sent back to {string} with the error {string}")]
async fn sent_back(scene: &mut Scene, address: String, error: String) {
    let location = scene.answer().header("location");
    let query = location.strip_prefix(&format!("{address}?")).unwrap_or_else(|| panic!("sent to {location:?}"));
    assert!(query.split('&').any(|pair| pair == format!("error={error}")), "{query}");
}

#[then("the head of the token is like:")]
async fn head_is(scene: &mut Scene, step: &Step) {
    part_is(scene, 0, step);
}

#[then("the token says:")]
async fn says(scene: &mut Scene, step: &Step) {
    part_is(scene, 1, step);
}

fn part_is(scene: &Scene, part: usize, step: &Step) {
    let expected = wording::json(scene, step.docstring.as_ref().expect("what it says is given"));
    let token = token_of(scene);
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(part).expect("three parts")).expect("base64");
    let actual: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert!(like(&expected, &actual), "{actual} is not like {expected}");
}

#[then(expr = "the token is signed with a key of {string}")]
async fn is_signed(scene: &mut Scene, path: String) {
    let keys: JwkSet = serde_json::from_str(&web::send(scene, "GET", &path, &[], None).await.text).expect("keys");
    let token = token_of(scene);
    let head = jsonwebtoken::decode_header(&token).expect("a head");
    let key = keys.find(head.kid.as_deref().expect("a key's id")).expect("the key is there");
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.validate_aud = false;
    let key = DecodingKey::from_jwk(key).expect("a public key");
    jsonwebtoken::decode::<Value>(&token, &key, &rules).expect("the signature is right");
}

fn token_of(scene: &Scene) -> String {
    scene.answer().json()["access_token"].as_str().expect("a token").to_owned()
}

#[then(expr = "{string} is warned {int} seconds before its token expires")]
async fn is_warned(scene: &mut Scene, program: String, seconds: u64) {
    let expires_at = expiry(scene, &program).await;
    let warning = json!({"port": 0, "name": "token_expiring", "body": {"expires_at": expires_at}});
    scene.program(&program).receive(&warning).await;
    let left = expires_at - clock::unix_seconds();
    assert!((seconds - TOLERANCE_SECONDS..=seconds).contains(&left), "{left} seconds before");
}

#[then(expr = "{string} is cut off with {int}, {int} seconds after its token has expired")]
async fn is_cut_off(scene: &mut Scene, program: String, code: u16, seconds: u64) {
    let end = expiry(scene, &program).await + seconds;
    tokio::time::sleep(Duration::from_secs(end.saturating_sub(1 + clock::unix_seconds()))).await;
    assert_eq!(scene.program(&program).seen().closed, None, "too early");
    let closed = until_async("the end", async || scene.program(&program).seen().closed).await;
    assert_eq!(closed, code);
    assert!((end..=end + TOLERANCE_SECONDS).contains(&clock::unix_seconds()), "too late");
}

#[when(expr = "{string} refreshes its token")]
async fn refreshes(scene: &mut Scene, program: String) {
    let first = expiry(scene, &program).await;
    // Expiry is told in whole seconds, so a token that lives longer comes with the next one.
    let reply = until_async("a token that lives longer", async || {
        let token = web::client_token(scene, "stream").await;
        let refresh = json!({"port": 0, "name": "refresh", "body": {"token": token}});
        let reply = scene.program(&program).request(refresh).await;
        (reply["body"]["expires_at"].as_u64()? > first).then_some(reply)
    })
    .await;
    scene.told = Some(Ok(reply));
}

#[then(expr = "the token of {string} expires later than before")]
async fn expires_later(scene: &mut Scene, program: String) {
    let first = expiry(scene, &program).await;
    let reply = scene.told.clone().and_then(Result::ok).expect("it was refreshed");
    assert!(reply["body"]["expires_at"].as_u64() > Some(first), "{reply}");
}

#[when(expr = "{string} refreshes its token with one of {person}")]
async fn refreshes_with(scene: &mut Scene, program: String, name: Name) {
    let token = Person::new(scene, &name).login.access_token().await.expect("a token");
    scene.program(&program).send(&json!({"port": 0, "name": "refresh", "id": 4, "body": {"token": token}})).await;
}

/// When the token expires that the stream was opened with.
async fn expiry(scene: &mut Scene, program: &str) -> u64 {
    let welcome = scene.program(program).find("the welcome", |message| message["name"] == "welcome").await;
    welcome["body"]["expires_at"].as_u64().expect("a time")
}
