//! The executed examples, in `book/examples/`: one folder each. Knows not how they are executed.

use serde::Deserialize;

use crate::{Unreadable, fingerprint, ledger::Reference, name_of, read, root};

/// Where the examples are, in the project's folder.
pub const FOLDER: &str = "book/examples";
/// What each says of itself.
const MANIFEST: &str = "example.toml";

/// One example, with its recorded output.
#[derive(Clone, Debug)]
pub struct Example {
    /// Its folder's name.
    pub id: String,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its other files by name, with their text.
    pub files: Vec<(String, String)>,
}

/// `example.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What a reader sees above it.
    pub title: String,
    /// What it proves, such as `C27+1`.
    #[serde(default)]
    pub claims: Vec<String>,
}

impl Example {
    /// By what it is known: `book/examples/resume`.
    pub fn proof(&self) -> String {
        format!("{FOLDER}/{}", self.id)
    }

    /// What it proves, or text that was meant to be a reference and is none.
    pub fn claims(&self) -> impl Iterator<Item = Result<Reference, String>> {
        self.manifest.claims.iter().map(|claim| claim.parse())
    }

    /// Changes when what it does or shows changes.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.files.iter().map(|(name, text)| format!("{name}\n{text}\n")).collect::<String>())
    }
}

/// Reads all examples.
///
/// # Errors
/// A file cannot be read or is no manifest.
pub fn read_all() -> Result<Vec<Example>, Error> {
    let mut examples: Vec<Example> = Vec::new();
    let folder = root().join(FOLDER);
    if !folder.is_dir() {
        return Ok(examples);
    }
    for path in crate::files(&folder, MANIFEST)? {
        let place = path.parent().unwrap_or(&folder);
        let manifest = toml::from_str(&read(&path)?)
            .map_err(|why| Error::Malformed { file: name_of(&path), why: why.to_string().trim_end().to_owned() })?;
        let mut files = Vec::new();
        for file in crate::files(place, "")?.into_iter().filter(|file| !file.ends_with(MANIFEST)) {
            files.push((file.strip_prefix(place).unwrap_or(&file).display().to_string(), read(&file)?));
        }
        let id = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        examples.push(Example { id, manifest, files });
    }
    Ok(examples)
}

/// The examples cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A manifest is none.
    #[error("{file}: {why}")]
    Malformed {
        /// Where.
        file: String,
        /// What.
        why: String,
    },
}
