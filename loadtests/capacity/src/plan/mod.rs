//! How many `_sfe` instances a workload needs on one machine, what decides it, and what no number of them can help.
//!
//! Each constraint gives the fewest instances with which it holds, at the upper end of its interval; the largest of
//! these numbers, and one to lose, is the answer. `_wfe` holds all Things, so what it takes is a constraint that more
//! `_sfe` do not help. Pure: the answer follows from the calibration, the question and the seed.
//!
//! | module | what it is |
//! |---|---|
//! | [`constraints`] | the constraints, and the fewest instances with which each holds |
//! | `latency` | the same for the wanted latency, by simulating it |
//! | `show` | the answer for a terminal |

pub mod constraints;
mod latency;
mod show;

pub use self::latency::latency_of;

use serde::Serialize;

use self::{
    constraints::{Constraint, Name, Needed},
    latency::Latency,
};
use crate::{
    calibration::{Calibration, HistogramError, Kind},
    model::{Beyond, Interval, Load, Model, ModelError},
    simulate::{RunError, service::ServiceTime},
    slo::Slo,
    workload::{Workload, instances_by_rule},
};

/// The share of a core at which the product calls a process rogue.
pub const ROGUE_CPU: f64 = 0.5;
/// The share that is planned with, so that not every peak is rogue.
pub const PLANNED_CPU: f64 = 0.4;
/// The share of everything else that is planned with: memory, open files, network, the machine's processors.
pub const PLANNED_SHARE: f64 = 0.8;
/// One more `_sfe` starts for so many clients, if the administrator says nothing else (`sfe.clients_per_instance`).
pub const DEFAULT_CLIENTS_PER_INSTANCE: u32 = 10;
/// No more `_sfe` than this start by themselves, if the administrator says nothing else (`sfe.max_instances`).
pub const DEFAULT_MAX_INSTANCES: u32 = 64;
/// What `sfe.max_instances` can be set to. More are never planned.
pub const MAX_INSTANCES: u32 = 1_000;
/// Clients on each Thing that the plan is tried with beside those that were asked about.
const SENSITIVITY: [u32; 5] = [2, 10, 25, 50, 100];
/// Above this share unexplained, the costs are doubtful.
const DOUBTFUL: f64 = 0.15;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What clients do.
    pub workload: Workload,
    /// The wanted latency.
    pub slo: Slo,
    /// The share of one core that each process may take.
    pub cpu: f64,
    /// Processors of the machine.
    pub processors: f64,
    /// Its memory, in bytes.
    pub memory_bytes: f64,
    /// Files that each process may have open.
    pub open_files: f64,
    /// Its network, in bits per second.
    pub network_bits: f64,
    /// `_stream` processes of each instance.
    pub streams_per_instance: u32,
    /// Between a client and the server, one way.
    pub edge: ServiceTime,
    /// One more instance than needed, so that one may be lost.
    pub spare: bool,
    /// For the intervals and the simulated latency.
    pub seed: u64,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// What was asked.
    pub workload: Workload,
    /// What was wanted.
    pub slo: Slo,
    /// Edits per second that come in.
    pub edits_per_second: f64,
    /// Deliveries per second that go out.
    pub deliveries_per_second: f64,
    /// Bits per second that go out.
    pub bits_out_per_second: Interval,
    /// Whether all constraints can be held.
    pub met: bool,
    /// Instances of the SFE to run: what is needed, and one to lose. What only `_wfe` or a larger machine could help
    /// is not in it.
    pub instances: u32,
    /// Cores that all processes take together with so many.
    pub cores: Interval,
    /// One by one.
    pub constraints: Vec<Constraint>,
    /// Which decides: the one that needs the most instances, or those that no number of them holds.
    pub binding: Vec<Name>,
    /// `_sfe` that the product would run by itself with its default settings.
    pub instances_by_default: u32,
    /// What to set instead.
    pub clients_per_instance: u32,
    /// What `sfe.max_instances` has to be, if its default is too small.
    pub max_instances: Option<u32>,
    /// The same with other numbers of clients on each Thing.
    pub sensitivity: Vec<Variant>,
    /// What lies more than twice beyond the measurements. If anything does, all figures are extrapolated.
    pub extrapolated: Vec<Beyond>,
    /// What else to know before believing it.
    pub doubts: Vec<String>,
}

/// The plan for another number of clients on each Thing. Latency is not tried again.
#[derive(Clone, Debug, Serialize)]
pub struct Variant {
    /// Clients on each Thing.
    pub per_thing: u32,
    /// Deliveries per second.
    pub deliveries_per_second: f64,
    /// Instances to run.
    pub instances: u32,
    /// Cores of all processes together.
    pub cores: Interval,
    /// Constraints that no number of instances holds.
    pub missed: Vec<Name>,
    /// Whether this lies more than twice beyond the measurements.
    pub extrapolated: bool,
}

