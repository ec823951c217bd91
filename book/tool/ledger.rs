//! The ledger: every claim of the guides, once. Knows nothing of proofs.

use std::{collections::BTreeMap, fmt, path::Path, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Unreadable, files, name_of, read, root};

/// Where the ledger is, in the project's folder.
pub const FOLDER: &str = "book/claims";

/// All claims by id.
#[derive(Clone, Debug, Default)]
pub struct Ledger(BTreeMap<String, Claim>);

/// One sentence that the guides state as a fact.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// `C01` to `C52` are those of the first drafts; the guides' own have a short name.
    pub id: String,
    /// Rises when the sentence changes its meaning. Links to an older one are stale.
    pub revision: u32,
    /// The guide that makes it; it stands in the file of that name.
    pub guide: Guide,
    /// How binding it is.
    pub level: Level,
    /// The sentence, its only copy: Markdown inside one paragraph.
    pub text: String,
    /// Document and section of the drafts that it comes from; empty for what the guides add.
    #[serde(default)]
    pub source: Vec<String>,
    /// Whether it holds.
    pub state: State,
    /// What the drafts left open, or where they contradict one another.
    pub question: Option<String>,
    /// What the product does about it.
    pub decision: Option<String>,
    /// Why there is no proof.
    pub reason: Option<String>,
}

/// A guide, by the part of the book that it is.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Guide {
    /// The User guide.
    User,
    /// The Administrator guide.
    Admin,
    /// The API guide.
    Api,
    /// Inside WidgetApp.
    Inside,
}

impl Guide {
    /// All, in the order of the book.
    pub const ALL: [Self; 4] = [Self::User, Self::Admin, Self::Api, Self::Inside];

    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::User => "User guide",
            Self::Admin => "Administrator guide",
            Self::Api => "API guide",
            Self::Inside => "Inside WidgetApp",
        }
    }

    /// Its file in the ledger and its folder of pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
            Self::Api => "api",
            Self::Inside => "inside",
        }
    }
}

/// How binding a claim is.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The product does this, always.
    Must,
    /// Or it has a good reason.
    Should,
    /// It is allowed.
    May,
    /// It explains.
    Info,
}

/// Whether a claim holds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It holds, and is proven.
    Active,
    /// The drafts contradict one another; this is how the product does it, and it is proven.
    Decided,
    /// The drafts asked; this is the answer.
    Answered,
    /// It is to come.
    Planned,
    /// It says nothing that could be tried.
    Unprovable,
}

impl State {
    /// In a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Decided => "decided",
            Self::Answered => "answered",
            Self::Planned => "planned",
            Self::Unprovable => "not provable",
        }
    }
}

impl Claim {
    /// Its id and revision, by which links name it.
    pub fn reference(&self) -> Reference {
        Reference { id: self.id.clone(), revision: self.revision }
    }

    /// Whether it holds only with a proof.
    pub fn needs_proof(&self) -> bool {
        match self.state {
            State::Active | State::Decided => true,
            State::Answered => self.reason.is_none(),
            State::Planned | State::Unprovable => false,
        }
    }

    /// What is wrong with the entry itself.
    fn faults(&self, file: &str) -> Vec<String> {
        let seed = self.id.len() == 3 && self.id.starts_with('C') && self.id[1..].bytes().all(|b| b.is_ascii_digit());
        let slug = self.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let questioned = matches!(self.state, State::Decided | State::Answered);
        let reasoned = matches!(self.state, State::Planned | State::Unprovable);
        let sends_on = self.decision.as_ref().is_some_and(|decision| decision.contains("]("));
        let faults = [
            (!seed && (!slug || self.id.is_empty()), "an id is C01 to C99, or small letters, digits and hyphens"),
            (self.revision == 0, "revisions begin at 1"),
            (self.text.trim().is_empty() || self.text.contains('\n'), "the text is one line, and not empty"),
            (!file.ends_with(&format!("/{}.toml", self.guide.name())), "it stands in the file of another guide"),
            (questioned && (self.question.is_none() || self.decision.is_none()), "it needs `question` and `decision`"),
            (
                questioned && !self.source.is_empty() && !sends_on,
                "what the drafts ask is answered with a link to a page",
            ),
            (!questioned && (self.question.is_some() || self.decision.is_some()), "nothing was asked about it"),
            (reasoned && self.reason.is_none(), "it needs a `reason`"),
            (matches!(self.state, State::Active | State::Decided) && self.reason.is_some(), "it needs no `reason`"),
        ];
        let found = faults.into_iter().filter(|(wrong, _)| *wrong);
        found.map(|(_, why)| format!("{file}: claim {}: {why}", self.id)).collect()
    }
}

impl Ledger {
    /// Reads the project's ledger.
    ///
    /// # Errors
    /// A file cannot be read or is no ledger, or entries are wrong: all that are, line by line.
    pub fn read() -> Result<Self, Error> {
        Self::read_in(&root().join(FOLDER))
    }

