//! What is printed: libtest's lines, and of a failure the claim, the step, what everyone saw and the server's
//! log. And what is left behind in `target/evidence`: a line of JSON for each scenario, and JUnit's XML.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use book::{
    evidence::{self, Row},
    ledger::{Ledger, Reference},
};
use cucumber::{
    Event, Writer, cli,
    event::{self, Cucumber, Hook, Source, StepError},
    gherkin::{Feature, Scenario, Step},
    parser, writer,
};
use libtest_mimic::Arguments;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use widgetapp::clock;

use crate::{
    catalogue::{self, Entry},
    scene::Scene,
};

/// JUnit's XML, in the folder of the evidence.
const JUNIT: &str = "specs.xml";

/// What a step panics with that cannot be done on this machine, and why: the scenario is skipped, in sight.
pub struct NotHere(pub String);

/// What has become of the scenarios so far.
pub struct Report {
    ledger: Ledger,
    /// Those of which nothing has been heard.
    awaited: BTreeMap<String, Entry>,
    running: BTreeMap<String, Progress>,
    /// Those that have ended.
    rows: BTreeMap<String, Row>,
    /// What went wrong beside them.
    faults: Vec<String>,
    filtered_out: usize,
    /// Only one scenario was asked for, as test runners do that start each by itself.
    exact: bool,
    verbose: bool,
    terse: bool,
    since: Instant,
}

struct Progress {
    since: Instant,
    steps: Vec<String>,
    failure: Option<String>,
    skipped: Option<String>,
}

impl Report {
    /// Awaits these scenarios.
    pub fn new(wanted: BTreeMap<String, Entry>, filtered_out: usize, ledger: Ledger, arguments: &Arguments) -> Self {
        let count = wanted.len();
        println!("\nrunning {count} test{}", if count == 1 { "" } else { "s" });
        Self {
            ledger,
            awaited: wanted,
            running: BTreeMap::new(),
            rows: BTreeMap::new(),
            faults: Vec::new(),
            filtered_out,
            exact: arguments.exact,
            verbose: arguments.nocapture,
            terse: arguments.quiet,
            since: clock::now(),
        }
    }

    /// Prints the end and leaves the evidence; whether all is well.
    pub fn conclude(mut self) -> bool {
        for (name, entry) in std::mem::take(&mut self.awaited) {
            let progress = Progress { failure: Some("it was not run".into()), ..Progress::new() };
            let row = self.row(&name, entry, progress);
            self.rows.insert(name, row);
        }
        let whole = self.filtered_out == 0;
        if whole {
            self.faults.extend(self.claims_without_proof());
        }
        let rows: Vec<Row> = self.rows.values().cloned().collect();
        if let Err(why) = evidence::record(&rows, whole).and_then(|()| self.leave_junit()) {
            self.faults.push(format!("the evidence cannot be written: {why}"));
        }
        let failures = self.rows.values().filter_map(|row| Some((&row.test, row.failure.as_ref()?)));
        let failures: Vec<_> = failures.collect();
        if !failures.is_empty() || !self.faults.is_empty() {
            println!("\nfailures:\n");
            failures.iter().for_each(|(name, why)| println!("---- {name} ----\n{why}\n"));
            self.faults.iter().for_each(|fault| println!("{fault}\n"));
            println!("failures:");
            failures.iter().for_each(|(name, _)| println!("    {name}"));
        }
        let well = failures.is_empty() && self.faults.is_empty();
        let skipped = self.rows.values().filter(|row| row.skipped.is_some()).count();
        println!(
            "\ntest result: {}. {} passed; {} failed; {skipped} ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
            if well { "ok" } else { "FAILED" },
            self.rows.len() - failures.len() - skipped,
            failures.len(),
            self.filtered_out,
            clock::now().duration_since(self.since).as_secs_f64(),
        );
        well
    }

    /// A claim that must be proven, and that nothing in this run has proven.
    fn claims_without_proof(&self) -> Vec<String> {
        // What is skipped on this machine is proven on another.
        let held = self.rows.values().filter(|row| row.failure.is_none());
        let proven: BTreeSet<&str> = held.flat_map(|row| row.claims.iter().map(String::as_str)).collect();
        let unproven = self
            .ledger
            .iter()
            .filter(|claim| claim.needs_proof() && !proven.contains(claim.reference().to_string().as_str()));
        unproven
            .map(|claim| format!("claim {} has no scenario that has passed: {}", claim.reference(), claim.text))
            .collect()
    }

