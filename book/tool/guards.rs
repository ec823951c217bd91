//! Rust tests that prove a claim: `book::claims!("C33", 1)` as the first statement of a test.
//!
//! The guard counts only when the test has passed, and names the claim when it has not.

use std::path::PathBuf;

use crate::{
    Unreadable, evidence, files, fingerprint,
    ledger::{Ledger, Reference},
    name_of, read, root,
};

/// Where Rust code may name claims, in the project's folder.
const FOLDERS: [&str; 3] = ["src", "tests", "loadtests"];
/// What names one.
const MACRO: &str = "book::claims!(";

/// Says that the rest of the test proves a claim, in the revision that is named.
///
/// # Panics
/// There is no such claim, or it has another revision by now.
#[macro_export]
macro_rules! claims {
    ($id:literal, $revision:literal) => {
        let _proof = $crate::guards::Guard::new($id, $revision, file!());
    };
}

/// Lives as long as the test does.
pub struct Guard {
    claim: String,
    text: String,
    proof: String,
    evidence: Option<PathBuf>,
}

impl Guard {
    /// Begins; what an earlier run has proven counts no more.
    ///
    /// # Panics
    /// See [`claims!`].
    #[track_caller]
    pub fn new(id: &str, revision: u32, file: &str) -> Self {
        let reference = Reference { id: id.to_owned(), revision };
        let ledger = Ledger::read().unwrap_or_else(|why| panic!("{why}"));
        let text = ledger.find(&reference).unwrap_or_else(|why| panic!("{why}")).text.clone();
        let thread = std::thread::current();
        let name = thread.name().and_then(|name| name.rsplit("::").next()).unwrap_or_default();
        let proof = proof(file, name);
        let evidence = evidence::folder().map(|folder| folder.join("tests").join(file_name(&reference, &proof)));
        if let Some(path) = &evidence {
            let _ = std::fs::remove_file(path);
        }
        Self { claim: reference.to_string(), text, proof, evidence }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("claim {} is not proven: {}\n  by {}", self.claim, self.text, self.proof);
        } else if let Some(path) = &self.evidence {
            let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
            if let Err(why) = written.and_then(|()| std::fs::write(path, &self.proof)) {
                eprintln!("cannot write {}: {why}", path.display());
            }
        }
    }
}

/// Whether the test that is known by this passed when it last ran.
pub fn has_passed(reference: &Reference, proof: &str) -> bool {
    evidence::folder().is_some_and(|folder| folder.join("tests").join(file_name(reference, proof)).is_file())
}

/// A test that names a claim.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    /// The claim.
    pub claim: Reference,
    /// By what it is known: `tests/sockets/kills.rs: a_killed_sfe_is_replaced`.
    pub proof: String,
}

/// Finds all tests that name a claim.
///
/// # Errors
/// A file cannot be read.
pub fn links() -> Result<Vec<Link>, Unreadable> {
    let mut links = Vec::new();
    for folder in FOLDERS {
        for path in files(&root().join(folder), ".rs")? {
            links.extend(links_in(&name_of(&path), &read(&path)?));
        }
    }
    Ok(links)
}

fn links_in(file: &str, code: &str) -> Vec<Link> {
    let (mut links, mut function) = (Vec::new(), "");
    for line in code.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
        if let Some((_, rest)) = line.split_once("fn ") {
            function = rest.split(['(', '<']).next().unwrap_or_default();
        }
        let arguments = line.strip_prefix(MACRO).and_then(|rest| rest.split_once(')')).map(|(inside, _)| inside);
        let named = arguments.and_then(|inside| inside.split_once(','));
        if let Some((id, revision)) = named {
            let claim = Reference {
                id: id.trim().trim_matches('"').to_owned(),
                revision: revision.trim().parse().unwrap_or_default(),
            };
            links.push(Link { claim, proof: proof(file, function) });
        }
    }
    links
}

fn proof(file: &str, test: &str) -> String {
    format!("{file}: {test}")
}

fn file_name(reference: &Reference, proof: &str) -> String {
    format!("{reference}.{}", fingerprint(proof))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_linked_by_its_file_and_name() {
        let code =
            "    #[tokio::test]\n    async fn it_holds() {\n        book::claims!(\"edit-durable\", 2);\n    }\n";
        let claim = Reference { id: "edit-durable".into(), revision: 2 };
        assert_eq!(links_in("src/a.rs", code), [Link { claim, proof: "src/a.rs: it_holds".into() }]);
    }
}
