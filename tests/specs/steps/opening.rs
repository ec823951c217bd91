//! Opening streams: who is let in, and how the others are refused.

use cucumber::{gherkin::Step, given, then, when};
use serde_json::{Value, json};
use widgetapp::protocol::Codec;

use super::Name;
use crate::{
    person::Person,
    program::{Opening, Program},
    scene::{Scene, aside, until_async},
    web, wording,
};

/// What every handshake says (RFC 6455).
pub(super) const HANDSHAKE: [(&str, &str); 4] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

#[when(expr = "{string} sends this together with its request:")]
async fn sends_at_once(scene: &mut Scene, program: String, step: &Step) {
    let messages = wording::json(scene, step.docstring.as_ref().expect("the messages are given"));
    let token = web::client_token(scene, "stream things:read things:write").await;
    let ada = Person::new(scene, "Ada").login.access_token().await.expect("a token");
    assert_ne!(token, ada);
    let first = messages.as_array().expect("a list").clone();
    let opening = Opening { first, ..Opening::with_token(&ada, Codec::Json) };
    let connected = Program::connect(scene.product().address(), opening).await;
    scene.programs.insert(program, connected);
}

#[when(expr = "somebody asks for a stream with {string}")]
async fn asks(scene: &mut Scene, what: String) {
    let mut headers: Vec<(&str, String)> = HANDSHAKE.map(|(name, value)| (name, value.to_owned())).to_vec();
    let mut path = "/_stream".to_owned();
    let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
    let without = |headers: &mut Vec<(&str, String)>, name: &str| headers.retain(|(other, _)| *other != name);
    let good = web::client_token(scene, "stream").await;
    match what.as_str() {
        "no token" => {}
        "a made-up token" => headers.push(bearer("made.up.token")),
        "no scope stream" => headers.push(bearer(&web::client_token(scene, "things:read things:write").await)),
        "a token of Linus" => {
            let token = Person::new(scene, "Linus").login.access_token().await.expect("Linus gets tokens");
            headers.push(bearer(&token));
        }
        "the expired token" => {
            let expired = scene.told.clone().and_then(Result::ok).expect("there is one");
            headers.push(bearer(expired.as_str().expect("a token")));
        }
        "a foreign Origin" => {
            headers.extend([("cookie", web::log_in(scene, "Ada").await), ("origin", "https://evil.example".into())]);
        }
        "login cookie alone" => headers.push(("cookie", web::log_in(scene, "Ada").await)),
        "login cookie and Origin" => {
            let origin = scene.product().url().to_owned();
            headers.extend([("cookie", web::log_in(scene, "Ada").await), ("origin", origin)]);
        }
        "a ticket in the URL" => path = "/_stream?ticket=anything".to_owned(),
        "a token in the address" => path = format!("/_stream?access_token={good}"),
        "a token in two places" => {
            let second = format!("widgetapp.v1.json, bearer.{good}");
            headers.extend([bearer(&good), ("sec-websocket-protocol", second)]);
        }
        "subprotocol" => headers.push(("sec-websocket-protocol", format!("widgetapp.v1.json, bearer.{good}"))),
        "an unknown subprotocol" => headers.extend([bearer(&good), ("sec-websocket-protocol", "chat".into())]),
        "plain HTTP" => headers = vec![bearer(&good)],
        "WebSocket version 8" => {
            without(&mut headers, "sec-websocket-version");
            headers.extend([bearer(&good), ("sec-websocket-version", "8".into())]);
        }
        "a malformed key" => {
            without(&mut headers, "sec-websocket-key");
            headers.extend([bearer(&good), ("sec-websocket-key", "short".into())]);
        }
        "no key" => {
            without(&mut headers, "sec-websocket-key");
            headers.push(bearer(&good));
        }
        "no Connection: Upgrade" => {
            without(&mut headers, "connection");
            headers.push(bearer(&good));
        }
        "Authorization" => headers.push(bearer(&good)),
        other => panic!("this step does not know how to ask with {other:?}"),
    }
    scene.answer = Some(web::send(scene, "GET", &path, &headers, None).await);
}

#[then(expr = "the answer is {int}")]
async fn answer_is(scene: &mut Scene, status: u16) {
    assert_eq!(scene.answer().status, status);
}

#[then(expr = "the answer is {int} with the code {int} {string}")]
async fn answer_is_problem(scene: &mut Scene, status: u16, code: u16, name: String) {
    let answer = scene.answer();
    assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"), "{answer:?}");
    let expected =
        json!({"status": status, "code": code, "name": name, "type": "...", "title": "...", "detail": "..."});
    assert!(wording::like(&expected, &answer.json()), "{answer:?}");
}

