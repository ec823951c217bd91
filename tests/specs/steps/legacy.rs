//! Programs that use the API of release 1.0.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cucumber::{gherkin::Step, then, when};
use serde_json::{Value, json};

use super::Name;
use crate::{scene::Scene, web, wording};

const THINGS: &str = "/api/1.0/things";

/// Name and password, as such programs send them.
fn basic(name: &str, password: &str) -> (&'static str, String) {
    ("authorization", format!("Basic {}", STANDARD.encode(format!("{}:{password}", name.to_lowercase()))))
}

async fn call(scene: &mut Scene, name: &str, method: &str, path: &str, if_match: Option<String>, body: Option<Value>) {
    let mut headers = vec![basic(name, &web::password(scene, name)), ("content-type", "application/json".into())];
    headers.extend(if_match.map(|tag| ("if-match", tag)));
    scene.answer = Some(web::send(scene, method, path, &headers, body.map(|body| body.to_string())).await);
}

fn the_thing(scene: &Scene) -> String {
    format!("{THINGS}/{}", scene.thing)
}

#[when(expr = "the old program of {person} creates the Thing {string}")]
async fn creates(scene: &mut Scene, name: Name, title: String) {
    call(scene, &name, "POST", THINGS, None, Some(json!({"title": title}))).await;
    scene.thing = scene.answer().json()["thing"].as_str().expect("an id").to_owned();
}

#[when(expr = "the old program of {person} reads the Thing")]
async fn reads(scene: &mut Scene, name: Name) {
    let path = the_thing(scene);
    call(scene, &name, "GET", &path, None, None).await;
    if scene.answer().status == 200 {
        scene.epoch = scene.answer().header("etag").to_owned();
    }
}

#[when(expr = "the old program of {person} reads the Thing with a wrong password")]
async fn reads_wrongly(scene: &mut Scene, name: Name) {
    let path = the_thing(scene);
    scene.answer = Some(web::send(scene, "GET", &path, &[basic(&name, "wrong")], None).await);
}

#[when(expr = "the old program of {person} lists the Things")]
async fn lists(scene: &mut Scene, name: Name) {
    call(scene, &name, "GET", THINGS, None, None).await;
}

#[when(expr = "the old program of {person} lists the Things with the query {string}")]
async fn lists_with(scene: &mut Scene, name: Name, query: String) {
    call(scene, &name, "GET", &format!("{THINGS}?{query}"), None, None).await;
}

#[when(expr = "the old program of {person} replaces the notes by {string}")]
async fn replaces(scene: &mut Scene, name: Name, notes: String) {
    let path = the_thing(scene);
    call(scene, &name, "PUT", &path, None, Some(content(&notes))).await;
}

#[when(expr = "the old program of {person} replaces the notes of what it has read by {string}")]
async fn replaces_if(scene: &mut Scene, name: Name, notes: String) {
    let (path, tag) = (the_thing(scene), scene.epoch.clone());
    call(scene, &name, "PUT", &path, Some(tag), Some(content(&notes))).await;
}

#[when(expr = "ten old programs of {person} replace the notes of what it has read, at the same moment")]
async fn ten_replace(scene: &mut Scene, name: Name) {
    let path = the_thing(scene);
    let basic = basic(&name, &web::password(scene, &name));
    let headers = [basic, ("content-type", "application/json".into()), ("if-match", scene.epoch.clone())];
    let put = |notes: usize| web::send(scene, "PUT", &path, &headers, Some(content(&notes.to_string()).to_string()));
    scene.answers = futures_util::future::join_all((0..10).map(put)).await;
}

#[then(expr = "one of them has, and the others are answered {int}")]
async fn one_has(scene: &mut Scene, status: u16) {
    let mut statuses: Vec<u16> = scene.answers.drain(..).map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200][..], &[status; 9]].concat());
}

fn content(notes: &str) -> Value {
    json!({"title": "Welcome", "content": {"notes": notes}})
}

#[when(expr = "the old program of {person} deletes the Thing")]
async fn deletes(scene: &mut Scene, name: Name) {
    let path = the_thing(scene);
    call(scene, &name, "DELETE", &path, None, None).await;
}

#[when(expr = "the old program of {person} replaces everything by:")]
async fn replaces_all(scene: &mut Scene, name: Name, step: &Step) {
    let body = wording::json(scene, step.docstring.as_ref().expect("the content is given"));
    let path = the_thing(scene);
    call(scene, &name, "PUT", &path, None, Some(body)).await;
}

#[when(expr = "the old program of {person} reads the Thing again if it has changed")]
async fn reads_again(scene: &mut Scene, name: Name) {
    let headers = [basic(&name, &web::password(scene, &name)), ("if-none-match", scene.epoch.clone())];
    scene.answer = Some(web::send(scene, "GET", &the_thing(scene), &headers, None).await);
}

#[when("the external system asks the old API with its token")]
async fn asks_with_token(scene: &mut Scene) {
    let token = web::client_token(scene, "things:read").await;
    let headers = [("authorization", format!("Bearer {token}"))];
    scene.answer = Some(web::send(scene, "GET", &the_thing(scene), &headers, None).await);
}

#[then(expr = "the answer is {int} and has an ETag")]
async fn has_tag(scene: &mut Scene, status: u16) {
    let answer = scene.answer();
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.header("etag").starts_with('"'), "{answer:?}");
}

#[then(expr = "the answer is {int} and names the Thing")]
async fn names_thing(scene: &mut Scene, status: u16) {
    let answer = scene.answer();
    assert_eq!(answer.status, status, "{answer:?}");
    let things = answer.json()["things"].as_array().expect("a list").clone();
    assert!(things.iter().any(|thing| thing["thing"] == scene.thing), "{answer:?}");
}
