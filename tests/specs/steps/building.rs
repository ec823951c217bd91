//! What people draw, write and see on the canvas of the editor, in their browsers.

use cucumber::{then, when};
use serde_json::json;

use super::{Kind, Name, People, browsers::thing_is_there};
use crate::{
    browser::{Browser, Place},
    product::kill,
    scene::{Scene, aside},
};

/// Finds a part by what is written on it.
const PART: &str =
    "(label) => [...document.querySelectorAll('#canvas .part')].find((part) => part.textContent === label)";
/// How far a part is dragged.
const ACROSS: (f64, f64) = (140.0, 60.0);

/// How often a key or button is pressed until what it is pressed for has come.
const MOST_PRESSES: usize = 60;

fn part(label: &str) -> String {
    format!("({PART})({})", json!(label))
}

async fn part_of(browser: &Browser, label: &str) -> Place {
    browser.place(&format!("the part {label:?}"), &format!("{}?.firstChild", part(label))).await
}

#[when(expr = "{person} draws a {word} labelled {string}")]
pub(super) async fn draws(scene: &mut Scene, name: Name, kind: String, label: String) {
    let browser = scene.browser(&name);
    let (first, rest) = kind.split_at(1);
    browser.click(&format!("{}{rest}", first.to_uppercase())).await;
    // Beside those that are there, along the lower edge.
    let (x, y): (f64, f64) = browser
        .evaluate(
            "{ const { left, bottom } = document.querySelector('#canvas').getBoundingClientRect();
            [left + 30 + 150 * (document.querySelectorAll('#canvas .part').length % 5), bottom - 110] }",
        )
        .await;
    browser.drag(Place { x, y }, Place { x, y }.by(130.0, 80.0)).await;
    browser.types(&label).await;
    browser.press("Enter").await;
    browser.wait("the part is drawn", &format!("!!{}", part(&label))).await;
}

#[then(expr = "{people} see(s) {string} on the canvas")]
async fn see(scene: &mut Scene, names: People, label: String) {
    for name in names.0 {
        scene.browser(&name).wait(&format!("{label:?} is on the canvas"), &format!("!!{}", part(&label))).await;
    }
}

#[then(expr = "{people} see(s) no {string} on the canvas")]
async fn see_no(scene: &mut Scene, names: People, label: String) {
    for name in names.0 {
        scene.browser(&name).wait(&format!("{label:?} is not on the canvas"), &format!("!{}", part(&label))).await;
    }
}

#[when(expr = "{person} drags {string} across the canvas")]
async fn drags(scene: &mut Scene, name: Name, label: String) {
    let browser = scene.browser(&name);
    let from = part_of(browser, &label).await;
    browser.drag(from, from.by(ACROSS.0, ACROSS.1)).await;
}

#[when(expr = "{person} drags {string} across the canvas, while the {kind} is killed")]
async fn drags_through(scene: &mut Scene, name: Name, label: String, kind: Kind) {
    let [(_, pid)] = scene.processes(&kind).await[..] else { panic!("one {kind}") };
    let browser = scene.browser(&name);
    let from = part_of(browser, &label).await;
    let (between, to) = (from.by(ACROSS.0 / 2.0, 0.0), from.by(ACROSS.0, ACROSS.1));
    browser.grasp(from).await;
    browser.drag_on(from, between).await;
    aside(move || kill("KILL", pid)).await;
    browser.drag_on(between, to).await;
    browser.let_go(to).await;
}

#[then(expr = "{person} sees {string} where {person} has put it")]
async fn same_place(scene: &mut Scene, name: Name, label: String, other: Name) {
    let place = format!("{}?.getAttribute('transform') ?? ''", part(&label));
    let theirs: String = scene.browser(&other).evaluate(&place).await;
    let browser = scene.browser(&name);
    browser.wait(&format!("{label:?} is at {theirs}"), &format!("{place} === {}", json!(theirs))).await;
    // And so is it stored.
    browser.wait("all is stored", "document.querySelector('#status').textContent.endsWith('all saved')").await;
}

#[when(expr = "{person} points at {string}")]
async fn points(scene: &mut Scene, name: Name, label: String) {
    let browser = scene.browser(&name);
    let place = part_of(browser, &label).await;
    browser.point_at(place).await;
}

#[when(expr = "{person} chooses {string}")]
async fn chooses(scene: &mut Scene, name: Name, label: String) {
    let browser = scene.browser(&name);
    let place = part_of(browser, &label).await;
    browser.press_at(place).await;
}

