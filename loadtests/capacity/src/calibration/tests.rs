use serde_json::{Value, json};

use super::*;
use crate::synthetic;

fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut value: Value = serde_json::from_str(&synthetic::calibration().to_json()).unwrap();
    change(&mut value);
    Calibration::parse(&value.to_string()).expect_err("it was spoilt").to_string()
}

#[test]
fn what_is_written_is_read() {
    let calibration = synthetic::calibration();
    assert!(Calibration::parse(&calibration.to_json()).unwrap() == calibration);
}

#[test]
fn another_version_is_refused_before_anything_else() {
    let error = changed(|file| *file = json!({"schema": 2, "whatever": true}));
    assert_eq!(error, "the calibration has schema 2, this program reads 1: measure again");
}

#[test]
fn figures_that_cannot_be_are_named_with_their_place() {
    for (error, what) in [
        (changed(|file| file["steps"][1]["clients"] = json!(0)), "steps[1]: seconds, clients"),
        (changed(|file| file["steps"][0]["seconds"] = json!(-1.0)), "steps[0]: seconds is -1"),
        (changed(|file| file["steps"][0]["deliveries_per_second"] = json!(1.0)), "steps[0]: 1 deliveries/s"),
        (changed(|file| file["steps"][2]["processes"]["_sfe"]["cpu"] = json!(-0.1)), "steps[2]: processes._sfe"),
        (changed(|file| file["steps"][0]["processes"] = json!({})), "steps[0]: processes lacks _wfe"),
        (changed(|file| file["machine"]["processors"] = json!(0)), "machine: processors"),
        (changed(|file| file["stages"]["wfe_edit"]["hdr"] = json!("AAAA")), "stages.wfe_edit: `hdr` is not"),
        (changed(|file| file["steps"][0]["propagation"]["count"] = json!(1)), "propagation: count is 1"),
        (changed(|file| file["steps"][0]["unknown"] = json!(1)), "unknown field"),
    ] {
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn a_step_that_does_not_count_may_contradict_itself() {
    let mut calibration = synthetic::calibration();
    calibration.steps[0].deliveries_per_second = 1.0;
    calibration.steps[0].invalid = vec!["the generator was too busy".into()];
    let read = Calibration::parse(&calibration.to_json()).unwrap();
    assert_eq!(read.valid_steps().count(), read.steps.len() - 1);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Calibration::read(Path::new("/nowhere/calibration.json")).unwrap_err().to_string();
    assert!(error.contains("/nowhere/calibration.json") && error.contains("--calibration"), "{error}");
}
