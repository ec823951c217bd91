//! The scenarios: in `features/`, and in the ` ```gherkin ` blocks of the pages. Knows not what they mean.

use std::path::Path;

use gherkin::{Feature, GherkinEnv, Rule};

use crate::{FileError, files, fingerprint, ledger::Reference, name_of, read, root};

/// Where the features are, in the project's folder.
pub const FOLDER: &str = "features";
/// Where the pages are.
pub const PAGES: &str = "book/src";
/// What begins a tag that names a claim.
const CLAIM: &str = "claim:";
/// The tag of scenarios that ask for an idle machine.
const MEASURED: &str = "measured";

/// One scenario as it is written: an outline counts once.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file, from the project's folder on.
    pub file: String,
    /// Where it begins there.
    pub line: usize,
    /// Its feature.
    pub feature: String,
    /// Its rule.
    pub rule: Option<String>,
    /// Its name.
    pub name: String,
    /// What it proves, or text that was meant to be a reference and is none.
    pub claims: Vec<Result<Reference, String>>,
    /// Its source, as it is written, without the tags.
    pub text: String,
    /// The steps that come before those of every scenario of the feature and the rule; empty without any.
    pub background: String,
    /// It only measures, and runs when it is asked for.
    pub measures: bool,
}

impl Scenario {
    /// By what it is known: `features/api/edits.feature: The same key twice`.
    pub fn proof(&self) -> String {
        format!("{}: {}", self.file, self.name)
    }

    /// Changes when what it does changes.
    pub fn fingerprint(&self) -> String {
        fingerprint(&format!("{}\n{}", self.background, self.text))
    }
}

/// Reads all features; their paths are those of the files, lines are right in pages too.
///
/// # Errors
/// One cannot be read or understood.
pub fn read_all() -> Result<Vec<Feature>, FileError> {
    let mut features = Vec::new();
    for path in files(&root().join(FOLDER), ".feature")? {
        features.push(parse(&read(&path)?, &path)?);
    }
    for path in files(&root().join(PAGES), ".md")? {
        for block in blocks(&read(&path)?) {
            features.push(parse(&block, &path)?);
        }
    }
    Ok(features)
}

/// Reads all scenarios that are part of a test run, and so prove something.
///
/// # Errors
/// As [`read_all`].
pub fn scenarios() -> Result<Vec<Scenario>, FileError> {
    let found = read_all()?.iter().map(scenarios_of).collect::<Result<Vec<_>, _>>()?.concat();
    Ok(found.into_iter().filter(|scenario| !scenario.measures).collect())
}

/// The scenarios of one feature.
///
/// # Errors
/// Its file cannot be read.
pub fn scenarios_of(feature: &Feature) -> Result<Vec<Scenario>, FileError> {
    let path = feature.path.as_deref().unwrap_or(Path::new(""));
    let source = read(path)?;
    let lines: Vec<&str> = source.lines().collect();
    let background = |rule: Option<&Rule>| {
        let backgrounds = feature.background.iter().chain(rule.and_then(|rule| rule.background.as_ref()));
        backgrounds.map(|it| block_at(&lines, it.position.line)).collect::<Vec<_>>().join("\n")
    };
    let one = |rule: Option<&Rule>, scenario: &gherkin::Scenario| {
        let tags = feature.tags.iter().chain(rule.into_iter().flat_map(|rule| &rule.tags)).chain(&scenario.tags);
        Scenario {
            file: name_of(path),
            line: scenario.position.line,
            feature: feature.name.clone(),
            rule: rule.map(|rule| rule.name.clone()),
            name: scenario.name.clone(),
            claims: tags.filter_map(|tag| tag.strip_prefix(CLAIM)).map(str::parse).collect(),
            text: block_at(&lines, scenario.position.line),
            background: background(rule),
            measures: scenario.tags.iter().any(|tag| tag == MEASURED),
        }
    };
    let direct = feature.scenarios.iter().map(|scenario| one(None, scenario));
    let ruled = feature.rules.iter().flat_map(|rule| rule.scenarios.iter().map(move |scenario| (rule, scenario)));
    Ok(direct.chain(ruled.map(|(rule, scenario)| one(Some(rule), scenario))).collect())
}

/// The lines from this one (counted from 1) to the next that stands as far left, without tags.
fn block_at(lines: &[&str], line: usize) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let Some(first) = line.checked_sub(1).and_then(|at| lines.get(at)) else { return String::new() };
    let own = indent(first);
    let rest = lines[line..].iter().take_while(|line| line.trim().is_empty() || indent(line) > own);
    let block: Vec<&str> = std::iter::once(first).chain(rest).map(|line| line.get(own..).unwrap_or("")).collect();
    block.join("\n").trim_end().to_owned()
}

fn parse(text: &str, path: &Path) -> Result<Feature, FileError> {
    let mut feature = Feature::parse(text, GherkinEnv::default())
        .map_err(|why| FileError::Malformed { file: name_of(path), why: why.to_string() })?;
    feature.path = Some(path.to_owned());
    Ok(feature)
}

/// The ` ```gherkin ` blocks of a page, each behind as many empty lines as there are lines before it.
fn blocks(page: &str) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), None::<String>);
    for (number, line) in page.lines().enumerate() {
        match &mut open {
            None if line.trim() == "```gherkin" => open = Some("\n".repeat(number + 1)),
            Some(_) if line.trim() == "```" => found.extend(open.take()),
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
            None => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# Page

```gherkin
Feature: Tea
  @claim:tea+1
  Rule: It is hot
    Background:
      Given a kettle

    @claim:C01+2 @slow
    Scenario Outline: <kind>
      When Ada makes <kind> tea

      Examples:
        | kind  |
        | green |

    Scenario: Cold
      When Ada waits
```
";

    fn page(text: &str) -> Vec<Scenario> {
        let file = tempfile::Builder::new().suffix(".md").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        blocks(text).iter().flat_map(|block| scenarios_of(&parse(block, file.path()).unwrap()).unwrap()).collect()
    }

    #[test]
    fn a_block_in_a_page_keeps_the_lines_of_the_page() {
        let found = page(PAGE);
        assert_eq!(
            found.iter().map(|it| (it.line, it.name.as_str())).collect::<Vec<_>>(),
            [(11, "<kind>"), (18, "Cold")]
        );
    }

    #[test]
    fn a_scenario_proves_the_claims_of_its_rule_too() {
        let claims = |it: &Scenario| it.claims.iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
        let found = page(PAGE);
        assert_eq!(claims(&found[0]), ["tea+1", "C01+2"]);
        assert_eq!(claims(&found[1]), ["tea+1"]);
    }

    #[test]
    fn the_text_of_a_scenario_is_all_that_it_does() {
        let found = page(PAGE);
        assert!(found[0].text.starts_with("Scenario Outline: <kind>\n  When Ada makes"), "{}", found[0].text);
        assert!(found[0].text.ends_with("| green |"), "{}", found[0].text);
        assert_ne!(found[0].fingerprint(), page(&PAGE.replace("green", "black"))[0].fingerprint());
        assert_ne!(found[0].fingerprint(), page(&PAGE.replace("a kettle", "a pot"))[0].fingerprint());
        assert_eq!(found[0].fingerprint(), page(&PAGE.replace("# Page", "# Page\n\nmore"))[0].fingerprint());
    }
}
