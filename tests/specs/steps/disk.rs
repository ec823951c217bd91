//! A disk that takes nothing for a while: somebody else holds the lock of the log's file.

use cucumber::{given, then, when};
use rusqlite::Connection;
use serde_json::json;

use crate::scene::Scene;

/// Questions that a program asks to see whether anything comes before their answers.
const QUESTIONS: usize = 10;

#[given("the disk takes nothing")]
#[when("the disk takes nothing")]
async fn locked(scene: &mut Scene) {
    let log = Connection::open(scene.product().data().join("log.db")).expect("the log is there");
    log.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes at the moment");
    scene.lock = Some(log);
}

#[when("the disk takes changes again")]
async fn unlocked(scene: &mut Scene) {
    drop(scene.lock.take().expect("the feature has said that it takes nothing"));
}

#[then(expr = "{string} and {string} have heard nothing of it, while everything else is answered")]
async fn silent(scene: &mut Scene, writer: String, reader: String) {
    for name in [writer, reader] {
        for _ in 0..QUESTIONS {
            let name = &name;
            scene.program(name).request(json!({"port": 200, "name": "widgetApp_useraction_scroll"})).await;
        }
        let seen = scene.program(&name).seen();
        let edits = seen.messages.iter().filter(|message| message["name"] == "widgetApp_useraction_edit").count();
        assert_eq!(edits, 0, "\"{name}\" has heard of a change that is not on the disk");
    }
}
