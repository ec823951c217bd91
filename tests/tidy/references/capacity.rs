//! The page of what was measured of how much WidgetApp carries: from the committed reports of load tests, and the
//! planner's answer from the committed calibration.

use std::fmt::Write as _;

use capacity::{
    calibration::Calibration,
    command,
    measured::Run,
    report::{self, Comparison},
    units::show_bytes,
    validate::{ALLOWED, ALLOWED_LATENCY, Validation},
};

/// Where the reports are, and the calibration.
const FOLDER: &str = "loadtests/measured";
/// Who asks on the page.
const QUESTION: &str = "plan --clients 2000 --edits-per-second 5 --per-thing 10 --slo p99<100ms";

/// How each report was made.
const DEFAULT_RULE: &str = "run --clients 500 --ramp 500 --per-thing 10 --mix editor=1,viewer=4 --edits-per-second 2 \
                            --step 60s --report default-rule";
const HUNDRED: &str = "run --clients 500 --ramp 500 --per-thing 10 --mix editor=1,viewer=4 --edits-per-second 2 \
                       --step 60s --set sfe.clients_per_instance=100 --compare default-rule/report.json \
                       --report hundred";
const MAXIMUM: &str = "run --find-max --per-thing 10 --step 20s --set sfe.clients_per_instance=100 --report maximum";
const VALIDATION: &str = "validate --step 20s --report validation";

/// The calibration is what the validation has measured.
pub(super) fn calibration() -> (Calibration, Calibration) {
    let path = super::super::root().join(FOLDER).join("calibration.json");
    let measured = report("validation").calibration().expect("it has steps");
    (Calibration::read(&path).expect("it is committed"), measured)
}

fn report(name: &str) -> Run {
    let path = super::super::root().join(FOLDER).join(name).with_extension("json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Run::parse(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn command_line(command: &str) -> String {
    format!("```sh\ncargo run --release --bin loadtest -- {command}\n```\n")
}

/// By how much more, or less, `now` is than `before`: `12 % more`.
fn change(before: f64, now: f64) -> String {
    let change = (now / before - 1.0) * 100.0;
    format!("{:.0} % {}", change.abs(), if change < 0.0 { "less" } else { "more" })
}

/// The page as it should be.
pub(super) fn page() -> String {
    let (rule, hundred, maximum, validation) =
        (report("default-rule"), report("hundred"), report("maximum"), report("validation"));
    let machine = &validation.machine;
    let mut page = format!(
        "# What was measured\n\n\
         This page is made from load tests that are kept in `{FOLDER}/`, with the command of each. They were made on \
         one machine: {} processors ({}), {} of memory, {}, {} build. The load tester took its share of the same \
         processors, so a server alone carries more. Your machine is another one: measure there.\n",
        machine.processors,
        machine.model,
        show_bytes(machine.memory_bytes as f64),
        machine.kernel,
        machine.build_profile,
    );
    let mut add = |text: &str| writeln!(page, "\n{}", text.trim_end()).expect("text takes all text");

    add("## One more for every 10 clients, or for every 100");
    add(
        "500 clients in 50 Things; a fifth of them edit, twice a second each. First by the rule that the server comes \
         with, then with `sfe.clients_per_instance = 100`:",
    );
    add(&command_line(DEFAULT_RULE));
    add(&report::steps(&rule));
    add(&command_line(HUNDRED));
    add(&report::steps(&hundred));
    let (before, now) = (&rule.steps[0], &hundred.steps[0]);
    let cpu = (before.server_cpu().expect("measured"), now.server_cpu().expect("measured"));
    let memory = (before.server_memory().expect("measured"), now.server_memory().expect("measured"));
    add(&format!(
        "With 100 for each, the same work took {} CPU and {} memory. In both runs every change reached everybody once \
         and in order.",
        change(cpu.0, cpu.1),
        change(memory.0 as f64, memory.1 as f64),
    ));
    add(&report::compared(&Comparison::of(&rule, &hundred)));

    add("## The most that was carried");
    add(&command_line(MAXIMUM));
    add(&report::steps(&maximum));
    let verdict = maximum.verdict();
    add(&verdict.reasons.iter().map(|reason| format!("- {reason}\n")).collect::<String>());

    add("## How wrong the planner was");
    let predicted = validation.validation.as_ref().expect("it is one of these");
    add(&format!(
        "Of {} loads the planner was given the lighter {}, and predicted the others:",
        predicted.given + predicted.predicted.len(),
        predicted.given
    ));
    add(&command_line(VALIDATION));
    add(&report::predicted(predicted));
    let errors = predicted.errors();
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    add(&format!(
        "It was wrong by at most {} for CPU, {} for memory, {} for throughput (wanted: {}), and {} for p99 (wanted: \
         {}).{}",
        percent(errors.cpu),
        percent(errors.memory),
        percent(errors.throughput),
        percent(ALLOWED),
        percent(errors.p99),
        percent(ALLOWED_LATENCY),
        if predicted.holds() { "" } else { " Where it was wrong by more than that, believe it that much less." },
    ));

    add("## An answer of the planner");
    add(
        "How many `_sfe`, and what machine, for 2,000 clients of whom each edits five times a second, ten on each Thing, \
         99 of 100 changes seen within 100 ms? From what was measured above:",
    );
    let calibration = super::super::root().join(FOLDER).join("calibration.json");
    let asked = format!("{QUESTION} --calibration {FOLDER}/calibration.json");
    add(&command_line(&asked.replace("p99<100ms", "'p99<100ms'")));
    let words = ["loadtest"].into_iter().chain(QUESTION.split(' ')).map(str::to_owned);
    let words = words.chain(["--calibration".into(), calibration.display().to_string()]);
    let answer = command::execute(words);
    assert_eq!(answer.errors, "", "the planner answers");
    add(&format!("```text\n{}\n```", answer.output.trim_end()));
    page
}

/// What a validation says again of the same measurements.
pub(super) fn predicted_again() -> (Validation, Validation) {
    let run = report("validation");
    let again = Validation::of(&run.calibration().expect("it has steps"), run.seed).expect("it was predicted before");
    (run.validation.expect("it is one of these"), again)
}
