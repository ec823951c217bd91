//! What people do with a page: they see things by their names, point, press, drag and type.

use serde_json::{Value, json};

use super::Browser;

/// A place on the screen, in pixels from the upper left of the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Across.
    pub x: f64,
    /// Down.
    pub y: f64,
}

impl Place {
    /// The place so far away from this one.
    pub fn by(self, x: f64, y: f64) -> Self {
        Self { x: self.x + x, y: self.y + y }
    }
}

/// Moves of the pointer in one drag.
const STEPS: u32 = 8;

/// Finds what can be pressed by the name that people read or hear; in a dialog, if one is open.
const NAMED: &str = r"(name) => [...(document.querySelector('dialog[open]') ?? document).querySelectorAll('button, a')]
    .find((each) => (each.ariaLabel ?? each.textContent).trim() === name && each.checkVisibility())";

/// Finds a field by its label.
const LABELLED: &str = r"(name) => [...document.querySelectorAll('input, textarea, select')].find((each) =>
    each.checkVisibility() && (each.ariaLabel === name || [...(each.labels ?? [])].some((label) => label.textContent.trim() === name)))";

const MIDDLE: &str = r"(element) => {
    element.scrollIntoView({ block: 'nearest' });
    const { left, top, width, height } = element.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
}";

impl Browser {
    /// Where the middle of an element is, which a script finds; waits until there is one.
    pub async fn place(&self, what: &str, script: &str) -> Place {
        // A page that is not whole yet moves what is on it.
        self.wait(what, &format!("document.readyState === 'complete' && !!({script})")).await;
        let (x, y) = self.evaluate(&format!("({MIDDLE})({script})")).await;
        Place { x, y }
    }

    /// Whether a button or a link can be pressed, as a script finds out.
    pub fn can_be_pressed(name: &str) -> String {
        let script = format!("({NAMED})({})", json!(name));
        format!("!!(({script})?.disabled === false || ({script})?.href)")
    }

    /// Presses a button or a link by its name; waits until it can be pressed.
    pub async fn click(&self, name: &str) {
        let script = format!("({NAMED})({})", json!(name));
        self.wait(&format!("{name:?} can be pressed"), &Self::can_be_pressed(name)).await;
        let place = self.place(name, &script).await;
        self.press_at(place).await;
    }

    /// Goes into a field by its label.
    pub async fn enter(&self, label: &str) {
        let script = format!("({LABELLED})({})", json!(label));
        let place = self.place(label, &script).await;
        self.press_at(place).await;
    }

    /// Replaces what is in a field by typing.
    pub async fn fill(&self, label: &str, text: &str) {
        self.enter(label).await;
        self.press("Control+a").await;
        self.types(text).await;
    }

