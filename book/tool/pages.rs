//! Checks of all pages, and of the ledger.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn src() -> PathBuf {
    crate::root().join(crate::features::PAGES)
}

fn pages() -> BTreeSet<PathBuf> {
    fn collect(folder: &Path, found: &mut BTreeSet<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.insert(path);
            }
        }
    }
    let mut found = BTreeSet::new();
    collect(&src(), &mut found);
    found
}

/// The targets of all links `[...](target)` of a page that lead to other pages of the book.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = fs::read_to_string(src().join("SUMMARY.md")).unwrap();
    let mut listed: BTreeSet<PathBuf> = links(&summary).map(|target| src().join(target)).collect();
    listed.insert(src().join("SUMMARY.md"));
    assert_eq!(listed, pages());
}

#[test]
fn every_link_leads_to_a_page() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for target in links(&text) {
            let file = target.split('#').next().unwrap_or(target);
            assert!(page.parent().unwrap().join(file).is_file(), "{}: {target}", page.display());
        }
    }
}

#[test]
fn every_claim_has_its_proofs_and_the_snapshot_knows_them() {
    let faults = crate::commands::check().unwrap();
    assert!(faults.is_empty(), "\n{}\nTo write the snapshot: cargo run -p book -- snapshot", faults.join("\n"));
}
