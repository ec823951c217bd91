//! Access tokens on live streams.

use cucumber::{then, when};
use serde_json::json;

use super::Name;
use crate::{
    person::Person,
    scene::{Scene, until_async},
    web,
};

#[when(expr = "{string} refreshes its token")]
async fn refreshes(scene: &mut Scene, program: String) {
    let first = expiry(scene, &program);
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
    let first = expiry(scene, &program);
    let reply = scene.told.clone().and_then(Result::ok).expect("it was refreshed");
    assert!(reply["body"]["expires_at"].as_u64() > Some(first), "{reply}");
}

#[when(expr = "{string} refreshes its token with one of {person}")]
async fn refreshes_with(scene: &mut Scene, program: String, name: Name) {
    let token = Person::new(scene, &name).login.access_token().await.expect("a token");
    scene.program(&program).send(&json!({"port": 0, "name": "refresh", "id": 4, "body": {"token": token}})).await;
}

/// When the token expires that the stream was opened with.
fn expiry(scene: &mut Scene, program: &str) -> u64 {
    let seen = scene.program(program).seen();
    let welcome = seen.messages.iter().find(|message| message["name"] == "welcome").expect("it was welcomed");
    welcome["body"]["expires_at"].as_u64().expect("a time")
}
