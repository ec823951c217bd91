//! HTTP requests and their answers, as `exchange.http` writes them down. Knows not how they are sent.
//!
//! ```text
//! # A remark for the reader.
//! > GET /_ajax/search?q=boat HTTP/1.1
//! > Authorization: Bearer [TOKEN]
//!
//! < HTTP/1.1 200 OK
//! < Content-Type: application/json
//! <
//! < {"things": [], "next": null}
//! ```
//!
//! Of the headers of an answer those are compared that are written down. JSON may be laid out in any way.

/// Its name in an example's folder.
pub const FILE: &str = "exchange.http";

/// Each request and answer: what is said above it, its lines, and whether it is an answer.
pub(super) fn shown(text: &str) -> Vec<(String, String, bool)> {
    let mut shown: Vec<(String, String, bool)> = Vec::new();
    let mut note = Vec::new();
    for line in text.lines() {
        let output = line.starts_with('<');
        match line.strip_prefix(['>', '<']) {
            Some(rest) => {
                if note.is_empty() && shown.last().is_some_and(|(_, _, last)| *last == output) {
                    let (_, lines, _) = shown.last_mut().expect("just seen");
                    *lines += &format!("{}\n", rest.strip_prefix(' ').unwrap_or(rest));
                } else {
                    let text = format!("{}\n", rest.strip_prefix(' ').unwrap_or(rest));
                    shown.push((std::mem::take(&mut note).join(" "), text, output));
                }
            }
            None => note.extend(line.strip_prefix("# ").map(str::to_owned)),
        }
    }
    shown
}
