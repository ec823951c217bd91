//! The executed examples, in `book/examples/`: one folder each, and what of it a reader sees. Knows not how they
//! are executed.
//!
//! | file | what it is |
//! |---|---|
//! | `example.toml` | the [`Manifest`] |
//! | `session.console` | commands and what they print, in one or more terminals: see [`console`] |
//! | `exchange.http` | requests and answers: see [`exchange`] |
//! | `stream.ws` | the messages of one or more streams: see [`stream`] |
//! | anything else | lies beside them while they are executed: programs, `widgetapp.toml` for the server |
//!
//! What differs from run to run stands there as a placeholder, such as `[TOKEN]` or `[EPOCH]`.

pub mod console;
pub mod exchange;
pub mod json;
pub mod redactions;
pub mod stream;

use serde::Deserialize;

use crate::{FileError, fingerprint, ledger::Reference, name_of, read, root};

/// Where the examples are, in the project's folder.
pub const FOLDER: &str = "book/examples";
/// What each says of itself.
const MANIFEST: &str = "example.toml";
/// What is executed.
const TRANSCRIPTS: [&str; 3] = [console::FILE, exchange::FILE, stream::FILE];

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
    /// What must be on the machine: commands such as `curl`; `python3` has the package `websockets`, and
    /// `node` has a WebSocket of its own or finds the package `ws`. `authlib` and `openid-client` are packages of theirs.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Whether a server runs before the example begins.
    #[serde(default = "yes")]
    pub server: bool,
    /// Those of its files of requests or messages that one person with a browser can run too, with the same outcome:
    /// readers are offered to.
    #[serde(default)]
    pub run: Vec<String>,
}

fn yes() -> bool {
    true
}

/// What a reader sees of an example: a file of it, or a piece of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The file that it comes from. A file of requests and answers gives one part for each of them.
    pub file: String,
    /// What is said above it; often nothing.
    pub note: String,
    /// As highlight.js calls it.
    pub language: String,
    /// Its lines.
    pub text: String,
    /// Whether the program has written it; else the author of the example has, or both have.
    pub output: bool,
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

    /// What a reader sees, in reading order: programs first, then what happens when they are run.
    pub fn parts(&self) -> Vec<Part> {
        let (transcripts, others): (Vec<_>, Vec<_>) =
            self.files.iter().partition(|(name, _)| TRANSCRIPTS.contains(&name.as_str()));
        others.into_iter().chain(transcripts).flat_map(|(name, text)| parts(name, text)).collect()
    }

    /// The files that readers can run in the page, with their texts.
    pub fn runnable(&self) -> impl Iterator<Item = &(String, String)> {
        self.files.iter().filter(|(name, _)| self.manifest.run.contains(name))
    }

    /// Changes when what it does or shows changes.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.files.iter().map(|(name, text)| format!("{name}\n{text}\n")).collect::<String>())
    }
}

fn parts(name: &str, text: &str) -> Vec<Part> {
    let part = |language: &str, text: String| Part {
        file: name.to_owned(),
        note: String::new(),
        language: language.to_owned(),
        text: text.trim_end().to_owned() + "\n",
        output: false,
    };
    match name {
        console::FILE => vec![part("console", console::shown(text))],
        stream::FILE => vec![part("json", stream::shown(text))],
        exchange::FILE => {
            let pieces = exchange::shown(text).into_iter();
            pieces.map(|(note, text, output)| Part { note, output, ..part("http", text) }).collect()
        }
        _ => {
            let language = match name.rsplit_once('.').map(|(_, ending)| ending) {
                Some("py") => "python",
                Some("js" | "mjs") => "javascript",
                Some("rs") => "rust",
                Some("toml") => "toml",
                Some("json") => "json",
                Some("sh") => "bash",
                _ => "text",
            };
            vec![part(language, text.to_owned())]
        }
    }
}

/// Reads all examples.
///
/// # Errors
/// A file cannot be read or is no manifest.
pub fn read_all() -> Result<Vec<Example>, FileError> {
    let mut examples: Vec<Example> = Vec::new();
    let folder = root().join(FOLDER);
    if !folder.is_dir() {
        return Ok(examples);
    }
    for path in crate::files(&folder, MANIFEST)? {
        let place = path.parent().unwrap_or(&folder);
        let manifest = toml::from_str(&read(&path)?)
            .map_err(|why| FileError::Malformed { file: name_of(&path), why: why.to_string().trim_end().to_owned() })?;
        let mut files = Vec::new();
        for file in crate::files(place, "")?.into_iter().filter(|file| !file.ends_with(MANIFEST)) {
            files.push((file.strip_prefix(place).unwrap_or(&file).display().to_string(), read(&file)?));
        }
        let id = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        examples.push(Example { id, manifest, files });
    }
    Ok(examples)
}
