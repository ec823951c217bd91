//! JSON as the features write it, and whether a message is like it.
//!
//! In a feature `THING` stands for the Thing's id, `EPOCH` for its epoch, `OFFSET` or `OFFSET+2` for its
//! offset when the scenario began with it, and `"..."` for any value.

use serde_json::{Map, Value};

use crate::scene::Scene;

/// Any value.
const ANY: &str = "...";

/// What a feature's JSON means in this scenario.
pub fn json(scene: &Scene, text: &str) -> Value {
    let text = fill_in(scene, text);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("the feature's JSON is not JSON: {error}\n{text}"))
}

/// A feature's text with its words in capitals replaced.
pub fn fill_in(scene: &Scene, text: &str) -> String {
    let text = text.replace("THING", &scene.thing).replace("EPOCH", &scene.epoch);
    let mut pieces = text.split("OFFSET");
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.strip_prefix('+').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
        let (more, rest) = match digits {
            0 => (0, piece),
            digits => (piece[1..=digits].parse().unwrap_or(0), &piece[digits + 1..]),
        };
        filled += &(scene.offset + more).to_string();
        filled += rest;
    }
    filled
}

/// Whether `actual` has all that `expected` names, with the same values. Lists are compared whole.
pub fn like(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::String(any), actual) if any == ANY => !actual.is_null(),
        (Value::Object(expected), Value::Object(actual)) => has_all(expected, actual),
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len()
                && expected.iter().zip(actual).all(|(expected, actual)| like(expected, actual))
        }
        // Coordinates are floating-point numbers inside a Thing.
        (Value::Number(expected), Value::Number(actual)) => expected.as_f64() == actual.as_f64(),
        (expected, actual) => expected == actual,
    }
}

fn has_all(expected: &Map<String, Value>, actual: &Map<String, Value>) -> bool {
    expected.iter().all(|(name, expected)| actual.get(name).is_some_and(|actual| like(expected, actual)))
}
