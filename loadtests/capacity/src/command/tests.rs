use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::{calibration::Calibration, synthetic};

const PLAN: &str = "loadtest plan --clients 300 --edits-per-second 1 --per-thing 10";
const SIMULATE: &str = "loadtest simulate --clients 100 --edits-per-second 1 --per-thing 10";
const TIMES: &str = "--request-time 10us --edit-time 60us --commit-time 300us --change-time 10us --delivery-time 8us";

/// Runs a command line with the invented calibration.
fn run(line: &str) -> Ended {
    run_on(&synthetic::calibration(), line)
}

fn run_on(calibration: &Calibration, line: &str) -> Ended {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("calibration.json").display().to_string();
    fs::write(&file, calibration.to_json()).unwrap();
    let words = line.split_whitespace().map(str::to_owned).chain(["--calibration".into(), file]);
    execute(words)
}

fn refused(ended: &Ended, code: u8, what: &str) {
    assert_eq!((ended.code, ended.output.as_str()), (code, ""), "{ended:?}");
    assert!(ended.errors.contains(what), "{ended:?}");
}

#[test]
fn an_objective_that_can_be_met_ends_with_0() {
    let ended = run(PLAN);
    assert_eq!((ended.code, ended.errors.as_str()), (MET, ""));
    assert!(ended.output.contains("MET with 2 _sfe"), "{}", ended.output);
}

#[test]
fn an_objective_that_cannot_ends_with_1() {
    let ended = run(&format!("{PLAN} --slo p99<1us"));
    assert_eq!((ended.code, ended.errors.as_str()), (MISSED, ""));
    assert!(ended.output.contains("MISSED"), "{}", ended.output);
}

#[test]
fn a_wrong_question_ends_with_2() {
    refused(&run(&format!("{PLAN} --slo p95<1s")), USAGE, "use p50, p90, p99, p99.9 or max");
    refused(&run("loadtest plan --clients 10 --edits-per-second 1 --per-thing 11"), USAGE, "--per-thing");
    refused(&run("loadtest plan --clients 10 --edits-per-second 0 --per-thing 1"), USAGE, "above 0");
    refused(&execute(["loadtest", "plan"]), USAGE, "--clients");
    let nowhere = execute(format!("{PLAN} --calibration /nowhere").split_whitespace());
    refused(&nowhere, USAGE, "/nowhere");
    assert_eq!(nowhere.errors.lines().count(), 1);
}

#[test]
fn a_calibration_that_cannot_answer_ends_with_3() {
    let mut calibration = synthetic::calibration();
    calibration.steps.truncate(3);
    refused(&run_on(&calibration, PLAN), INVALID, "3 steps are too few");
    calibration.schema = 7;
    refused(&run_on(&calibration, PLAN), INVALID, "schema 7");
}

#[test]
fn the_plan_is_json_if_that_is_asked_for() {
    let plan: Value = serde_json::from_str(&run(&format!("{PLAN} --json")).output).unwrap();
    assert_eq!((&plan["met"], &plan["instances"]), (&Value::from(true), &Value::from(2)));
    assert_eq!(plan["constraints"][0]["name"], "sfe_cpu");
    assert_eq!(plan["constraints"][0]["needed"]["instances"], 1);
}

#[test]
fn a_simulation_takes_its_times_from_options_alone() {
    let ended = execute(format!("{SIMULATE} {TIMES}").split_whitespace());
    assert_eq!((ended.code, ended.errors.as_str()), (MET, ""));
    assert!(ended.output.contains("propagation") && ended.output.contains("_stream"), "{}", ended.output);
}

#[test]
fn a_simulation_invents_no_times() {
    let without = TIMES.replace("--commit-time 300us", "");
    let ended = execute(format!("{SIMULATE} {without}").split_whitespace());
    refused(&ended, USAGE, "Give --commit-time, or --calibration FILE");
}

#[test]
fn a_simulation_judges_an_objective() {
    let judged = |slo: &str| execute(format!("{SIMULATE} {TIMES} --slo {slo}").split_whitespace());
    assert_eq!((judged("p99<1s").code, judged("p99<1us").code), (MET, MISSED));
    assert!(judged("p99<1us").output.ends_with("MISSED: p99 < 1.00 us\n"));
}

#[test]
fn the_same_seed_simulates_the_same() {
    let seeded = |seed: u32| run(&format!("{SIMULATE} --seed {seed} --json")).output;
    assert_eq!(seeded(1), seeded(1));
    assert_ne!(seeded(1), seeded(2));
}

#[test]
fn what_a_loss_does_is_told() {
    let ended = run(&format!("{SIMULATE} --instances 2 --lose stream@5s --restart 500ms"));
    assert!(ended.output.contains("50 connections dropped"), "{}", ended.output);
    refused(&run(&format!("{SIMULATE} --lose disk@5s")), USAGE, "wfe, sfe, stream or instance");
}

#[test]
fn help_is_no_error() {
    let help = execute(["loadtest", "plan", "--help"]);
    assert!(help.code == MET && help.output.contains("--slo"), "{help:?}");
}
