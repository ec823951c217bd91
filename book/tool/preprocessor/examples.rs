//! An executed example in a page: a figure of its files, and of what came out when they were run.

use super::{
    html::{code, escape, note},
    messages,
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
    let above = if part.note.is_empty() { String::new() } else { note(&part.note) };
    let plain = || code(&format!("language-{}", part.language), &escape(&part.text));
    let body = match part.file.as_str() {
        console::FILE => terminal::shown(&part.text),
        stream::FILE => messages::shown(&part.text),
        exchange::FILE if part.output => caption("Answer") + &plain(),
        exchange::FILE => caption("Request") + &plain(),
        file => caption(file) + &plain(),
    };
    let class = if part.output { "part output" } else { "part" };
    format!(r#"{above}<div class="{class}">{body}</div>"#)
}

fn caption(text: &str) -> String {
    format!(r#"<p class="caption">{}</p>"#, escape(text))
}
