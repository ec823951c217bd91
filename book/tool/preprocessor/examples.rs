//! An executed example in a page: a figure of its files, and of what came out when they were run.

use super::{
    html::{code, escape, note, span},
    json, messages,
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
            r#"<figure class="example"{id}><figcaption><span class="title">{}</span> <span class="proves">{}</span>{}</figcaption>{parts}</figure>"#,
            escape(&example.manifest.title),
            badges.join(" "),
            run(example),
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

/// The buttons by which readers do the same in the page, with the text that was executed (`theme/try.js`).
fn run(example: &Example) -> String {
    let button = |(file, text): &(String, String)| {
        let what = match file.as_str() {
            _ if example.manifest.run.len() == 1 => "Run",
            exchange::FILE => "Run the requests",
            _ => "Run the messages",
        };
        let text = escape(text).replace('\n', "&#10;");
        format!(r#"<button type="button" class="run" data-file="{file}" data-text="{text}" hidden>{what}</button>"#)
    };
    example.runnable().map(button).collect()
}

fn anchor(example: &Example) -> String {
    format!("example-{}", example.id)
}

fn shown(part: &Part) -> String {
    let above = if part.note.is_empty() { String::new() } else { note(&part.note) };
    let plain = || code(&format!("language-{}", part.language), &escape(&part.text));
    let body = match part.file.as_str() {
        console::FILE => terminal::shown(&part.text),
        stream::FILE => messages::shown(&part.text),
        exchange::FILE => caption(if part.output { "Answer" } else { "Request" }) + &http(&part.text),
        file => caption(file) + &plain(),
    };
    let class = if part.output { "part output" } else { "part" };
    format!(r#"{above}<div class="{class}">{body}</div>"#)
}

/// A request or an answer: its first line, headers, and a body.
fn http(text: &str) -> String {
    let (mut html, mut is_body) = (String::new(), false);
    for (number, line) in text.lines().enumerate() {
        is_body |= line.is_empty();
        html += &match line.split_once(':') {
            Some((name, value)) if number > 0 && !is_body => span("hljs-attr", name) + ":" + &escape(value),
            _ if number == 0 => span("hljs-keyword", line),
            _ => json::highlighted(line),
        };
        html.push('\n');
    }
    code("nohighlight wraps", &html)
}

fn caption(text: &str) -> String {
    format!(r#"<p class="caption">{}</p>"#, escape(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::Manifest;

    #[test]
    fn an_example_that_readers_can_run_carries_the_text_that_was_executed() {
        let manifest = |run: &[&str]| {
            let run = run.iter().map(|&file| file.to_owned()).collect();
            Manifest { title: "T".into(), claims: vec![], needs: vec![], server: true, run }
        };
        let files = vec![("stream.ws".into(), "> {\"a\": \"<\"}\n< {}\n".into())];
        let example = Example { id: "e".into(), manifest: manifest(&["stream.ws"]), files };
        assert_eq!(
            run(&example),
            r#"<button type="button" class="run" data-file="stream.ws" data-text="&gt; {&quot;a&quot;: &quot;&lt;&quot;}&#10;&lt; {}&#10;" hidden>Run</button>"#
        );
        assert_eq!(run(&Example { manifest: manifest(&[]), ..example }), "");
    }

    #[test]
    fn a_request_has_a_first_line_headers_and_a_body() {
        assert_eq!(
            http("POST /a:b HTTP/1.1\nContent-Type: text/x\n\n{\"a\": 1}\n"),
            "<pre><code class=\"nohighlight wraps\"><span class=\"hljs-keyword\">POST /a:b HTTP/1.1</span>&#10;\
             <span class=\"hljs-attr\">Content-Type</span>: text/x&#10;&#10;\
             {<span class=\"hljs-attr\">&quot;a&quot;</span>: <span class=\"hljs-number\">1</span>}</code></pre>"
        );
    }
}
