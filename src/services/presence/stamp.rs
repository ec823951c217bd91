//! What the server puts into what people say of themselves: their name and colour, so that nobody speaks for another.
//! Pure.

use serde_json::{Map, Value};

use crate::{
    access::Principal,
    protocol::{limits::MAX_AWARENESS_BYTES, presence::Cursor, yjs},
};

/// An awareness state as it is passed on.
#[derive(Debug, PartialEq, Eq)]
pub struct Stamped {
    /// JSON with the name and the colour in its `user`.
    pub state: String,
    /// Its `cursor`, if that has the form of port 202; as JSON.
    pub cursor: Option<String>,
}

/// Puts the sender's name and colour into an awareness state; none if that is not an object, or too large.
pub fn stamp(state: &str, who: &Principal) -> Option<Stamped> {
    if state.len() > MAX_AWARENESS_BYTES {
        return None;
    }
    if state == yjs::GONE {
        return Some(Stamped { state: state.to_owned(), cursor: None });
    }
    let mut fields: Map<String, Value> = serde_json::from_str(state).ok()?;
    let user = fields.entry("user").or_insert_with(|| Value::Object(Map::new()));
    if !user.is_object() {
        *user = Value::Object(Map::new());
    }
    user["name"] = who.name.as_str().into();
    user["color"] = color(who).into();
    let cursor = fields.get("cursor").and_then(|cursor| serde_json::from_value::<Cursor>(cursor.clone()).ok());
    let cursor = cursor.filter(Cursor::fits).map(|cursor| serde_json::json!(cursor).to_string());
    Some(Stamped { state: Value::Object(fields).to_string(), cursor })
}

/// Somebody's colour: the same everywhere and always, and dark enough to be read on white.
pub fn color(who: &Principal) -> String {
    const COLORS: [&str; 16] = [
        "#b3261e", "#8e24aa", "#5e35b1", "#3949ab", "#1565c0", "#0277bd", "#00838f", "#00796b", "#2e7d32", "#558b2f",
        "#827717", "#a65f00", "#bf360c", "#6d4c41", "#546e7a", "#ad1457",
    ];
    // FNV-1a, which is the same in every release.
    let hash = who.id().bytes().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    COLORS[(hash >> 8) as usize % COLORS.len()].to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::access::Kind;

    fn ada() -> Principal {
        Principal { kind: Kind::User, name: "ada".into(), organisation: "acme".into() }
    }

    #[test]
    fn nobody_speaks_for_another() {
        for user in [json!({"name": "grace", "color": "#000", "colorLight": "#fff"}), json!("grace"), Value::Null] {
            let stamped = stamp(&json!({"user": user}).to_string(), &ada()).unwrap();
            let state: Value = serde_json::from_str(&stamped.state).unwrap();
            assert_eq!((&state["user"]["name"], &state["user"]["color"]), (&json!("ada"), &json!(color(&ada()))));
        }
    }

    #[test]
    fn a_cursor_of_our_form_is_found() {
        let cursor = |cursor: Value| stamp(&json!({"cursor": cursor}).to_string(), &ada()).unwrap().cursor;
        assert_eq!(cursor(json!({"x": 1, "y": 2.5, "more": true})), Some(r#"{"x":1,"y":2.5}"#.into()));
        assert_eq!(cursor(json!({"anchor": {}, "head": {}})), None, "of a text editor");
        assert_eq!(stamp("null", &ada()).unwrap(), Stamped { state: "null".into(), cursor: None });
    }

    proptest! {
        #[test]
        fn any_text_is_stamped_or_refused(text in ".{0,80}") {
            if let Some(stamped) = stamp(&text, &ada()) {
                prop_assert!(text == "null" || stamped.state.contains(r#""name":"ada""#));
            }
        }
    }

    #[test]
    fn what_is_no_object_or_too_large_is_refused() {
        let large = json!({"text": "x".repeat(MAX_AWARENESS_BYTES)}).to_string();
        for state in ["[]", "7", "\"grace\"", "{", &large] {
            assert_eq!(stamp(state, &ada()), None);
        }
    }
}
