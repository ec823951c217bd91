//! What writers run: `cargo run -p book -- snapshot`, `bump` and `report`.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use anyhow::{Context as _, Result, bail};

use crate::{
    evidence::{self, Row, Snapshot},
    features, files, guards,
    ledger::{self, Claim, Guide, Ledger, State},
    links::{Links, is_shown},
    read, root,
};

/// Writes the snapshot, if everything that it would say has passed.
///
/// # Errors
/// A link does not hold, or a proof has not passed since it was changed: all that are, line by line.
pub fn snapshot() -> Result<String> {
    let (ledger, links) = (Ledger::read()?, whole_links()?);
    let rows = rows_by_proof();
    let mut missing = Vec::new();
    for (id, proofs) in &links.proofs {
        let Some(claim) = ledger.get(id) else { continue };
        for (proof, fingerprint) in proofs {
            if let Some(why) = lacks(claim, proof, fingerprint, &rows) {
                missing.push(format!("{proof}: {why}"));
            }
        }
    }
    missing.dedup();
    if !missing.is_empty() {
        bail!("{}\nRun them (cargo test), then this again.", missing.join("\n"));
    }
    let (old, new) = (Snapshot::read()?, Snapshot::of(&ledger, &links.proofs));
    let reworded: Vec<&str> = old.reworded(&new).collect();
    if !reworded.is_empty() {
        bail!(
            "These claims have another sentence, but no new revision: {}.\nRun: cargo run -p book -- bump",
            reworded.join(", ")
        );
    }
    let mut differences = old.differences(&new);
    new.write().with_context(|| format!("cannot write {}", evidence::SNAPSHOT))?;
    differences.push(format!("{} claims with {} proofs", new.0.len(), links.proofs.values().flatten().count()));
    Ok(differences.join("\n"))
}

/// Raises the revision of the claims of these ids, or of all whose sentence is not the one that was proven,
/// and says which links have become stale. With `links`, raises those too: for a change that leaves the
/// meaning as it was.
///
/// # Errors
/// There is no such claim, or a file cannot be written.
pub fn bump(ids: &[String], links: bool) -> Result<String> {
    let ledger = Ledger::read()?;
    let (old, now) = (Snapshot::read()?, Snapshot::of(&ledger, &BTreeMap::new()));
    let reworded: Vec<String> = old.reworded(&now).map(str::to_owned).collect();
    let mut report = String::new();
    for id in if ids.is_empty() { &reworded } else { ids } {
        let claim = ledger.get(id).with_context(|| format!("there is no claim {id} in {}", ledger::FOLDER))?;
        raise(claim)?;
        writeln!(report, "claim {id} is at revision {}", claim.revision + 1)?;
        if links {
            raise_links(claim)?;
        }
    }
    if report.is_empty() {
        report += "No sentence has changed since the snapshot.\n";
    }
    for fault in Links::collect(&Ledger::read()?)?.faults {
        writeln!(report, "{fault}")?;
    }
    Ok(report)
}

fn raise(claim: &Claim) -> Result<()> {
    let path = root().join(ledger::FOLDER).join(claim.guide.name()).with_extension("toml");
    let text = read(&path)?;
    let at = text.find(&format!("id = \"{}\"", claim.id)).context("the ledger was changed meanwhile")?;
    let (before, entry) = text.split_at(at);
    let old = format!("revision = {}", claim.revision);
    let new = format!("revision = {}", claim.revision + 1);
    fs::write(&path, before.to_owned() + &entry.replacen(&old, &new, 1))?;
    Ok(())
}

fn raise_links(claim: &Claim) -> Result<()> {
    let (id, old, new) = (&claim.id, claim.revision, claim.revision + 1);
    let places = [
        (features::FOLDER, ".feature", format!("@claim:{id}+{old}"), format!("@claim:{id}+{new}")),
        (features::PAGES, ".md", format!("@claim:{id}+{old}"), format!("@claim:{id}+{new}")),
        (crate::examples::FOLDER, ".toml", format!("\"{id}+{old}\""), format!("\"{id}+{new}\"")),
        ("src", ".rs", format!("claims!(\"{id}\", {old})"), format!("claims!(\"{id}\", {new})")),
        ("tests", ".rs", format!("claims!(\"{id}\", {old})"), format!("claims!(\"{id}\", {new})")),
    ];
    for (folder, ending, old, new) in places {
        for path in files(&root().join(folder), ending)? {
            let text = read(&path)?;
            // Longer numbers begin alike: C1+1 is no part of C1+12.
            let mut changed = String::new();
            let mut pieces = text.split(&old).peekable();
            while let Some(piece) = pieces.next() {
                changed += piece;
                match pieces.peek() {
                    Some(next) if next.starts_with(|c: char| c.is_ascii_digit()) => changed += &old,
                    Some(_) => changed += &new,
                    None => {}
                }
            }
            if changed != text {
                fs::write(&path, changed)?;
            }
        }
    }
    Ok(())
}

