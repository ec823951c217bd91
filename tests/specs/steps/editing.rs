//! Changes, and who sees them.

use cucumber::{then, when};
use serde_json::json;
use widgetapp::{client::Event, protocol::action::Action};

use super::{Name, People};
use crate::scene::Scene;

#[when(expr = "{person} changes the title to {string}")]
async fn changes_title(scene: &mut Scene, name: Name, title: String) {
    let patch = json!([{"op": "replace", "path": "/meta/title", "value": title}]);
    scene.person(&name).edit(&scene.thing, patch).await;
}

#[when(expr = "{person} adds the part {string}")]
async fn adds_part(scene: &mut Scene, name: Name, part: String) {
    let value = json!({"kind": "box", "x": 10, "y": 20, "w": 30, "h": 40, "label": part});
    let patch = json!([{"op": "add", "path": format!("/parts/{part}"), "value": value}]);
    scene.person(&name).edit(&scene.thing, patch).await;
}

#[when(expr = "{person} adds the part {string} and {person} adds the part {string}, at the same moment")]
async fn add_at_once(scene: &mut Scene, one: Name, first: String, other: Name, second: String) {
    let add = |part: &str| json!([{"op": "add", "path": format!("/parts/{part}"), "value": {"kind": "box"}}]);
    tokio::join!(
        scene.person(&one).edit_as_of(&scene.thing, scene.offset, add(&first)),
        scene.person(&other).edit_as_of(&scene.thing, scene.offset, add(&second)),
    );
}

#[when(expr = "{person} writes {string} into the notes")]
async fn writes_notes(scene: &mut Scene, name: Name, text: String) {
    let patch = json!([{"op": "replace", "path": "/notes", "value": text}]);
    scene.offset = scene.person(&name).edit(&scene.thing, patch).await.offset;
}

#[when(expr = "{person} types {string} before {string} and {person} types {string} after it, at the same moment")]
async fn type_at_once(scene: &mut Scene, one: Name, before: String, text: String, other: Name, after: String) {
    let notes = |text: String| json!([{"op": "replace", "path": "/notes", "value": text}]);
    let both = tokio::join!(
        scene.person(&one).edit_as_of(&scene.thing, scene.offset, notes(format!("{before}{text}"))),
        scene.person(&other).edit_as_of(&scene.thing, scene.offset, notes(format!("{text}{after}"))),
    );
    assert_ne!(both.0.offset, both.1.offset);
}

#[then(expr = "{people} read(s) {string} in the notes")]
async fn read_notes(scene: &mut Scene, names: People, text: String) {
    for name in names.0 {
        let (what, person) = (format!("{name} reads {text:?}"), scene.person(&name));
        person.sees(&what, |screen| screen.content["notes"] == text.as_str()).await;
        // And so does whoever looks at the Thing anew.
        let shown = person.ask(Action::Select, Some(&scene.thing), json!({})).await.expect("the Thing can be selected");
        assert_eq!(shown["content"]["notes"], text.as_str());
    }
}

#[then(expr = "{people} see(s) the title {string}")]
async fn see_title(scene: &mut Scene, names: People, title: String) {
    for name in names.0 {
        let what = format!("{name} sees the title {title:?}");
        scene.person(&name).sees(&what, |screen| screen.content["meta"]["title"] == title.as_str()).await;
    }
}

#[then(expr = "{people} see(s) the part {string}")]
async fn see_part(scene: &mut Scene, names: People, part: String) {
    for name in names.0 {
        let what = format!("{name} sees the part {part:?}");
        scene.person(&name).sees(&what, |screen| screen.content["parts"].get(&part).is_some()).await;
    }
}

#[then(expr = "{people} see(s) no part {string}")]
async fn see_no_part(scene: &mut Scene, names: People, part: String) {
    for name in names.0 {
        let what = format!("{name} sees no part {part:?}");
        scene.person(&name).sees(&what, |screen| screen.content["parts"].get(&part).is_none()).await;
    }
}

#[then(expr = "{person} is shown that {person} changed it")]
async fn shown_author(scene: &mut Scene, name: Name, other: Name) {
    let author = json!(other.to_lowercase());
    let person = scene.person(&name);
    let by =
        |push: &widgetapp::protocol::message::Incoming| push.name == Action::Edit.name() && push.body["user"] == author;
    person.sees(&format!("a change by {author}"), |screen| screen.pushed().any(by)).await;
}

#[then(expr = "{people} has/have seen every change once and in order")]
async fn seen_in_order(scene: &mut Scene, names: People) {
    for name in names.0 {
        let offsets = scene.person(&name).screen().offsets.clone();
        let first = offsets[0];
        let expected: Vec<u64> = (first..first + offsets.len() as u64).collect();
        assert_eq!(offsets, expected, "the changes that {name} saw");
    }
}

#[then(expr = "{people} has/have never lost the connection")]
async fn never_lost(scene: &mut Scene, names: People) {
    for name in names.0 {
        let screen = scene.person(&name).screen();
        let lost = screen.events.iter().any(|event| matches!(event, Event::Disconnected { .. } | Event::Ended(_)));
        assert!(!lost && screen.welcomes() == 1, "{name} lost the connection");
    }
}

#[then(expr = "{people} has/have come back without anything missed")]
async fn come_back(scene: &mut Scene, names: People) {
    for name in names.0 {
        let person = scene.person(&name);
        let back = |event: &Event| matches!(event, Event::Reconnected);
        person.sees(&format!("{name} is back"), |screen| screen.events.iter().any(back)).await;
        let reset =
            person.screen().events.iter().any(|event| matches!(event, Event::Reset { .. } | Event::Lost { .. }));
        assert!(!reset, "{name} had to begin anew");
    }
}

#[then(expr = "{person}'s connection has ended with close code {int}")]
async fn ended_with(scene: &mut Scene, name: Name, code: u16) {
    scene.person(&name).sees(&format!("an end with {code}"), |screen| screen.ended() == Some(code)).await;
}
