//! Editors built on Yjs, which connect as y-websocket's provider does.

use cucumber::{given, then, when};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;
use widgetapp::{
    client::Http,
    protocol::{action::Action, yjs},
};

use super::Name;
use crate::{
    editor::Editor,
    person::Person,
    scene::{Scene, until},
    web,
};

async fn token(scene: &Scene, name: &str) -> (&'static str, String) {
    let token = Person::new(scene, name).login.access_token().await.expect("a user gets tokens");
    ("Authorization", format!("Bearer {token}"))
}

async fn connect(
    scene: &mut Scene,
    editor: &str,
    query: &str,
    headers: &[(&'static str, String)],
) -> Result<(), Error> {
    let (address, thing) = (scene.product().address().to_owned(), scene.thing.clone());
    let path = format!("/_stream/yjs/{thing}{query}");
    scene.editors.entry(editor.to_owned()).or_insert_with(Editor::new).connect(&address, &path, headers).await
}

#[given(expr = "{person} has the Thing open in the editor {string}")]
#[when(expr = "{person} opens the Thing in the editor {string}")]
async fn opens(scene: &mut Scene, name: Name, editor: String) {
    let token = token(scene, &name).await;
    connect(scene, &editor, "", &[token]).await.expect("it is let in");
    let shown = scene.editor(&editor);
    until("the editor has all", || shown.screen().synced.then_some(())).await;
}

#[when(expr = "{string} offers the subprotocols {string} with the token of {person}")]
async fn offers(scene: &mut Scene, editor: String, offered: String, name: Name) {
    let (_, bearer) = token(scene, &name).await;
    let offered = offered.replace("TOKEN", bearer.trim_start_matches("Bearer "));
    connect(scene, &editor, "", &[("Sec-WebSocket-Protocol", offered)]).await.expect("it is let in");
}

/// Asks for a ticket with the login of somebody; for one Thing, if that is named.
async fn ticket(scene: &mut Scene, name: &str, thing: Option<String>) -> String {
    let cookie = web::log_in(scene, name).await;
    let headers = [("cookie", cookie.clone()), ("content-type", "application/json".to_owned())];
    scene.cookie = Some(cookie);
    let body = thing.map_or_else(|| json!({}), |thing| json!({"thing": thing}));
    let answer = web::send(scene, "POST", "/_ajax/ticket", &headers, Some(body.to_string())).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["ticket"].as_str().expect("a ticket").to_owned()
}

#[given(expr = "{person} opens the Thing in the editor {string} with a ticket")]
#[when(expr = "{person} opens the Thing in the editor {string} with a ticket")]
async fn opens_with_ticket(scene: &mut Scene, name: Name, editor: String) {
    let query = format!("?ticket={}", ticket(scene, &name, None).await);
    connect(scene, &editor, &query, &[]).await.expect("it is let in");
    scene.told = Some(Ok(query.into()));
}

#[when(expr = "{string} tries the same ticket")]
async fn tries_again(scene: &mut Scene, editor: String) {
    let query = scene.told.clone().and_then(Result::ok).expect("there was a ticket");
    let refused = connect(scene, &editor, query.as_str().unwrap_or_default(), &[]).await.map(|()| Value::Null);
    scene.told = Some(refused.map_err(|error| refusal(&error)));
}

#[when(expr = "{string} tries a ticket of {person} that is for another Thing")]
async fn tries_other(scene: &mut Scene, editor: String, name: Name) {
    let http = Http::new(scene.product().url(), None).expect("the product has a good address");
    let body = json!({"title": "Another"}).as_object().cloned().expect("fields");
    http.log_in(&name.to_lowercase(), &web::password(scene, &name)).await.expect("the password is right");
    let other = http.call(Action::Create, None, body, None).await.expect("it is created");
    let other = other["thing"].as_str().expect("an id").to_owned();
    let query = format!("?ticket={}", ticket(scene, &name, Some(other)).await);
    let refused = connect(scene, &editor, &query, &[]).await.map(|()| Value::Null);
    scene.told = Some(refused.map_err(|error| refusal(&error)));
}

#[when(expr = "{person} tries to open the Thing in the editor {string}")]
async fn tries_to_open(scene: &mut Scene, name: Name, editor: String) {
    let token = token(scene, &name).await;
    let refused = connect(scene, &editor, "", &[token]).await.map(|()| Value::Null);
    scene.told = Some(refused.map_err(|error| refusal(&error)));
}

#[when(expr = "somebody asks for the Thing's editor with {string}")]
async fn asks(scene: &mut Scene, query: String) {
    let address = scene.product().address().to_owned();
    let (path, handshake) = (format!("/_stream/yjs/{}?{query}", scene.thing), handshake(&address));
    scene.answer = Some(web::send(scene, "GET", &path, &handshake, None).await);
}

fn handshake(address: &str) -> [(&'static str, String); 5] {
    [
        ("host", address.to_owned()),
        ("connection", "Upgrade".into()),
        ("upgrade", "websocket".into()),
        ("sec-websocket-version", "13".into()),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==".into()),
    ]
}

/// Status and name of a refused handshake.
fn refusal(error: &Error) -> String {
    let Error::Http(response) = error else { panic!("it was not refused: {error}") };
    let problem: Value = serde_json::from_slice(response.body().as_deref().unwrap_or_default()).unwrap_or_default();
    format!("{} {}", response.status().as_u16(), problem["name"].as_str().unwrap_or_default())
}

#[then(expr = "{string} is refused with {int} {string}")]
async fn is_refused(scene: &mut Scene, _editor: String, status: u16, name: String) {
    assert_eq!(scene.told, Some(Err(format!("{status} {name}"))));
}

#[when(expr = "{string} types {string}")]
async fn types(scene: &mut Scene, editor: String, text: String) {
    scene.editor(&editor).types(&text);
}

#[then(expr = "{string} shows the notes {string}")]
async fn shows(scene: &mut Scene, editor: String, notes: String) {
    let editor = scene.editor(&editor);
    until(&format!("the notes {notes:?}"), || (editor.screen().notes() == notes).then_some(())).await;
}

#[then(expr = "{string} shows {string} in the notes, once")]
async fn shows_in(scene: &mut Scene, editor: String, text: String) {
    let editor = scene.editor(&editor);
    until(&format!("the notes with {text:?}"), || (editor.screen().notes().matches(&text).count() == 1).then_some(()))
        .await;
}

#[when(expr = "{string} goes offline")]
async fn goes_offline(scene: &mut Scene, editor: String) {
    let editor = scene.editor(&editor);
    let before = editor.screen().closed.len();
    editor.disconnect();
    until("it is offline", || (editor.screen().closed.len() > before).then_some(())).await;
}

#[then(expr = "{string} has never lost its connection")]
async fn never_lost(scene: &mut Scene, editor: String) {
    assert!(scene.editor(&editor).screen().closed.is_empty());
}

#[then(expr = "{string} is told that it is denied: {string}")]
async fn is_denied(scene: &mut Scene, editor: String, reason: String) {
    let editor = scene.editor(&editor);
    until("permission denied", || editor.screen().denied.contains(&reason).then_some(())).await;
}

#[then(expr = "the connection of the editor {string} is closed with {int}")]
async fn is_closed(scene: &mut Scene, editor: String, code: u16) {
    let editor = scene.editor(&editor);
    let closed = until("the connection is closed", || editor.screen().closed.last().copied()).await;
    assert_eq!(closed, code);
}

#[when(expr = "{string} says of itself {string}")]
async fn says(scene: &mut Scene, editor: String, state: String) {
    scene.editor(&editor).says(&state.replace('\'', "\""));
}

#[when(expr = "{string} says of the client of {string} that it is {string}")]
async fn says_of_other(scene: &mut Scene, editor: String, other: String, state: String) {
    let (client, state) = (scene.editor(&other).id(), state.replace('\'', "\""));
    let entry = yjs::Awareness { client, clock: 1000, state: &state };
    scene.editor(&editor).send(yjs::awareness_message(&[entry]));
}

#[then(expr = "{string} knows of {string} that it is {string}")]
async fn knows(scene: &mut Scene, editor: String, other: String, state: String) {
    let (client, editor) = (scene.editor(&other).id(), scene.editor(&editor));
    let expected: Value = serde_json::from_str(&state.replace('\'', "\"")).expect("JSON");
    let is_so = || {
        let screen = editor.screen();
        screen.others.get(&client).is_some_and(|known| crate::wording::like(&expected, known)).then_some(())
    };
    until(&format!("an awareness state like {expected}"), is_so).await;
}

#[then(expr = "{string} does not know of {string} any more")]
async fn knows_not(scene: &mut Scene, editor: String, other: String) {
    let (client, editor) = (scene.editor(&other).id(), scene.editor(&editor));
    until("the awareness state is gone", || (!editor.screen().others.contains_key(&client)).then_some(())).await;
}

#[when(regex = r#"^"([^"]+)" sends (.+) by y-websocket$"#)]
async fn sends(scene: &mut Scene, editor: String, what: String) {
    let state = |bytes: usize| json!({"text": "x".repeat(bytes)}).to_string();
    let awareness = |state: &str| yjs::awareness_message(&[yjs::Awareness { client: 5, clock: 1, state }]);
    let message: bytes::Bytes = match what.as_str() {
        "nothing" => bytes::Bytes::new(),
        "a number that does not end" => vec![0xff; 20].into(),
        "a message of an unknown type" => vec![9, 1, 0].into(),
        "half a sync message" => vec![0, 2, 200, 1, 7].into(),
        "a sync message of an unknown kind" => vec![0, 7, 0].into(),
        "a state vector that claims a billion clients" => vec![0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x03].into(),
        "an awareness state of 9 KiB" => awareness(&state(9 * 1024)),
        "an awareness state of 1 MiB" => awareness(&state(1024 * 1024 - 100)),
        "an awareness state that is no object" => awareness("[1]"),
        "awareness of 100000 clients" => {
            let entry = |client| yjs::Awareness { client, clock: 1, state: "{}" };
            yjs::awareness_message(&(0..100_000).map(entry).collect::<Vec<_>>())
        }
        "an update that is none" => yjs::update_message(&[1, 2, 3]),
        other => panic!("nobody knows how to send {other}"),
    };
    scene.editor(&editor).send(message);
}
