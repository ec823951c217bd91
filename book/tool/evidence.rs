//! What has passed: every scenario and example of the last runs, and the snapshot of it that is committed.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::{fingerprint, ledger::Ledger, links::Proofs, read, root};

/// The committed snapshot, in the project's folder.
pub const SNAPSHOT: &str = "book/evidence.toml";
/// What a run writes, in [`folder`].
const ROWS: &str = "specs.jsonl";

/// What became of one scenario or example.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Row {
    /// By what it is known: see [`crate::features::Scenario::proof`].
    pub proof: String,
    /// As a test; each row of an outline has one of its own.
    pub test: String,
    /// Of its source, at that time.
    pub fingerprint: String,
    /// The claims that it names.
    pub claims: Vec<String>,
    /// The steps that passed, then the one that did not.
    pub steps: Vec<String>,
    /// Why it has not passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Why it could not be run on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// When it ended: seconds since 1970.
    pub at: u64,
}

/// Where runs leave their evidence: `evidence` in cargo's target folder. None if the program is not there.
pub fn folder() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file())?;
    Some(target.join("evidence"))
}

/// Writes what a run has shown: in the place of everything before, if the run was whole, else behind it.
///
/// # Errors
/// The file cannot be written.
pub fn record(rows: &[Row], whole: bool) -> io::Result<()> {
    let Some(folder) = folder() else { return Ok(()) };
    fs::create_dir_all(&folder)?;
    let mut options = fs::File::options();
    let mut file = options.create(true).append(!whole).write(true).truncate(whole).open(folder.join(ROWS))?;
    let lines: String = rows.iter().filter_map(|row| serde_json::to_string(row).ok()).map(|line| line + "\n").collect();
    // In one piece: several runs may write at once.
    file.write_all(lines.as_bytes())
}

/// Reads the newest row of each test, by test.
pub fn last_rows() -> BTreeMap<String, Row> {
    let text = folder().and_then(|folder| fs::read_to_string(folder.join(ROWS)).ok()).unwrap_or_default();
    let rows = text.lines().filter_map(|line| serde_json::from_str::<Row>(line).ok());
    rows.map(|row| (row.test.clone(), row)).collect()
}

/// Which proofs each claim had when it was last proven.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(transparent)]
pub struct Snapshot(pub BTreeMap<String, Proven>);

/// One claim in the snapshot.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Proven {
    /// At that time.
    pub revision: u32,
    /// The fingerprint of its sentence.
    pub text: String,
    /// The fingerprints of its proofs.
    #[serde(default)]
    pub proofs: BTreeMap<String, String>,
}

impl Snapshot {
    /// As it should be.
    pub fn of(ledger: &Ledger, proofs: &Proofs) -> Self {
        let one = |claim: &crate::ledger::Claim| {
            let proofs = proofs.get(&claim.id).cloned().unwrap_or_default();
            (claim.id.clone(), Proven { revision: claim.revision, text: fingerprint(&claim.text), proofs })
        };
        Self(ledger.iter().map(one).collect())
    }

    /// As it is committed; empty if there is none.
    ///
    /// # Errors
    /// It is no snapshot.
    pub fn read() -> Result<Self, toml::de::Error> {
        toml::from_str(&read(&root().join(SNAPSHOT)).unwrap_or_default())
    }

    /// Commits to it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self) -> io::Result<()> {
        let text = toml::to_string(self).map_err(io::Error::other)?;
        let head = "# What proves each claim, by the last run in which all of it passed.\n\
                    # Written by `cargo run -p book -- snapshot`.\n\n";
        fs::write(root().join(SNAPSHOT), head.to_owned() + &text)
    }

    /// Claims whose sentence is not the one that was proven, though the revision is.
    pub fn reworded<'a>(&'a self, now: &'a Self) -> impl Iterator<Item = &'a str> {
        let changed = |id: &str, now: &Proven| {
            self.0.get(id).is_some_and(|then| then.revision == now.revision && then.text != now.text)
        };
        now.0.iter().filter(move |(id, now)| changed(id, now)).map(|(id, _)| id.as_str())
    }

    /// What has changed since: a line for each claim or proof.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for id in now.0.keys() {
            lines.extend(self.differences_of(id, now));
        }
        let gone = self.0.keys().filter(|id| !now.0.contains_key(*id));
        lines.extend(gone.map(|id| format!("claim {id} is gone")));
        lines
    }

    /// What has changed since about one claim.
    pub fn differences_of(&self, id: &str, now: &Self) -> Vec<String> {
        match (self.0.get(id), now.0.get(id)) {
            (Some(then), Some(now)) => differences(id, then, now),
            (None, Some(_)) => vec![format!("claim {id} is new")],
            (_, None) => Vec::new(),
        }
    }
}

fn differences(id: &str, then: &Proven, now: &Proven) -> Vec<String> {
    let mut lines = Vec::new();
    if then.revision != now.revision {
        lines.push(format!("claim {id} was at revision {} and is at {}", then.revision, now.revision));
    } else if then.text != now.text {
        lines.push(format!("claim {id} has another sentence, but still revision {}", now.revision));
    }
    for (proof, fingerprint) in &now.proofs {
        match then.proofs.get(proof) {
            None => lines.push(format!("claim {id} has a new proof: {proof}")),
            Some(old) if old != fingerprint => lines.push(format!("claim {id} has a proof that was changed: {proof}")),
            Some(_) => {}
        }
    }
    let gone = then.proofs.keys().filter(|proof| !now.proofs.contains_key(*proof));
    lines.extend(gone.map(|proof| format!("claim {id} has lost a proof: {proof}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(revision: u32, text: &str, proofs: &[(&str, &str)]) -> Snapshot {
        let proofs = proofs.iter().map(|(name, hash)| ((*name).to_owned(), (*hash).to_owned())).collect();
        Snapshot([("C33".to_owned(), Proven { revision, text: text.into(), proofs })].into())
    }

    #[test]
    fn every_change_of_what_is_proven_shows() {
        let then = snapshot(1, "a", &[("one", "1"), ("two", "2")]);
        assert_eq!(then.differences(&then), [""; 0]);
        assert_eq!(
            then.differences(&snapshot(1, "b", &[("one", "9"), ("three", "3")])),
            [
                "claim C33 has another sentence, but still revision 1",
                "claim C33 has a proof that was changed: one",
                "claim C33 has a new proof: three",
                "claim C33 has lost a proof: two",
            ]
        );
        assert_eq!(Snapshot::default().differences(&then), ["claim C33 is new"]);
        assert_eq!(then.differences(&Snapshot::default()), ["claim C33 is gone"]);
    }

    #[test]
    fn a_sentence_is_reworded_only_within_a_revision() {
        let then = snapshot(1, "a", &[]);
        assert_eq!(then.reworded(&snapshot(1, "b", &[])).collect::<Vec<_>>(), ["C33"]);
        assert_eq!(then.reworded(&snapshot(2, "b", &[])).count(), 0);
    }

    #[test]
    fn a_snapshot_is_read_as_it_was_written() {
        let written = snapshot(1, "a", &[("features/a.feature: \"x\" <y>", "1")]);
        assert_eq!(toml::from_str::<Snapshot>(&toml::to_string(&written).unwrap()).unwrap(), written);
    }
}
