//! Programs on streams: what they send and what they receive.

use std::time::Duration;

use cucumber::{gherkin::Step, given, then, when};
use serde_json::{Deserializer, Value, json};
use tokio_tungstenite::tungstenite::Message;
use widgetapp::protocol::Codec;

use super::Name;
use crate::{
    person::Person,
    program::{Opening, Program},
    scene::{Scene, until},
    web, wording,
};

const OPEN: &str = "widgetApp_useraction_open";
/// How long nothing must come before it counts as nothing.
const A_WHILE: Duration = Duration::from_millis(500);

#[given(expr = "{string} streams as {person}")]
#[when(expr = "{string} streams as {person}")]
async fn streams(scene: &mut Scene, program: String, name: Name) {
    stream_as(scene, program, &name, Codec::Json).await;
}

#[given(regex = r#"^"([^"]+)" streams as (Ada|Grace) in (JSON|CBOR)$"#)]
async fn streams_in(scene: &mut Scene, program: String, name: String, encoding: String) {
    let codec = if encoding == "CBOR" { Codec::Cbor } else { Codec::Json };
    stream_as(scene, program, &name, codec).await;
}

#[given(expr = "{string} streams as the external system")]
async fn streams_as_system(scene: &mut Scene, program: String) {
    streams_with_scope(scene, program, "stream things:read things:write".into()).await;
}

#[given(expr = "{string} streams as the external system with the scope {string}")]
async fn streams_with_scope(scene: &mut Scene, program: String, scope: String) {
    let token = web::client_token(scene, &scope).await;
    let connected = Program::connect(scene.product().address(), Opening::with_token(&token, Codec::Json)).await;
    scene.programs.insert(program, connected);
}

#[given(expr = "the browser of {person} streams with her login")]
async fn browser_streams(scene: &mut Scene, name: Name) {
    let cookie = web::log_in(scene, &name).await;
    scene.cookie = Some(cookie.clone());
    let product = scene.product();
    let headers = vec![("Cookie", cookie), ("Origin", product.url().to_owned())];
    let opening = Opening { headers, codec: Codec::Json, first: Vec::new() };
    let browser = Program::connect(product.address(), opening).await;
    scene.programs.insert("browser".into(), browser);
}

async fn stream_as(scene: &mut Scene, program: String, name: &str, codec: Codec) {
    let token = Person::new(scene, name).login.access_token().await.expect("a user gets tokens");
    let connected = Program::connect(scene.product().address(), Opening::with_token(&token, codec)).await;
    scene.programs.insert(program, connected);
}

#[given(expr = "{string} opens the Thing")]
#[when(expr = "{string} opens the Thing")]
async fn opens(scene: &mut Scene, program: String) {
    open_as(scene, &program, "json").await;
}

#[given(regex = r#"^"([^"]+)" opens the Thing as (json|yjs)$"#)]
#[when(regex = r#"^"([^"]+)" opens the Thing as (json|yjs)$"#)]
async fn opens_as(scene: &mut Scene, program: String, form: String) {
    open_as(scene, &program, &form).await;
}

#[when("the browser opens the Thing")]
async fn browser_opens(scene: &mut Scene) {
    open_as(scene, "browser", "json").await;
}

/// Opens it with the id 1, so that `join` is 1.
async fn open_as(scene: &mut Scene, program: &str, form: &str) {
    let request = json!({"port": 200, "name": OPEN, "id": 1, "thing": scene.thing, "body": {"as": form}});
    let program = scene.program(program);
    program.send(&request).await;
    let reply = program.receive(&json!({"name": OPEN, "id": 1})).await;
    assert!(reply["error"].is_null(), "it may not be opened: {reply}");
    scene.epoch = reply["body"]["epoch"].as_str().expect("an epoch").to_owned();
    scene.offset = reply["offset"].as_u64().expect("an offset");
}

#[when(expr = "{string} sends:")]
async fn sends(scene: &mut Scene, program: String, step: &Step) {
    if scene.epoch.is_empty() {
        find_position(scene).await;
    }
    let text = wording::fill_in(scene, step.docstring.as_ref().expect("the messages are given"));
    let messages: Vec<Value> =
        Deserializer::from_str(&text).into_iter().map(|message| message.expect("the feature's JSON")).collect();
    for message in messages {
        scene.program(&program).send(&message).await;
    }
}

/// Features that open nothing speak of the offset at which the product was started.
pub(super) async fn find_position(scene: &mut Scene) {
    let ada = Person::new(scene, "Ada");
    let shown = ada.ask(widgetapp::protocol::action::Action::Select, Some(&scene.thing), json!({})).await;
    let shown = shown.expect("Ada owns the Thing");
    scene.epoch = shown["epoch"].as_str().expect("an epoch").to_owned();
    scene.offset = shown["offset"].as_u64().expect("an offset");
}

