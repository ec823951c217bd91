//! What is printed: libtest's lines, and of a failure the step, what everyone saw and the server's log.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use cucumber::{
    Event, Writer, cli,
    event::{self, Cucumber, Hook, Source, StepError},
    gherkin::{Feature, Scenario, Step},
    parser, writer,
};
use libtest_mimic::Arguments;
use widgetapp::clock;

use crate::{catalogue, scene::Scene};

/// What has become of the scenarios so far.
pub struct Report {
    /// Those of which nothing has been heard; all others are in one of the next two.
    awaited: BTreeSet<String>,
    passed: usize,
    failed: BTreeMap<String, String>,
    running: BTreeMap<String, Progress>,
    filtered_out: usize,
    verbose: bool,
    terse: bool,
    since: Instant,
}

#[derive(Default)]
struct Progress {
    steps: usize,
    failure: Option<String>,
}

impl Report {
    /// Awaits these scenarios.
    pub fn new(wanted: &BTreeSet<String>, filtered_out: usize, arguments: &Arguments) -> Self {
        let count = wanted.len();
        println!("\nrunning {count} test{}", if count == 1 { "" } else { "s" });
        Self {
            awaited: wanted.clone(),
            passed: 0,
            failed: BTreeMap::new(),
            running: BTreeMap::new(),
            filtered_out,
            verbose: arguments.nocapture,
            terse: arguments.quiet,
            since: clock::now(),
        }
    }

    /// Prints the end; whether all scenarios have passed.
    pub fn conclude(mut self) -> bool {
        for name in std::mem::take(&mut self.awaited) {
            self.failed.insert(name, "it was not run".into());
        }
        if !self.failed.is_empty() {
            println!("\nfailures:\n");
            for (name, why) in &self.failed {
                println!("---- {name} ----\n{why}\n");
            }
            println!("failures:");
            self.failed.keys().for_each(|name| println!("    {name}"));
        }
        let result = if self.failed.is_empty() { "ok" } else { "FAILED" };
        println!(
            "\ntest result: {result}. {} passed; {} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
            self.passed,
            self.failed.len(),
            self.filtered_out,
            clock::now().duration_since(self.since).as_secs_f64(),
        );
        self.failed.is_empty()
    }

    fn scenario(&mut self, feature: &Feature, scenario: &Scenario, event: event::Scenario<Scene>) {
        let name = catalogue::name(feature, scenario);
        let path = feature.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let progress = self.running.entry(name.clone()).or_default();
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
        let progress = self.running.remove(&name).unwrap_or_default();
        let empty = || (progress.steps == 0).then(|| format!("{path}: the scenario has no steps"));
        let failure = progress.failure.or_else(empty);
        self.awaited.remove(&name);
        let word = if failure.is_some() { "FAILED" } else { "ok" };
        match (self.terse, &failure) {
            (true, None) => print!("."),
            (true, Some(_)) => print!("F"),
            (false, _) => println!("test {name} ... {word}"),
        }
        match failure {
            None => self.passed += 1,
            Some(why) => drop(self.failed.insert(name, why)),
        }
    }
}

impl Progress {
    fn take(&mut self, path: &str, step: &Source<Step>, event: event::Step<Scene>) {
        let at = format!("{path}:{}: {}{}", line(step), step.keyword, step.value);
        match event {
            event::Step::Started => {}
            event::Step::Passed(..) => self.steps += 1,
            event::Step::Skipped => self.failure = Some(format!("{at}\n  no step means this sentence")),
            event::Step::Failed(_, _, scene, error) => {
                let why = match &error {
                    StepError::Panic(why) => text_of(&**why),
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
            Err(error) => drop(self.failed.insert("features".into(), error.to_string())),
        }
    }
}

// Scenarios are told apart by their names, so their order does not matter here.
impl writer::Normalized for Report {}
