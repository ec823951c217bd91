//! `loadtest` and `loadtest run`: a load test and its report.

use std::path::PathBuf;

use anyhow::Context as _;
use capacity::{
    load::options::LoadOptions,
    measured::Run,
    report::{self, Comparison},
};

use super::{MannerOptions, WrongUsage, measure, write_report};
use crate::server::ServerOptions;

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    load: LoadOptions,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    manner: MannerOptions,
    /// The folder for the report: report.html, report.md, report.json and calibration.json
    #[arg(long, value_name = "DIR", default_value = "loadtest-report")]
    report: PathBuf,
    /// Compare with the report.json of an earlier run
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
}

impl Args {
    /// Does it, and gives the exit code.
    ///
    /// # Errors
    /// It cannot be done.
    pub fn run(self) -> anyhow::Result<u8> {
        let load = self.load.load().map_err(|error| WrongUsage(error.to_string()))?;
        // Before anything is measured in vain.
        let earlier = self.compare.as_deref().map(|path| {
            let named = |why: String| WrongUsage(format!("--compare: {}: {why}", path.display()));
            let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
            Run::parse(&text).map_err(named)
        });
        let earlier = earlier.transpose()?;
        let run = measure(&load, &self.server, &self.manner)?;
        let comparison = earlier.map(|earlier| Comparison::of(&earlier, &run));
        write_report(&run, comparison.as_ref(), &self.report)?;
        println!("{}", report::summary(&run));
        let page = std::path::absolute(self.report.join("report.html")).context("the report has no place")?;
        println!("The report is {}", page.display());
        Ok(run.verdict().code)
    }
}
