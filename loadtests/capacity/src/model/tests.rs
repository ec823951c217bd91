use super::*;
use crate::synthetic;

fn model() -> Model {
    Model::fit(&synthetic::calibration(), 1).unwrap()
}

fn workload() -> Workload {
    Workload { clients: 1_000, edits_per_second: 1.0, per_thing: 10 }
}

fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= wanted.abs() * 0.01 + 1e-9, "{found} instead of {wanted}");
}

#[test]
fn invented_costs_are_found_again() {
    let model = model();
    for kind in Kind::ALL {
        let count = if kind == Kind::Wfe { 1 } else { 3 };
        let load = Load::of(&workload(), kind, count, 3);
        let costs = synthetic::costs(kind);
        let copies = 1_000.0 * processes_that_hear(count.into(), 10.0);
        let wanted =
            costs.process * f64::from(count) + costs.client * 1_000.0 + costs.edit * copies + costs.delivery * 9_000.0;
        near(model.cpu[&kind].at(&load).estimate, wanted);
        assert!(model.cpu[&kind].error < 0.01);
    }
    let load = Load::of(&workload(), Kind::Stream, 1, 1);
    near(model.bytes_out.at(&load).estimate, 160.0 * 9_000.0 + 60.0 * 1_000.0 + 3_000.0);
    near(model.descriptors[&Kind::Stream].at(&load).estimate, 1_015.0);
    near(model.memory[&Kind::Stream].at(&load).estimate, f64::from(4 << 20) + 8_192_000.0);
}

#[test]
fn noise_widens_the_interval_and_leaves_the_truth_inside() {
    let load = Load::of(&workload(), Kind::Stream, 1, 1);
    let exact = model().cpu[&Kind::Stream].at(&load);
    let mut noisy = synthetic::calibration();
    for (place, step) in noisy.steps.iter_mut().enumerate() {
        let usage = step.processes.get_mut(&Kind::Stream).unwrap();
        usage.cpu *= if place % 2 == 0 { 1.05 } else { 0.95 };
    }
    let wide = Model::fit(&noisy, 1).unwrap().cpu[&Kind::Stream].at(&load);
    assert!(wide.high - wide.low > 10.0 * (exact.high - exact.low), "{wide:?} against {exact:?}");
    assert!(wide.low <= exact.estimate && exact.estimate <= wide.high, "{wide:?} without {exact:?}");
}

#[test]
fn the_same_seed_gives_the_same_interval() {
    let load = Load::of(&workload(), Kind::Sfe, 2, 2);
    assert_eq!(model().cpu[&Kind::Sfe].at(&load), model().cpu[&Kind::Sfe].at(&load));
}

#[test]
fn too_few_steps_are_refused() {
    let mut calibration = synthetic::calibration();
    calibration.steps.truncate(4);
    let error = Model::fit(&calibration, 1).unwrap_err().to_string();
    assert_eq!(error, "4 steps are too few to tell what 3 things cost: measure at least 5");
}

#[test]
fn steps_that_do_not_count_do_not_count() {
    let mut calibration = synthetic::calibration();
    calibration.steps.iter_mut().skip(4).for_each(|step| step.invalid.push("the generator was too busy".into()));
    assert!(matches!(Model::fit(&calibration, 1), Err(ModelError::TooFewSteps { there: 4, .. })));
}

#[test]
fn steps_that_are_too_alike_are_refused() {
    let mut calibration = synthetic::calibration();
    for step in &mut calibration.steps {
        (step.per_thing, step.deliveries_per_second) = (2, step.edits_per_second);
        step.processes.values_mut().for_each(|usage| usage.count = 1);
    }
    let error = Model::fit(&calibration, 1).unwrap_err().to_string();
    assert_eq!(
        error,
        "the steps do not show what a delivery costs (CPU of _sfe): measure steps that differ in the clients on each Thing"
    );
}

#[test]
fn what_a_second_sfe_costs_wfe_shows_only_if_it_was_measured() {
    assert!(model().knows_copies_of_wfe);
    let mut calibration = synthetic::calibration();
    calibration.steps.iter_mut().for_each(|step| step.processes.values_mut().for_each(|usage| usage.count = 1));
    assert!(!Model::fit(&calibration, 1).unwrap().knows_copies_of_wfe);
}

#[test]
fn what_is_far_beyond_the_measurements_is_named() {
    let range = model().range;
    assert_eq!(range.beyond(&workload(), 8), []);
    let beyond = range.beyond(&Workload { clients: 2_001, edits_per_second: 0.1, per_thing: 60 }, 9);
    let what: Vec<&str> = beyond.iter().map(|beyond| beyond.what).collect();
    assert_eq!(what, ["clients", "clients on a Thing", "_sfe instances"]);
}
