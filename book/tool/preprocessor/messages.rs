//! The messages of streams, as an example shows them: `>` sent, `<` received, each perhaps behind a stream's name.

use super::{
    html::{code, note},
    json,
};

const LEGEND: &str =
    r#"<p class="caption"><span class="sent">→ sent</span> <span class="received">← received</span></p>"#;

/// The messages as HTML, with remarks between them.
pub fn shown(text: &str) -> String {
    let mut html = String::from(LEGEND);
    let mut block = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("# ") {
            Some(remark) => {
                html += &messages(&std::mem::take(&mut block));
                html += &note(remark);
            }
            None => block.push(line),
        }
    }
    html + &messages(&block)
}

fn messages(lines: &[&str]) -> String {
    let is_empty = |line: &&&str| line.trim().is_empty();
    let from = lines.iter().take_while(is_empty).count();
    let to = lines.len() - lines.iter().rev().take_while(is_empty).count();
    let html: String = lines.get(from..to).unwrap_or_default().iter().map(|line| html_of(line)).collect();
    if html.is_empty() { String::new() } else { code("nohighlight messages", &html) }
}

/// One line, a block of its own: it knows how far the rest of it is to be indented where it is too long.
fn html_of(line: &str) -> String {
    let name = line.len() - line.trim_start_matches(|letter: char| letter.is_ascii_lowercase()).len();
    let (name, rest) = line.split_at(name);
    let (class, arrow, message) = match rest.split_at_checked(2) {
        Some(("> ", message)) => ("sent", "→", message),
        Some(("< ", message)) => ("received", "←", message),
        _ => return json_line(line),
    };
    let indent = name.len() + 2;
    // The arrow is no text: what is copied is the message.
    let start = format!(r#"<span class="{class}" style="--indent:{indent}" data-arrow="{name}{arrow}">"#);
    start + &json::highlighted(message) + "</span>"
}

/// A line that nobody is said to have sent.
pub fn json_line(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    format!(r#"<span style="--indent:{indent}">{}</span>"#, json::highlighted(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sent_and_received_are_told_apart() {
        assert_eq!(html_of("GET /_stream"), r#"<span style="--indent:0">GET /_stream</span>"#);
        assert_eq!(html_of("   {}"), r#"<span style="--indent:3">   {}</span>"#);
        assert_eq!(html_of("grace< {}"), r#"<span class="received" style="--indent:7" data-arrow="grace←">{}</span>"#);
        assert_eq!(html_of("> <b>"), r#"<span class="sent" style="--indent:2" data-arrow="→">&lt;b&gt;</span>"#);
    }

    #[test]
    fn a_remark_stands_between_messages() {
        let html = shown("# First `this`.\n\n> a\n  b\n\n# Then.\n< c\n");
        assert_eq!(
            html.strip_prefix(LEGEND).unwrap(),
            "<p class=\"note\">First <code>this</code>.</p>\
             <pre><code class=\"nohighlight messages\"><span class=\"sent\" style=\"--indent:2\" data-arrow=\"→\">a</span>\
             <span style=\"--indent:2\">  b</span></code></pre>\
             <p class=\"note\">Then.</p>\
             <pre><code class=\"nohighlight messages\">\
             <span class=\"received\" style=\"--indent:2\" data-arrow=\"←\">c</span></code></pre>"
        );
    }
}
