//! The colours of Gherkin: in the classes of highlight.js, so that it looks like all other code.

use super::{
    html::{escape, span},
    json,
};

const BLOCKS: [&str; 9] = [
    "Feature:",
    "Rule:",
    "Background:",
    "Scenario Outline:",
    "Scenario Template:",
    "Scenario:",
    "Example:",
    "Examples:",
    "Scenarios:",
];
const STEPS: [&str; 6] = ["Given ", "When ", "Then ", "And ", "But ", "* "];
const DOCSTRINGS: [&str; 2] = ["\"\"\"", "```"];

/// Gherkin as HTML.
pub fn highlighted(text: &str) -> String {
    let (mut html, mut docstring) = (String::new(), None);
    for line in text.lines() {
        let inside = line.trim_start();
        let indent = &line[..line.len() - inside.len()];
        html.push_str(indent);
        match docstring {
            Some(end) => {
                docstring = (!inside.starts_with(end)).then_some(end);
                let coloured =
                    if docstring.is_some() { json::highlighted(inside) } else { span("hljs-comment", inside) };
                html.push_str(&coloured);
            }
            None => {
                docstring = DOCSTRINGS.into_iter().find(|mark| inside.starts_with(mark));
                let coloured = if docstring.is_some() { span("hljs-comment", inside) } else { of_line(inside) };
                html.push_str(&coloured);
            }
        }
        html.push('\n');
    }
    html
}

fn of_line(line: &str) -> String {
    if line.starts_with('#') {
        return span("hljs-comment", line);
    }
    if line.starts_with('@') {
        return span("hljs-meta", line);
    }
    if line.starts_with('|') {
        return line.split('|').map(of_words).collect::<Vec<_>>().join(&span("gherkin-bar", "|"));
    }
    if let Some(block) = BLOCKS.into_iter().find(|block| line.starts_with(block)) {
        return span("hljs-section", block) + &span("gherkin-name", &line[block.len()..]);
    }
    if let Some(step) = STEPS.into_iter().find(|step| line.starts_with(step)) {
        return span("hljs-keyword", step.trim_end()) + " " + &of_words(&line[step.len()..]);
    }
    of_words(line)
}

/// Text with "strings" and <placeholders>.
fn of_words(text: &str) -> String {
    let (mut html, mut rest) = (String::new(), text);
    while let Some(start) = rest.find(['"', '<']) {
        let end = if rest[start..].starts_with('"') { '"' } else { '>' };
        let Some(length) = rest[start + 1..].find(end).map(|at| at + 2) else { break };
        let (word, class) = (&rest[start..start + length], if end == '"' { "hljs-string" } else { "hljs-variable" });
        html.push_str(&escape(&rest[..start]));
        html.push_str(&span(class, word));
        rest = &rest[start + length..];
    }
    html + &escape(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_colour() {
        let html = highlighted(
            "@slow\nScenario Outline: A <b>\n  # why\n  Given \"reader\" sends <what> & waits:\n    \"\"\"\n    {\"a\": 1}\n    \"\"\"\n  | a | <x> |\n",
        );
        let lines: Vec<&str> = html.lines().collect();
        assert_eq!(lines[0], r#"<span class="hljs-meta">@slow</span>"#);
        assert_eq!(
            lines[1],
            r#"<span class="hljs-section">Scenario Outline:</span><span class="gherkin-name"> A &lt;b&gt;</span>"#
        );
        assert_eq!(lines[2], r##"  <span class="hljs-comment"># why</span>"##);
        assert_eq!(
            lines[3],
            "  <span class=\"hljs-keyword\">Given</span> <span class=\"hljs-string\">&quot;reader&quot;</span> sends \
             <span class=\"hljs-variable\">&lt;what&gt;</span> &amp; waits:"
        );
        assert!(lines[5].starts_with(r#"    {<span class="hljs-attr">&quot;a&quot;</span>: "#), "{}", lines[5]);
        assert!(lines[7].contains(r#"<span class="hljs-variable">&lt;x&gt;</span>"#), "{}", lines[7]);
    }

    #[test]
    fn what_is_not_closed_is_text() {
        assert_eq!(highlighted("a < b \"c"), "a &lt; b &quot;c\n");
    }
}
