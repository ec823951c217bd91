//! All that pages show besides their own text, read once for a build, and how each claim stands.

use anyhow::Result;

use crate::{
    evidence::Snapshot,
    examples::{self, Example},
    features::{self, Scenario},
    guards,
    ledger::{Claim, Ledger, State},
    links::Links,
};

/// Everything.
pub struct Sources {
    /// The claims.
    pub ledger: Ledger,
    /// What proves them, as the files say now.
    pub links: Links,
    /// All scenarios.
    pub scenarios: Vec<Scenario>,
    /// All examples.
    pub examples: Vec<Example>,
    committed: Snapshot,
    present: Snapshot,
}

/// How a claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// All its proofs passed, and nothing has changed since.
    Proven,
    /// It was a question, and needs no proof.
    Answered,
    /// It is to come.
    Planned,
    /// It says nothing that could be tried.
    Unprovable,
    /// It or its proof has changed since it was proven.
    Stale,
}

impl Standing {
    pub const ALL: [Self; 5] = [Self::Proven, Self::Answered, Self::Planned, Self::Unprovable, Self::Stale];

    /// As the style sheet knows it.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Answered => "answered",
            Self::Planned => "planned",
            Self::Unprovable => "unprovable",
            Self::Stale => "stale",
        }
    }

    /// As readers know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Answered => "answered",
            Self::Planned => "planned",
            Self::Unprovable => "not provable",
            Self::Stale => "STALE",
        }
    }
}

impl Sources {
    /// Reads them from the project.
    ///
    /// # Errors
    /// Something cannot be read or understood.
    pub fn read() -> Result<Self> {
        let (ledger, scenarios, examples) = (Ledger::read()?, features::scenarios()?, examples::read_all()?);
        let links = Links::of(&ledger, &scenarios, &examples, &guards::links()?);
        Ok(Self::new(ledger, links, scenarios, examples, Snapshot::read()?))
    }

    pub fn new(
        ledger: Ledger,
        links: Links,
        scenarios: Vec<Scenario>,
        examples: Vec<Example>,
        committed: Snapshot,
    ) -> Self {
        let present = Snapshot::of(&ledger, &links.proofs);
        Self { ledger, links, scenarios, examples, committed, present }
    }

    /// By what a claim is proven: each as the links know it.
    pub fn proofs(&self, claim: &Claim) -> impl Iterator<Item = &str> {
        self.links.proofs.get(&claim.id).into_iter().flatten().map(|(proof, _)| proof.as_str())
    }

    pub fn standing(&self, claim: &Claim) -> Standing {
        match claim.state {
            _ if !self.stale(claim).is_empty() => Standing::Stale,
            State::Planned => Standing::Planned,
            State::Unprovable => Standing::Unprovable,
            State::Answered if self.proofs(claim).next().is_none() => Standing::Answered,
            State::Active | State::Decided | State::Answered => Standing::Proven,
        }
    }

    /// Why a claim is not proven as it stands: a sentence each.
    pub fn stale(&self, claim: &Claim) -> Vec<String> {
        let faults = self.links.faults.iter().filter(|fault| fault.claim.as_ref() == Some(&claim.id));
        let mut stale: Vec<String> = faults.map(ToString::to_string).collect();
        stale.extend(self.committed.differences_of(&claim.id, &self.present));
        stale
    }

    pub fn scenario(&self, proof: &str) -> Option<&Scenario> {
        self.scenarios.iter().find(|scenario| scenario.proof() == proof)
    }

    pub fn example(&self, proof: &str) -> Option<&Example> {
        self.examples.iter().find(|example| example.proof() == proof)
    }
}
