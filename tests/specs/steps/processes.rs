//! Processes: which there are, and what becomes of those that end.

use std::time::Duration;

use cucumber::{given, then, when};
use serde_json::{Value, json};
use widgetapp::client::{ConnectError, EditBody, Event};

use super::{Kind, Name, People};
use crate::{
    product::{is_alive, kill},
    scene::{Scene, aside, in_time, until, until_async},
};

/// How long the first signal to stop is left to work.
const BETWEEN_SIGNALS: Duration = Duration::from_millis(500);
/// Less than one halted process would hold up an orderly end.
const AT_ONCE: Duration = Duration::from_secs(4);

#[then(expr = "there is/are {int} process(es) {string}")]
async fn there_are(scene: &mut Scene, count: usize, kind: String) {
    assert_eq!(scene.processes(&kind).await.len(), count);
}

#[then(expr = "the system's process list shows the {kind} by that name")]
async fn named(scene: &mut Scene, kind: Kind) {
    let pid = only(scene, &kind).await;
    let read = |what: &str| std::fs::read_to_string(format!("/proc/{pid}/{what}")).expect("it runs");
    assert_eq!(read("comm").trim(), &*kind);
    assert_eq!(read("cmdline").split('\0').next(), Some(&*kind));
}

#[when(expr = "the {kind} is killed")]
async fn is_killed(scene: &mut Scene, kind: Kind) {
    let pid = only(scene, &kind).await;
    scene.pids.insert(kind.to_string(), pid);
    aside(move || kill("KILL", pid)).await;
}

#[when("everyone's connection breaks")]
async fn connections_break(scene: &mut Scene) {
    is_killed(scene, Kind("_stream".into())).await;
}

#[when(expr = "the {kind} is halted")]
#[given(expr = "the {kind} is halted")]
async fn is_halted(scene: &mut Scene, kind: Kind) {
    let pid = only(scene, &kind).await;
    scene.pids.insert(kind.to_string(), pid);
    aside(move || kill("STOP", pid)).await;
}

#[when(expr = "the {kind} is halted, and the supervisor that would replace it")]
async fn is_halted_for_good(scene: &mut Scene, kind: Kind) {
    let (pid, supervisor) = (only(scene, &kind).await, scene.product().pid());
    aside(move || [supervisor, pid].map(|pid| kill("STOP", pid))).await;
}

#[when(expr = "the {kind} goes on")]
async fn goes_on(scene: &mut Scene, kind: Kind) {
    let pid = only(scene, &kind).await;
    aside(move || kill("CONT", pid)).await;
}

#[when(expr = "the administrator restarts the {kind}")]
async fn is_restarted(scene: &mut Scene, kind: Kind) {
    let [(id, pid)] = &scene.processes(&kind).await[..] else { panic!("there is one {kind}") };
    scene.admin(&["-process", &kind, "-id", id, "-restart"]).await;
    assert_eq!(scene.command.as_ref().map(|(code, ..)| *code), Some(0));
    scene.pids.insert(kind.to_string(), *pid);
}

#[then(expr = "{people} was/were sent away with {int}")]
async fn sent_away(scene: &mut Scene, people: People, expected: u16) {
    let is_it = |event: &Event| match event {
        Event::Disconnected { reason: ConnectError::Closed { code, .. }, .. } => *code == expected,
        _ => false,
    };
    for name in &people.0 {
        scene.person(name).sees("the close code", |screen| screen.events.iter().any(is_it)).await;
    }
}

#[when("the server is told to stop")]
async fn stops(scene: &mut Scene) {
    end(scene, "TERM").await;
}

#[when("Ctrl-C is pressed where the server runs")]
async fn is_interrupted(scene: &mut Scene) {
    end(scene, "INT").await;
}

#[when("the server is told to stop, and then told again")]
async fn stops_twice(scene: &mut Scene) {
    note_processes(scene).await;
    let pid = scene.product().pid();
    aside(move || kill("TERM", pid)).await;
    tokio::time::sleep(BETWEEN_SIGNALS).await;
    let ending = tokio::time::timeout(AT_ONCE, end(scene, "TERM")).await;
    assert!(ending.is_ok(), "it took longer than {AT_ONCE:?}");
}