    fn leave_junit(&self) -> std::io::Result<()> {
        let Some(folder) = evidence::folder().filter(|_| !self.exact) else { return Ok(()) };
        let mut suite = TestSuite::new("specs");
        suite.add_test_cases(self.rows.values().map(|row| {
            let status = match (&row.failure, &row.skipped) {
                (Some(why), _) => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(why.lines().next().unwrap_or_default()).set_description(why);
                    status
                }
                (None, Some(why)) => {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message(why);
                    status
                }
                (None, None) => TestCaseStatus::success(),
            };
            let mut case = TestCase::new(&row.test, status);
            case.set_classname(&row.proof).set_time(Duration::from_secs_f64(row.seconds));
            case
        }));
        let mut junit = quick_junit::Report::new("WidgetApp");
        junit.add_test_suite(suite);
        std::fs::write(folder.join(JUNIT), junit.to_string().map_err(std::io::Error::other)?)
    }

    fn scenario(&mut self, feature: &Feature, scenario: &Scenario, event: event::Scenario<Scene>) {
        let name = catalogue::name(feature, scenario);
        let path = feature.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let progress = self.running.entry(name.clone()).or_insert_with(Progress::new);
        match event {
            event::Scenario::Background(step, event) | event::Scenario::Step(step, event) => {
                match &event {
                    event::Step::Passed(..) if self.verbose => {
                        println!("{path}:{}: {}{}", line(&step), step.keyword, step.value)
                    }
                    _ => {}
                }
                progress.take(&path, &step, event);
            }
            event::Scenario::Hook(_, Hook::Failed(_, why)) => {
                progress.failure.get_or_insert_with(|| format!("{path}: {}", text_of(&*why)));
            }
            event::Scenario::Finished => self.finished(name, &path),
            event::Scenario::Started | event::Scenario::Hook(..) | event::Scenario::Log(_) => {}
        }
    }

    fn finished(&mut self, name: String, path: &str) {
        let mut progress = self.running.remove(&name).unwrap_or_else(Progress::new);
        if progress.steps.is_empty() && progress.skipped.is_none() && progress.failure.is_none() {
            progress.failure = Some(format!("{path}: the scenario has no steps"));
        }
        let Some(entry) = self.awaited.remove(&name) else { return };
        let row = self.row(&name, entry, progress);
        match (self.terse, &row.failure, &row.skipped) {
            (true, None, None) => print!("."),
            (true, Some(_), _) => print!("F"),
            (false, None, None) => println!("test {name} ... ok"),
            (false, Some(_), _) => println!("test {name} ... FAILED"),
            (_, None, Some(why)) => println!("test {name} ... ignored, {why}"),
        }
        self.rows.insert(name, row);
    }

    fn row(&self, name: &str, entry: Entry, progress: Progress) -> Row {
        let unproven = |why: String| {
            let claims = entry.claims.iter().filter_map(|claim| claim.parse::<Reference>().ok());
            let sentences = claims.map(|claim| match self.ledger.find(&claim) {
                Ok(found) => format!("claim {claim} ({}): {}\n", found.guide.title(), found.text),
                Err(why) => format!("{why}\n"),
            });
            sentences.collect::<String>() + &why
        };
        Row {
            proof: entry.proof.clone(),
            test: name.to_owned(),
            fingerprint: entry.fingerprint.clone(),
            claims: entry.claims.clone(),
            steps: progress.steps,
            failure: progress.failure.map(unproven),
            skipped: progress.skipped,
            seconds: clock::now().duration_since(progress.since).as_secs_f64(),
            at: clock::unix_seconds(),
        }
    }
}

impl Progress {
    fn new() -> Self {
        Self { since: clock::now(), steps: Vec::new(), failure: None, skipped: None }
    }

    fn take(&mut self, path: &str, step: &Source<Step>, event: event::Step<Scene>) {
        let at = format!("{path}:{}: {}{}", line(step), step.keyword, step.value);
        match event {
            event::Step::Started => {}
            event::Step::Passed(..) => self.steps.push(format!("{}{}", step.keyword, step.value)),
            event::Step::Skipped => self.failure = Some(format!("{at}\n  no step means this sentence")),
            event::Step::Failed(_, _, scene, error) => {
                let why = match &error {
                    StepError::Panic(why) => match why.downcast_ref::<NotHere>() {
                        Some(NotHere(why)) => return self.skipped = Some(why.clone()),
                        None => text_of(&**why),
                    },
                    StepError::NotFound | StepError::AmbiguousMatch(_) => error.to_string(),
                };
                let seen = scene.map(|scene| scene.account()).unwrap_or_default();
                self.failure = Some(format!("{at}\n  {why}\n{seen}"));
            }
        }
    }
}

fn line(step: &Source<Step>) -> usize {
    step.position.line
}

/// What a panic says.
fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_else(|| "it panicked".into())
}

impl Writer<Scene> for Report {
    type Cli = cli::Empty;

    async fn handle_event(&mut self, event: parser::Result<Event<Cucumber<Scene>>>, _: &cli::Empty) {
        match event.map(Event::into_inner) {
            Ok(Cucumber::Feature(feature, event::Feature::Scenario(scenario, event))) => {
                self.scenario(&feature, &scenario, event.event);
            }
            Ok(Cucumber::Feature(feature, event::Feature::Rule(_, event::Rule::Scenario(scenario, event)))) => {
                self.scenario(&feature, &scenario, event.event);
            }
            Ok(_) => {}
            Err(error) => self.faults.push(error.to_string()),
        }
    }
}

// Scenarios are told apart by their names, so their order does not matter here.
impl writer::Normalized for Report {}
