//! How wrong the planner is: it is given the lighter steps of a load test alone, says what the heavier ones will take,
//! and is compared with what they took.

use serde::{Deserialize, Serialize};

use crate::{
    calibration::{Calibration, Kind, Step},
    model::{Load, Model},
    plan::{Question, latency_of},
    slo::{Percentile, Slo},
    table,
    units::{show_bytes, show_number, show_seconds},
    workload::Workload,
};

/// The share of the steps, by deliveries, that the planner is given.
const GIVEN: f64 = 0.6;
/// How wrong it may be: CPU, memory and throughput...
pub const ALLOWED: f64 = 0.15;
/// ...and the latency.
pub const ALLOWED_LATENCY: f64 = 0.25;

/// What was predicted and what came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// Steps that the planner was given.
    pub given: usize,
    /// The others, one by one.
    pub predicted: Vec<Predicted>,
}

/// One step that the planner was not given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predicted {
    /// Clients.
    pub clients: u32,
    /// Clients on each Thing.
    pub per_thing: u32,
    /// Instances of the SFE.
    pub instances: u32,
    /// Cores of all processes together.
    pub cpu: Compared,
    /// Memory of all processes together, in bytes.
    pub memory_bytes: Compared,
    /// Deliveries per second.
    pub deliveries_per_second: Compared,
    /// The 99th percentile of propagation, in seconds.
    pub p99_seconds: Compared,
}

/// A figure with its name, and how it is shown.
type Figure = (&'static str, Compared, fn(f64) -> String);

/// A figure twice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// What the planner said.
    pub predicted: f64,
    /// What was measured.
    pub measured: f64,
}

impl Compared {
    /// By what share of the measurement the prediction is too high, or below 0, too low.
    pub fn error(&self) -> f64 {
        if self.measured == 0.0 { 0.0 } else { self.predicted / self.measured - 1.0 }
    }
}

/// The largest errors of a validation, without their signs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// Of CPU.
    pub cpu: f64,
    /// Of memory.
    pub memory: f64,
    /// Of throughput.
    pub throughput: f64,
    /// Of the latency.
    pub p99: f64,
}

impl Validation {
    /// Predicts the heavier steps from the lighter ones.
    ///
    /// # Errors
    /// There are too few steps, or they are too alike, to say what anything costs.
    pub fn of(calibration: &Calibration, seed: u64) -> Result<Self, String> {
        let mut steps: Vec<Step> = calibration.valid_steps().cloned().collect();
        steps.sort_by(|a, b| a.deliveries_per_second.total_cmp(&b.deliveries_per_second));
        let given = (steps.len() as f64 * GIVEN).round() as usize;
        let heavier = steps.split_off(given);
        if heavier.is_empty() {
            return Err(format!("{given} steps that count are too few to predict some of them"));
        }
        let known = Calibration { steps, ..calibration.clone() };
        let model = Model::fit(&known, seed).map_err(|error| error.to_string())?;
        let predicted = heavier.iter().map(|step| predict(&known, &model, step, seed));
        Ok(Self { given, predicted: predicted.collect::<Result<_, _>>()? })
    }

    /// The largest errors.
    pub fn errors(&self) -> Errors {
        let most = |of: fn(&Predicted) -> Compared| {
            self.predicted.iter().map(|step| of(step).error().abs()).fold(0.0, f64::max)
        };
        Errors {
            cpu: most(|step| step.cpu),
            memory: most(|step| step.memory_bytes),
            throughput: most(|step| step.deliveries_per_second),
            p99: most(|step| step.p99_seconds),
        }
    }

    /// Whether all errors are as small as they should be.
    pub fn holds(&self) -> bool {
        let errors = self.errors();
        errors.cpu.max(errors.memory).max(errors.throughput) <= ALLOWED && errors.p99 <= ALLOWED_LATENCY
    }

