//! `loadtest check`: whether a change has made the server much dearer.
//!
//! Absolute figures differ from machine to machine and from minute to minute, so what is compared is a ratio of two
//! that are taken one after the other: deliveries for each second of CPU, beside frames of a bare echo for each second
//! of CPU, which go through the same processes.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use anyhow::Context as _;
use capacity::{
    load::{Load, StepPlan},
    measured::Measured,
    report,
};

use super::{INVALID, MET, MISSED, MannerOptions, WrongUsage, echo, machine, measure};
use crate::server::ServerOptions;

/// What may be lost of the baseline.
const ALLOWED_FALL: f64 = 1.0 / 3.0;
const STEP: Duration = Duration::from_secs(15);
const ECHO: Duration = Duration::from_secs(8);

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The committed ratio of each build profile, as JSON
    #[arg(long, value_name = "FILE", default_value = "loadtests/baseline.json")]
    baseline: PathBuf,
    /// Write what was measured into the baseline instead of comparing with it
    #[arg(long)]
    record: bool,
}

impl Args {
    /// Does it, and gives the exit code.
    ///
    /// # Errors
    /// It cannot be done.
    pub fn run(self) -> anyhow::Result<u8> {
        let mut baseline = self.read()?;
        let profile = machine::profile();
        let before = baseline.get(profile).copied();
        if before.is_none() && !self.record {
            let path = self.baseline.display();
            return Err(WrongUsage(format!("{path} has no ratio for {profile}: measure one with --record")).into());
        }
        // Three instances of the SFE, so that changes also go from one to the others.
        let settings = vec!["sfe.min_instances=3".into(), "sfe.max_instances=3".into()];
        let server = ServerOptions { settings, users: 10, ..ServerOptions::default() };
        let manner = MannerOptions { edit_bytes: 100, ..MannerOptions::default() };
        let run = measure(&load(), &server, &manner)?;
        println!("{}", report::summary(&run));
        let verdict = run.verdict();
        if verdict.code != MET {
            return Ok(verdict.code);
        }
        let ours = run.steps.last().and_then(Measured::deliveries_per_cpu_second).context("no CPU was measured")?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let echo = runtime.block_on(echo::per_cpu_second(ECHO))?;
        let ratio = ours / echo;
        println!("{ours:.0} deliveries and {echo:.0} echoed frames for each second of CPU: ratio {ratio:.4}");
        if self.record {
            baseline.insert(profile.into(), (ratio * 1e4).round() / 1e4);
            let text = serde_json::to_string_pretty(&baseline)? + "\n";
            fs::write(&self.baseline, text).with_context(|| format!("cannot write {}", self.baseline.display()))?;
            println!("The baseline is {}", self.baseline.display());
            return Ok(MET);
        }
        let before = before.context("there is a baseline")?;
        let least = before * (1.0 - ALLOWED_FALL);
        let fine = ratio.is_finite() && ratio >= least;
        let word = if fine { "is fine" } else { "is too low" };
        println!("{ratio:.4} {word}: the baseline of {profile} is {before:.4}, and at least {least:.4} is wanted");
        Ok(match (fine, ratio.is_finite()) {
            (true, _) => MET,
            (false, true) => MISSED,
            (false, false) => INVALID,
        })
    }

    fn read(&self) -> Result<BTreeMap<String, f64>, WrongUsage> {
        let named = |why: &dyn std::fmt::Display| WrongUsage(format!("{}: {why}", self.baseline.display()));
        match fs::read_to_string(&self.baseline) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| named(&error)),
            Err(_) if self.record => Ok(BTreeMap::new()),
            Err(error) => Err(named(&error)),
        }
    }
}

fn load() -> Load {
    Load {
        steps: vec![StepPlan { clients: 100, edits_per_second: 1.0, per_thing: 10, instances: None }],
        step: STEP,
        mix: "editor=1".parse().expect("a constant"),
        // Debug builds on busy machines meet it as well: here a latency is no question.
        slo: "p90<2s".parse().expect("a constant"),
        find_max: false,
        most_clients: u32::MAX,
        seed: 1,
    }
}
