//! What load is asked for on the command line, and in a plan file in TOML: the same names, and the command line wins.

use std::{fs, path::PathBuf, time::Duration};

use serde::Deserialize;

use super::{Load, StepPlan, mix::Mix};
use crate::{slo::Slo, units};

/// Ramps have no more steps.
const MOST_STEPS: usize = 100;
/// Nobody waits longer for one step.
const LONGEST_STEP: Duration = Duration::from_secs(24 * 60 * 60);
/// More clients than this are not held by one generator.
const MOST_CLIENTS: u32 = 100_000;
/// Without a ramp or a number of clients.
const SHORT_RAMP: [u32; 5] = [20, 50, 100, 200, 300];
/// With a number of clients and no ramp: this share of them, then all.
const RAMP_OF: [f64; 4] = [0.1, 0.25, 0.5, 1.0];

/// What load to put on the server.
#[derive(Clone, Debug, Default, clap::Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LoadOptions {
    /// The plan file: these options without their dashes, in TOML; what stands here as well wins
    #[arg(long = "plan", value_name = "FILE")]
    #[serde(skip)]
    pub file: Option<PathBuf>,
    /// A load to begin with: `together`, `crowd` (all on one Thing, one in fifty edits), `small` (two on each Thing) or
    /// `everybody` (people, browsers, old programs, some who come and go)
    #[arg(long, value_parser = ["together", "crowd", "small", "everybody"])]
    scenario: Option<String>,
    /// Clients connected at the same time, reached in four steps unless --ramp says which
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(2..=i64::from(MOST_CLIENTS)))]
    clients: Option<u32>,
    /// Clients of each step, as `10,20,50,100`
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    ramp: Option<Vec<u32>>,
    /// For how long each step is measured, as `30s` [default: 10s]
    #[arg(long, value_name = "TIME")]
    step: Option<String>,
    /// Edits per second of each client that edits [default: 1]
    #[arg(long, value_name = "NUMBER", value_parser = units::positive)]
    edits_per_second: Option<f64>,
    /// Clients that have the same Thing open [default: 10]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(2..=i64::from(MOST_CLIENTS)))]
    per_thing: Option<u32>,
    /// Who takes part, by weight, as `editor=1,viewer=4`; there are editor, viewer, reconnector, browser, legacy and
    /// newcomer [default: editor=1]
    #[arg(long, value_name = "ROLES")]
    mix: Option<Mix>,
    /// The wanted latency: p50, p90, p99, p99.9 or max, `<`, and a duration [default: p99<100ms]
    #[arg(long)]
    slo: Option<Slo>,
    /// Go on with more clients until the wanted latency is missed, and find the most that still meet it
    #[arg(long)]
    find_max: bool,
    /// Where chance begins: who edits when [default: 1]
    #[arg(long)]
    seed: Option<u64>,
}

/// A load that cannot be asked for.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(String);

fn refused<T>(why: impl Into<String>) -> Result<T, LoadError> {
    Err(LoadError(why.into()))
}

impl LoadOptions {
    /// Puts the plan file, the scenario and the defaults below the options.
    ///
    /// # Errors
    /// The plan file cannot be read, or what is asked cannot be done.
    pub fn load(self) -> Result<Load, LoadError> {
        let asked = match &self.file {
            None => self,
            Some(path) => {
                let text = fs::read_to_string(path);
                let text = text.or_else(|error| refused(format!("--plan: {}: {error}", path.display())))?;
                let file: Self = toml::from_str(&text)
                    .or_else(|error| refused(format!("--plan: {}: {}", path.display(), error.message())))?;
                self.over(file)
            }
        };
        asked.with_defaults()
    }

    fn over(self, below: Self) -> Self {
        Self {
            file: self.file,
            scenario: self.scenario.or(below.scenario),
            clients: self.clients.or(below.clients),
            ramp: self.ramp.or(below.ramp),
            step: self.step.or(below.step),
            edits_per_second: self.edits_per_second.or(below.edits_per_second),
            per_thing: self.per_thing.or(below.per_thing),
            mix: self.mix.or(below.mix),
            slo: self.slo.or(below.slo),
            find_max: self.find_max || below.find_max,
            seed: self.seed.or(below.seed),
        }
    }

    fn with_defaults(self) -> Result<Load, LoadError> {
        let (mix, per_thing, rate) = match self.scenario.as_deref() {
            None | Some("together") => ("editor=1", Some(10), 1.0),
            Some("crowd") => ("editor=1,viewer=49", None, 1.0),
            Some("small") => ("editor=1", Some(2), 1.0),
            Some("everybody") => ("editor=4,viewer=10,reconnector=1,browser=2,legacy=1,newcomer=1", Some(10), 1.0),
            Some(other) => return refused(format!("scenario: there is no `{other}`")),
        };
        let mix = self.mix.unwrap_or_else(|| mix.parse().expect("the scenarios are good"));
        let step = units::duration(self.step.as_deref().unwrap_or("10s"));
        let step = step.or_else(|error| refused(format!("--step: {error}")))?;
        if step < Duration::from_secs(1) || step > LONGEST_STEP {
            return refused("--step: a step lasts between 1s and a day");
        }
        let edits_per_second = self.edits_per_second.unwrap_or(rate);
        if !(edits_per_second > 0.0 && edits_per_second <= 1_000.0) {
            return refused("--edits-per-second: more than 0, up to 1000 for each client");
        }
        let ramp = ramp(self.ramp, self.clients, self.find_max)?;
        // A crowd is on one Thing, however large it is.
        let per_thing = self.per_thing.or(per_thing);
        let steps: Vec<StepPlan> = ramp
            .into_iter()
            .map(|clients| {
                let per_thing = per_thing.unwrap_or(clients).min(clients);
                StepPlan { clients, edits_per_second, per_thing, instances: None }
            })
            .collect();
        if steps.iter().any(|step| step.per_thing < 2) {
            return refused("--per-thing: at least 2, so that somebody hears what is edited");
        }
        if let Some(step) = steps.iter().find(|step| mix.count(super::mix::Role::Editor, step.clients) == 0) {
            return refused(format!("--mix: of {} clients none would edit", step.clients));
        }
        let default_slo = || "p99<100ms".parse().expect("the default is good");
        Ok(Load {
            steps,
            step,
            mix,
            slo: self.slo.unwrap_or_else(default_slo),
            find_max: self.find_max,
            most_clients: self.clients.filter(|_| self.find_max).unwrap_or(MOST_CLIENTS),
            seed: self.seed.unwrap_or(1),
        })
    }
}