    /// Rows for people: what, predicted, measured, error.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let heads = ["clients", "on each Thing", "_sfe", "", "predicted", "measured", "error"];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        for step in &self.predicted {
            let figures: [Figure; 4] = [
                ("CPU, cores", step.cpu, |cores| format!("{cores:.3}")),
                ("memory", step.memory_bytes, show_bytes),
                ("deliveries/s", step.deliveries_per_second, |number| show_number(number.round())),
                ("p99", step.p99_seconds, show_seconds),
            ];
            for (name, figure, show) in figures {
                rows.push(vec![
                    show_number(step.clients.into()),
                    step.per_thing.to_string(),
                    step.instances.to_string(),
                    name.into(),
                    show(figure.predicted),
                    show(figure.measured),
                    format!("{:+.0} %", figure.error() * 100.0),
                ]);
            }
        }
        rows
    }

    /// The same for a terminal, with the largest errors.
    pub fn show(&self) -> String {
        let errors = self.errors();
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        format!(
            "Predicted from the lighter {} steps:\n\n{}\nLargest errors: CPU {}, memory {}, throughput {} ({} allowed), p99 {} ({} allowed)\n",
            self.given,
            table::render(&self.rows()),
            percent(errors.cpu),
            percent(errors.memory),
            percent(errors.throughput),
            percent(ALLOWED),
            percent(errors.p99),
            percent(ALLOWED_LATENCY),
        )
    }
}

fn predict(known: &Calibration, model: &Model, step: &Step, seed: u64) -> Result<Predicted, String> {
    // What was to be done, not what was: whether the server keeps up is a part of the prediction.
    let workload = Workload {
        clients: step.clients,
        edits_per_second: step.edits_per_second_asked / f64::from(step.clients),
        per_thing: step.per_thing,
    };
    let count = |kind: Kind| step.processes.get(&kind).map_or(1, |usage| usage.count.max(1));
    let instances = count(Kind::Sfe);
    let load = |kind| Load::of(&workload, kind, count(kind), instances);
    let sum = |costs: &std::collections::BTreeMap<Kind, crate::model::Cost>| {
        Kind::ALL.into_iter().map(|kind| costs[&kind].at(&load(kind)).estimate).sum::<f64>()
    };
    let share = |kind| model.cpu[&kind].at(&load(kind)).estimate / f64::from(count(kind));
    let busiest = Kind::ALL.into_iter().map(share).fold(0.0, f64::max);
    let slo = Slo { percentile: Percentile::P99, limit: std::time::Duration::from_secs(1) };
    let question = Question {
        streams_per_instance: count(Kind::Stream).div_ceil(instances),
        seed,
        ..Question::new(workload, slo, known)
    };
    let p99 = latency_of(&question, known, model, instances).map_err(|error| error.to_string())?;
    let measured = |of: &dyn Fn(&crate::calibration::Usage) -> f64| step.processes.values().map(of).sum::<f64>();
    Ok(Predicted {
        clients: step.clients,
        per_thing: step.per_thing,
        instances,
        cpu: Compared { predicted: sum(&model.cpu), measured: measured(&|usage| usage.cpu) },
        memory_bytes: Compared {
            predicted: sum(&model.memory),
            measured: measured(&|usage| usage.memory_bytes as f64),
        },
        deliveries_per_second: Compared {
            // What would take more than a whole core gets one, and all waits for it.
            predicted: workload.deliveries() / busiest.max(1.0),
            measured: step.deliveries_per_second,
        },
        p99_seconds: Compared { predicted: p99, measured: step.propagation.seconds(Percentile::P99) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;

    /// The invented calibration obeys the cost model, so the model finds it again.
    #[test]
    fn what_obeys_the_model_is_predicted() {
        let validation = Validation::of(&synthetic::calibration(), 1).unwrap();
        assert_eq!((validation.given, validation.predicted.len()), (6, 4));
        let errors = validation.errors();
        assert!(errors.cpu < 0.02 && errors.memory < 0.02 && errors.throughput < 0.02, "{errors:?}");
    }

    #[test]
    fn what_does_not_is_told_with_its_error() {
        let mut calibration = synthetic::calibration();
        let busiest =
            calibration.steps.iter_mut().max_by(|a, b| a.deliveries_per_second.total_cmp(&b.deliveries_per_second));
        busiest.unwrap().processes.values_mut().for_each(|usage| usage.cpu *= 2.0);
        let validation = Validation::of(&calibration, 1).unwrap();
        assert!((validation.errors().cpu - 0.5).abs() < 0.02 && !validation.holds(), "{:?}", validation.errors());
        assert!(validation.show().contains("-50 %"), "{}", validation.show());
    }

    #[test]
    fn too_few_steps_predict_nothing() {
        let mut calibration = synthetic::calibration();
        calibration.steps.truncate(3);
        assert!(Validation::of(&calibration, 1).is_err());
        calibration.steps.clear();
        assert!(Validation::of(&calibration, 1).unwrap_err().contains("0 steps that count are too few"));
    }
}
