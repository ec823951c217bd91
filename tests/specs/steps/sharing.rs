//! Inviting, uninviting, and what people are told of it; users' logins.

use cucumber::{given, then, when};
use serde_json::{Value, json};
use widgetapp::{client::Event, protocol::action::Action};

use super::Name;
use crate::{
    scene::{Scene, until_async},
    web::{self, Answer},
};

/// Whom somebody names: a person or a group, as the features write it.
fn named(whom: &str) -> Value {
    match whom.strip_prefix("the group ") {
        Some(group) => json!({"group": group.trim_matches('"')}),
        None => json!({"user": whom.to_lowercase()}),
    }
}

async fn share(scene: &Scene, who: &str, action: Action, whom: &str, role: Option<&str>) -> Result<Value, String> {
    let mut body = named(whom);
    if let Some(role) = role {
        body["role"] = role.into();
    }
    scene.person(who).ask(action, Some(&scene.thing), body).await
}

#[when(regex = r#"^(Ada|Grace) invites (Ada|Grace|Linus|Mallory|the group "[^"]+") as (viewer|editor|owner)$"#)]
async fn invites(scene: &mut Scene, who: String, whom: String, role: String) {
    share(scene, &who, Action::Invite, &whom, Some(&role)).await.expect("it is taken");
}

#[when(regex = r#"^(Ada|Grace) tries to invite (Ada|Grace|Linus|Mallory|the group "[^"]+") as (viewer|editor|owner)$"#)]
async fn tries_to_invite(scene: &mut Scene, who: String, whom: String, role: String) {
    scene.told = Some(share(scene, &who, Action::Invite, &whom, Some(&role)).await);
}

#[when(expr = "{person} uninvites {person}")]
async fn uninvites(scene: &mut Scene, who: Name, whom: Name) {
    share(scene, &who, Action::Uninvite, &whom, None).await.expect("it is taken");
}

#[when(expr = "{person} tries to uninvite {person}")]
async fn tries_to_uninvite(scene: &mut Scene, who: Name, whom: Name) {
    scene.told = Some(share(scene, &who, Action::Uninvite, &whom, None).await.map(|_| Value::Null));
}

#[then(expr = "{person} is told on her connection that {person} has invited her to {string} as {word}")]
async fn is_told_of_invitation(scene: &mut Scene, name: Name, by: Name, title: String, role: String) {
    let body = json!({"by": by.to_lowercase(), "role": role, "title": title});
    let person = scene.person(&name);
    person.sees("the invitation", |screen| screen.pushed().any(|push| push.port == 203 && push.body == body)).await;
}

#[then(expr = "{person} is told that she is a(n) {word} now")]
async fn is_told_role(scene: &mut Scene, name: Name, role: String) {
    hears_access(scene, &name, &role).await;
}

#[then(expr = "{person} is told that her access has ended")]
async fn access_ended(scene: &mut Scene, name: Name) {
    hears_access(scene, &name, "none").await;
}

async fn hears_access(scene: &Scene, name: &str, role: &str) {
    let told = |event: &Event| matches!(event, Event::Message(push) if push.port == 0 && push.name == "access" && push.body["role"] == role);
    scene.person(name).sees(&format!("the role {role}"), |screen| screen.events.iter().any(told)).await;
}

#[then(expr = "{person} has heard nothing of the Thing since")]
async fn nothing_since(scene: &mut Scene, name: Name) {
    let person = scene.person(&name);
    // Whatever was on its way before this answer has come with it.
    person.client().request(0, "ping", None, json!({})).await.expect("the connection stands");
    let screen = person.screen();
    let ended = screen.events.iter().rposition(
        |event| matches!(event, Event::Message(push) if push.name == "access" && push.body["role"] == "none"),
    );
    let since = &screen.events[ended.expect("it has ended") + 1..];
    let of_thing =
        |event: &&Event| matches!(event, Event::Message(push) if push.thing.as_deref() == Some(&scene.thing));
    assert!(!since.iter().any(|event| of_thing(&event)), "{since:?}");
}

#[then(expr = "{person} is shown that {person} has made {word} {word}")]
async fn shown_share(scene: &mut Scene, name: Name, by: Name, whom: String, role: String) {
    let body = json!({"user": by.to_lowercase(), "with": {"user": whom}, "role": role});
    let is_it =
        |push: &&widgetapp::protocol::message::Incoming| push.name == Action::Invite.name() && push.body == body;
    scene.person(&name).sees("the push", |screen| screen.pushed().any(|push| is_it(&push))).await;
}

#[when(expr = "{person} logs out in that browser")]
async fn logs_out(scene: &mut Scene, _name: Name) {
    let cookie = scene.cookie.clone().expect("the browser has logged in");
    let answer = web::send(scene, "POST", "/logout", &[("cookie", cookie)], None).await;
    assert!((300..400).contains(&answer.status), "{answer:?}");
}

