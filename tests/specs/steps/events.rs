//! Programs that listen to a Thing by server-sent events, over plain HTTP.

use cucumber::{gherkin::Step, given, then, when};

use super::{Name, streams::find_position};
use crate::{
    listener::{Listener, Refused},
    person::Person,
    scene::Scene,
    wording,
};

#[given(expr = "{string} listens to the Thing's events as {person}")]
#[when(expr = "{string} listens to the Thing's events as {person}")]
async fn listens(scene: &mut Scene, program: String, name: Name) {
    if scene.epoch.is_empty() {
        find_position(scene).await;
    }
    let listener = listen(scene, &name, &[]).await.unwrap_or_else(|refused| panic!("{}", refused.answer.text));
    scene.listeners.insert(program, listener);
}

#[when(expr = "{string} comes back for events as {person} with the last id that it had")]
async fn comes_back(scene: &mut Scene, program: String, name: Name) {
    let id = scene.listener(&program).last_id().expect("it has had an event with an id");
    let back = listen(scene, &name, &[("last-event-id", id)]).await;
    scene.listeners.insert(program, back.unwrap_or_else(|refused| panic!("{}", refused.answer.text)));
}

#[when(expr = "events are asked for as {person} with:")]
async fn asked_for(scene: &mut Scene, name: Name, step: &Step) {
    let text = wording::fill_in(scene, step.docstring.as_ref().expect("the request is given"));
    let mut lines = text.trim().lines();
    let path = lines.next().unwrap_or_default().trim_start_matches("GET ").to_owned();
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
    let token = Person::new(scene, &name).login.access_token().await.expect("a user gets tokens");
    let headers = headers.into_iter().map(|(name, value)| (name, value.to_owned()));
    let headers: Vec<_> = headers.chain([("authorization", format!("Bearer {token}"))]).collect();
    match Listener::open(scene, &path, &headers).await {
        Ok(listener) => drop(scene.listeners.insert("program".into(), listener)),
        Err(Refused { answer }) => scene.answer = Some(answer),
    }
}

async fn listen(scene: &Scene, name: &str, headers: &[(&str, String)]) -> Result<Listener, Refused> {
    let token = Person::new(scene, name).login.access_token().await.expect("a user gets tokens");
    let headers = [headers, &[("authorization", format!("Bearer {token}"))]].concat();
    Listener::open(scene, &format!("/_stream/events?thing={}", scene.thing), &headers).await
}

#[then(expr = "{string} is sent the event:")]
async fn is_sent(scene: &mut Scene, program: String, step: &Step) {
    let expected = wording::json(scene, step.docstring.as_ref().expect("the message is given"));
    scene.listener(&program).receive(&expected).await;
}

#[then(expr = "{string} is sent the event {int} places after the beginning")]
async fn is_sent_at(scene: &mut Scene, program: String, places: u64) {
    let offset = scene.offset + places;
    scene.listener(&program).has_id(&offset.to_string()).await;
}

#[then(expr = "{string} has had each change once and in order")]
async fn once_and_in_order(scene: &mut Scene, program: String) {
    let ids = scene.listener(&program).ids_of_changes();
    let numbers: Vec<u64> = ids.iter().map(|id| id.parse().expect("an id is an offset")).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
}

#[then(expr = "the events of {string} end")]
async fn they_end(scene: &mut Scene, program: String) {
    scene.listener(&program).ended().await;
}

#[then(expr = "the events of {string} have never ended")]
async fn never_ended(scene: &mut Scene, program: String) {
    assert!(!scene.listener(&program).is_over(), "the connection was lost");
}

#[then(expr = "the answer with the events of {string} has the header {string}")]
async fn has_header(scene: &mut Scene, program: String, header: String) {
    let (name, value) = header.split_once(": ").expect("a header");
    let headers = scene.listener(&program).headers.clone();
    assert_eq!(headers.get(name).and_then(|found| found.to_str().ok()), Some(value), "{headers:?}");
}
