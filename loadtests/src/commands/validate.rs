//! `loadtest validate`: how well the planner predicts heavy loads from light ones.

use std::{path::PathBuf, time::Duration};

use capacity::{report, units, validate::Validation};

use super::{INVALID, MET, MISSED, MannerOptions, WrongUsage, calibrate, measure, write_report};
use crate::server::ServerOptions;

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder for the report: report.html, report.md, report.json and calibration.json
    #[arg(long, value_name = "DIR", default_value = "loadtest-report")]
    report: PathBuf,
    /// For how long each step is measured
    #[arg(long, value_name = "TIME", value_parser = units::duration, default_value = "10s")]
    step: Duration,
    /// Only so many of the twelve steps, from the lightest
    #[arg(long, value_name = "NUMBER", default_value_t = 12, value_parser = clap::value_parser!(u8).range(10..=12))]
    steps: u8,
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
        let server = ServerOptions { users: 20, ..ServerOptions::default() };
        let load = calibrate::telling(self.steps.into(), self.step);
        let mut run = measure(&load, &server, &self.manner)?;
        let validation = run.calibration().map(|calibration| Validation::of(&calibration, run.seed));
        run.validation = validation.as_ref().and_then(|validation| validation.as_ref().ok()).cloned();
        write_report(&run, None, &self.report)?;
        println!("{}", report::summary(&run));
        match validation {
            Some(Ok(validation)) => {
                println!("{}", validation.show());
                let broken = run.steps.iter().any(|step| !step.is_whole());
                Ok(if validation.holds() && !broken { MET } else { MISSED })
            }
            Some(Err(why)) => {
                eprintln!("loadtest: nothing can be predicted: {why}");
                Ok(INVALID)
            }
            None => Ok(INVALID),
        }
    }
}
