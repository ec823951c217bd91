//! How quickly browsers show what others do.

use std::time::Duration;

use cucumber::{given, then, when};
use serde_json::{Value, json};
use widgetapp::{
    client::{Client, EditBody},
    protocol::{Codec, action::Form},
};

use super::Name;
use crate::{
    person::Person,
    scene::{Scene, in_time},
};

/// How often each of the crowd changes something, and how often it moves its cursor.
const BETWEEN_CHANGES: Duration = Duration::from_millis(500);
/// See [`BETWEEN_CHANGES`].
const BETWEEN_CURSORS: Duration = Duration::from_millis(200);

/// Writes down when keys were pressed.
const PRESSED: &str = "{
    window.pressed = [];
    addEventListener('keydown', (event) => window.pressed.push(performance.timeOrigin + event.timeStamp), true);
}";

/// Writes down when which length of the label was on the screen: the task after the frame that has drawn it.
const PAINTED: &str = "{
    window.painted = [];
    const part = [...document.querySelectorAll('#canvas .part')].find((part) => part.textContent === 'Sofa');
    const after = new MessageChannel();
    after.port1.onmessage = () =>
        window.painted.push([part.textContent.length, performance.timeOrigin + performance.now()]);
    new MutationObserver(() => after.port2.postMessage(0)).observe(part, { childList: true, subtree: true });
}";

#[when(expr = "{person} types {int} letters into the label of {string}, one after the other, while {person} looks on")]
async fn types_letters(scene: &mut Scene, name: Name, count: usize, label: String, other: Name) {
    let (author, reader) = (scene.browser(&name), scene.browser(&other));
    author.hear_nothing().await;
    reader.hear_nothing().await;
    author.enter("Label").await;
    author.press("End").await;
    author.evaluate::<Value>(PRESSED).await;
    reader.evaluate::<Value>(PAINTED).await;
    for typed in 1..=count {
        author.types("a").await;
        let shown = format!("window.painted.some(([length]) => length === {})", label.len() + typed);
        reader.wait("the letter is shown", &shown).await;
    }
}

#[then(expr = "{person} has seen half of them within {int} ms of the key press")]
async fn seen_within(scene: &mut Scene, name: Name, most: f64) {
    let painted: Vec<(usize, f64)> = scene.browser(&name).evaluate("window.painted").await;
    let (first, _) = painted[0];
    let shown = |length: usize| painted.iter().find(|(shown, _)| *shown == length).expect("it was shown").1;
    let pressed: Vec<f64> = scene.browser("Ada").evaluate("window.pressed").await;
    let mut took: Vec<f64> = pressed.iter().enumerate().map(|(letter, at)| shown(first + letter) - at).collect();
    took.sort_by(f64::total_cmp);
    let (half, most_of_them) = (took[took.len() / 2], took[took.len() * 9 / 10]);
    let count = took.len();
    println!("from {count} key presses to the change painted elsewhere: p50 {half:.1} ms, p90 {most_of_them:.1} ms");
    assert!(half < most, "{took:?}");
}

#[given(expr = "the Thing has {int} parts")]
async fn has_parts(scene: &mut Scene, count: usize) {
    let part = |number: usize| {
        let (x, y) = (number % 40 * 60, number / 40 * 50);
        let value = json!({"kind": "box", "x": x, "y": y, "w": 50, "h": 40, "label": "", "color": "#7a9e7e"});
        json!({"op": "add", "path": format!("/parts/p{number}"), "value": value})
    };
    let mut ada = Person::new(scene, "Ada");
    ada.connect(&scene.url(), Codec::Json).await.expect("she may stream");
    ada.open(&scene.thing).await;
    ada.edit(&scene.thing, (0..count).map(part).collect()).await;
}

#[when(expr = "{int} editors change its parts and move their cursors")]
async fn crowd_edits(scene: &mut Scene, count: usize) {
    let login = Person::new(scene, "Grace").login;
    for number in 0..count {
        let (client, mut events) =
            in_time("a stream", Client::connect(&scene.url(), login.clone())).await.expect("it opens");
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        in_time("the Thing opens", client.open(&scene.thing, Form::Json)).await.expect("it may");
        tokio::spawn(edit(client.clone(), scene.thing.clone(), number));
        tokio::spawn(point(client, scene.thing.clone(), number));
    }
}

/// Moves a part of its own, until the connection ends.
async fn edit(client: Client, thing: String, number: usize) {
    for turn in 0.. {
        let place = number % 40 * 60 + turn % 30;
        let patch = json!([{"op": "replace", "path": format!("/parts/p{number}/x"), "value": place}]);
        if client.edit(&thing, EditBody::Patch(patch)).await.is_err() {
            return;
        }
        tokio::time::sleep(BETWEEN_CHANGES).await;
    }
}

async fn point(client: Client, thing: String, number: usize) {
    for turn in 0.. {
        let at = json!({"x": number % 10 * 240 + turn % 100, "y": number / 10 * 240 + turn % 70});
        if client.request(202, "cursor", Some(&thing), at).await.is_err() {
            return;
        }
        tokio::time::sleep(BETWEEN_CURSORS).await;
    }
}

#[then(expr = "the pages of {person} and {person} show more than {int} frames a second, for {int} seconds")]
async fn frames(scene: &mut Scene, one: Name, other: Name, least: f64, seconds: u64) {
    let counting = format!(
        "new Promise((done) => {{
            let [frames, since] = [0, performance.now()];
            const next = (now) => {{
                frames += 1;
                if (now - since < {seconds}000) requestAnimationFrame(next);
                else done(frames * 1000 / (now - since));
            }};
            requestAnimationFrame(next);
        }})"
    );
    for name in [&one, &other] {
        scene.browser(name).hear_nothing().await;
    }
    let (one, other) = (scene.browser(&one), scene.browser(&other));
    let (one, other) = tokio::join!(one.evaluate::<f64>(&counting), other.evaluate::<f64>(&counting));
    println!("frames a second: {one:.1} and {other:.1}");
    assert!(one > least && other > least);
}