/// A question without an answer.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The calibration does not say what things cost.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Its histograms cannot be read.
    #[error(transparent)]
    Histogram(#[from] HistogramError),
    /// The latency cannot be simulated.
    #[error("the latency cannot be simulated: {0}")]
    Run(#[from] RunError),
}

impl Question {
    /// The machine that was measured, with a network of 1 Gbit/s.
    pub fn new(workload: Workload, slo: Slo, calibration: &Calibration) -> Self {
        let (memory_bytes, open_files) =
            (calibration.machine.memory_bytes as f64, calibration.machine.open_files as f64);
        Self {
            workload,
            slo,
            cpu: PLANNED_CPU,
            processors: calibration.machine.processors.into(),
            memory_bytes,
            open_files,
            network_bits: 1e9,
            streams_per_instance: 1,
            edge: ServiceTime::NONE,
            spare: true,
            seed: 1,
        }
    }

    /// Answers it.
    pub fn answer(&self, calibration: &Calibration) -> Result<Plan, PlanError> {
        let model = Model::fit(calibration, self.seed)?;
        let latency = Latency::new(self, calibration, &model)?;
        let mut constraints = constraints::all(self, &model);
        constraints.push(latency.constraint()?);
        let instances = constraints::instances(&constraints, self.spare);
        // What grows with the number of instances is looked at again with all of them.
        constraints::settle(&mut constraints, self, &model, instances);
        let seconds = Interval::exactly(latency.seconds(instances)?);
        constraints.iter_mut().filter(|known| known.name == Name::Latency).for_each(|known| known.takes = seconds);
        let needed = constraints::needed(&constraints);
        let extrapolated = model.range.beyond(&self.workload, instances);
        let mut plan = Plan {
            workload: self.workload,
            slo: self.slo,
            edits_per_second: self.workload.edits(),
            deliveries_per_second: self.workload.deliveries(),
            bits_out_per_second: constraints::bits_out(self, &model),
            met: constraints.iter().all(|constraint| constraint.needed != Needed::Never),
            instances,
            cores: cores(self, &model, instances),
            binding: binding(&constraints, needed),
            constraints,
            instances_by_default: instances_by_rule(self.workload.clients, DEFAULT_CLIENTS_PER_INSTANCE)
                .min(DEFAULT_MAX_INSTANCES),
            // With so many the rule starts the instances that are needed, and one more.
            clients_per_instance: (self.workload.clients / needed).max(1),
            max_instances: (instances > DEFAULT_MAX_INSTANCES).then_some(instances),
            sensitivity: Vec::new(),
            extrapolated,
            doubts: latency.doubt().into_iter().collect(),
        };
        plan.sensitivity = self.sensitivity(&model);
        plan.doubts.extend(doubts(calibration, &model, instances));
        Ok(plan)
    }

    fn sensitivity(&self, model: &Model) -> Vec<Variant> {
        let mut tried = SENSITIVITY.to_vec();
        tried.push(self.workload.per_thing);
        tried.sort_unstable();
        tried.dedup();
        tried.retain(|per_thing| *per_thing <= self.workload.clients);
        let variant = |per_thing| {
            let question = Self { workload: Workload { per_thing, ..self.workload }, ..self.clone() };
            let mut constraints = constraints::all(&question, model);
            let instances = constraints::instances(&constraints, self.spare);
            constraints::settle(&mut constraints, &question, model, instances);
            let missed = constraints.iter().filter(|constraint| constraint.needed == Needed::Never);
            Variant {
                per_thing,
                deliveries_per_second: question.workload.deliveries(),
                instances,
                cores: cores(&question, model, instances),
                missed: missed.map(|constraint| constraint.name).collect(),
                extrapolated: !model.range.beyond(&question.workload, instances).is_empty(),
            }
        };
        tried.into_iter().map(variant).collect()
    }

    /// What the processes of a kind have to do, with so many instances.
    fn load(&self, kind: Kind, instances: u32) -> Load {
        Load::of(&self.workload, kind, self.count(kind, instances), instances)
    }

    /// Processes of a kind with so many instances.
    fn count(&self, kind: Kind, instances: u32) -> u32 {
        match kind {
            Kind::Wfe => 1,
            Kind::Sfe => instances,
            Kind::Stream => instances.saturating_mul(self.streams_per_instance),
        }
    }
}

/// CPU of all processes together.
fn cores(question: &Question, model: &Model, instances: u32) -> Interval {
    let of = |kind| model.cpu[&kind].at(&question.load(kind, instances));
    of(Kind::Wfe).plus(of(Kind::Sfe)).plus(of(Kind::Stream))
}

fn binding(constraints: &[Constraint], needed: u32) -> Vec<Name> {
    let of = |wanted: Needed| {
        let such = constraints.iter().filter(|constraint| constraint.needed == wanted);
        such.map(|constraint| constraint.name).collect::<Vec<_>>()
    };
    let never = of(Needed::Never);
    // With one instance everything holds, so nothing decides.
    if !never.is_empty() {
        never
    } else if needed > 1 {
        of(Needed::Instances(needed))
    } else {
        Vec::new()
    }
}

fn doubts(calibration: &Calibration, model: &Model, instances: u32) -> Vec<String> {
    let mut doubts = Vec::new();
    let (kind, error) = model.worst_error();
    if error > DOUBTFUL {
        let percent = error * 100.0;
        doubts.push(format!("the costs explain the CPU of {} only within {percent:.0} %", kind.name()));
    }
    if calibration.machine.build_profile != "release" {
        doubts.push(format!("a {} build was measured, not a release build", calibration.machine.build_profile));
    }
    if instances > 1 && !model.knows_copies_of_wfe {
        doubts.push("what each further _sfe costs _wfe was not measured: its CPU may be higher".into());
    }
    let invalid = calibration.steps.len() - calibration.valid_steps().count();
    if invalid > 0 {
        doubts.push(format!("{invalid} of {} measured steps do not count", calibration.steps.len()));
    }
    doubts
}

#[cfg(test)]
mod tests;