#[when(expr = "{person} double-clicks {string}")]
async fn double_clicks(scene: &mut Scene, name: Name, label: String) {
    let browser = scene.browser(&name);
    let place = part_of(browser, &label).await;
    browser.press_twice_at(place).await;
}

#[then(expr = "{person} sees the cursor of {person} at {string}")]
async fn cursor_at(scene: &mut Scene, name: Name, other: Name, label: String) {
    let script = format!(
        "{{ const cursor = document.querySelector('.cursor[data-user={}] path')?.getBoundingClientRect();
        const part = {}?.firstChild.getBoundingClientRect();
        !!cursor && !!part && cursor.left >= part.left && cursor.left <= part.right
            && cursor.top >= part.top && cursor.top <= part.bottom }}",
        other.to_lowercase(),
        part(&label)
    );
    scene.browser(&name).wait(&format!("the cursor of {other} is at {label:?}"), &script).await;
}

#[then(expr = "{person} sees no cursor of {person}")]
async fn no_cursor(scene: &mut Scene, name: Name, other: Name) {
    let script = format!("!document.querySelector('.cursor[data-user={}]')", other.to_lowercase());
    scene.browser(&name).wait(&format!("there is no cursor of {other}"), &script).await;
}

#[then(expr = "{person} sees that {person} has chosen {string}")]
async fn sees_choice(scene: &mut Scene, name: Name, _other: Name, label: String) {
    let script = format!(
        "{{ const frame = document.querySelector('#canvas .theirs')?.getBoundingClientRect();
        const part = {}.firstChild.getBoundingClientRect();
        !!frame && Math.abs(frame.left - part.left) < 3 && Math.abs(frame.top - part.top) < 3 }}",
        part(&label)
    );
    scene.browser(&name).wait(&format!("a frame of theirs is around {label:?}"), &script).await;
}

#[when(expr = "{person} follows {person}")]
async fn follows(scene: &mut Scene, name: Name, other: Name) {
    scene.browser(&name).click(&other.to_lowercase()).await;
}

#[when(expr = "{person} looks far away")]
async fn looks_away(scene: &mut Scene, name: Name) {
    let browser = scene.browser(&name);
    let middle = browser.place("the canvas", "document.querySelector('#canvas')").await;
    browser.wheel(middle, 4000.0).await;
    browser.wait("nothing is on the screen any more", &format!("!({})", on_screen())).await;
}

#[then(expr = "{person} sees what {person} points at")]
async fn sees_there(scene: &mut Scene, name: Name, _other: Name) {
    scene.browser(&name).wait("a part is on the screen", &on_screen()).await;
}

/// Whether any part is on the screen.
fn on_screen() -> String {
    "[...document.querySelectorAll('#canvas .part')].some((part) => {
        const [canvas, box] = [document.querySelector('#canvas'), part].map((each) => each.getBoundingClientRect());
        return box.right > canvas.left && box.left < canvas.right && box.bottom > canvas.top && box.top < canvas.bottom;
    })"
    .to_owned()
}

#[when(expr = "{person} types {string} at the beginning of the notes")]
async fn types_before(scene: &mut Scene, name: Name, text: String) {
    types_at(scene.browser(&name), "Control+Home", &text).await;
}

#[when(expr = "{person} types {string} at the end of the notes")]
async fn types_after(scene: &mut Scene, name: Name, text: String) {
    types_at(scene.browser(&name), "Control+End", &text).await;
}

#[when(expr = "{person} types {string} at the beginning and {person} {string} at the end of the notes, at once")]
async fn type_at_once(scene: &mut Scene, one: Name, first: String, other: Name, second: String) {
    tokio::join!(
        types_at(scene.browser(&one), "Control+Home", &first),
        types_at(scene.browser(&other), "Control+End", &second),
    );
}

async fn types_at(browser: &Browser, place: &str, text: &str) {
    browser.enter("Notes").await;
    browser.press(place).await;
    browser.types(text).await;
}

#[then(expr = "{people} find(s) {string} in the notes")]
async fn find_in_notes(scene: &mut Scene, names: People, text: String) {
    for name in names.0 {
        let once = format!("document.querySelector('#notes').value.split({}).length === 2", json!(text));
        scene.browser(&name).wait(&format!("{text:?} is in the notes, once"), &once).await;
    }
}

#[then(expr = "{people} find(s) {string} in the notes no more")]
async fn find_no_more(scene: &mut Scene, names: People, text: String) {
    for name in names.0 {
        let gone = format!("!document.querySelector('#notes').value.includes({})", json!(text));
        scene.browser(&name).wait(&format!("{text:?} is not in the notes"), &gone).await;
    }
}

