//! Each edit carries the moment at which it was to be sent, so that whoever receives it knows how long it took. It is
//! plain text, so that it is found in a patch as well as in a Yjs update.

use serde::Deserialize as _;
use serde_json::Value;
use widgetapp::protocol::codec::Blob;

/// Stands before 16 hexadecimal digits.
const MARK: &str = "@@due=";
const DIGITS: usize = 16;
/// The shortest marked text.
const SHORTEST: usize = MARK.len() + DIGITS;

/// A text of so many bytes, no shorter than its mark, for an edit that is due then.
pub fn text(due_nanos: u64, bytes: usize) -> String {
    format!("{MARK}{due_nanos:016x}{}", ".".repeat(bytes.saturating_sub(SHORTEST)))
}

/// The moment in a Yjs update.
pub fn in_bytes(bytes: &[u8]) -> Option<u64> {
    let mark = MARK.as_bytes();
    let at = bytes.windows(mark.len()).position(|window| window == mark)? + mark.len();
    u64::from_str_radix(std::str::from_utf8(bytes.get(at..at + DIGITS)?).ok()?, 16).ok()
}

/// The moment in the body of a push: in its patch, or in its update, which is base64 here.
pub fn in_body(body: &Value) -> Option<u64> {
    if let Some(patch) = body["patch"].as_array() {
        let marked = |value: &Value| in_bytes(value.as_str()?.as_bytes());
        return patch.iter().find_map(|operation| marked(&operation["value"]));
    }
    let Blob(update) = Blob::deserialize(body.get("update")?).ok()?;
    in_bytes(&update)
}