fn ramp(ramp: Option<Vec<u32>>, clients: Option<u32>, find_max: bool) -> Result<Vec<u32>, LoadError> {
    let of = |clients: u32| RAMP_OF.map(|share| ((f64::from(clients) * share).round() as u32).max(2));
    let mut ramp = match (ramp, clients) {
        (Some(ramp), Some(clients)) if !find_max => {
            let mut ramp: Vec<u32> = ramp.into_iter().filter(|step| *step < clients).collect();
            ramp.push(clients);
            ramp
        }
        (Some(ramp), _) => ramp,
        (None, _) if find_max => vec![SHORT_RAMP[2]],
        (None, Some(clients)) => of(clients).to_vec(),
        (None, None) => SHORT_RAMP.to_vec(),
    };
    ramp.dedup();
    if ramp.is_empty() || ramp.len() > MOST_STEPS {
        return refused(format!("--ramp: between 1 and {MOST_STEPS} steps"));
    }
    if !ramp.is_sorted() || ramp.iter().any(|clients| !(2..=MOST_CLIENTS).contains(clients)) {
        return refused(format!("--ramp: numbers of clients that rise, between 2 and {MOST_CLIENTS}"));
    }
    Ok(ramp)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        load: LoadOptions,
    }

    fn load(line: &str) -> Result<Load, LoadError> {
        let words = std::iter::once("loadtest").chain(line.split_whitespace());
        Program::try_parse_from(words).expect("clap takes it").load.load()
    }

    fn clients(line: &str) -> Vec<u32> {
        load(line).unwrap().steps.iter().map(|step| step.clients).collect()
    }

    #[test]
    fn without_options_there_is_a_short_ramp() {
        let load = load("").unwrap();
        assert_eq!((load.steps.len(), load.step, load.seed), (5, Duration::from_secs(10), 1));
        assert_eq!((load.mix.to_string().as_str(), load.slo.to_string().as_str()), ("editor=1", "p99 < 100 ms"));
        assert!(load.steps.iter().all(|step| step.per_thing == 10));
    }

    #[test]
    fn clients_and_ramps_go_together() {
        assert_eq!(clients("--clients 500"), [50, 125, 250, 500]);
        assert_eq!(clients("--clients 500 --ramp 10,100,1000"), [10, 100, 500]);
        assert_eq!(clients("--ramp 10,20,50"), [10, 20, 50]);
        assert_eq!(clients("--find-max"), [100]);
        assert_eq!(load("--find-max --clients 800").unwrap().most_clients, 800);
    }

    #[test]
    fn scenarios_are_where_one_begins() {
        let crowd = load("--scenario crowd --ramp 100,200").unwrap();
        assert_eq!(crowd.steps.iter().map(|step| step.per_thing).collect::<Vec<_>>(), [100, 200]);
        assert_eq!(load("--scenario small").unwrap().steps[0].per_thing, 2);
        let mixed = load("--scenario everybody --mix editor=1,viewer=1").unwrap();
        assert!(mixed.mix.all_stay(), "options win");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (line, what) in [
            ("--ramp 20,10", "numbers of clients that rise"),
            ("--ramp 1", "between 2 and"),
            ("--step 0.5s", "between 1s and a day"),
            ("--step soon", "`soon` is not a duration"),
            ("--mix editor=1,viewer=100 --ramp 10", "of 10 clients none would edit"),
            ("--edits-per-second 2000", "up to 1000"),
            ("--plan /nowhere/plan.toml", "/nowhere/plan.toml"),
        ] {
            let error = load(line).expect_err(line).to_string();
            assert!(error.contains(what), "{line}: {error}");
        }
    }

    #[test]
    fn a_plan_file_says_the_same_and_options_win() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("plan.toml");
        let text = "ramp = [10, 20]\nstep = \"5s\"\nmix = \"editor=1,viewer=1\"\nslo = \"p90<1s\"\nseed = 7\n";
        fs::write(&path, text).unwrap();
        let load_with = |more: &str| load(&format!("--plan {} {more}", path.display()));
        let planned = load_with("--ramp 30").unwrap();
        assert_eq!((planned.steps[0].clients, planned.step, planned.seed), (30, Duration::from_secs(5), 7));
        assert_eq!(planned.slo.to_string(), "p90 < 1.00 s");
        fs::write(&path, "speed = 1").unwrap();
        let error = load_with("").unwrap_err().to_string();
        assert!(error.contains("unknown field `speed`"), "{error}");
    }
}