pub(super) async fn log_in(scene: &Scene, name: &str, password: &str) -> Answer {
    let body = json!({"username": name, "password": password}).to_string();
    let headers = [("content-type", "application/json".to_owned())];
    web::send(scene, "POST", "/login", &headers, Some(body)).await
}

#[then(expr = "{string} can log in with the password that was printed")]
async fn logs_in_with_printed(scene: &mut Scene, name: String) {
    let (_, out, _) = scene.command.clone().expect("a command was run");
    let password = out.lines().find_map(|line| line.strip_prefix("password: ")).expect("it was printed").to_owned();
    assert_eq!(log_in(scene, &name, &password).await.status, 200);
}

#[then(expr = "{string} can log in with the old password")]
async fn logs_in_with_old(scene: &mut Scene, name: String) {
    let password = web::password(scene, &name);
    assert_eq!(log_in(scene, &name, &password).await.status, 200);
}

#[then(expr = "{string} cannot log in")]
async fn cannot_log_in(scene: &mut Scene, name: String) {
    let password = web::password(scene, &name);
    assert_eq!(log_in(scene, &name, &password).await.status, 401);
}

#[then(expr = "the record shows {string}")]
#[given(expr = "the record shows {string}")]
async fn record_shows(scene: &mut Scene, text: String) {
    // It is written a moment after it happened.
    let product = scene.product();
    until_async(&format!("the record shows {text}"), async || {
        let product = product.clone();
        let (_, out, _) = crate::scene::aside(move || product.admin(&["-audit"])).await;
        out.lines().any(|line| line.contains(&text)).then_some(())
    })
    .await;
}

#[then(expr = "the record does not show {string}")]
async fn record_does_not_show(scene: &mut Scene, text: String) {
    let product = scene.product();
    let (code, out, _) = crate::scene::aside(move || product.admin(&["-audit"])).await;
    assert!(code == 0 && !out.contains(&text), "{out}");
}

#[then(expr = "the command does not tell about {string}")]
async fn does_not_tell(scene: &mut Scene, text: String) {
    let (code, out, _) = scene.command.clone().expect("a command was run");
    assert!(code == 0 && !out.contains(&text), "{out}");
}

#[then(expr = "within a second the connection of {string} is closed with {int}")]
async fn closed_within_a_second(scene: &mut Scene, program: String, code: u16) {
    let program = scene.program(&program);
    let closed = until_async("the connection is closed", async || program.seen().closed);
    let closed = tokio::time::timeout(std::time::Duration::from_secs(1), closed).await.expect("within a second");
    assert_eq!(closed, code);
}

#[when(expr = "the door of the stream is tried by {person} with an edit")]
async fn tried_on_stream(scene: &mut Scene, name: Name) {
    let url = scene.product().url().to_owned();
    let mut person = crate::person::Person::new(scene, &name);
    person.connect(&url, widgetapp::protocol::Codec::Json).await.expect("the group is approved");
    let patch = json!([{"op": "replace", "path": "/meta/title", "value": "Mine"}]);
    let body = json!({"key": "try", "patch": patch});
    let asked = person.client().request(200, Action::Edit.name(), Some(&scene.thing), body).await;
    scene.told = Some(asked.map(|reply| reply.body).map_err(|error| error.to_string()));
    scene.people.insert(name.to_string(), person);
}

#[when(expr = "{person} asks for {word} of the Thing, and of one that does not exist")]
async fn asks_for_both(scene: &mut Scene, name: Name, action: String) {
    let body = json!({"key": "k", "patch": [], "user": "grace", "role": "viewer"});
    let action: Action = action.parse().expect("a user action");
    let absent = widgetapp::clock::new_id().to_string();
    let mut answers = Vec::new();
    for thing in [scene.thing.as_str(), &absent] {
        let answer = scene.person(&name).ask(action, Some(thing), body.clone()).await;
        answers.push(Value::from(answer.expect_err("it is not hers")));
    }
    scene.told = Some(Ok(Value::Array(answers)));
}

#[then("both answers are the same")]
async fn both_the_same(scene: &mut Scene) {
    let answers = scene.told.clone().and_then(Result::ok).expect("somebody asked");
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0].as_str().is_some_and(|answer| answer.contains("there is no such Thing")), "{answers}");
}

#[when(expr = "the administrator approves and withdraws the group {string} {int} times")]
async fn approves_and_withdraws(scene: &mut Scene, group: String, times: usize) {
    for turn in 0..2 * times {
        scene.admin(&["-group", &group, if turn % 2 == 0 { "-approve" } else { "-withdraw" }]).await;
    }
}

#[then(expr = "the record has at most {int} entries, and tells that older ones were dropped")]
async fn record_is_bounded(scene: &mut Scene, most: usize) {
    scene.admin(&["-audit"]).await;
    let (code, out, _) = scene.command.clone().expect("a command was run");
    assert_eq!(code, 0);
    assert!(out.lines().count() <= most && out.contains("audit_trimmed"), "{out}");
}