#[then(expr = "{people} read(s) the title {string}")]
async fn read_title(scene: &mut Scene, names: People, title: String) {
    for name in names.0 {
        let shown = format!("document.querySelector('#title').value === {}", json!(title));
        scene.browser(&name).wait(&format!("the title is {title:?}"), &shown).await;
    }
}

#[then(expr = "{person} finds no {string} in the notes")]
async fn find_not(scene: &mut Scene, name: Name, text: String) {
    let script = format!("document.querySelector('#notes').value.includes({})", json!(text));
    assert!(!scene.browser(&name).evaluate::<bool>(&script).await);
}

#[when(expr = "{person} shares the Thing with {string} as {word}")]
async fn shares(scene: &mut Scene, name: Name, whom: String, role: String) {
    share(scene.browser(&name), &whom, &role).await;
}

#[when(expr = "{person} tries to share the Thing with {string} as {word}")]
async fn tries_to_share(scene: &mut Scene, name: Name, whom: String, role: String) {
    ask_to_share(scene.browser(&name), &whom, &role).await;
}

#[when(expr = "{person} shares the Thing with {string} no more")]
async fn shares_no_more(scene: &mut Scene, name: Name, whom: String) {
    share(scene.browser(&name), &whom, "nothing any more").await;
}

async fn share(browser: &Browser, whom: &str, role: &str) {
    ask_to_share(browser, whom, role).await;
    browser.wait("it is done", "/(now|more)\\.$/.test(document.querySelector('#share output').textContent)").await;
    browser.click("Close").await;
}

async fn ask_to_share(browser: &Browser, whom: &str, role: &str) {
    browser.click("Share").await;
    browser.fill("Name", whom).await;
    browser.choose("May", role).await;
    browser.click("Share").await;
}

#[when(expr = "{person} presses {string} until {string} is gone")]
async fn until_gone(scene: &mut Scene, name: Name, button: String, label: String) {
    press_until(scene.browser(&name), &button, &format!("!{}", part(&label))).await;
}

#[when(expr = "{person} presses {string} until {string} is there")]
async fn until_there(scene: &mut Scene, name: Name, button: String, label: String) {
    press_until(scene.browser(&name), &button, &format!("!!{}", part(&label))).await;
}

async fn press_until(browser: &Browser, button: &str, is_so: &str) {
    let can_be_pressed = Browser::can_be_pressed(button);
    for _ in 0..MOST_PRESSES {
        // What the server does comes after a moment, and then there may be nothing more to press.
        browser.wait("it is so, or can be pressed for", &format!("{is_so} || {can_be_pressed}")).await;
        if browser.evaluate(is_so).await {
            return;
        }
        browser.click(button).await;
        browser.frame().await;
    }
    panic!("not after {MOST_PRESSES} times {button}");
}

#[when(expr = "{person} keeps a copy")]
async fn keeps_copy(scene: &mut Scene, name: Name) {
    let browser = scene.browser(&name);
    let before: String = browser.evaluate("location.pathname").await;
    browser.click("Keep a copy as a new Thing").await;
    browser.wait("another Thing is there", &format!("location.pathname !== {}", json!(before))).await;
    thing_is_there(browser).await;
}

#[when(expr = "{person} goes to the canvas by the key {string}")]
async fn goes_to_canvas(scene: &mut Scene, name: Name, key: String) {
    go_by_key(scene.browser(&name), &key, "document.activeElement.id === 'canvas'").await;
}

#[when(expr = "{person} goes to the button/part {string} by the key {string}")]
async fn goes_to(scene: &mut Scene, name: Name, what: String, key: String) {
    let is_there = format!("document.activeElement.textContent === {}", json!(what));
    go_by_key(scene.browser(&name), &key, &is_there).await;
}

async fn go_by_key(browser: &Browser, key: &str, is_there: &str) {
    for _ in 0..MOST_PRESSES {
        browser.press(key).await;
        if browser.evaluate(is_there).await {
            return;
        }
    }
    panic!("not after {MOST_PRESSES} times {key}");
}

#[when(expr = "{person} types the label {string}")]
async fn types_label(scene: &mut Scene, name: Name, label: String) {
    let browser = scene.browser(&name);
    browser.wait("the label can be typed", "document.activeElement.id === 'label'").await;
    browser.types(&label).await;
    browser.press("Enter").await;
}

#[then(expr = "{person} cannot type into the notes")]
async fn cannot_type(scene: &mut Scene, name: Name) {
    scene.browser(&name).wait("the notes are closed", "document.querySelector('#notes').readOnly").await;
}