#[when("the server and nothing else is killed")]
async fn supervisor_killed(scene: &mut Scene) {
    end(scene, "KILL").await;
}

/// Ends the server with a signal, and notes how it ended and which processes it had.
async fn end(scene: &mut Scene, signal: &'static str) {
    note_processes(scene).await;
    let code = scene.end(signal).await;
    scene.command = Some((code.unwrap_or(-1), String::new(), String::new()));
}

/// Those that are noted already may not answer any more.
async fn note_processes(scene: &mut Scene) {
    for kind in ["_wfe", "_sfe", "_stream"] {
        if !scene.pids.contains_key(kind) {
            let pid = only(scene, kind).await;
            scene.pids.insert(kind.into(), pid);
        }
    }
}

#[then("none of its processes is left")]
async fn none_left(scene: &mut Scene) {
    until("all processes have ended", || scene.pids.values().all(|pid| !is_alive(*pid)).then_some(())).await;
}

#[when(expr = "the _stream of {string} is killed")]
async fn its_stream_is_killed(scene: &mut Scene, program: String) {
    let program = scene.program(&program);
    let welcome = program.find("the welcome", |message| message["name"] == "welcome").await;
    let running = scene.processes("_stream").await;
    let (_, pid) = running.into_iter().find(|(id, _)| welcome["body"]["stream"] == id.as_str()).expect("it runs");
    aside(move || kill("KILL", pid)).await;
}

#[then("the server's log is empty")]
async fn log_is_empty(scene: &mut Scene) {
    assert_eq!(scene.product().log(), "");
}

#[then("the server's log is not empty")]
async fn log_is_not_empty(scene: &mut Scene) {
    log_tells(scene, "WARN".into()).await;
}

#[then(expr = "the server's log tells {string}")]
async fn log_tells(scene: &mut Scene, what: String) {
    let product = scene.product();
    until("the log tells it", || product.log().contains(&what).then_some(())).await;
}

#[then(expr = "another {kind} takes its place")]
pub(super) async fn is_replaced(scene: &mut Scene, kind: Kind) {
    let old = scene.pids[&*kind];
    until_async(&format!("another {kind}"), async || {
        let running = scene.processes(&kind).await;
        (running.len() == 1 && running[0].1 != old).then_some(())
    })
    .await;
}

#[then(expr = "the status counts {int} restart(s) of the {kind}")]
async fn counts(scene: &mut Scene, count: u64, kind: Kind) {
    scene.admin(&["-status", "-json"]).await;
    let (_, output, _) = scene.command.clone().expect("it was just run");
    let rows = output.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let restarts: Vec<Value> = rows.filter(|row| row["process"] == *kind).map(|row| row["restarts"].clone()).collect();
    assert_eq!(restarts, [json!(count)]);
}

#[when(expr = "{person} makes {int} changes while the {kind} is killed")]
async fn changes_meanwhile(scene: &mut Scene, name: Name, count: usize, kind: Kind) {
    let pid = only(scene, &kind).await;
    scene.pids.insert(kind.to_string(), pid);
    let client = scene.person(&name).client();
    let mut replies = Vec::new();
    for number in 0..count {
        if number == count / 2 {
            aside(move || kill("KILL", pid)).await;
        }
        let patch = json!([{"op": "add", "path": "/meta/count", "value": number}]);
        let edit = in_time("there is room for an edit", client.start_edit(&scene.thing, EditBody::Patch(patch)));
        replies.push(edit.await.expect("the connection stands"));
    }
    for reply in replies {
        in_time("the edit is acknowledged", reply).await.expect("the edit is taken");
    }
}

#[then(expr = "{person} has seen all {int} changes")]
async fn seen_all(scene: &mut Scene, name: Name, count: usize) {
    let what = format!("{name} sees all {count} changes");
    // The first offset is that of the opening.
    scene.person(&name).sees(&what, |screen| screen.offsets.len() == count + 1).await;
}

/// The one process of this kind.
pub(super) async fn only(scene: &Scene, kind: &str) -> u32 {
    let running = scene.processes(kind).await;
    let [(_, pid)] = running[..] else { panic!("there is not one {kind}: {running:?}") };
    pid
}
