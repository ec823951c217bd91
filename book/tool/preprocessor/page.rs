//! One page: what each of its directives becomes, what is wrong with it, and how it links to others.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use mdbook_preprocessor::book::Book;

use super::{
    directives::{self, Found},
    html::{count, escape},
    scenarios,
    sources::Sources,
};
use crate::ledger::{self, Claim};

/// The page of all claims, where badges lead.
pub const LEDGER: &str = "evidence/claims.md";
/// The page of all questions.
pub const QUESTIONS: &str = "evidence/questions.md";

/// Where claims and examples are shown.
pub struct Uses {
    /// By the claim's id.
    pub claims: BTreeMap<String, Vec<Place>>,
    /// By the example's id: where all of it is shown first.
    pub examples: BTreeMap<String, Place>,
}

/// A page, as others link to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    pub name: String,
    pub path: String,
}

impl Uses {
    pub fn of(book: &Book) -> Self {
        let mut uses = Self { claims: BTreeMap::new(), examples: BTreeMap::new() };
        for chapter in book.chapters() {
            let Some(path) = &chapter.path else { continue };
            let place = Place { name: chapter.name.clone(), path: path.to_string_lossy().into_owned() };
            for (_, found) in directives::find(&chapter.content) {
                match found {
                    Found::Directive { name: "claim", arguments, .. } => {
                        let places = uses.claims.entry(arguments.to_owned()).or_default();
                        if !places.contains(&place) {
                            places.push(place.clone());
                        }
                    }
                    Found::Directive { name: "example", arguments, .. } if !arguments.contains(' ') => {
                        uses.examples.entry(arguments.to_owned()).or_insert_with(|| place.clone());
                    }
                    _ => {}
                }
            }
        }
        uses
    }
}

/// A page while it is written.
pub struct Page<'a> {
    path: &'a Path,
    pub(super) sources: &'a Sources,
    pub(super) uses: &'a Uses,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// The claims that it shows though they are not proven as they stand, and why: a sentence each.
    pub stale: BTreeMap<String, Vec<String>>,
}

/// What is wrong with a directive.
pub struct Fault {
    /// Where, in the page's file; none if it is in a file that the page includes.
    pub line: Option<usize>,
    pub why: String,
}

impl<'a> Page<'a> {
    pub fn new(path: &'a Path, sources: &'a Sources, uses: &'a Uses) -> Self {
        Self { path, sources, uses, faults: Vec::new(), stale: BTreeMap::new() }
    }

    /// The page with all directives replaced. `written` is the page's file, before includes and escapes.
    pub fn expanded(&mut self, text: &str, written: &str) -> String {
        let (mut expanded, mut at) = (String::new(), 0);
        for (range, found) in directives::find(text) {
            expanded.push_str(&text[at..range.start]);
            at = range.end;
            let directive = &text[range];
            match self.replacement(&found, directive, written) {
                Ok(replacement) => expanded.push_str(&replacement),
                Err(why) => {
                    let line = written.lines().position(|line| line.contains(directive)).map(|line| line + 1);
                    self.faults.push(Fault { line, why: format!("{directive}: {why}") });
                }
            }
        }
        self.banner() + &expanded + &text[at..]
    }

    fn replacement(&mut self, found: &Found<'_>, directive: &str, written: &str) -> Result<String, String> {
        match found {
            Found::Gherkin(text) => Ok(scenarios::block(text)),
            Found::InCode if written.contains(&format!("\\{directive}")) => Ok(directive.to_owned()),
            Found::InCode => Err(format!("nothing was put in its place; to show it as it is, write \\{directive}")),
            Found::Unclosed => Err("close it with }} in the same line".to_owned()),
            Found::Directive { name: "claim", arguments, in_table, .. } => {
                let claim = self.known(arguments)?;
                let sentence = self.claim(claim);
                Ok(if *in_table { sentence.replace('|', "\\|") } else { sentence })
            }
            Found::Directive { name, arguments, alone, .. } => {
                let block = self.block(name, arguments)?;
                // HTML goes on to the next empty line.
                if *alone { Ok(block + "\n") } else { Err("it needs a line of its own".to_owned()) }
            }
        }
    }

    fn block(&mut self, name: &str, arguments: &str) -> Result<String, String> {
        match name {
            "scenarios" => {
                let claim = self.known(arguments)?;
                if self.sources.proofs(claim).next().is_none() {
                    return Err(format!("no scenario names {}", claim.reference()));
                }
                Ok(self.scenarios(claim))
            }
            "scenario" => {
                let scenario = self.sources.scenario(arguments);
                let why = "there is no such scenario; write FILE: NAME, for example \
                           features/api/edits.feature: The same key twice";
                Ok(self.scenario(scenario.ok_or(why)?))
            }
            "example" => {
                let (id, only) = match arguments.split_once(" show=") {
                    Some((id, file)) => (id, Some(file)),
                    None => (arguments, None),
                };
                let example = self.sources.examples.iter().find(|example| example.id == id);
                let folder = crate::examples::FOLDER;
                let example = example.ok_or_else(|| {
                    let ids: Vec<&str> = self.sources.examples.iter().map(|example| example.id.as_str()).collect();
                    format!("there is no example {id} in {folder}; there are {}", ids.join(", "))
                })?;
                self.example(example, only)
            }
            "ledger" => Ok(self.ledger()),
            "questions" => Ok(self.questions()),
            "planned" => Ok(self.planned()),
            "include" | "rustdoc_include" | "playground" => Err("there is no such file or anchor".to_owned()),
            _ => Err("there is no such directive".to_owned()),
        }
    }

    fn known(&self, id: &str) -> Result<&'a Claim, String> {
        let claim = self.sources.ledger.get(id);
        claim.ok_or_else(|| format!("there is no claim {id}; write it in {}, or name another", ledger::FOLDER))
    }

    /// Says above a page what in it is not proven.
    fn banner(&self) -> String {
        if self.stale.is_empty() {
            return String::new();
        }
        let link = |id: &String| format!(r#"<a href="{}">{id}</a>"#, self.href(LEDGER, id));
        let links: Vec<String> = self.stale.keys().map(link).collect();
        format!(
            "<details class=\"banner stale\"><summary>STALE: this page has {} whose proof is out of date</summary>\
             <p>{}</p></details>\n\n",
            count(links.len(), "statement"),
            links.join(" "),
        )
    }

    /// A link from this page to another one, with an anchor or without.
    pub fn href(&self, page: &str, anchor: &str) -> String {
        let hash = if anchor.is_empty() { "" } else { "#" };
        format!("{}{}{hash}{}", self.to_root(), escape(page), escape(anchor))
    }

    /// Markdown whose links are written as from `book/src`, for this page.
    pub fn relinked(&self, text: &str) -> String {
        let root = self.to_root();
        let mut pieces = text.split("](");
        let mut moved = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let target = piece.split(')').next().unwrap_or_default();
            let elsewhere = target.contains("://") || target.starts_with('#');
            moved += "](";
            moved += if elsewhere { "" } else { &root };
            moved += piece;
        }
        moved
    }

    fn to_root(&self) -> String {
        let folder = self.path.parent().map(PathBuf::from).unwrap_or_default();
        "../".repeat(folder.components().count())
    }
}