    fn read_in(folder: &Path) -> Result<Self, Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            claim: Vec<Claim>,
        }
        let (mut claims, mut faults) = (BTreeMap::new(), Vec::new());
        for path in files(folder, ".toml")? {
            let file = name_of(&path);
            let entries: File = toml::from_str(&read(&path)?)
                .map_err(|why| Error::Faults(vec![format!("{file}: {}", why.to_string().trim_end())]))?;
            for claim in entries.claim {
                faults.extend(claim.faults(&file));
                let id = claim.id.clone();
                if claims.insert(id.clone(), claim).is_some() {
                    faults.push(format!("{file}: claim {id} is there twice"));
                }
            }
        }
        if faults.is_empty() { Ok(Self(claims)) } else { Err(Error::Faults(faults)) }
    }

    /// The claim of this id.
    pub fn get(&self, id: &str) -> Option<&Claim> {
        self.0.get(id)
    }

    /// The claim that a link names, in the revision that it names.
    ///
    /// # Errors
    /// There is none, or it has changed since; says so in a sentence.
    pub fn find(&self, reference: &Reference) -> Result<&Claim, String> {
        match self.get(&reference.id) {
            None => Err(format!("there is no claim {} in {FOLDER}", reference.id)),
            Some(claim) if claim.revision != reference.revision => Err(format!(
                "claim {} is now at revision {}; check that it still holds for \"{}\", then write {}",
                reference.id,
                claim.revision,
                claim.text,
                claim.reference()
            )),
            Some(claim) => Ok(claim),
        }
    }

    /// All claims by id.
    pub fn iter(&self) -> impl Iterator<Item = &Claim> {
        self.0.values()
    }
}

impl FromIterator<Claim> for Ledger {
    fn from_iter<T: IntoIterator<Item = Claim>>(claims: T) -> Self {
        Self(claims.into_iter().map(|claim| (claim.id.clone(), claim)).collect())
    }
}

/// A claim in one revision, written `C33+1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The claim's.
    pub id: String,
    /// The claim's when the link was made.
    pub revision: u32,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.id, self.revision)
    }
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('+').and_then(|(id, revision)| Some((id, revision.parse().ok()?)));
        let (id, revision) =
            parts.ok_or_else(|| format!("\"{text}\" does not name a claim; write for example C33+1"))?;
        Ok(Self { id: id.to_owned(), revision })
    }
}

/// The ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is missing.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Entries are wrong.
    #[error("{}", .0.join("\n"))]
    Faults(Vec<String>),
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [[claim]]
        id = "C33"
        revision = 2
        guide = "admin"
        level = "must"
        text = "It comes back."
        state = "active"
    "#;

    /// What is said of a ledger of one file.
    fn faults(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("admin.toml"), text).unwrap();
        Ledger::read_in(folder.path()).unwrap_err().to_string()
    }

    #[test]
    fn a_link_holds_only_in_the_revision_that_it_names() {
        let claim: Claim = toml::from_str(&GOOD.replace("[[claim]]", "")).unwrap();
        let ledger = Ledger::from_iter([claim]);
        assert!(ledger.find(&"C33+2".parse().unwrap()).is_ok());
        let stale = ledger.find(&"C33+1".parse().unwrap()).unwrap_err();
        assert_eq!(
            stale,
            "claim C33 is now at revision 2; check that it still holds for \"It comes back.\", then write C33+2"
        );
        assert_eq!(ledger.find(&"C34+1".parse().unwrap()).unwrap_err(), "there is no claim C34 in book/claims");
    }

    #[test]
    fn a_reference_is_an_id_and_a_revision() {
        for bad in ["C33", "C33+", "C33+x", ""] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_id_stands_once() {
        assert!(faults(&GOOD.repeat(2)).contains("claim C33 is there twice"));
    }

    #[test]
    fn a_state_has_what_it_needs_and_nothing_else() {
        for (from, to, why) in [
            ("\"C33\"", "\"Not An Id\"", "an id is"),
            ("revision = 2", "revision = 0", "revisions begin at 1"),
            ("It comes back.", "", "the text is one line"),
            ("guide = \"admin\"", "guide = \"api\"", "the file of another guide"),
            ("\"active\"", "\"decided\"", "it needs `question` and `decision`"),
            (
                "\"active\"",
                "\"decided\"\nsource = [\"S0\"]\nquestion = \"?\"\ndecision = \"Yes.\"",
                "with a link to a page",
            ),
            ("\"active\"", "\"planned\"", "it needs a `reason`"),
            ("\"active\"", "\"active\"\nquestion = \"?\"", "nothing was asked about it"),
            ("\"active\"", "\"active\"\nreason = \"?\"", "it needs no `reason`"),
            ("level", "levle", "unknown field `levle`"),
        ] {
            let said = faults(&GOOD.replace(from, to));
            assert!(said.contains(why), "{to}: {said}");
        }
    }
}
