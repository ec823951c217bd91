//! An executed example in a page: a figure of its files and of what came out.

use super::{
    html::{code, escape},
    page::Page,
};
use crate::examples::Example;

impl Page<'_> {
    /// The whole example, or one of its files.
    pub fn example(&mut self, example: &Example, only: Option<&str>) -> Result<String, String> {
        let wanted = |name: &str| only.is_none_or(|only| only == name);
        let files: Vec<&(String, String)> = example.files.iter().filter(|(name, _)| wanted(name)).collect();
        if files.is_empty() {
            let names: Vec<&str> = example.files.iter().map(|(name, _)| name.as_str()).collect();
            return Err(format!("the example has no such file; it has {}", names.join(", ")));
        }
        let parts: String = files.into_iter().map(|(name, text)| part(name, text)).collect();
        let claims: Vec<_> = example.claims().flatten().collect();
        let badges: Vec<String> = claims
            .iter()
            .filter_map(|reference| self.sources.ledger.get(&reference.id))
            .map(|claim| self.badge_saying(claim, &claim.id))
            .collect();
        let id = if only.is_none() { format!(r#" id="{}""#, anchor(example)) } else { String::new() };
        Ok(format!(
            r#"<figure class="example"{id}><figcaption>{} {}</figcaption>{parts}</figure>"#,
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
                let parts: String = example.files.iter().map(|(name, text)| part(name, text)).collect();
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

fn part(name: &str, text: &str) -> String {
    let name = escape(name);
    format!(r#"<div class="part"><p class="file">{name}</p>{}</div>"#, code("nohighlight", &escape(text)))
}
