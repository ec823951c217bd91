//! The pages of evidence: all claims, all questions that the drafts left open, and all that is to come.

use std::fmt::Write as _;

use super::{
    html::{escape, span},
    page::{Page, Place, QUESTIONS},
    sources::Standing,
};
use crate::{
    ledger::{Claim, Guide, Level, State},
    links::is_shown,
};

impl<'a> Page<'a> {
    /// All claims by guide, each with its proofs, as Markdown.
    pub fn ledger(&mut self) -> String {
        let mut text = self.tally();
        for (guide, claims) in self.by_guide(|_| true) {
            let _ = write!(text, "\n## {}\n\n", guide.title());
            for claim in claims {
                text += &self.entry(claim);
            }
        }
        text
    }

    /// How many there are of each kind.
    fn tally(&self) -> String {
        let mut text = String::from("|");
        for heading in std::iter::once("").chain(Standing::ALL.map(Standing::name)) {
            let _ = write!(text, " {heading} |");
        }
        text += "\n|---|";
        text += &"--:|".repeat(Standing::ALL.len());
        for guide in Guide::ALL {
            let _ = write!(text, "\n| {} |", guide.title());
            for standing in Standing::ALL {
                let claims = self.sources.ledger.iter().filter(|claim| claim.guide == guide);
                let _ = write!(text, " {} |", claims.filter(|claim| self.sources.standing(claim) == standing).count());
            }
        }
        text + "\n"
    }

    fn entry(&mut self, claim: &Claim) -> String {
        let standing = self.sources.standing(claim);
        let (id, class) = (&claim.id, standing.class());
        let mut facts = vec![level(claim.level).to_owned(), format!("revision {}", claim.revision)];
        facts.extend(claim.source.iter().map(|source| escape(source)));
        let stale = self.sources.stale(claim);
        let mut text = format!(
            "<article class=\"entry {class}\" id=\"{id}\">\n\n{}\n\n\
             <p class=\"facts\"><a class=\"id\" href=\"#{id}\">{id}</a> {} {}</p>\n\n",
            self.relinked(&claim.text),
            span(&format!("badge {class}"), standing.name()),
            facts.join(" · "),
        );
        for why in &stale {
            let _ = write!(text, "<p class=\"why\">{}</p>\n\n", escape(why));
        }
        if !stale.is_empty() {
            self.stale.insert(id.clone(), stale);
        }
        if let Some(reason) = &claim.reason {
            let _ = write!(text, "<div class=\"reason\">\n\n{}\n\n</div>\n\n", self.relinked(reason));
        }
        if claim.question.is_some() {
            let href = self.href(QUESTIONS, &question_anchor(claim));
            let _ = write!(text, "<p class=\"proof\"><a href=\"{href}\">What the drafts left open</a></p>\n\n");
        }
        let _ = write!(text, "{}\n\n", self.scenarios(claim));
        text += &self.tests(claim);
        text += &self.used_on(claim);
        text + "</article>\n\n"
    }

    /// The Rust tests, which readers find by their names.
    fn tests(&self, claim: &Claim) -> String {
        let tests = self.sources.proofs(claim).filter(|proof| !is_shown(proof));
        let line = |proof: &str| format!("<p class=\"proof\">Test: <code>{}</code></p>\n\n", escape(proof));
        tests.map(line).collect()
    }

    fn used_on(&self, claim: &Claim) -> String {
        let Some(pages) = self.uses.claims.get(&claim.id) else { return String::new() };
        let link = |page: &Place| format!("<a href=\"{}\">{}</a>", self.href(&page.path, ""), escape(&page.name));
        let links: Vec<String> = pages.iter().map(link).collect();
        format!("<p class=\"proof\">Stands in: {}</p>\n\n", links.join(", "))
    }

    /// What the drafts left open, what was decided, and what shows it, as Markdown.
    pub fn questions(&mut self) -> String {
        let mut text = String::new();
        for (guide, claims) in self.by_guide(|claim| claim.question.is_some()) {
            let _ = write!(text, "## {}\n\n", guide.title());
            for claim in claims {
                let (question, decision) = (claim.question.as_deref(), claim.decision.as_deref());
                let _ = write!(
                    text,
                    "<article class=\"entry question\" id=\"{}\">\n\n\
                     <div class=\"asked\">\n\n{}\n\n</div>\n\n{}\n\n{}\n\n{}\n\n",
                    question_anchor(claim),
                    self.relinked(question.unwrap_or_default()),
                    self.relinked(decision.unwrap_or_default()),
                    self.claim(claim),
                    self.scenarios(claim),
                );
                text += "</article>\n\n";
            }
        }
        text
    }

    /// What is to come, as Markdown.
    pub fn planned(&mut self) -> String {
        let mut text = String::new();
        for (guide, claims) in self.by_guide(|claim| claim.state == State::Planned) {
            let _ = write!(text, "## {}\n\n", guide.title());
            for claim in claims {
                let reason = self.relinked(claim.reason.as_deref().unwrap_or_default());
                let _ = write!(
                    text,
                    "<article class=\"entry planned\">\n\n{}\n\n\
                     <div class=\"reason\">\n\n{reason}\n\n</div>\n\n</article>\n\n",
                    self.claim(claim),
                );
            }
        }
        text
    }

    fn by_guide(&self, wanted: impl Fn(&Claim) -> bool) -> Vec<(Guide, Vec<&'a Claim>)> {
        let of = |guide| self.sources.ledger.iter().filter(|claim| claim.guide == guide && wanted(claim)).collect();
        Guide::ALL
            .map(|guide| (guide, of(guide)))
            .into_iter()
            .filter(|(_, claims): &(_, Vec<_>)| !claims.is_empty())
            .collect()
    }
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Must => "must",
        Level::Should => "should",
        Level::May => "may",
        Level::Info => "for information",
    }
}

fn question_anchor(claim: &Claim) -> String {
    format!("question-{}", claim.id)
}
