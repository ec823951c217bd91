//! Which claims are named by which scenarios, examples and tests, and what is wrong with these links.

use std::{collections::BTreeMap, fmt};

use crate::{
    FileError,
    examples::{self, Example},
    features::{self, Scenario},
    fingerprint,
    guards::{self, Link},
    ledger::{Claim, Ledger, Reference, State},
};

/// By claim: each proof, and the fingerprint of its source.
pub type Proofs = BTreeMap<String, BTreeMap<String, String>>;

/// All links to claims.
#[derive(Debug, Default)]
pub struct Links {
    /// Those that hold.
    pub proofs: Proofs,
    /// What is wrong with the others, and which claims are left without a link.
    pub faults: Vec<Fault>,
}

/// What is wrong with a link, or with the links of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The id of the claim; none if no claim is named.
    pub claim: Option<String>,
    /// A sentence.
    pub why: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Links {
    /// Looks through features, pages, examples and tests.
    ///
    /// # Errors
    /// Something cannot be read.
    pub fn collect(ledger: &Ledger) -> Result<Self, FileError> {
        Ok(Self::of(ledger, &features::scenarios()?, &examples::read_all()?, &guards::links()?))
    }

    /// The links of these.
    pub fn of(ledger: &Ledger, scenarios: &[Scenario], examples: &[Example], tests: &[Link]) -> Self {
        let mut links = Self::default();
        for scenario in scenarios {
            let at = format!("{}:{}", scenario.file, scenario.line);
            if scenario.claims.is_empty() && scenario.file.starts_with(features::FOLDER) {
                let why = format!("{at}: neither the rule nor the scenario names a claim (@claim:ID+REVISION)");
                links.faults.push(Fault { claim: None, why });
            }
            for claim in &scenario.claims {
                links.add(ledger, &at, claim.clone(), scenario.proof(), scenario.fingerprint());
            }
        }
        for example in examples {
            for claim in example.claims() {
                links.add(ledger, &example.proof(), claim, example.proof(), example.fingerprint());
            }
        }
        for test in tests {
            // A test that changes need not be run again for the snapshot: `cargo test` does that.
            let name = fingerprint(&test.proof);
            links.add(ledger, &test.proof, Ok(test.claim.clone()), test.proof.clone(), name);
        }
        for claim in ledger.iter() {
            let lack = links.lack(claim).map(|why| Fault { claim: Some(claim.id.clone()), why });
            links.faults.extend(lack);
        }
        links
    }

    fn add(&mut self, ledger: &Ledger, at: &str, claim: Result<Reference, String>, proof: String, fingerprint: String) {
        let id = claim.as_ref().ok().map(|reference| reference.id.clone());
        match claim.and_then(|reference| ledger.find(&reference).map(|claim| claim.id.clone())) {
            Ok(id) => drop(self.proofs.entry(id).or_default().insert(proof, fingerprint)),
            Err(why) => self.faults.push(Fault { claim: id, why: format!("{at}: {why}") }),
        }
    }

    /// What a claim lacks, or has too much.
    fn lack(&self, claim: &Claim) -> Option<String> {
        let proofs = self.proofs.get(&claim.id);
        let shown = proofs.is_some_and(|proofs| proofs.keys().any(|proof| is_shown(proof)));
        match claim.state {
            State::Planned | State::Unprovable if proofs.is_some() => Some(format!(
                "claim {} is {}, but something proves it; make it active, or take the link away",
                claim.id,
                claim.state.name()
            )),
            _ if claim.needs_proof() && !shown => Some(format!(
                "claim {} (\"{}\") is {} and has no scenario or example that names {}",
                claim.id,
                claim.text,
                claim.state.name(),
                claim.reference()
            )),
            _ => None,
        }
    }
}

/// Whether readers can follow a proof: a scenario or an example, not only a test.
pub fn is_shown(proof: &str) -> bool {
    !proof.contains(".rs: ")
}
