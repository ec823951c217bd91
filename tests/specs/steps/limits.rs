//! Programs that go to the limits and beyond.

use std::collections::BTreeSet;

use cucumber::{then, when};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpSocket};
use widgetapp::protocol::Codec;

use super::{Name, opening::HANDSHAKE, streams::find_position};
use crate::{
    person::Person,
    program::Opening,
    scene::{Scene, aside},
    web,
};

const EDIT: &str = "widgetApp_useraction_edit";
/// Few enough for the limits that the server comes with.
const EDITS_AT_ONCE: usize = 250;
/// Of the requests of many edits.
const FIRST_ID: usize = 100_000;
/// Small, so that the server's queue is what fills.
const RECEIVE_BUFFER_BYTES: u32 = 64 * 1024;

fn user_action(name: &str, id: u32, body: Value) -> Value {
    json!({"port": 200, "name": format!("widgetApp_useraction_{name}"), "id": id, "body": body})
}

#[when(expr = "somebody asks for {int} streams at once")]
async fn asks_at_once(scene: &mut Scene, count: usize) {
    let token = web::client_token(scene, "stream").await;
    let handshake = HANDSHAKE.map(|(name, value)| (name, value.to_owned()));
    let headers = [&handshake[..], &[("authorization", format!("Bearer {token}"))]].concat();
    let asking = (0..count).map(|_| web::send(scene, "GET", "/_stream", &headers, None));
    scene.answers = futures_util::future::join_all(asking).await;
}

#[when("somebody asks for a stream")]
async fn asks_for_one(scene: &mut Scene) {
    asks_at_once(scene, 1).await;
    scene.answer = scene.answers.pop();
}

#[then("two of them are opened at least, and one is refused at least")]
async fn some_opened(scene: &mut Scene) {
    let (opened, mut refused): (Vec<_>, Vec<_>) = scene.answers.drain(..).partition(|answer| answer.status == 101);
    assert!(opened.len() >= 2, "{} were opened", opened.len());
    scene.answer = Some(refused.pop().expect("twenty do not take twenty seconds"));
}

#[then("two of them are opened at least, and each of the others has another time to wait")]
async fn others_wait(scene: &mut Scene) {
    let refused = scene.answers.iter().filter(|answer| answer.status != 101);
    let waits: Vec<u64> =
        refused.map(|answer| answer.json()["retry_after_ms"].as_u64().expect("a time to wait")).collect();
    let different: BTreeSet<u64> = waits.iter().copied().collect();
    assert_eq!(different.len(), waits.len(), "{waits:?}");
    some_opened(scene).await;
}

#[then(expr = "all of the first {int} pings of {string} are answered, and of the others some are refused")]
async fn some_refused(scene: &mut Scene, first: u64, program: String) {
    let program = scene.program(&program);
    program.find("a refusal", |message| message["error"]["name"] == "too_many_requests").await;
    for id in 1..=first {
        let reply = program.find("a reply", |message| message["id"] == id).await;
        assert!(reply["error"].is_null(), "{reply}");
    }
}

#[when(expr = "{string} makes {int} edits")]
async fn makes_edits(scene: &mut Scene, program: String, count: usize) {
    make(scene, &program, count, "", EDITS_AT_ONCE).await;
}

#[when(expr = "{string} makes {int} edits of {int} KiB")]
async fn makes_large_edits(scene: &mut Scene, program: String, count: usize, kib: usize) {
    make(scene, &program, count, &"x".repeat(kib * 1024), 1).await;
}

/// So many are sent at once, and then awaited.
async fn make(scene: &mut Scene, program: &str, count: usize, text: &str, at_once: usize) {
    let thing = scene.thing.clone();
    let program = scene.program(program);
    let edit = |number: usize| {
        let patch = json!([{"op": "add", "path": "/meta/number", "value": format!("{number}{text}")}]);
        let body = json!({"key": number.to_string(), "patch": patch});
        json!({"port": 200, "name": EDIT, "id": FIRST_ID + number, "thing": thing, "body": body})
    };
    for first in (0..count).step_by(at_once) {
        let numbers = first..count.min(first + at_once);
        program.send_all(numbers.clone().map(edit)).await;
        let last = FIRST_ID + numbers.end - 1;
        program.find("the last reply", |message| message["id"] == last).await;
    }
    let replies = program.seen().messages.iter().filter(|message| message["body"]["durable"] == true).count();
    assert_eq!(replies, count, "edits that were acknowledged");
}

#[then(expr = "{string} has seen all {int} edits")]
async fn has_seen(scene: &mut Scene, program: String, count: u64) {
    let last = scene.offset + count;
    let push = json!({"name": EDIT, "offset": last});
    scene.program(&program).receive(&push).await;
    let seen = scene.program(&program).seen();
    let offsets = seen.messages.iter().filter(|message| message["name"] == EDIT).map(|message| &message["offset"]);
    assert!(offsets.eq(&(last - count + 1..=last).map(Value::from).collect::<Vec<_>>()));
}

