//! `loadtest calibrate`: what a client, an edit, a delivery and a process cost on this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use capacity::{load::Load, measured::Run, report, units};

use super::{INVALID, MET, MISSED, MannerOptions, WrongUsage, measure};
use crate::server::ServerOptions;

/// Steps of a quick calibration, and how long each is measured.
const QUICK_STEPS: usize = 7;
const QUICK: Duration = Duration::from_secs(5);

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to write it
    #[arg(long, value_name = "FILE", default_value = "calibration.json")]
    output: PathBuf,
    /// For how long each step is measured
    #[arg(long, value_name = "TIME", value_parser = units::duration, default_value = "10s")]
    step: Duration,
    /// Only so many of the twelve steps, from the lightest
    #[arg(long, value_name = "NUMBER", default_value_t = 12, value_parser = clap::value_parser!(u8).range(6..=12))]
    steps: u8,
    /// A setting of the server, as stream.ping_ms=10000; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    #[command(flatten)]
    manner: MannerOptions,
}

impl Args {
    /// Does it, and gives the exit code.
    ///
    /// # Errors
    /// It cannot be done.
    pub fn run(self) -> anyhow::Result<u8> {
        if self.step < Duration::from_secs(1) {
            return Err(WrongUsage("--step: at least 1s".into()).into());
        }
        let server = ServerOptions { settings: self.settings, users: 20, ..ServerOptions::default() };
        let run = measure(&telling(self.steps.into(), self.step), &server, &self.manner)?;
        write(&run, &self.output)
    }
}

/// A calibration that is good enough for a first plan.
///
/// # Errors
/// It cannot be made.
pub fn quick(path: &Path) -> anyhow::Result<u8> {
    let server = ServerOptions { users: 20, ..ServerOptions::default() };
    let manner = MannerOptions { edit_bytes: 100, ..MannerOptions::default() };
    write(&measure(&telling(QUICK_STEPS, QUICK), &server, &manner)?, path)
}

/// So many of the steps that tell costs apart.
pub(super) fn telling(steps: usize, step: Duration) -> Load {
    Load {
        steps: capacity::load::telling(steps),
        step,
        mix: "editor=1".parse().expect("a constant"),
        // Light steps have too few deliveries for a rarer percentile.
        slo: "p90<300ms".parse().expect("a constant"),
        find_max: false,
        most_clients: u32::MAX,
        seed: 1,
    }
}

fn write(run: &Run, path: &Path) -> anyhow::Result<u8> {
    let calibration = run.calibration().context("nothing was measured")?;
    fs::write(path, calibration.to_json()).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("{}The calibration is {}", report::summary(run), path.display());
    // A step that is slow, or does not count, is no fault of a calibration: the planner leaves it out.
    let broken = run.steps.iter().any(|step| !step.is_whole());
    let valid = calibration.valid_steps().count();
    Ok(if broken {
        MISSED
    } else if valid == 0 {
        INVALID
    } else {
        MET
    })
}
