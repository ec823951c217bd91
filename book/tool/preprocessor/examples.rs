//! An executed example in a page: a figure of its files, and of what came out when they were run.

use super::{
    html::{code, escape},
    json,
    page::Page,
    terminal,
};
use crate::examples::{Example, Part, console, exchange, stream};

impl Page<'_> {
    /// The whole example, or what is shown of one of its files.
    pub fn example(&mut self, example: &Example, only: Option<&str>) -> Result<String, String> {
        let parts = example.parts();
        let wanted: Vec<&Part> = parts.iter().filter(|part| only.is_none_or(|only| only == part.file)).collect();
        if wanted.is_empty() {
            let mut names: Vec<&str> = parts.iter().map(|part| part.file.as_str()).collect();
            names.dedup();
            return Err(format!("the example has no such file; it has {}", names.join(", ")));
        }
        let parts: String = wanted.into_iter().map(shown).collect();
        let claims: Vec<_> = example.claims().flatten().collect();
        let badges: Vec<String> = claims
            .iter()
            .filter_map(|reference| self.sources.ledger.get(&reference.id))
            .map(|claim| self.badge_saying(claim, &claim.id))
            .collect();
        let id = if only.is_none() { format!(r#" id="{}""#, anchor(example)) } else { String::new() };
        Ok(format!(
            r#"<figure class="example"{id}><figcaption><span class="title">{}</span> <span class="proves">{}</span></figcaption>{parts}</figure>"#,
            escape(&example.manifest.title),
            badges.join(" "),
        ))
    }

    /// As one of the proofs of a claim: a link to where it is shown, or itself, folded.
    pub fn example_as_proof(&self, example: &Example) -> String {
        let title = escape(&example.manifest.title);
        match self.uses.examples.get(&example.id) {
            Some(page) => {
                let href = self.href(&page.path, &anchor(example));
                format!(r#"<p class="proof">Example: <a href="{href}">{title}</a></p>"#)
            }
            None => {
                let parts: String = example.parts().iter().map(shown).collect();
                format!(
                    r#"<details class="scenario"><summary>Example: {title}</summary><div class="example">{parts}</div></details>"#
                )
            }
        }
    }
}

fn anchor(example: &Example) -> String {
    format!("example-{}", example.id)
}

fn shown(part: &Part) -> String {
    let note =
        if part.note.is_empty() { String::new() } else { format!(r#"<p class="note">{}</p>"#, escape(&part.note)) };
    let (caption, body) = match part.file.as_str() {
        console::FILE => ("Terminal", terminal::shown(&part.text)),
        stream::FILE => ("On the stream", code("nohighlight", &messages(&part.text))),
        exchange::FILE if part.output => ("Answer", code("language-http", &escape(&part.text))),
        exchange::FILE => ("Request", code("language-http", &escape(&part.text))),
        file => (file, code(&format!("language-{}", part.language), &escape(&part.text))),
    };
    let class = if part.output { "part output" } else { "part" };
    format!(r#"{note}<div class="{class}"><p class="caption">{}</p>{body}</div>"#, escape(caption))
}

/// The messages of streams: `>` sent, `<` received, each perhaps behind the name of a stream.
fn messages(text: &str) -> String {
    let mut html = String::new();
    for line in text.lines() {
        let name = line.len() - line.trim_start_matches(|letter: char| letter.is_ascii_lowercase()).len();
        let (name, rest) = line.split_at(name);
        let told = match rest.split_at_checked(2) {
            Some(("> ", message)) => Some(("sent", "→", message)),
            Some(("< ", message)) => Some(("received", "←", message)),
            _ => None,
        };
        html += &match told {
            // The arrow is no text: what is copied is the message.
            Some((class, arrow, message)) => {
                format!(r#"<span class="{class}" data-arrow="{name}{arrow}">{}</span>"#, json::highlighted(message))
            }
            None if line.starts_with('#') => super::html::span("hljs-comment", line),
            None => json::highlighted(line),
        };
        html.push('\n');
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sent_and_received_are_told_apart() {
        let html = messages("GET /_stream\n\ngrace< {\"port\": 0}\n> close 1000\n  and <more>\n");
        let lines: Vec<&str> = html.lines().collect();
        assert_eq!(lines[0], "GET /_stream");
        assert!(lines[2].starts_with(r#"<span class="received" data-arrow="grace←">{"#), "{}", lines[2]);
        assert!(lines[3].starts_with(r#"<span class="sent" data-arrow="→">close "#), "{}", lines[3]);
        assert_eq!(lines[4], "  and &lt;more&gt;");
    }
}
