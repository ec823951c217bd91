//! User actions by HTTP and on streams, and edits in particular.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cucumber::{gherkin::Step, then, when};
use oauth2::url::form_urlencoded;
use serde_json::{Value, json};
use yrs::{Doc, Map as _, ReadTxn as _, StateVector, Transact as _, updates::decoder::Decode as _};

use super::streams::find_position;
use crate::{
    scene::Scene,
    web::{self, Answer},
    wording::{self, like},
};

const EDIT: &str = "widgetApp_useraction_edit";

#[when(regex = r"^(GET|POST) _ajax/(\w+) is called as (Ada|Grace) with:$")]
async fn is_called(scene: &mut Scene, method: String, action: String, name: String, step: &Step) {
    if scene.epoch.is_empty() {
        find_position(scene).await;
    }
    let body = wording::json(scene, step.docstring.as_ref().expect("the body is given"));
    let cookie = web::log_in(scene, &name).await;
    let headers = [("cookie", cookie), ("content-type", "application/json".into())];
    let answer = call(scene, &method, &action, &headers, &body).await;
    scene.answer = Some(answer);
    scene.told = Some(Ok(body));
}

/// A GET takes the body's fields in its query.
async fn call(scene: &Scene, method: &str, action: &str, headers: &[(&str, String)], body: &Value) -> Answer {
    if method == "GET" {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (field, value) in body.as_object().expect("fields") {
            query.append_pair(field, value.as_str().unwrap_or(&value.to_string()));
        }
        return web::send(scene, "GET", &format!("/_ajax/{action}?{}", query.finish()), headers, None).await;
    }
    web::send(scene, method, &format!("/_ajax/{action}"), headers, Some(body.to_string())).await
}

#[when(expr = "{string} does {word} with the same body")]
async fn does(scene: &mut Scene, program: String, action: String) {
    let mut body = scene.told.clone().and_then(Result::ok).expect("it was called by HTTP before");
    let thing = body.as_object_mut().and_then(|fields| fields.remove("thing"));
    let mut request = json!({"port": 200, "name": format!("widgetApp_useraction_{action}"), "body": body});
    if let Some(thing) = thing {
        request["thing"] = thing;
    }
    scene.told = Some(Ok(scene.program(&program).request(request).await));
}

#[then("both results are alike")]
async fn both_alike(scene: &mut Scene) {
    let reply = scene.told.clone().and_then(Result::ok).expect("it was done on the stream");
    let answer = scene.answer();
    assert_eq!((answer.status, answer.json()), (200, reply["body"].clone()));
}

#[then(expr = "both are refused with {int} and the code {int}")]
async fn both_refused(scene: &mut Scene, status: u16, code: u16) {
    let reply = scene.told.clone().and_then(Result::ok).expect("it was done on the stream");
    let answer = scene.answer();
    let (by_http, error) = (answer.json(), &reply["error"]);
    assert_eq!((answer.status, &by_http["code"], &error["code"]), (status, &json!(code), &json!(code)));
    assert_eq!((&by_http["name"], &by_http["temporary"]), (&error["name"], &error["temporary"]));
}

#[when(regex = r#"^(GET|POST) _ajax/(\w+) is called as the external system with the scope "([^"]+)"$"#)]
async fn is_called_with_scope(scene: &mut Scene, method: String, action: String, scope: String) {
    let token = web::client_token(scene, &scope).await;
    let headers = [("authorization", format!("Bearer {token}")), ("content-type", "application/json".into())];
    let body = (method == "POST").then(|| json!({"title": "By a system"}).to_string());
    scene.answer = Some(web::send(scene, &method, &format!("/_ajax/{action}"), &headers, body).await);
}

#[when(regex = r#"^(GET|POST) _ajax/(\w+) is called as Ada and "([^":]+): ([^"]+)" with:$"#)]
async fn is_called_saying(
    scene: &mut Scene,
    method: String,
    action: String,
    header: String,
    value: String,
    step: &Step,
) {
    let body = wording::json(scene, step.docstring.as_ref().expect("the body is given"));
    let mut headers = vec![("cookie", web::log_in(scene, "Ada").await), (header.as_str(), value)];
    if !header.eq_ignore_ascii_case("content-type") {
        headers.push(("content-type", "application/json".into()));
    }
    scene.answer = Some(call(scene, &method, &action, &headers, &body).await);
}

#[when(expr = "{string} scrolls on from there with the id {int}")]
async fn scrolls_on(scene: &mut Scene, program: String, id: u32) {
    let scroll = "widgetApp_useraction_scroll";
    let program = scene.program(&program);
    let page = program.find("a page", |message| message["name"] == scroll).await;
    let body = json!({"limit": 2, "cursor": page["body"]["next"]});
    program.send(&json!({"port": 200, "name": scroll, "id": id, "body": body})).await;
}

#[when(expr = "{string} selects what it has created with the id {int}")]
async fn selects_created(scene: &mut Scene, program: String, id: u32) {
    let program = scene.program(&program);
    let created = program.find("what it has created", |message| !message["body"]["thing"].is_null()).await;
    let select =
        json!({"port": 200, "name": "widgetApp_useraction_select", "id": id, "thing": created["body"]["thing"]});
    program.send(&select).await;
}

#[when(expr = "{string} edits the title")]
async fn edits(scene: &mut Scene, program: String) {
    let thing = scene.thing.clone();
    let program = scene.program(&program);
    let key = format!("{:?}", std::ptr::from_ref(program)) + &program.seen().messages.len().to_string();
    let patch = json!([{"op": "replace", "path": "/meta/title", "value": key}]);
    let edit = json!({"port": 200, "name": EDIT, "thing": thing, "body": {"key": key, "patch": patch}});
    let reply = program.request(edit).await;
    assert_eq!(reply["body"]["durable"], true, "{reply}");
}