/// What is claimed, what of it is proven and what is not: as Markdown, or each claim as one line of JSON.
///
/// # Errors
/// Ledger, features or examples cannot be read.
pub fn report(json: bool) -> Result<String> {
    let ledger = Ledger::read()?;
    let links = Links::collect(&ledger)?;
    let rows = rows_by_proof();
    let mut report = String::new();
    if json {
        for claim in ledger.iter() {
            let proofs = links.proofs.get(&claim.id).into_iter().flatten().map(|(proof, fingerprint)| {
                let lacks = lacks(claim, proof, fingerprint, &rows);
                serde_json::json!({"proof": proof, "passed": lacks.is_none(), "why_not": lacks})
            });
            let line = serde_json::json!({
                "claim": claim.reference().to_string(), "guide": claim.guide, "level": claim.level, "state": claim.state,
                "text": claim.text, "proofs": proofs.collect::<Vec<_>>(),
            });
            writeln!(report, "{line}")?;
        }
        return Ok(report);
    }
    writeln!(report, "| guide | active | decided | answered | planned | not provable |\n|---|---|---|---|---|---|")?;
    for guide in Guide::ALL {
        let count = |state| ledger.iter().filter(|claim| claim.guide == guide && claim.state == state).count();
        let counts = [State::Active, State::Decided, State::Answered, State::Planned, State::Unprovable].map(count);
        writeln!(report, "| {} | {} |", guide.title(), counts.map(|count| count.to_string()).join(" | "))?;
    }
    let mut open: Vec<String> = links.faults.iter().map(ToString::to_string).collect();
    let unproven = ledger.iter().flat_map(|claim| {
        let proofs = links.proofs.get(&claim.id).into_iter().flatten();
        let rows = &rows;
        proofs.filter_map(move |(proof, fingerprint)| {
            lacks(claim, proof, fingerprint, rows).map(|why| format!("claim {}: {proof}: {why}", claim.id))
        })
    });
    open.extend(unproven);
    let now = Snapshot::of(&ledger, &links.proofs);
    open.extend(Snapshot::read()?.differences(&now).into_iter().map(|line| format!("since the snapshot: {line}")));
    if open.is_empty() {
        writeln!(report, "\nEvery claim that needs a proof has passed it, and the snapshot says so.")?;
    } else {
        writeln!(report, "\n{}", open.iter().map(|line| format!("- {line}\n")).collect::<String>().trim_end())?;
    }
    Ok(report)
}

fn whole_links() -> Result<Links> {
    let links = Links::collect(&Ledger::read()?)?;
    let faults: Vec<String> = links.faults.iter().map(ToString::to_string).collect();
    if faults.is_empty() { Ok(links) } else { bail!("{}", faults.join("\n")) }
}

fn rows_by_proof() -> BTreeMap<String, Vec<Row>> {
    let mut rows = BTreeMap::<String, Vec<Row>>::new();
    for (_, row) in evidence::last_rows() {
        rows.entry(row.proof.clone()).or_default().push(row);
    }
    rows
}

/// Why a proof does not count at the moment.
fn lacks(claim: &Claim, proof: &str, now: &str, rows: &BTreeMap<String, Vec<Row>>) -> Option<String> {
    if !is_shown(proof) {
        let passed = guards::has_passed(&claim.reference(), proof);
        return (!passed).then(|| "this test has not passed".into());
    }
    let Some(rows) = rows.get(proof) else { return Some("it has not been run".into()) };
    let first_line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let failed = rows.iter().find_map(|row| Some(format!("it failed: {}", first_line(row.failure.as_ref()?))));
    let skipped = rows.iter().find_map(|row| Some(format!("it was skipped: {}", row.skipped.as_ref()?)));
    let changed = rows.iter().any(|row| row.fingerprint != now).then(|| "it was changed since it was run".to_owned());
    failed.or(skipped).or(changed)
}

/// What `cargo test` holds against the ledger, its links and the snapshot: a sentence each.
///
/// # Errors
/// Something cannot be read.
pub fn check() -> Result<Vec<String>> {
    let ledger = Ledger::read()?;
    let links = Links::collect(&ledger)?;
    let now = Snapshot::of(&ledger, &links.proofs);
    let mut faults: Vec<String> = links.faults.iter().map(ToString::to_string).collect();
    faults.extend(Snapshot::read()?.differences(&now));
    Ok(faults)
}
