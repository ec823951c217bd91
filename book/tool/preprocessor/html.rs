//! Text in HTML. Whatever leaves here stands in one line, so that Markdown around it cannot take it apart.

use mdbook_markdown::{MarkdownOptions, new_cmark_parser, pulldown_cmark::html::push_html};

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

/// A remark of an example's author, who may use Markdown.
pub fn note(text: &str) -> String {
    let mut html = String::new();
    push_html(&mut html, new_cmark_parser(text, &MarkdownOptions::default()));
    html.replacen("<p>", r#"<p class="note">"#, 1).trim_end().replace('\n', " ")
}

/// "1 scenario", "2 scenarios".
pub fn count(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}
