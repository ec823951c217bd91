//! Programs with a Yjs document of their own, which use port 201.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cucumber::{then, when};
use serde_json::{Value, json};
use widgetapp::protocol::yjs;
use yrs::{
    Doc, GetString as _, ReadTxn as _, StateVector, Text as _, Transact as _, Update,
    updates::{decoder::Decode as _, encoder::Encode as _},
};

use crate::scene::Scene;

/// Sends a sync message.
async fn sync(scene: &mut Scene, program: &str, data: &[u8], id: u64) {
    let body = json!({"data": STANDARD.encode(data)});
    let request = json!({"port": 201, "name": "sync", "id": id, "thing": scene.thing, "body": body});
    scene.program(program).send(&request).await;
}

fn document<'a>(scene: &'a mut Scene, program: &str) -> &'a Doc {
    scene.documents.entry(program.to_owned()).or_default()
}

#[when(expr = "{string} asks by step 1, with the id {int}")]
async fn asks(scene: &mut Scene, program: String, id: u64) {
    let state_vector = document(scene, &program).transact().state_vector().encode_v1();
    sync(scene, &program, &yjs::step_1(&state_vector), id).await;
}

#[when(expr = "{string} takes over what the reply to {int} brings")]
async fn takes_over(scene: &mut Scene, program: String, id: u64) {
    let reply = scene.program(&program).find("the reply", |message| message["id"] == id).await;
    let update = in_data(&reply);
    document(scene, &program).transact_mut().apply_update(update).expect("it fits");
}

/// The update in a reply's step 2.
fn in_data(reply: &Value) -> Update {
    let data = STANDARD.decode(reply["body"]["data"].as_str().expect("data")).expect("base64");
    assert_eq!(data[0], 1, "step 2");
    let Ok(yjs::Sync::Update(update)) = yjs::read_sync(&data) else { panic!("{reply}") };
    Update::decode_v1(update).expect("a Yjs update")
}

#[when(expr = "{string} types {string} into its own document")]
async fn types(scene: &mut Scene, program: String, text: String) {
    let doc = document(scene, &program);
    let notes = doc.get_or_insert_text("notes");
    notes.insert(&mut doc.transact_mut(), 0, &text);
}

#[then(expr = "the document of {string} has the notes {string}")]
async fn has_notes(scene: &mut Scene, program: String, expected: String) {
    let doc = document(scene, &program);
    let notes = doc.get_or_insert_text("notes").get_string(&doc.transact());
    assert_eq!(notes, expected);
}

#[when(expr = "{string} answers the server's step 1 by step 2, with the id {int}")]
async fn answers(scene: &mut Scene, program: String, id: u64) {
    let is_push = |message: &Value| message["port"] == 201 && message["name"] == "sync" && message["id"].is_null();
    let push = scene.program(&program).find("a step 1 of the server", is_push).await;
    let data = STANDARD.decode(push["body"]["data"].as_str().expect("data")).expect("base64");
    let Ok(yjs::Sync::Step1(theirs)) = yjs::read_sync(&data) else { panic!("{push}") };
    let theirs = StateVector::decode_v1(theirs).expect("a state vector");
    let update = document(scene, &program).transact().encode_state_as_update_v1(&theirs);
    sync(scene, &program, &yjs::step_2(&update), id).await;
}

#[when(expr = "{string} sends all that it has by step 2, with the id {int}")]
async fn sends_all(scene: &mut Scene, program: String, id: u64) {
    let update = document(scene, &program).transact().encode_state_as_update_v1(&StateVector::default());
    sync(scene, &program, &yjs::step_2(&update), id).await;
}

#[when(expr = "{string} sends the data {string}, with the id {int}")]
async fn sends_data(scene: &mut Scene, program: String, data: String, id: u64) {
    let bytes: Vec<u8> = data.split(' ').map(|byte| byte.parse().expect("a byte")).collect();
    sync(scene, &program, &bytes, id).await;
}
