//! What a load test has measured, step by step, and what is to be thought of it.
//!
//! These are the figures of a report, which is JSON in this form. They come from whoever makes the load; here they are
//! judged and put together. Knows no sockets and no clock.
//!
//! | module | what it is |
//! |---|---|
//! | [`gates`] | when a step does not count |
//! | [`order`] | what was lost, came twice or in the wrong order, by the numbers of the changes |
//! | [`verdict`] | whether what was wanted is met |

pub mod gates;
pub mod order;
pub mod verdict;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    calibration::{Calibration, Distribution, Kind, Machine, SCHEMA, Stages, Step},
    load::{StepPlan, mix::Mix},
    slo::Slo,
    validate::Validation,
};

pub use self::{order::Misplaced, verdict::Verdict};

/// The version of the report's form.
pub const REPORT_SCHEMA: u32 = 1;

/// A whole load test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`REPORT_SCHEMA`].
    pub schema: u32,
    /// When it began, in seconds since 1970.
    pub began_at: u64,
    /// Where chance began.
    pub seed: u64,
    /// The machine on which the load was made, and if the server was started for it, on which it ran.
    pub machine: Machine,
    /// What was tested.
    pub server: Server,
    /// Who took part, by weight.
    pub mix: Mix,
    /// The wanted latency.
    pub slo: Slo,
    /// Whether the largest load was looked for that still meets it.
    pub find_max: bool,
    /// One after the other.
    pub steps: Vec<Measured>,
    /// How long the log took for its transactions, and what else was measured by stage.
    pub stages: Stages,
    /// What was predicted, and how wrong that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
}

/// The server that was tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// Its address.
    pub url: String,
    /// Whether it was started for this, and nobody else used it.
    pub own: bool,
    /// Settings that differ from the defaults, as `sfe.clients_per_instance=100`.
    pub settings: Vec<String>,
    /// Its version.
    pub version: String,
}

/// One load that was held for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What was to be done.
    pub plan: StepPlan,
    /// When it began, in seconds since the beginning of the run.
    pub began_seconds: f64,
    /// What a calibration keeps of it.
    pub figures: Step,
    /// Changes that did not arrive as they should.
    pub misplaced: Misplaced,
    /// Edits that the server refused, or that were not answered when all was over.
    pub unanswered: u64,
    /// How long after their time edits were sent.
    pub lateness: Distribution,
    /// How long it took to open a stream and a Thing on it.
    pub connecting: Distribution,
    /// What took part beside the clients on Things, by name.
    pub visits: BTreeMap<String, Visits>,
    /// The busiest process of each kind, in cores.
    pub busiest: BTreeMap<Kind, f64>,
    /// Second by second.
    pub timeline: Vec<Second>,
    /// What went wrong, in words, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub complaints: Vec<String>,
    /// What was done to the server meanwhile.
    pub incidents: Vec<Incident>,
}

/// What those did who use the server otherwise than by staying on a Thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Visits {
    /// How long the successful ones took.
    pub took: Distribution,
    /// Those that failed.
    pub failed: u64,
}

/// One second of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Since the beginning of the run.
    pub at_seconds: f64,
    /// Connected clients.
    pub clients: u32,
    /// Edits that were acknowledged in it.
    pub edits: u64,
    /// Edits that reached somebody in it.
    pub deliveries: u64,
    /// The median of their propagation, in microseconds.
    pub p50_us: f64,
    /// Of a hundred, 99 took no longer, in microseconds.
    pub p99_us: f64,
    /// Cores that each kind of process took.
    pub cpu: BTreeMap<Kind, f64>,
    /// What each kind of process has in memory (RSS), in bytes.
    pub resident_bytes: BTreeMap<Kind, u64>,
    /// Cores that the generator took.
    pub generator_cpu: f64,
    /// What the generator has in memory (RSS), in bytes.
    pub generator_bytes: u64,
}

/// Something that was done to the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// What.
    pub what: String,
    /// Since the beginning of the run.
    pub at_seconds: f64,
    /// Connections that dropped because of it.
    pub dropped: u32,
    /// Until all of them were back, in seconds; none if they were not before the end of the step.
    pub back_seconds: Option<f64>,
    /// The longest propagation of the edits of the ten seconds after it, in microseconds.
    pub longest_us: f64,
}

impl Measured {
    /// CPU that the server's processes took together, in cores; none if they could not be looked at.
    pub fn server_cpu(&self) -> Option<f64> {
        let processes = &self.figures.processes;
        (!processes.is_empty()).then(|| processes.values().map(|usage| usage.cpu).sum())
    }

    /// Memory of the server's processes together, in bytes.
    pub fn server_memory(&self) -> Option<u64> {
        let processes = &self.figures.processes;
        (!processes.is_empty()).then(|| processes.values().map(|usage| usage.memory_bytes).sum())
    }

    /// Deliveries for each second of CPU that the server took.
    pub fn deliveries_per_cpu_second(&self) -> Option<f64> {
        let cpu = self.server_cpu().filter(|cpu| *cpu > 0.0)?;
        Some(self.figures.deliveries_per_second / cpu)
    }

    /// Whether it says anything.
    pub fn is_valid(&self) -> bool {
        self.figures.invalid.is_empty()
    }

    /// Whether every change arrived once and in its order, and every edit was answered.
    pub fn is_whole(&self) -> bool {
        self.misplaced == Misplaced::default() && self.unanswered == 0
    }

    /// Whether the wanted latency was met.
    pub fn meets(&self, slo: &Slo) -> bool {
        self.figures.propagation.seconds(slo.percentile) < slo.limit.as_secs_f64()
    }
}

impl Run {
    /// Reads a report.
    ///
    /// # Errors
    /// It is none of this program's.
    pub fn parse(text: &str) -> Result<Self, String> {
        let run: Self = serde_json::from_str(text).map_err(|error| format!("not a report in JSON: {error}"))?;
        match run.schema {
            REPORT_SCHEMA => Ok(run),
            schema => Err(format!("the report has schema {schema}, this program reads {REPORT_SCHEMA}")),
        }
    }

    /// The report as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("maps have names as keys") + "\n"
    }

    /// What the planner can go by: the steps at whose processes one could look, with clients on Things and nobody else,
    /// and with nothing done to the server.
    pub fn calibration(&self) -> Option<Calibration> {
        let of_streams = |step: &&Measured| {
            !step.figures.processes.is_empty() && step.visits.is_empty() && step.incidents.is_empty()
        };
        let steps: Vec<Step> = self.steps.iter().filter(of_streams).map(|step| step.figures.clone()).collect();
        let calibration =
            Calibration { schema: SCHEMA, machine: self.machine.clone(), steps, stages: self.stages.clone() };
        (!calibration.steps.is_empty()).then_some(calibration)
    }
}

#[cfg(test)]
pub(crate) mod fixture;