#[when(expr = "{string} opens the Thing as {person} and stops reading")]
async fn stops_reading(scene: &mut Scene, program: String, name: Name) {
    let token = Person::new(scene, &name).login.access_token().await.expect("a token");
    let mut opening = Opening::with_token(&token, Codec::Json);
    opening.first.push(json!({"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": scene.thing}));
    let address = scene.product().address().parse().expect("an address");
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES).expect("a small buffer");
    let mut socket = socket.connect(address).await.expect("the server listens");
    socket.write_all(&opening.bytes(&address.to_string())).await.expect("the server reads");
    // Its first messages have come: it has the Thing open. They stay where they are.
    let mut peeked = vec![0; 16 * 1024];
    crate::scene::until_async("it has the Thing open", async || {
        let length = socket.peek(&mut peeked).await.expect("the connection stands");
        String::from_utf8_lossy(&peeked[..length]).contains("recovered").then_some(())
    })
    .await;
    scene.sleepers.insert(program, socket);
}

#[then(expr = "{string} finds its connection closed with {int}")]
async fn finds_closed(scene: &mut Scene, program: String, code: u16) {
    use std::io::Read as _;
    let socket = scene.sleepers.remove(&program).expect("it has stopped reading");
    let received = aside(move || {
        let mut socket = socket.into_std().expect("a socket");
        socket.set_nonblocking(false).expect("a socket");
        let mut received = Vec::new();
        // An end that is not orderly is one all the same: what came before it counts.
        let _ = socket.read_to_end(&mut received);
        received
    })
    .await;
    let close = code.to_be_bytes();
    let found = received.windows(4).any(|window| window[0] == 0x88 && window[2..] == close);
    assert!(found, "there is no close frame with {code} in {} bytes", received.len());
}

#[when(expr = "{string} sends {int} searches and then a ping with the id {int}")]
async fn sends_searches(scene: &mut Scene, program: String, count: u32, ping: u32) {
    let searches = (1..=count).map(|id| user_action("search", id, json!({"q": "welcome"})));
    let program = scene.program(&program);
    program.send_all(searches).await;
    // So that they are read before the ping comes.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    program.send(&json!({"port": 0, "name": "ping", "id": ping})).await;
}

#[when(expr = "{string} creates a Thing with a title of {int} characters and the id {int}")]
async fn creates_titled(scene: &mut Scene, program: String, length: usize, id: u32) {
    scene.program(&program).send(&user_action("create", id, json!({"title": "é".repeat(length)}))).await;
}

#[when(expr = "{string} searches for a text of {int} characters with the id {int}")]
async fn searches(scene: &mut Scene, program: String, length: usize, id: u32) {
    scene.program(&program).send(&user_action("search", id, json!({"q": "é".repeat(length)}))).await;
}

#[when(expr = "{string} looks at a view of {int} KiB with the id {int}")]
async fn looks(scene: &mut Scene, program: String, kib: usize, id: u32) {
    let mut scroll = user_action("scroll", id, json!({"view": {"part": "x".repeat(kib * 1024)}}));
    scroll["thing"] = scene.thing.clone().into();
    scene.program(&program).send(&scroll).await;
}

#[when(expr = "{string} sends an edit with a key of {int} bytes and the id {int}")]
async fn sends_key(scene: &mut Scene, program: String, length: usize, id: u32) {
    let mut edit = user_action("edit", id, json!({"key": "k".repeat(length), "patch": []}));
    edit["thing"] = scene.thing.clone().into();
    scene.program(&program).send(&edit).await;
}

/// So deep in the content under `/meta/deep`.
fn nested(levels: usize) -> Value {
    (2..levels).fold(json!(0), |inner, _| json!([inner]))
}

#[when(expr = "{string} sends an edit with a value {int} levels deep and the id {int}")]
async fn sends_nested(scene: &mut Scene, program: String, levels: usize, id: u32) {
    let patch = json!([{"op": "add", "path": "/meta/deep", "value": nested(levels)}]);
    let mut edit = user_action("edit", id, json!({"key": "deep", "patch": patch}));
    edit["thing"] = scene.thing.clone().into();
    scene.program(&program).send(&edit).await;
}

#[when(expr = "{string} creates a Thing with a value {int} levels deep and the id {int}")]
async fn creates_nested(scene: &mut Scene, program: String, levels: usize, id: u32) {
    let content = json!({"meta": {"deep": nested(levels)}});
    scene.program(&program).send(&user_action("create", id, json!({"title": "Deep", "content": content}))).await;
}

#[when(expr = "{string} creates {int} Things")]
async fn creates(scene: &mut Scene, program: String, count: usize) {
    if scene.epoch.is_empty() {
        find_position(scene).await;
    }
    for number in 0..count {
        let created =
            scene.program(&program).request(user_action("create", 1, json!({"title": format!("T{number}")}))).await;
        assert!(created["error"].is_null(), "{created}");
    }
}

#[then(expr = "the reply to {int} of {string} has {int} Things")]
async fn has_things(scene: &mut Scene, id: u64, program: String, count: usize) {
    let reply = scene.program(&program).find("the reply", |message| message["id"] == id).await;
    assert_eq!(reply["body"]["things"].as_array().map(Vec::len), Some(count));
}

#[when(regex = r"^POST _ajax/(\w+) is called as Ada with a body of (\d+) MiB$")]
async fn large_body(scene: &mut Scene, action: String, mib: usize) {
    let headers = [("cookie", web::log_in(scene, "Ada").await), ("content-type", "application/json".into())];
    let body = json!({"title": "x".repeat(mib * 1024 * 1024)}).to_string();
    scene.answer = Some(web::send(scene, "POST", &format!("/_ajax/{action}"), &headers, Some(body)).await);
}