#[when(
    regex = r#"^"([^"]+)" sends (text that is not JSON|JSON that is no message|a message with the id 0|JSON that nests too deep|a ping with a body that nests too deep|a binary frame|a message of 2 MiB|text that is not UTF-8|a broken frame)$"#
)]
async fn sends_nonsense(scene: &mut Scene, program: String, what: String) {
    use tokio_tungstenite::tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };
    let text = |bytes: Vec<u8>| Message::Frame(Frame::message(bytes, OpCode::Data(Data::Text), true));
    let message = match what.as_str() {
        "text that is not JSON" => Message::text("hello?"),
        "JSON that is no message" => Message::text(r#"["port", 200]"#),
        "a message with the id 0" => Message::text(r#"{"port": 0, "name": "ping", "id": 0}"#),
        "JSON that nests too deep" => Message::text(format!("{}{}", "[".repeat(65), "]".repeat(65))),
        "a ping with a body that nests too deep" => {
            let body = format!("{}{}", "[".repeat(64), "]".repeat(64));
            Message::text(format!(r#"{{"port": 0, "name": "ping", "id": 1, "body": {body}}}"#))
        }
        "a binary frame" => Message::binary(vec![0xa0]),
        "a message of 2 MiB" => Message::text(" ".repeat(2 * 1024 * 1024)),
        "text that is not UTF-8" => text(vec![0xff, 0xfe]),
        _ => Message::Frame(Frame::message("", OpCode::Data(Data::Reserved(3)), true)),
    };
    scene.program(&program).send_frame(message).await;
}

#[then(expr = "{string} receives:")]
async fn receives(scene: &mut Scene, program: String, step: &Step) {
    let expected = wording::json(scene, step.docstring.as_ref().expect("the message is given"));
    scene.program(&program).receive(&expected).await;
}

#[then(regex = r#"^"([^"]+)" has a reply to each of ([\d, and]+)$"#)]
async fn has_replies(scene: &mut Scene, program: String, ids: String) {
    let ids = ids.split(|separator: char| !separator.is_ascii_digit()).filter_map(|id| id.parse::<u64>().ok());
    for id in ids {
        let what = format!("a reply to {id}");
        let reply = scene.program(&program).find(&what, |message| message["id"] == id).await;
        assert!(reply["error"].is_null() && reply["body"].is_object(), "{reply}");
    }
}

#[then(expr = "{string} has one reply to {int}, like:")]
async fn has_one_reply(scene: &mut Scene, program: String, id: u64, step: &Step) {
    let expected = wording::json(scene, step.docstring.as_ref().expect("the reply is given"));
    let reply = only_reply(scene, &program, id).await;
    assert!(wording::like(&expected, &reply), "{reply} is not like {expected}");
}

#[then(expr = "{string} has one reply to {int} without a patch")]
async fn has_no_patch(scene: &mut Scene, program: String, id: u64) {
    let reply = only_reply(scene, &program, id).await;
    assert!(reply["error"].is_null() && reply["body"]["patch"].is_null(), "{reply}");
}

/// The reply, when it is certain that there will be no second one.
async fn only_reply(scene: &mut Scene, program: &str, id: u64) -> Value {
    let program = scene.program(program);
    program.find(&format!("a reply to {id}"), |message| message["id"] == id).await;
    program.request(json!({"port": 0, "name": "ping"})).await;
    let seen = program.seen();
    let replies: Vec<&Value> = seen.messages.iter().filter(|message| message["id"] == id).collect();
    let [reply] = replies[..] else { panic!("there is not one reply to {id}: {replies:?}") };
    reply.clone()
}

#[then(regex = r#"^"([^"]+)" is answered (\d+) with (a body|[a-z_]+)$"#)]
async fn is_answered(scene: &mut Scene, program: String, id: u64, outcome: String) {
    let what = format!("a reply to {id}");
    let reply = scene.program(&program).find(&what, |message| message["id"] == id).await;
    let given = reply["error"]["name"].as_str().unwrap_or("a body");
    assert_eq!(given, outcome, "{reply}");
}

#[then(expr = "{string} knows the name that it asked for with {int}")]
async fn name_is_known(scene: &mut Scene, program: String, id: u64) {
    let reply = scene.program(&program).find("a reply", |message| message["id"] == id).await;
    assert_ne!(reply["error"]["name"], "unknown_name", "{reply}");
}

#[when(expr = "{string} has a reply to {int}")]
async fn has_reply(scene: &mut Scene, program: String, id: u64) {
    scene.program(&program).find(&format!("a reply to {id}"), |message| message["id"] == id).await;
}

#[then(expr = "{string} has no reply to {int}")]
#[when(expr = "{string} has no reply to {int}")]
async fn has_no_reply(scene: &mut Scene, program: String, id: u64) {
    tokio::time::sleep(A_WHILE).await;
    let seen = scene.program(&program).seen();
    assert!(!seen.messages.iter().any(|message| message["id"] == id), "there is one");
}

#[then(expr = "{string} hears nothing for a while")]
async fn hears_nothing(scene: &mut Scene, program: String) {
    let before = scene.program(&program).seen().messages.len();
    tokio::time::sleep(A_WHILE).await;
    let seen = scene.program(&program).seen();
    assert_eq!(seen.messages.len(), before, "{:?}", seen.messages.last());
}

#[then(expr = "the connection of {string} is closed with {int}")]
async fn is_closed(scene: &mut Scene, program: String, code: u16) {
    let program = scene.program(&program);
    let closed = until("the connection is closed", || program.seen().closed).await;
    assert_eq!(closed, code);
}

#[then(expr = "the connection of {string} is broken")]
async fn is_broken(scene: &mut Scene, program: String) {
    let program = scene.program(&program);
    until("the connection breaks", || program.seen().closed).await;
}

#[then(expr = "the connection of {string} ends without a close code")]
async fn ends_without_code(scene: &mut Scene, program: String) {
    is_closed(scene, program, 0).await;
}

#[then(expr = "the connection of {string} is still good")]
async fn is_good(scene: &mut Scene, program: String) {
    let reply = scene.program(&program).request(json!({"port": 0, "name": "ping"})).await;
    assert_eq!(reply["body"], json!({}), "{reply}");
}

#[then(expr = "the connection of {string} is still open")]
async fn is_open(scene: &mut Scene, program: String) {
    // Whatever the reply is, it is one.
    scene.program(&program).request(json!({"port": 0, "name": "ping"})).await;
    assert_eq!(scene.program(&program).seen().closed, None);
}

#[then(expr = "the browser shows the title {string}")]
async fn browser_shows(scene: &mut Scene, title: String) {
    let change = json!({"port": 200, "name": "widgetApp_useraction_edit",
        "body": {"patch": [{"op": "replace", "path": "/meta/title", "value": title}]}});
    scene.program("browser").receive(&change).await;
}

#[when(expr = "{string} creates and opens {int} Things")]
async fn creates_and_opens(scene: &mut Scene, program: String, count: usize) {
    let program = scene.program(&program);
    for number in 0..count {
        let new = json!({"port": 200, "name": "widgetApp_useraction_create", "body": {"title": format!("T{number}")}});
        let created = program.request(new).await;
        let opened = program.request(json!({"port": 200, "name": OPEN, "thing": created["body"]["thing"]})).await;
        assert_eq!(opened["join"], opened["id"], "{opened}");
    }
}

#[then(expr = "a change of each of them by Ada's other program reaches {string} under its own join")]
async fn each_reaches(scene: &mut Scene, program: String) {
    let opened: Vec<Value> = {
        let seen = scene.program(&program).seen();
        seen.messages.iter().filter(|message| message["name"] == OPEN).cloned().collect()
    };
    stream_as(scene, "other".into(), "Ada", Codec::Json).await;
    for opening in opened {
        let patch = json!([{"op": "replace", "path": "/meta/title", "value": opening["join"].to_string()}]);
        let edit = json!({"port": 200, "name": "widgetApp_useraction_edit", "thing": opening["thing"],
            "body": {"key": opening["thing"], "patch": patch}});
        scene.program("other").request(edit).await;
        let push = json!({"name": "widgetApp_useraction_edit", "thing": opening["thing"], "join": opening["join"],
            "body": {"patch": patch}});
        scene.program(&program).receive(&push).await;
    }
}

#[then(expr = "{string} has heard of no change")]
async fn no_change(scene: &mut Scene, program: String) {
    let thing = scene.thing.clone();
    let program = scene.program(&program);
    program.catch_up(&thing).await;
    let edit = program.seen().messages.iter().any(|message| message["name"] == "widgetApp_useraction_edit");
    assert!(!edit, "a change was heard of");
}

#[then(expr = "{string} has heard of nothing on port {int}")]
async fn nothing_on(scene: &mut Scene, program: String, port: u16) {
    let program = scene.program(&program);
    program.request(json!({"port": 0, "name": "ping"})).await;
    let heard = program.seen().messages.iter().any(|message| message["port"] == port);
    assert!(!heard, "something was heard");
}

#[when(expr = "{string} sends {int} pings at once")]
async fn sends_pings(scene: &mut Scene, program: String, count: usize) {
    let pings = (1..=count).map(|id| json!({"port": 0, "name": "ping", "id": id}));
    scene.program(&program).send_all(pings).await;
}
