//! Going back and forth in a Thing's history, and finding Things by what is in them.

use std::time::Duration;

use cucumber::{then, when};
use serde_json::{Value, json};
use widgetapp::{clock, protocol::action::Action};

use super::Name;
use crate::scene::Scene;

/// How soon a search has to find what was changed.
const SOON: Duration = Duration::from_secs(2);
/// How often somebody searches again.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

#[when(expr = "{person} undoes her last change")]
async fn undoes(scene: &mut Scene, name: Name) {
    do_to_thing(scene, &name, Action::Undo, json!({})).await;
}

#[when(expr = "{person} redoes it")]
async fn redoes(scene: &mut Scene, name: Name) {
    do_to_thing(scene, &name, Action::Redo, json!({})).await;
}

#[when(expr = "{person} looks at the history")]
async fn looks_at_history(scene: &mut Scene, name: Name) {
    let history = do_to_thing(scene, &name, Action::History, json!({})).await;
    scene.told = Some(Ok(history));
}

#[when(expr = "{person} goes back to her own change")]
async fn goes_back(scene: &mut Scene, name: Name) {
    let history = scene.told.clone().and_then(Result::ok).expect("somebody looked at the history");
    let account = name.to_lowercase();
    let own = history["changes"].as_array().into_iter().flatten().find(|change| change["user"] == account.as_str());
    let offset = own.expect("there is one")["offset"].clone();
    do_to_thing(scene, &name, Action::Restore, json!({"offset": offset})).await;
}

async fn do_to_thing(scene: &mut Scene, name: &str, action: Action, body: Value) -> Value {
    let thing = scene.thing.clone();
    let reply = scene.person(name).client().request(200, action.name(), Some(&thing), body).await;
    reply.unwrap_or_else(|error| panic!("{action}: {error}")).body
}

#[then(regex = r#"^the history tells, the newest first: (.+)$"#)]
async fn history_tells(scene: &mut Scene, expected: String) {
    let history = scene.told.clone().and_then(Result::ok).expect("somebody looked at the history");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let changes = history["changes"].as_array().expect("changes").iter();
    let told: Vec<_> =
        changes.map(|change| format!("\"{} {}\"", text(&change["user"]), text(&change["action"]))).collect();
    assert_eq!(told.join(", "), expected);
}

#[when(expr = "{string} has changed the Thing {int} times")]
async fn has_changed(scene: &mut Scene, program: String, count: u64) {
    let thing = scene.thing.clone();
    let program = scene.program(&program);
    for number in 0..count {
        let patch = json!([{"op": "add", "path": "/parts/lamp/x", "value": number}]);
        let body = json!({"key": number.to_string(), "patch": patch});
        program.request(json!({"port": 200, "name": Action::Edit.name(), "thing": thing, "body": body})).await;
    }
}

#[then(expr = "the reply to {int} of {string} has {int} changes")]
async fn reply_has_changes(scene: &mut Scene, id: u64, program: String, count: usize) {
    let reply = scene.program(&program).find("a reply", |message| message["id"] == id).await;
    assert_eq!(reply["body"]["changes"].as_array().map(Vec::len), Some(count), "{reply}");
}

#[then(expr = "the notes in the reply to {int} of {string} have {string} and not {string}")]
async fn notes_have(scene: &mut Scene, id: u64, program: String, there: String, gone: String) {
    let reply = scene.program(&program).find("a reply", |message| message["id"] == id).await;
    let notes = reply["body"]["content"]["notes"].as_str().expect("notes");
    assert!(notes.contains(&there) && !notes.contains(&gone), "{notes:?}");
}

#[then(regex = r#"^within two seconds "([^"]+)" finds by "([^"]+)":(.*)$"#)]
async fn program_finds(scene: &mut Scene, program: String, text: String, titles: String) {
    let program = scene.program(&program);
    let search = json!({"port": 200, "name": Action::Search.name(), "body": {"q": text}});
    let until = clock::now() + SOON;
    loop {
        let found = program.request(search.clone()).await;
        let found: Vec<_> = found["body"]["things"].as_array().expect("a list").iter().map(title).collect();
        if found.join(", ") == titles.trim() {
            return;
        }
        assert!(clock::now() < until, "{text:?} finds {found:?}, not {titles}");
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

fn title(thing: &Value) -> String {
    format!("\"{}\"", thing["title"].as_str().expect("a title"))
}

#[then(expr = "within two seconds {person} finds {string} by {string}")]
async fn person_finds(scene: &mut Scene, name: Name, wanted: String, text: String) {
    let until = clock::now() + SOON;
    loop {
        let found = scene.person(&name).ask(Action::Search, None, json!({"q": text})).await.expect("an answer");
        if found["things"].as_array().into_iter().flatten().any(|thing| thing["title"] == wanted.as_str()) {
            return;
        }
        assert!(clock::now() < until, "{text:?} finds {found}");
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}
