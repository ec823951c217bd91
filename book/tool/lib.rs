//! What ties the guides to the program: the ledger of claims, their proofs, and the pages that show both.
//!
//! It knows files only, and nothing of the program: whoever runs scenarios, tests and examples (`tests/`)
//! tells it what has passed.
//!
//! | module | what it is |
//! |---|---|
//! | [`ledger`] | the claims, in `book/claims/` |
//! | [`features`] | the scenarios, in `features/` and in the pages |
//! | [`guards`] | the Rust tests that name a claim, and the guard by which they do |
//! | [`links`] | which claims are named by what, and which of these links no longer hold |
//! | [`examples`] | the executed examples, in `book/examples/` |
//! | [`evidence`] | what has passed: of the last run, and the committed snapshot |
//! | [`preprocessor`] | what mdBook shows of all this in the pages |
//! | [`commands`] | `snapshot`, `bump` and `report`, for writers |

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

pub mod commands;
pub mod evidence;
pub mod examples;
pub mod features;
pub mod guards;
pub mod ledger;
pub mod links;
pub mod preprocessor;

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the book is in the project")
}

/// Eight hexadecimal digits that change with the text, but not with the space at the ends of its lines.
pub fn fingerprint(text: &str) -> String {
    let mut hash = Sha256::new();
    for line in text.trim().lines() {
        hash.update(line.trim_end());
        hash.update("\n");
    }
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// All files below a folder whose names end in this, sorted.
///
/// # Errors
/// A folder cannot be read.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Unreadable> {
    let unreadable = |why| Unreadable { path: folder.to_owned(), why };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            found.extend(files(&path, ending)?);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<String, Unreadable> {
    std::fs::read_to_string(path).map_err(|why| Unreadable { path: path.to_owned(), why })
}

/// A path as links and messages name it: from the project's folder on.
fn name_of(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// A file or folder that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {why}", path.display())]
pub struct Unreadable {
    path: PathBuf,
    why: std::io::Error,
}

/// A file of the guides that is missing, or is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It is read, and no feature or manifest.
    #[error("{file}: {why}")]
    Malformed {
        /// Where.
        file: String,
        /// What.
        why: String,
    },
}
