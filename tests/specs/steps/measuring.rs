//! How quickly browsers show what others do. On the program that people run, that is:
//! `TEST_PROGRAM=target/release/widgetapp cargo test --test specs -- --include-ignored at_a_glance`.

use std::time::Duration;

use cucumber::{given, then, when};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, tcp::OwnedWriteHalf},
    time::interval,
};
use widgetapp::protocol::{Codec, action::Action};

use super::Name;
use crate::{
    person::Person,
    program::Opening,
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

/// Where the parts are on the canvas.
const PLACES: &str = "[...document.querySelectorAll('#canvas .part')].map((part) => `${part.dataset.part} ${part.getAttribute('transform')}`).sort()";

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
    let token = Person::new(scene, "Grace").login.access_token().await.expect("a token");
    for number in 0..count {
        let editor = Editor::join(scene.product().address(), &token, &scene.thing).await;
        tokio::spawn(editor.work(scene.thing.clone(), number));
    }
}

/// One of a crowd. What comes is thrown away unread: it is the pages that are measured, and not those who change them.
struct Editor {
    opening: Opening,
    writer: OwnedWriteHalf,
}

impl Editor {
    async fn join(address: &str, token: &str, thing: &str) -> Self {
        let mut opening = Opening::with_token(token, Codec::Json);
        opening.first.push(json!({"port": 200, "name": Action::Open.name(), "id": 1, "thing": thing}));
        let mut socket = TcpStream::connect(address).await.expect("the server listens");
        socket.write_all(&opening.bytes(address)).await.expect("the server reads");
        let mut answer = vec![0; 64 * 1024];
        in_time("an answer", socket.read(&mut answer)).await.expect("the server answers");
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
        let (mut reader, writer) = socket.into_split();
        tokio::spawn(async move { while reader.read(&mut answer).await.is_ok_and(|read| read > 0) {} });
        Self { opening, writer }
    }

    /// Moves a part of its own and its cursor, until the connection ends.
    async fn work(mut self, thing: String, number: usize) {
        let (mut edits, mut cursors) = (interval(BETWEEN_CHANGES), interval(BETWEEN_CURSORS));
        for turn in 0.. {
            let message = tokio::select! {
                _ = edits.tick() => {
                    let path = format!("/parts/p{number}/x");
                    let patch = json!([{"op": "replace", "path": path, "value": number % 40 * 60 + turn % 30}]);
                    let body = json!({"key": format!("{number} {turn}"), "patch": patch});
                    json!({"port": 200, "name": Action::Edit.name(), "id": turn + 2, "thing": thing, "body": body})
                }
                _ = cursors.tick() => {
                    let at = json!({"x": number % 10 * 240 + turn % 100, "y": number / 10 * 240 + turn % 70});
                    json!({"port": 202, "name": "cursor", "thing": thing, "body": at})
                }
            };
            if self.writer.write_all(&self.opening.frame(&message)).await.is_err() {
                return;
            }
        }
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
    let before: Vec<String> = one.evaluate(PLACES).await;
    let (frames, others_frames) = tokio::join!(one.evaluate::<f64>(&counting), other.evaluate::<f64>(&counting));
    let after: Vec<String> = one.evaluate(PLACES).await;
    let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    let (one, other) = (frames, others_frames);
    assert!(moved >= 40, "the parts that are moved are drawn anew: {moved}");
    println!("frames a second: {one:.1} and {other:.1}");
    assert!(one > least && other > least);
}
