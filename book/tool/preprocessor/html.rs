//! Text in HTML. Whatever leaves here stands in one line, so that Markdown around it cannot take it apart.

/// Text as it may stand between tags and in attributes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A block of code that is HTML already, coloured or plain.
///
/// Its lines are joined: Markdown would end the block at an empty one.
pub fn code(class: &str, html: &str) -> String {
    let line = html.trim_end().replace('\n', "&#10;");
    format!(r#"<pre><code class="{class}">{line}</code></pre>"#)
}

/// `<span class="CLASS">text</span>`.
pub fn span(class: &str, text: &str) -> String {
    format!(r#"<span class="{class}">{}</span>"#, escape(text))
}

/// "1 scenario", "2 scenarios".
pub fn count(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}