    /// Chooses an entry of a list by its words.
    pub async fn choose(&self, label: &str, entry: &str) {
        let script = format!(
            "{{ const list = ({LABELLED})({}); const found = [...list.options].find((each) => each.text.includes({}));
            list.value = found.value; list.dispatchEvent(new Event('change', {{ bubbles: true }})); }}",
            json!(label),
            json!(entry)
        );
        self.evaluate::<Value>(&script).await;
    }

    /// Presses the mouse's button and lets it go.
    pub async fn press_at(&self, place: Place) {
        self.mouse("mouseMoved", place, false).await;
        self.mouse("mousePressed", place, true).await;
        self.mouse("mouseReleased", place, false).await;
    }

    /// Presses the mouse's button twice, fast enough for a double click.
    pub async fn press_twice_at(&self, place: Place) {
        self.press_at(place).await;
        self.mouse_for("mousePressed", place, true, 2).await;
        self.mouse_for("mouseReleased", place, false, 2).await;
    }

    /// Drags from one place to the other.
    pub async fn drag(&self, from: Place, to: Place) {
        self.point_at(from).await;
        self.mouse("mousePressed", from, true).await;
        self.drag_on(from, to).await;
        self.mouse("mouseReleased", to, false).await;
    }

    /// Takes hold of what is there, and keeps the button pressed.
    pub async fn grasp(&self, place: Place) {
        self.point_at(place).await;
        self.mouse("mousePressed", place, true).await;
    }

    /// Goes on with a drag, in steps.
    pub async fn drag_on(&self, from: Place, to: Place) {
        for step in 1..=STEPS {
            let share = f64::from(step) / f64::from(STEPS);
            self.mouse("mouseMoved", from.by((to.x - from.x) * share, (to.y - from.y) * share), true).await;
        }
    }

    /// Lets go of it.
    pub async fn let_go(&self, place: Place) {
        self.mouse("mouseReleased", place, false).await;
    }

    /// Points with the mouse.
    pub async fn point_at(&self, place: Place) {
        self.mouse("mouseMoved", place, false).await;
    }

    async fn mouse(&self, kind: &str, place: Place, pressed: bool) {
        self.mouse_for(kind, place, pressed, u8::from(kind != "mouseMoved")).await;
    }

    /// For the so many-th click at one place.
    async fn mouse_for(&self, kind: &str, Place { x, y }: Place, pressed: bool, click: u8) {
        let button = if kind == "mouseMoved" && !pressed { "none" } else { "left" };
        let event = json!({"type": kind, "x": x, "y": y, "button": button, "buttons": u8::from(pressed),
            "clickCount": click});
        self.ask("Input.dispatchMouseEvent", event).await;
    }

    /// Turns the mouse's wheel.
    pub async fn wheel(&self, Place { x, y }: Place, down: f64) {
        let event = json!({"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": down});
        self.ask("Input.dispatchMouseEvent", event).await;
    }

    /// Types a text, key by key.
    pub async fn types(&self, text: &str) {
        for letter in text.chars() {
            let key = letter.to_string();
            self.key("keyDown", json!({"key": key, "text": key})).await;
            self.key("keyUp", json!({"key": key})).await;
        }
    }

    /// Presses a key by its name, such as `Enter`, `b`, `Control+z` or `Shift+Tab`.
    pub async fn press(&self, keys: &str) {
        let (held, key) = keys.rsplit_once('+').unwrap_or(("", keys));
        let modifiers: u8 = held.split('+').map(modifier).sum();
        let mut event = json!({"key": key, "code": code(key), "modifiers": modifiers,
            "windowsVirtualKeyCode": number(key)});
        if held == "Control" && key == "a" {
            event["commands"] = json!(["selectAll"]);
        }
        let mut down = event.clone();
        match key {
            "Enter" => down["text"] = "\r".into(),
            key if key.chars().count() == 1 && modifiers & !SHIFT == 0 => down["text"] = key.into(),
            _ => {}
        }
        self.key(if down["text"].is_null() { "rawKeyDown" } else { "keyDown" }, down).await;
        self.key("keyUp", event).await;
    }

    async fn key(&self, kind: &str, mut event: Value) {
        event["type"] = kind.into();
        self.ask("Input.dispatchKeyEvent", event).await;
    }
}

const SHIFT: u8 = 8;

/// As the DevTools protocol counts them.
fn modifier(name: &str) -> u8 {
    match name {
        "Alt" => 1,
        "Control" => 2,
        "Shift" => SHIFT,
        _ => 0,
    }
}

fn code(key: &str) -> String {
    match key.chars().collect::<Vec<_>>()[..] {
        [letter] if letter.is_ascii_alphabetic() => format!("Key{}", letter.to_ascii_uppercase()),
        [' '] => "Space".into(),
        _ => key.into(),
    }
}

/// The number that keys had in earlier times; Chromium moves the caret and the focus by it.
fn number(key: &str) -> u32 {
    match key {
        "Backspace" => 8,
        "Tab" => 9,
        "Enter" => 13,
        "Escape" => 27,
        " " => 32,
        "End" => 35,
        "Home" => 36,
        "ArrowLeft" => 37,
        "ArrowUp" => 38,
        "ArrowRight" => 39,
        "ArrowDown" => 40,
        "Delete" => 46,
        key => key.chars().next().map_or(0, |letter| u32::from(letter.to_ascii_uppercase())),
    }
}