#[then(expr = "{string} has got the changes {string} at one offset after the other")]
async fn has_got(scene: &mut Scene, program: String, expected: String) {
    let (thing, first) = (scene.thing.clone(), scene.offset + 1);
    let program = scene.program(&program);
    program.catch_up(&thing).await;
    let seen = program.seen();
    let changes = seen.messages.iter().filter(|message| message["name"] == EDIT && message["error"].is_null());
    let got: Vec<(u64, &str)> = changes
        .map(|message| {
            let kind = if message["id"].is_null() { "push" } else { "reply" };
            (message["offset"].as_u64().expect("changes have an offset"), kind)
        })
        .collect();
    let expected: Vec<(u64, &str)> = (first..).zip(expected.split(", ")).collect();
    assert_eq!(got, expected);
}

#[then(expr = "{string} was given the Thing as {word}")]
async fn was_given(scene: &mut Scene, program: String, form: String) {
    let open = json!({"name": "widgetApp_useraction_open"});
    let reply = scene.program(&program).find("the opening", |message| like(&open, message)).await;
    let title = match form.as_str() {
        "content" => reply["body"]["content"]["meta"]["title"].clone(),
        _ => title_of(&doc_of(&[&reply["body"]["update"]])),
    };
    assert_eq!(title, "Welcome", "{reply}");
    let other = if form == "content" { "update" } else { "content" };
    assert!(reply["body"][other].is_null(), "{reply}");
}

#[then(expr = "{string} has got the change as {word} with the new title")]
async fn got_change(scene: &mut Scene, program: String, form: String) {
    let writer = json!({"name": EDIT, "body": {"durable": true}});
    let key = scene.program("writer").find("the reply", |message| like(&writer, message)).await["offset"].clone();
    let program = scene.program(&program);
    let push = program.receive(&json!({"name": EDIT, "offset": key})).await;
    let title = match form.as_str() {
        "patch" => push["body"]["patch"][0]["value"].clone(),
        _ => {
            let open = program.find("the opening", |message| message["name"] == "widgetApp_useraction_open").await;
            title_of(&doc_of(&[&open["body"]["update"], &push["body"]["update"]]))
        }
    };
    assert!(title.as_str().is_some_and(|title| title != "Welcome"), "{push}");
    let other = if form == "patch" { "update" } else { "patch" };
    assert!(push["body"][other].is_null(), "{push}");
}

#[then(expr = "{string} has got everything in {word} frames")]
async fn in_frames(scene: &mut Scene, program: String, kind: String) {
    let seen = scene.program(&program).seen();
    assert!(seen.binary.iter().all(|binary| *binary == (kind == "binary")), "{:?}", seen.binary);
}

#[when(expr = "{string} sends a Yjs update that makes the title {string}")]
async fn sends_update(scene: &mut Scene, program: String, title: String) {
    let thing = scene.thing.clone();
    let program = scene.program(&program);
    let open = program.find("the opening", |message| message["name"] == "widgetApp_useraction_open").await;
    let doc = doc_of(&[&open["body"]["update"]]);
    let before = doc.transact().state_vector();
    let meta = doc.get_or_insert_map("meta");
    meta.insert(&mut doc.transact_mut(), "title", title);
    let update = doc.transact().encode_state_as_update_v1(&before);
    program.send_update(&thing, update).await;
}

#[when(expr = "{string} sends a Yjs update that builds on one which it keeps")]
async fn sends_incomplete(scene: &mut Scene, program: String) {
    let thing = scene.thing.clone();
    let program = scene.program(&program);
    let open = program.find("the opening", |message| message["name"] == "widgetApp_useraction_open").await;
    let doc = doc_of(&[&open["body"]["update"]]);
    let meta = doc.get_or_insert_map("meta");
    meta.insert(&mut doc.transact_mut(), "title", "kept");
    let before = doc.transact().state_vector();
    meta.insert(&mut doc.transact_mut(), "title", "sent");
    let update = doc.transact().encode_state_as_update_v1(&before);
    program.send_update(&thing, update).await;
}

#[when(expr = "{string} sends an edit of {int} KiB with the id {int}")]
async fn sends_large(scene: &mut Scene, program: String, kib: usize, id: u32) {
    let patch = json!([{"op": "replace", "path": "/notes", "value": "x".repeat(kib * 1024)}]);
    let edit = json!({"port": 200, "name": EDIT, "id": id, "thing": scene.thing, "body": {"key": "k", "patch": patch}});
    scene.program(&program).send(&edit).await;
}

/// The document that these updates make: base64 in JSON, bytes in CBOR.
fn doc_of(updates: &[&Value]) -> Doc {
    let doc = Doc::new();
    for update in updates {
        let bytes: Vec<u8> = match update {
            Value::String(text) => STANDARD.decode(text).expect("base64"),
            bytes => serde_json::from_value((*bytes).clone()).expect("bytes"),
        };
        let update = yrs::Update::decode_v1(&bytes).expect("a Yjs update");
        doc.transact_mut().apply_update(update).expect("it can be applied");
    }
    assert!(doc.transact().state_vector() != StateVector::default(), "there is something in it");
    doc
}

fn title_of(doc: &Doc) -> Value {
    let meta = doc.get_or_insert_map("meta");
    let title = meta.get(&doc.transact(), "title").expect("a Thing has a title");
    title.to_string(&doc.transact()).into()
}
