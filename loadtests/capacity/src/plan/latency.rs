//! The latency with so many instances, and the fewest with which the wanted one is met, by simulating the workload.

use super::{
    PlanError, Question,
    constraints::{self, Constraint, Needed},
};
use crate::{
    calibration::{Calibration, Kind, Step},
    model::Model,
    simulate::{Outcome, Setup, Times},
    workload::Workload,
};

/// Edits and deliveries of one trial.
const EDITS: f64 = 30_000.0;
const DELIVERIES: f64 = 500_000.0;
/// The longest trial, in seconds of virtual time.
const LONGEST_SECONDS: f64 = 60.0;
/// The share of a trial that is not counted.
const WARM_UP: f64 = 0.1;
/// More instances are not tried: queues are long gone by then.
const MOST: u32 = 64;

/// See the module. The simulator knows queues and services, but not what else happens on a machine; so what it says is
/// stretched by as much as the busiest measured step took longer than its own simulation.
pub(super) struct Latency<'a> {
    question: &'a Question,
    times: Times,
    /// At least 1.
    stretch: f64,
}

impl<'a> Latency<'a> {
    pub(super) fn new(question: &'a Question, calibration: &Calibration, model: &Model) -> Result<Self, PlanError> {
        let times = Times::calibrated(calibration, model)?;
        let steps = calibration.valid_steps();
        let busiest = steps.max_by(|a, b| a.deliveries_per_second.total_cmp(&b.deliveries_per_second));
        let mut stretch = 1.0;
        if let Some(step) = busiest {
            let simulated = measured_step(step, &times, question)?.propagation.at(question.slo.percentile);
            let measured = step.propagation.seconds(question.slo.percentile);
            if simulated > 0.0 {
                stretch = f64::max(measured / simulated, 1.0);
            }
        }
        Ok(Self { question, times: Times { edge: question.edge.clone(), ..times }, stretch })
    }

    /// What to know of it.
    pub(super) fn doubt(&self) -> Option<String> {
        let by = self.stretch;
        let text =
            format!("the simulated latency is multiplied by {by:.1}: so much longer the busiest measured step took");
        (by > 1.05).then_some(text)
    }

    pub(super) fn constraint(&self) -> Result<Constraint, PlanError> {
        let mut failed = None;
        let meets = |instances: &u32| match self.trial(*instances) {
            Ok((seconds, keeps_up)) => keeps_up && seconds < self.question.slo.limit.as_secs_f64(),
            Err(error) => {
                failed = Some(error);
                false
            }
        };
        let needed = constraints::fewest(MOST, meets).map_or(Needed::Never, Needed::Instances);
        match failed {
            Some(error) => Err(error),
            None => Ok(constraints::latency(&self.question.slo, needed)),
        }
    }

    /// The wanted percentile with so many instances, in seconds.
    pub(super) fn seconds(&self, instances: u32) -> Result<f64, PlanError> {
        Ok(self.trial(instances.min(MOST))?.0)
    }

    /// The same, and whether all processes keep up.
    fn trial(&self, instances: u32) -> Result<(f64, bool), PlanError> {
        let question = self.question;
        let setup = sized(question.workload, self.times.clone(), question.seed);
        let setup = Setup { instances, streams_per_instance: question.streams_per_instance, ..setup };
        let outcome = setup.run()?;
        // The way to the clients is not the machine's, so it is not stretched.
        let on_the_way = 2.0 * question.edge.mean_seconds();
        let inside = (outcome.propagation.at(question.slo.percentile) - on_the_way).max(0.0);
        Ok((inside * self.stretch + on_the_way, outcome.overloaded().is_empty()))
    }
}

/// The wanted percentile of propagation with so many instances, in seconds.
///
/// # Errors
/// The histograms cannot be read, or the workload cannot be simulated.
pub fn latency_of(
    question: &Question,
    calibration: &Calibration,
    model: &Model,
    instances: u32,
) -> Result<f64, PlanError> {
    Latency::new(question, calibration, model)?.seconds(instances)
}

fn measured_step(step: &Step, times: &Times, question: &Question) -> Result<Outcome, PlanError> {
    let edits_per_second = step.edits_per_second / f64::from(step.clients);
    let workload = Workload { clients: step.clients, edits_per_second, per_thing: step.per_thing.min(step.clients) };
    let count = |kind: Kind| step.processes.get(&kind).map_or(1, |usage| usage.count.max(1));
    let (instances, streams) = (count(Kind::Sfe), count(Kind::Stream));
    let setup = sized(workload, times.clone(), question.seed);
    Ok(Setup { instances, streams_per_instance: streams.div_ceil(instances), ..setup }.run()?)
}

/// As long as it takes to see enough, and no longer.
fn sized(workload: Workload, times: Times, seed: u64) -> Setup {
    let by_deliveries = if workload.deliveries() > 0.0 { DELIVERIES / workload.deliveries() } else { f64::INFINITY };
    let seconds = (EDITS / workload.edits()).min(by_deliveries).min(LONGEST_SECONDS);
    Setup { seconds, warm_up_seconds: seconds * WARM_UP, seed, ..Setup::new(workload, times) }
}
