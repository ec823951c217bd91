//! Who is there and where they point, as programs tell and hear it on port 202.

use std::collections::BTreeSet;

use cucumber::{given, then, when};
use serde_json::{Value, json};

use crate::{
    scene::{Scene, until},
    web,
};

const CURSOR: &str = "cursor";

fn cursor(scene: &Scene, body: Value) -> Value {
    json!({"port": 202, "name": CURSOR, "thing": scene.thing, "body": body})
}

#[given(expr = "{string} points at {int}, {int}")]
async fn points(scene: &mut Scene, program: String, x: i64, y: i64) {
    let request = cursor(scene, json!({"x": x, "y": y}));
    let reply = scene.program(&program).request(request).await;
    assert_eq!(reply["body"], json!({}), "{reply}");
}

#[when(expr = "{string} points at {int} places, one after the other")]
async fn points_often(scene: &mut Scene, program: String, places: i64) {
    for x in 1..=places {
        // Without waiting for answers: a slow machine would make it a slow hand.
        let request = cursor(scene, json!({"x": x, "y": 0}));
        scene.program(&program).send(&request).await;
    }
}

#[then(expr = "{string} is told of the last of them, and of less than half of them all")]
async fn told_of_last(scene: &mut Scene, program: String) {
    let program = scene.program(&program);
    program.receive(&json!({"port": 202, "name": CURSOR, "body": {"x": 100, "y": 0}})).await;
    let told = program.seen().messages.iter().filter(|message| message["name"] == CURSOR).count();
    assert!(told < 50, "{told}");
}

#[when(expr = "{string} points with a selection of {int} bytes and the id {int}")]
async fn points_with_selection(scene: &mut Scene, program: String, bytes: usize, id: u64) {
    let mut request = cursor(scene, json!({"x": 1, "y": 2, "selection": "x".repeat(bytes)}));
    request["id"] = id.into();
    scene.program(&program).send(&request).await;
}

#[when(expr = "{string} disconnects")]
async fn disconnects(scene: &mut Scene, program: String) {
    scene.program(&program).disconnect().await;
}

#[then(
    expr = "{string} hears a cursor under the id and the name of {string}, in the colour that its state has for her"
)]
async fn under_own_name(scene: &mut Scene, program: String, other: String) {
    let welcome = scene.program(&other).find("the welcome", |message| message["name"] == "welcome").await;
    let state = scene.program(&other).find("the state", |message| message["name"] == "state").await;
    let present = state["body"]["present"].as_array().expect("people");
    let id = &welcome["body"]["session"];
    let own = present.iter().find(|person| person["id"] == *id).expect("she is there");
    assert!(own["color"].as_str().is_some_and(|color| color.len() == 7 && color.starts_with('#')), "{own}");
    let pushed = json!({"port": 202, "name": CURSOR, "body": {"id": id, "user": own["user"], "color": own["color"]}});
    scene.program(&program).receive(&pushed).await;
}

#[then(expr = "{string} is told that {word} points at {int}, {int}")]
async fn is_told(scene: &mut Scene, program: String, user: String, x: i64, y: i64) {
    let expected = json!({"user": user, "cursor": {"x": x, "y": y}});
    let program = scene.program(&program);
    until("the cursor", || {
        let seen = program.seen();
        let states = seen.messages.iter().filter(|message| message["name"] == "state");
        let mut people = states.filter_map(|message| message["body"]["present"].as_array()).flatten();
        people.any(|person| crate::wording::like(&expected, person)).then_some(())
    })
    .await;
}

#[then(expr = "nobody but {string} has joined, and nobody has left, as {string} sees it")]
async fn nobody_moved(scene: &mut Scene, late: String, program: String) {
    let session = |message: &Value| message["body"]["session"].as_str().map(str::to_owned);
    let late = scene.program(&late).find("the welcome", |message| message["name"] == "welcome").await;
    let grace = scene.program("grace").find("the welcome", |message| message["name"] == "welcome").await;
    let program = scene.program(&program);
    program.receive(&json!({"name": "joined", "body": {"id": late["body"]["session"]}})).await;
    let seen = program.seen();
    let ids = |name: &str| -> Vec<String> {
        let named = seen.messages.iter().filter(|message| message["port"] == 202 && message["name"] == name);
        named.filter_map(|message| message["body"]["id"].as_str().map(str::to_owned)).collect()
    };
    let joined = ids("joined");
    let expected: BTreeSet<String> = [session(&late), session(&grace)].into_iter().flatten().collect();
    assert_eq!((joined.len(), joined.into_iter().collect::<BTreeSet<_>>()), (2, expected));
    assert!(ids("left").is_empty());
}

#[when(expr = "{person} asks for {int} tickets")]
async fn asks_for_tickets(scene: &mut Scene, name: super::Name, count: usize) {
    let cookie = web::log_in(scene, &name).await;
    let headers = [("cookie", cookie), ("content-type", "application/json".to_owned())];
    // At once: those that have expired do not count any more.
    let asked = (0..count).map(|_| web::send(scene, "POST", "/_ajax/ticket", &headers, Some("{}".into())));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}
