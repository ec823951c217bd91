//! The scenarios in `features/`, and which of them are wanted.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use cucumber::{
    cli,
    feature::Ext as _,
    gherkin::{Feature, GherkinEnv, Scenario},
    parser,
};
use futures_util::stream;
use libtest_mimic::Arguments;

/// Where the features are.
pub const FEATURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/features");

/// All features, outlines expanded.
pub struct Catalogue(Vec<Feature>);

impl Catalogue {
    /// Reads the features.
    ///
    /// # Errors
    /// One cannot be read, or two scenarios have one name; the text says which and where.
    pub fn read() -> Result<Self, String> {
        let mut paths = Vec::new();
        find(Path::new(FEATURES), &mut paths)?;
        paths.sort();
        let features = paths.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let catalogue = Self(features);
        let mut names = BTreeSet::new();
        for name in catalogue.names() {
            if !names.insert(name.clone()) {
                return Err(format!("two scenarios are called {name:?}; an outline's name must tell its rows apart"));
            }
        }
        Ok(catalogue)
    }

    /// How many scenarios there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(|feature| feature.count_scenarios()).sum()
    }

    /// The names of the scenarios that these options select, as libtest understands them.
    pub fn wanted(&self, arguments: &Arguments) -> BTreeSet<String> {
        if arguments.ignored || arguments.bench {
            return BTreeSet::new();
        }
        let fits = |name: &str, filter: &str| if arguments.exact { name == filter } else { name.contains(filter) };
        let selected = |name: &String| arguments.filter.as_ref().is_none_or(|filter| fits(name, filter));
        let skipped = |name: &String| arguments.skip.iter().any(|filter| fits(name, filter));
        self.names().filter(|name| selected(name) && !skipped(name)).collect()
    }

    fn names(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|feature| scenarios(feature).map(move |scenario| name(feature, scenario)))
    }
}

/// A scenario's name as a test: `user/editing_together::Two people edit one Thing at once`.
pub fn name(feature: &Feature, scenario: &Scenario) -> String {
    let path = feature.path.as_deref().unwrap_or(Path::new(""));
    let place = path.strip_prefix(FEATURES).unwrap_or(path).with_extension("");
    format!("{}::{}", place.display(), scenario.name)
}

fn scenarios(feature: &Feature) -> impl Iterator<Item = &Scenario> {
    feature.scenarios.iter().chain(feature.rules.iter().flat_map(|rule| &rule.scenarios))
}

fn find(directory: &Path, into: &mut Vec<PathBuf>) -> Result<(), String> {
    let unreadable = |error| format!("cannot read {}: {error}", directory.display());
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            find(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "feature") {
            into.push(path);
        }
    }
    Ok(())
}

fn read(path: PathBuf) -> Result<Feature, String> {
    let bad = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(&path).map_err(|error| bad(&error))?;
    let mut feature = Feature::parse(text, GherkinEnv::default()).map_err(|error| bad(&error))?;
    feature.path = Some(path.clone());
    feature.expand_examples().map_err(|error| bad(&error))
}

impl cucumber::Parser<()> for Catalogue {
    type Cli = cli::Empty;
    type Output = stream::Iter<std::vec::IntoIter<parser::Result<Feature>>>;

    fn parse(self, (): (), _: cli::Empty) -> Self::Output {
        stream::iter(self.0.into_iter().map(Ok).collect::<Vec<_>>())
    }
}
