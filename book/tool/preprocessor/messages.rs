//! The messages of streams, as an example shows them: `>` sent, `<` received, each perhaps behind a stream's name.

use super::{
    html::{code, note},
    json,
};

/// The messages as HTML, with remarks between them.
pub fn shown(text: &str) -> String {
    let mut html = String::from(LEGEND);
    let mut block = String::new();
    for line in joined(text) {
        match line.strip_prefix("# ") {
            Some(remark) => {
                html += &messages(&std::mem::take(&mut block));
                html += &note(remark);
            }
            None => block += &message(&line),
        }
    }
    html + &messages(&block)
}

const LEGEND: &str =
    r#"<p class="caption"><span class="sent">→ sent</span> <span class="received">← received</span></p>"#;
/// Where there is nothing to tell.
const EMPTY: &str = r#"<span class="line"></span>"#;

/// The lines, each with those that begin with a space below it.
fn joined(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match lines.last_mut() {
            Some(before) if line.starts_with(' ') => *before = format!("{before}\n{line}"),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

fn message(text: &str) -> String {
    let name = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_lowercase()).len();
    let (name, rest) = text.split_at(name);
    let (class, arrow, message) = match rest.split_at_checked(2) {
        Some(("> ", message)) => ("sent", "→", message),
        Some(("< ", message)) => ("received", "←", message),
        _ => return format!(r#"<span class="line">{}</span>"#, json::highlighted(text)),
    };
    // The arrow is no text: what is copied is the message.
    format!(r#"<span class="{class}" data-arrow="{name}{arrow}">{}</span>"#, json::highlighted(message))
}

fn messages(html: &str) -> String {
    let mut html = html;
    while let Some(rest) = html.strip_prefix(EMPTY) {
        html = rest;
    }
    while let Some(rest) = html.strip_suffix(EMPTY) {
        html = rest;
    }
    if html.is_empty() { String::new() } else { code("nohighlight messages", html) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sent_and_received_are_told_apart() {
        assert_eq!(message("GET /_stream"), r#"<span class="line">GET /_stream</span>"#);
        assert_eq!(message("grace< {}"), r#"<span class="received" data-arrow="grace←">{}</span>"#);
        assert_eq!(message("> <b>"), r#"<span class="sent" data-arrow="→">&lt;b&gt;</span>"#);
    }

    #[test]
    fn a_remark_stands_between_messages() {
        let html = shown("# First `this`.\n\n> {\n  }\n\n# Then.\n< {}\n");
        assert_eq!(
            html.strip_prefix(LEGEND).unwrap(),
            "<p class=\"note\">First <code>this</code>.</p>\
             <pre><code class=\"nohighlight messages\"><span class=\"sent\" data-arrow=\"→\">{&#10;  }</span></code></pre>\
             <p class=\"note\">Then.</p>\
             <pre><code class=\"nohighlight messages\"><span class=\"received\" data-arrow=\"←\">{}</span></code></pre>"
        );
    }
}
