//! A scenario in a page: its name, and the rest when it is unfolded.

use super::{
    gherkin,
    html::{code, escape},
    page::Page,
};
use crate::{
    features::{PAGES, Scenario},
    ledger::Claim,
    links::is_shown,
};

/// Coloured already: highlight.js leaves it alone.
const GHERKIN: &str = "nohighlight gherkin";

/// A block of Gherkin.
pub fn block(text: &str) -> String {
    code(GHERKIN, &gherkin::highlighted(text))
}

impl Page<'_> {
    /// One scenario, folded.
    pub fn scenario(&self, scenario: &Scenario) -> String {
        let text = format!("{}\n\n{}", scenario.background, scenario.text);
        let file = match scenario.file.strip_prefix(PAGES) {
            Some(page) => format!(r#"<a href="{}">{}</a>"#, self.href(page.trim_start_matches('/'), ""), scenario.file),
            None => format!("<code>{}</code>", scenario.file),
        };
        let rule = scenario.rule.as_ref().map(|rule| format!(": {}", escape(rule))).unwrap_or_default();
        format!(
            r#"<details class="scenario"><summary>{}</summary><p class="where">{file}{rule}</p>{}</details>"#,
            escape(&scenario.name),
            block(text.trim_start()),
        )
    }

    /// All that proves a claim and can be shown: scenarios and examples.
    pub fn scenarios(&self, claim: &Claim) -> String {
        let proofs = self.sources.proofs(claim).filter(|proof| is_shown(proof));
        let shown: Vec<String> = proofs.map(|proof| self.proof(proof)).collect();
        format!(r#"<div class="scenarios">{}</div>"#, shown.concat())
    }

    /// One proof that readers can follow.
    fn proof(&self, proof: &str) -> String {
        match (self.sources.scenario(proof), self.sources.example(proof)) {
            (Some(scenario), _) => self.scenario(scenario),
            (None, Some(example)) => self.example_as_proof(example),
            (None, None) => String::new(),
        }
    }
}
