//! `loadtest simulate`.

use std::{path::PathBuf, time::Duration};

use super::{MET, MISSED, Refusal, plan};
use crate::{
    model::Model,
    simulate::{Loss, RunError, Setup, Times, service::ServiceTime},
    slo::Slo,
    units,
    workload::Workload,
};

/// The share of a run that is not counted, unless it is said.
const WARM_UP: f64 = 0.1;

/// What is asked. Times are durations: `80us` varies with this mean (exponentially), `constant:80us` does not.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Clients connected at the same time
    #[arg(long)]
    clients: u32,
    /// Edits per second of each client
    #[arg(long, value_parser = units::positive)]
    edits_per_second: f64,
    /// Clients that have the same Thing open
    #[arg(long)]
    per_thing: u32,
    /// Machines, each with a `_wfe` of its own. WidgetApp runs on one: more show what a design with several would do
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    nodes: u32,
    /// `_sfe` processes of each machine
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    instances: u32,
    /// `_stream` processes of each `_sfe`
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    streams_per_instance: u32,
    /// Edits that a `_wfe` works on at the same time, each of another Thing
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    wfe_workers: u32,
    /// The same of an `_sfe`
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    sfe_workers: u32,

    /// Take the times from what was measured
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// Time of `_sfe` for an edit that comes in
    #[arg(long, value_name = "TIME")]
    request_time: Option<ServiceTime>,
    /// Time of `_wfe` for an edit
    #[arg(long, value_name = "TIME")]
    edit_time: Option<ServiceTime>,
    /// Time of the log for all edits that wait
    #[arg(long, value_name = "TIME")]
    commit_time: Option<ServiceTime>,
    /// Time of `_sfe` for a change that goes out
    #[arg(long, value_name = "TIME")]
    change_time: Option<ServiceTime>,
    /// Time of `_stream` for each receiver
    #[arg(long, value_name = "TIME")]
    delivery_time: Option<ServiceTime>,
    /// Time of `_wfe` for each connection that is opened
    #[arg(long, value_name = "TIME", default_value = "0")]
    opening_time: ServiceTime,
    /// Time between a client and the server, one way
    #[arg(long, value_name = "TIME", default_value = "0")]
    edge: ServiceTime,
    /// Time between two machines, one way, always the same
    #[arg(long, value_name = "TIME", value_parser = units::duration, default_value = "0")]
    link: Duration,

    /// For how long edits are made, in virtual time
    #[arg(long, value_name = "TIME", value_parser = units::duration, default_value = "10s")]
    time: Duration,
    /// Edits made before are not counted; by default a tenth of the run
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    warm_up: Option<Duration>,
    /// Lose the first process of a kind: `wfe`, `sfe`, `stream` or `instance` (an `_sfe` with its `_stream`s), `@`, when
    #[arg(long, value_name = "WHAT@TIME")]
    lose: Option<Loss>,
    /// How long until its successor is there
    #[arg(long, value_name = "TIME", value_parser = units::duration, default_value = "1s", requires = "lose")]
    restart: Duration,
    /// Connections that are let in per second; the others come again later
    #[arg(long, value_name = "NUMBER", value_parser = units::positive)]
    admissions_per_second: Option<f64>,
    /// The wanted latency, which decides the exit code
    #[arg(long)]
    slo: Option<Slo>,
    /// Where chance begins: the same seed gives the same answer
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn answer(&self) -> Result<(u8, String), Refusal> {
        let workload =
            Workload { clients: self.clients, edits_per_second: self.edits_per_second, per_thing: self.per_thing };
        let seconds = self.time.as_secs_f64();
        let setup = Setup {
            nodes: self.nodes,
            instances: self.instances,
            streams_per_instance: self.streams_per_instance,
            wfe_workers: self.wfe_workers,
            sfe_workers: self.sfe_workers,
            seconds,
            warm_up_seconds: self.warm_up.map_or(seconds * WARM_UP, |warm_up| warm_up.as_secs_f64()),
            loss: self.lose.map(|loss| Loss { restart_seconds: self.restart.as_secs_f64(), ..loss }),
            admissions_per_second: self.admissions_per_second,
            slo: self.slo,
            seed: self.seed,
            ..Setup::new(workload, self.times()?)
        };
        let outcome = setup.run().map_err(|error| match error {
            error @ (RunError::Setup(_) | RunError::TooLong) => Refusal::usage(error),
            error => Refusal::invalid(error),
        })?;
        let missed = self.slo.is_some_and(|slo| outcome.propagation.at(slo.percentile) >= slo.limit.as_secs_f64());
        let text = if self.json {
            serde_json::to_string_pretty(&outcome).expect("an outcome has no maps") + "\n"
        } else {
            let verdict = if missed { "MISSED" } else { "MET" };
            let slo = self.slo.map(|slo| format!("\n{verdict}: {slo}\n")).unwrap_or_default();
            outcome.show() + &slo
        };
        Ok((if missed { MISSED } else { MET }, text))
    }

    /// From the calibration, where no option says otherwise.
    fn times(&self) -> Result<Times, Refusal> {
        let measured = match &self.calibration {
            Some(path) => {
                let calibration = plan::read(path)?;
                let model = Model::fit(&calibration, self.seed).map_err(Refusal::invalid)?;
                Some(Times::calibrated(&calibration, &model).map_err(Refusal::invalid)?)
            }
            None => None,
        };
        let pick = |given: &Option<ServiceTime>, of: fn(&Times) -> &ServiceTime, option: &str| {
            let measured = || measured.as_ref().map(|times| of(times).clone());
            let missing = || Refusal::usage(format!("how long does it take? Give {option}, or --calibration FILE"));
            given.clone().or_else(measured).ok_or_else(missing)
        };
        Ok(Times {
            edge: self.edge.clone(),
            link: self.link,
            request: pick(&self.request_time, |times| &times.request, "--request-time")?,
            edit: pick(&self.edit_time, |times| &times.edit, "--edit-time")?,
            commit: pick(&self.commit_time, |times| &times.commit, "--commit-time")?,
            change: pick(&self.change_time, |times| &times.change, "--change-time")?,
            delivery: pick(&self.delivery_time, |times| &times.delivery, "--delivery-time")?,
            opening: self.opening_time.clone(),
        })
    }
}