#[then(regex = r#"^the answer's header "([^"]+)" contains "(.*)"$"#)]
async fn header_contains(scene: &mut Scene, name: String, value: String) {
    let answer = scene.answer();
    assert!(answer.headers.contains_key(&name), "there is no such header");
    assert!(answer.header(&name).contains(&value), "it is {:?}", answer.header(&name));
}

#[then(regex = r#"^the answer's header "([^"]+)" is "(.*)"$"#)]
async fn header_is(scene: &mut Scene, name: String, value: String) {
    assert_eq!(scene.answer().header(&name), value);
}

#[then(expr = "the answer is {int} and like:")]
async fn answer_is_like(scene: &mut Scene, status: u16, step: &Step) {
    let expected = wording::json(scene, step.docstring.as_ref().expect("the answer is given"));
    let answer = scene.answer();
    assert_eq!(answer.status, status);
    assert!(wording::like(&expected, &answer.json()), "{} is not like {expected}", answer.text);
}

#[when(expr = "somebody offers the subprotocols {string}")]
async fn offers(scene: &mut Scene, offered: String) {
    open_offering(scene, Some(offered)).await;
}

#[when("somebody offers no subprotocol")]
async fn offers_none(scene: &mut Scene) {
    open_offering(scene, None).await;
}

async fn open_offering(scene: &mut Scene, offered: Option<String>) {
    let token = web::client_token(scene, "stream").await;
    let mut headers = vec![("Authorization", format!("Bearer {token}"))];
    headers.extend(offered.map(|offered| ("Sec-WebSocket-Protocol", offered)));
    let opening = Opening { headers, codec: Codec::Json, first: Vec::new() };
    let connected = Program::connect(scene.product().address(), opening).await;
    scene.programs.insert("somebody".into(), connected);
}

#[then(expr = "the server chooses {string}")]
async fn chooses(scene: &mut Scene, chosen: String) {
    let seen = scene.program("somebody").seen();
    assert_eq!(seen.subprotocol.as_deref(), Some(chosen.as_str()));
}

#[then("the server chooses none and speaks JSON")]
async fn chooses_none(scene: &mut Scene) {
    let somebody = scene.program("somebody");
    somebody.receive(&json!({"port": 0, "name": "welcome"})).await;
    let seen = somebody.seen();
    assert_eq!((&seen.subprotocol, &seen.binary), (&None, &vec![false]));
}

#[given("somebody has a token that has expired")]
async fn has_expired_token(scene: &mut Scene) {
    let token = web::client_token(scene, "things:read").await;
    let headers = [("authorization", format!("Bearer {token}"))];
    until_async("the token expires", async || {
        let answer = web::send(scene, "GET", "/_ajax/scroll", &headers, None).await;
        (answer.status == 401).then_some(())
    })
    .await;
    scene.told = Some(Ok(Value::String(token)));
}

#[when(expr = "somebody tries {int} wrong passwords for {person}")]
async fn wrong_passwords(scene: &mut Scene, count: usize, name: Name) {
    let kind = [("content-type", "application/json".to_owned())];
    for number in 0..count {
        let body = json!({"username": name.to_lowercase(), "password": format!("guess {number}")}).to_string();
        scene.answer = Some(web::send(scene, "POST", "/login", &kind, Some(body)).await);
    }
}

#[when(expr = "{string} opens a stream as {person} and never answers")]
async fn neither_reads(scene: &mut Scene, program: String, name: Name) {
    let token = Person::new(scene, &name).login.access_token().await.expect("a token");
    let mut opening = Opening::with_token(&token, Codec::Json);
    opening.first.push(json!({"port": 0, "name": "ping", "id": 1}));
    let address = scene.product().address().to_owned();
    let bytes = aside(move || opening.silently(&address)).await;
    scene.told = Some(Ok(bytes.into()));
    scene.pids.insert(program, 0);
}

#[then(expr = "the server closes the connection of {string} with {int}")]
async fn closed_silently(scene: &mut Scene, _program: String, code: u16) {
    let received = scene.told.clone().and_then(Result::ok).expect("it was opened");
    let bytes: Vec<u8> = serde_json::from_value(received).expect("bytes");
    let close = [&[0x88][..], &code.to_be_bytes()].concat();
    let found = bytes.windows(4).any(|window| window[0] == close[0] && window[2..] == close[1..]);
    assert!(found, "there is no close frame with {code} in {:?}", String::from_utf8_lossy(&bytes));
}
