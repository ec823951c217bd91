//! `loadtest plan`.

use std::path::{Path, PathBuf};

use super::{MET, MISSED, Refusal};
use crate::{
    calibration::{Calibration, CalibrationError},
    plan::{PLANNED_CPU, PlanError, Question},
    simulate::service::ServiceTime,
    slo::Slo,
    units,
    workload::Workload,
};

/// Where a calibration is looked for, and left.
const CALIBRATION: &str = "calibration.json";

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Clients connected at the same time
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    clients: u32,
    /// Edits per second of each client
    #[arg(long, value_parser = units::positive)]
    edits_per_second: f64,
    /// Clients that have the same Thing open
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    per_thing: u32,
    /// The wanted latency: p50, p90, p99, p99.9 or max, `<`, and a duration
    #[arg(long, default_value = "p99<100ms")]
    slo: Slo,
    /// What was measured; if none is named and none is there, a quick one is made
    #[arg(long, value_name = "FILE", default_value = CALIBRATION)]
    calibration: PathBuf,
    /// The share of one core that each process may take; half a core counts as rogue
    #[arg(long, value_parser = units::share, default_value_t = PLANNED_CPU)]
    cpu: f64,
    /// Processors of the machine; by default as many as that which was measured
    #[arg(long, value_parser = units::positive)]
    processors: Option<f64>,
    /// Memory of the machine, as 8GiB; by default as much as that which was measured
    #[arg(long, value_parser = units::bytes)]
    memory: Option<f64>,
    /// Files that each process may have open (`ulimit -n`); by default as many as were allowed when it was measured
    #[arg(long, value_parser = units::positive)]
    open_files: Option<f64>,
    /// What the machine's network carries, as 1Gbit/s
    #[arg(long, value_parser = units::bits_per_second, default_value = "1Gbit/s")]
    network: f64,
    /// `_stream` processes of each `_sfe`
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=64), default_value_t = 1)]
    streams_per_instance: u32,
    /// The time between a client and the server, one way: `20ms` varies with this mean, `constant:20ms` does not
    #[arg(long, value_name = "TIME", default_value = "0")]
    edge: ServiceTime,
    /// Plan none to lose
    #[arg(long)]
    no_spare: bool,
    /// Where chance begins, for the intervals and the simulated latency
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// See [`super::Command::calibration_to_make`].
    pub(super) fn calibration_to_make(&self) -> Option<&Path> {
        (self.calibration == Path::new(CALIBRATION) && !self.calibration.exists()).then_some(&self.calibration)
    }

    pub(super) fn answer(&self) -> Result<(u8, String), Refusal> {
        if self.per_thing > self.clients {
            return Err(Refusal::usage("--per-thing cannot be more than --clients"));
        }
        let calibration = read(&self.calibration)?;
        let workload =
            Workload { clients: self.clients, edits_per_second: self.edits_per_second, per_thing: self.per_thing };
        let measured = Question::new(workload, self.slo, &calibration);
        let question = Question {
            cpu: self.cpu,
            processors: self.processors.unwrap_or(measured.processors),
            memory_bytes: self.memory.unwrap_or(measured.memory_bytes),
            open_files: self.open_files.unwrap_or(measured.open_files),
            network_bits: self.network,
            streams_per_instance: self.streams_per_instance,
            edge: self.edge.clone(),
            spare: !self.no_spare,
            seed: self.seed,
            ..measured
        };
        let plan = question.answer(&calibration).map_err(|error| match error {
            PlanError::Run(error) => Refusal::usage(error),
            error => Refusal::invalid(error),
        })?;
        let text = if self.json {
            serde_json::to_string_pretty(&plan).expect("a plan has no maps") + "\n"
        } else {
            plan.show()
        };
        Ok((if plan.met { MET } else { MISSED }, text))
    }
}

/// A file that is not there is the question's fault; one that is no calibration cannot answer it.
pub(super) fn read(path: &Path) -> Result<Calibration, Refusal> {
    Calibration::read(path).map_err(|error| match error {
        CalibrationError::Read(_) => Refusal::usage(error),
        error => Refusal::invalid(format!("{}: {error}", path.display())),
    })
}
