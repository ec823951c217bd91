//! The fewest instances with which the wanted latency is met, by simulating the workload.

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

pub(super) struct Latency {
    pub(super) constraint: Constraint,
    pub(super) doubts: Vec<String>,
}

/// See the module. The simulator knows queues and services, but not what else happens on a machine; so what it says is
/// stretched by as much as the busiest measured step took longer than its own simulation.
pub(super) fn constraint(question: &Question, calibration: &Calibration, model: &Model) -> Result<Latency, PlanError> {
    let times = Times::calibrated(calibration, model)?;
    let busiest = calibration.valid_steps().max_by(|a, b| a.deliveries_per_second.total_cmp(&b.deliveries_per_second));
    let mut doubts = Vec::new();
    let mut stretch = 1.0;
    if let Some(step) = busiest {
        let simulated = measured_step(step, &times, question)?.propagation.at(question.slo.percentile);
        let measured = step.propagation.seconds(question.slo.percentile);
        if simulated > 0.0 && measured > simulated {
            stretch = measured / simulated;
            doubts.push(format!(
                "the simulated latency is multiplied by {stretch:.1}: by so much the busiest measured step took longer"
            ));
        }
    }
    let times = Times { edge: question.edge.clone(), ..times };
    let on_the_way = 2.0 * question.edge.mean_seconds();
    let limit = question.slo.limit.as_secs_f64();
    let mut last = 0.0;
    let mut instances = 1;
    while instances <= MOST {
        let outcome = trial(question, &times, instances)?;
        // The way to the clients is not the machine's, so it is not stretched.
        let inside = (outcome.propagation.at(question.slo.percentile) - on_the_way).max(0.0);
        last = inside * stretch + on_the_way;
        if last < limit && outcome.overloaded().is_empty() {
            let constraint = constraints::latency(&question.slo, last, Needed::Instances(instances));
            return Ok(Latency { constraint, doubts });
        }
        // More instances help no other process.
        if outcome.overloaded().contains(&"_wfe") {
            break;
        }
        instances *= 2;
    }
    Ok(Latency { constraint: constraints::latency(&question.slo, last, Needed::Never), doubts })
}

fn trial(question: &Question, times: &Times, instances: u32) -> Result<Outcome, PlanError> {
    let setup = sized(question.workload, times.clone(), question.seed);
    Ok(Setup { instances, streams_per_instance: question.streams_per_instance, ..setup }.run()?)
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
