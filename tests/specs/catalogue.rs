//! The scenarios that there are, and which of them are wanted: those in `features/` and in the pages of the
//! book, and one for each executed example.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use book::{
    examples::{self, Example},
    features,
};
use cucumber::{
    cli,
    feature::Ext as _,
    gherkin::{Feature, GherkinEnv, Scenario},
    parser,
};
use futures_util::stream;
use libtest_mimic::Arguments;

/// All features, outlines expanded, and what is known of their scenarios.
pub struct Catalogue {
    features: Vec<Feature>,
    entries: BTreeMap<String, Entry>,
    /// Those that measure, and ask for a machine that does nothing else: they run when `--ignored` asks for them.
    measured: BTreeSet<String>,
}

/// The tag of scenarios that measure.
const MEASURED: &str = "measured";

/// What is known of a scenario beside what it does.
#[derive(Clone, Debug)]
pub struct Entry {
    /// By what the book knows it.
    pub proof: String,
    /// Of its source.
    pub fingerprint: String,
    /// The claims that it names, such as `C33+1`.
    pub claims: Vec<String>,
}

impl Catalogue {
    /// Reads features, pages and examples.
    ///
    /// # Errors
    /// Something cannot be read, or two scenarios have one name; the text says which and where.
    pub fn read() -> Result<Self, String> {
        let mut catalogue = Self { features: Vec::new(), entries: BTreeMap::new(), measured: BTreeSet::new() };
        for feature in features::read_all().map_err(|why| why.to_string())? {
            catalogue.add(feature)?;
        }
        for example in examples::read_all().map_err(|why| why.to_string())? {
            catalogue.add_example(&example)?;
        }
        Ok(catalogue)
    }

    fn add(&mut self, feature: Feature) -> Result<(), String> {
        // An expanded scenario keeps the span of the outline that it comes from.
        let written = features::scenarios_of(&feature).map_err(|why| why.to_string())?;
        let spans = scenarios(&feature).map(|scenario| scenario.span.start);
        let entries: BTreeMap<usize, Entry> = spans.zip(written.iter().map(entry)).collect();
        let feature = feature.expand_examples().map_err(|why| why.to_string())?;
        for scenario in scenarios(&feature) {
            let entry = entries.get(&scenario.span.start).cloned();
            let name = name(&feature, scenario);
            if scenario.tags.iter().any(|tag| tag == MEASURED) {
                self.measured.insert(name.clone());
            }
            self.enter(name, entry.ok_or("a scenario comes from nowhere")?)?;
        }
        self.features.push(feature);
        Ok(())
    }

    fn add_example(&mut self, example: &Example) -> Result<(), String> {
        let text = format!("Feature: Examples\nScenario: {0}\nWhen the example \"{0}\" is executed\n", example.id);
        let mut feature = Feature::parse(text, GherkinEnv::default()).map_err(|why| why.to_string())?;
        feature.path = Some(book::root().join(example.proof()));
        let claims = example.claims().filter_map(|claim| Some(claim.ok()?.to_string())).collect();
        let entry = Entry { proof: example.proof(), fingerprint: example.fingerprint(), claims };
        for scenario in scenarios(&feature) {
            self.enter(name(&feature, scenario), entry.clone())?;
        }
        self.features.push(feature);
        Ok(())
    }

    fn enter(&mut self, name: String, entry: Entry) -> Result<(), String> {
        match self.entries.insert(name.clone(), entry) {
            None => Ok(()),
            Some(_) => Err(format!("two scenarios are called {name:?}; an outline's name must tell its rows apart")),
        }
    }

    /// How many scenarios there are, but those that measure.
    pub fn len(&self) -> usize {
        self.entries.len() - self.measured.len()
    }

    /// The scenarios that these options select, as libtest understands them.
    pub fn wanted(&self, arguments: &Arguments) -> BTreeMap<String, Entry> {
        if arguments.bench {
            return BTreeMap::new();
        }
        let asked_for = |name: &String| arguments.include_ignored || self.measured.contains(name) == arguments.ignored;
        let fits = |name: &str, filter: &str| if arguments.exact { name == filter } else { name.contains(filter) };
        let selected = |name: &String| arguments.filter.as_ref().is_none_or(|filter| fits(name, filter));
        let skipped = |name: &String| arguments.skip.iter().any(|filter| fits(name, filter));
        let all = self.entries.iter().filter(|(name, _)| asked_for(name) && selected(name) && !skipped(name));
        all.map(|(name, entry)| (name.clone(), entry.clone())).collect()
    }
}

fn entry(scenario: &features::Scenario) -> Entry {
    let claims: BTreeSet<String> =
        scenario.claims.iter().filter_map(|claim| Some(claim.as_ref().ok()?.to_string())).collect();
    Entry { proof: scenario.proof(), fingerprint: scenario.fingerprint(), claims: claims.into_iter().collect() }
}

/// A scenario's name as a test: `user/editing_together::Two people edit one Thing at once`.
pub fn name(feature: &Feature, scenario: &Scenario) -> String {
    let path = feature.path.as_deref().unwrap_or(Path::new(""));
    let place = path.strip_prefix(book::root()).unwrap_or(path).with_extension("");
    let place = place.strip_prefix(features::FOLDER).unwrap_or(&place);
    match place.strip_prefix(examples::FOLDER) {
        Ok(_) => format!("examples::{}", scenario.name),
        Err(_) => format!("{}::{}", place.display(), scenario.name),
    }
}

fn scenarios(feature: &Feature) -> impl Iterator<Item = &Scenario> {
    feature.scenarios.iter().chain(feature.rules.iter().flat_map(|rule| &rule.scenarios))
}

impl cucumber::Parser<()> for Catalogue {
    type Cli = cli::Empty;
    type Output = stream::Iter<std::vec::IntoIter<parser::Result<Feature>>>;

    fn parse(self, (): (), _: cli::Empty) -> Self::Output {
        stream::iter(self.features.into_iter().map(Ok).collect::<Vec<_>>())
    }
}
