//! A claim in a sentence of a page, and the badge that leads to its evidence.

use super::{
    html::{count, escape},
    page::{LEDGER, Page},
    sources::Standing,
};
use crate::{ledger::Claim, links::is_shown};

impl Page<'_> {
    /// The sentence and its badge, as Markdown.
    pub fn claim(&mut self, claim: &Claim) -> String {
        let class = self.sources.standing(claim).class();
        format!(r#"<span class="claim {class}">{}</span>&#8239;{}"#, self.relinked(&claim.text), self.badge(claim))
    }

    /// A small link to the claim's evidence.
    pub fn badge(&mut self, claim: &Claim) -> String {
        let standing = self.sources.standing(claim);
        let shown = self.sources.proofs(claim).filter(|proof| is_shown(proof)).count();
        let mark = match standing {
            Standing::Proven if shown > 0 => format!("✓{shown}"),
            Standing::Proven => "✓".to_owned(),
            other => other.name().to_owned(),
        };
        self.badge_saying(claim, &mark)
    }

    /// The same with other words.
    pub fn badge_saying(&mut self, claim: &Claim, mark: &str) -> String {
        let standing = self.sources.standing(claim);
        let stale = self.sources.stale(claim);
        let told = match standing {
            Standing::Stale => stale.join("; "),
            Standing::Proven => format!("proven by {}", self.proofs_in_words(claim)),
            other => other.name().to_owned(),
        };
        if !stale.is_empty() {
            self.stale.insert(claim.id.clone(), stale);
        }
        let (id, told, href) = (&claim.id, escape(&told), self.href(LEDGER, &claim.id));
        let class = standing.class();
        format!(
            r#"<a class="badge {class}" href="{href}" title="{id}: {told}" aria-label="{id}: {told}" data-claim="{id}">{mark}</a>"#
        )
    }

    /// "2 scenarios, 1 test".
    pub fn proofs_in_words(&self, claim: &Claim) -> String {
        let (mut scenarios, mut examples, mut tests) = (0, 0, 0);
        for proof in self.sources.proofs(claim) {
            if !is_shown(proof) {
                tests += 1;
            } else if self.sources.example(proof).is_some() {
                examples += 1;
            } else {
                scenarios += 1;
            }
        }
        let counts = [(scenarios, "scenario"), (examples, "example"), (tests, "test")];
        let words: Vec<String> =
            counts.into_iter().filter(|(number, _)| *number > 0).map(|(number, noun)| count(number, noun)).collect();
        words.join(", ")
    }
}
